import Testing

@testable import TunnelCore

@Suite struct AgentLifeTests {
  private let start = Moment(nanoseconds: 1_000_000_000)
  private let endpoint = ID(high: 7, low: 7)

  private func all(_ life: inout AgentLife) -> [AgentLife.Action] {
    var seen: [AgentLife.Action] = []
    while let action = life.next() { seen.append(action) }
    return seen
  }

  private func serving(_ epoch: UInt64) -> AgentLife.Word {
    .serving(endpoint: endpoint, epoch: Epoch(epoch), url: "https://mine.example", claimed: false)
  }

  private func online(_ life: inout AgentLife, link: Int = 1, epoch: UInt64 = 3) {
    _ = life.linked(link)
    life.greeted(link)
    life.said(serving(epoch), on: link)
    _ = all(&life)
  }

  private func started(exitsOnDisconnect: Bool = false) -> AgentLife {
    var life = AgentLife(exitsOnDisconnect: exitsOnDisconnect, seed: 1)
    life.start()
    _ = all(&life)
    return life
  }

  @Test("it dials, declares, and says that it serves once the relay says so")
  func begins() {
    var life = AgentLife(seed: 1)
    life.start()
    #expect(all(&life) == [.dial(1)])
    _ = life.linked(1)
    #expect(all(&life).isEmpty)
    life.greeted(1)
    #expect(all(&life) == [.declare(link: 1, held: .never, takes: false)])
    #expect(!life.serves(endpoint, Epoch(3), on: 1))
    life.said(serving(3), on: 1)
    #expect(all(&life) == [.tell(.serving(url: "https://mine.example", claimed: false))])
    #expect(life.serves(endpoint, Epoch(3), on: 1))
    #expect(!life.serves(endpoint, Epoch(2), on: 1))
    #expect(!life.serves(ID(high: 0, low: 1), Epoch(3), on: 1))
    #expect(!life.serves(endpoint, Epoch(3), on: 2))
  }

  @Test("a lost link is dialed again by the schedule, with the epoch that was held")
  func again() {
    var life = started()
    online(&life)
    life.ended(1, .closed, "closed", at: start)
    let actions = all(&life)
    guard case .tell(.reconnecting("closed", let delay)) = actions.first,
      actions.last == .look(at: start + delay)
    else {
      Issue.record("\(actions)")
      return
    }
    life.due(at: start)
    #expect(delay == .zero || all(&life).isEmpty)
    life.due(at: start + delay)
    #expect(all(&life) == [.dial(2)])
    _ = life.linked(2)
    life.greeted(2)
    #expect(all(&life) == [.declare(link: 2, held: Epoch(3), takes: false)])
    #expect(!life.serves(endpoint, Epoch(3), on: 1))
  }

  @Test("a machine that slept drops its links unread and dials at once")
  func wakes() {
    var life = started()
    online(&life)
    life.woke(at: start)
    #expect(
      all(&life) == [
        .drop(link: 1), .tell(.reconnecting(reason: "woke up", after: .zero)), .dial(2),
      ])
    #expect(!life.serves(endpoint, Epoch(3), on: 1))
    life.ended(1, .closed, "closed", at: start)
    #expect(all(&life).isEmpty)
    life.woke(at: start)
    #expect(all(&life).last == .dial(3))
    #expect(life.linked(2) == false)
    #expect(life.linked(3) == true)
  }

  @Test("a change of the network asks a link for a sign of life, and ends a wait")
  func network() {
    var life = started()
    online(&life)
    life.networkChanged(at: start)
    #expect(all(&life) == [.probe(link: 1)])
    life.ended(1, .closed, "closed", at: start)
    _ = all(&life)
    life.networkChanged(at: start)
    #expect(all(&life).last == .dial(2))
  }

  @Test("after a goodbye the old link goes on with what the relay still opens there")
  func goodbye() {
    var life = started()
    online(&life)
    life.saidGoodbye(.handover, "hands over", on: 1, at: start)
    guard case .tell(.reconnecting(_, let delay)) = life.next() else {
      Issue.record("not away")
      return
    }
    #expect(delay <= ReconnectSchedule.handoverSpread)
    life.due(at: start + .seconds(1))
    _ = all(&life)
    online(&life, link: 2, epoch: 4)
    #expect(life.serves(endpoint, Epoch(3), on: 1))
    #expect(life.serves(endpoint, Epoch(4), on: 2))
    var other = life
    other.said(.standby(owner: "bob@desk", since: 5), on: 2)
    #expect(!other.serves(endpoint, Epoch(3), on: 1), "somebody else has it by now")
    life.ended(1, .closed, "closed", at: start)
    #expect(all(&life).isEmpty)
    #expect(!life.serves(endpoint, Epoch(3), on: 1))
    #expect(life.serves(endpoint, Epoch(4), on: 2))
  }

  @Test("a standby serves nothing, waits, and takes only when it is told to")
  func standby() {
    var life = started()
    online(&life)
    life.said(.standby(owner: "bob@desk", since: 5), on: 1)
    #expect(all(&life) == [.tell(.standby(owner: "bob@desk", since: 5))])
    #expect(!life.serves(endpoint, Epoch(3), on: 1))
    var asked = life.take()
    #expect(asked)
    #expect(all(&life) == [.declare(link: 1, held: Epoch(3), takes: true)])
    life.ended(1, .closed, "closed", at: start)
    asked = life.take()
    #expect(!asked)
    _ = all(&life)
    life.due(at: start + .seconds(3))
    online(&life, link: 2, epoch: 5)
    life.ended(2, .closed, "closed", at: start)
    life.due(at: start + .seconds(60))
    _ = all(&life)
    _ = life.linked(3)
    life.greeted(3)
    #expect(all(&life) == [.declare(link: 3, held: Epoch(5), takes: false)], "said once")
  }

  @Test("who is replaced ends by itself, who is refused with the relay's reason")
  func ends() {
    var life = started()
    online(&life)
    life.said(.replaced(by: "ann@macbook"), on: 1)
    #expect(
      all(&life) == [
        .tell(.replaced(by: "ann@macbook")), .leave(link: 1, serving: endpoint), .end(.replaced),
      ])
    life.ended(1, .closed, "closed", at: start)
    life.networkChanged(at: start)
    life.due(at: start + .seconds(600))
    #expect(all(&life).allSatisfy { if case .dial = $0 { false } else { true } })

    var other = started()
    _ = other.linked(1)
    other.greeted(1)
    _ = all(&other)
    let error = UserError(code: "domain-taken", message: "taken")
    other.said(.refused(error), on: 1)
    #expect(all(&other) == [.leave(link: 1, serving: nil), .end(.failed(error))])
    #expect(other.isOver)
  }

  @Test("told to stop, it takes nothing new, and ends when nothing runs or 3 s are over")
  func stops() {
    for quiet in [true, false] {
      var life = started()
      online(&life)
      life.stop(at: start)
      #expect(
        all(&life) == [
          .leave(link: 1, serving: endpoint), .look(at: start + AgentLife.grace),
        ])
      life.stop(at: start)
      life.due(at: start + .seconds(1))
      #expect(all(&life).isEmpty)
      if quiet { life.quiet() } else { life.due(at: start + AgentLife.grace) }
      #expect(all(&life) == [.end(.asked)])
    }
    var away = started()
    away.stop(at: start)
    #expect(all(&away) == [.end(.asked)])
  }

  @Test("nobody to serve for any more: it says that it leaves, and is gone at once")
  func alone() {
    var life = started()
    online(&life)
    life.alone()
    #expect(all(&life) == [.leave(link: 1, serving: endpoint), .end(.asked)])
  }

  @Test("with --exit-on-disconnect it ends with 75 where it would dial again")
  func exits() {
    for isOnline in [true, false] {
      var life = started(exitsOnDisconnect: true)
      if isOnline {
        online(&life)
        life.ended(1, .heartbeat, "the relay went silent", at: start)
      } else {
        life.away(1, .unreachable, "connection refused", at: start)
      }
      guard case .end(.failed(let error))? = all(&life).last else {
        Issue.record("goes on")
        continue
      }
      #expect(error.exit == .temporary && error.code == "disconnected")
    }
    var handed = started(exitsOnDisconnect: true)
    online(&handed)
    handed.saidGoodbye(.handover, "hands over", on: 1, at: start)
    #expect(!handed.isOver)
  }
}
