import Synchronization
import Testing
import TunnelCore

@testable import TunnelAgent

@Suite("status board")
struct StatusBoardTests {
  private func board() -> StatusBoard {
    StatusBoard(AgentStatus(relay: "r", domain: nil, upstream: "u", since: 0))
  }

  @Test("whoever waits is told the next decision, once")
  func waits() {
    let board = board()
    let told = Mutex<[String]>([])
    board.next { event in told.withLock { $0.append("\(event)") } }
    board.heed(.warning("not yours"))
    #expect(told.withLock { $0.isEmpty })
    board.heed(.online)
    board.heed(.standby(owner: "ann@macbook", since: 0))
    #expect(told.withLock { $0 } == ["online"])
    #expect(board.status.state == .standby)
  }

  @Test("new names are told when they are new")
  func names() {
    let board = board()
    let told = Mutex<[[String]]>([])
    board.whenDomainsChange { [unowned board] in told.withLock { $0.append(board.status.domains) } }
    let ready = AgentEvent.ready(url: "https://mine.example", upstream: "u", domain: "mine.example")
    for event in [ready, .online, .reconnecting(reason: "cut", retryMilliseconds: 1), ready] {
      board.heed(event)
    }
    #expect(told.withLock { $0 } == [["mine.example"]])
  }
}
