import Testing

@testable import TunnelCore

@Suite struct WriteProgressTests {
  private static let start = Moment(nanoseconds: 5_000_000_000_000)

  /// Looks at these seconds: written in all, waiting.
  private func verdicts(
    _ looks: [(at: Int, written: UInt64, waiting: UInt64)]
  ) -> [WriteProgress.Verdict] {
    var progress = WriteProgress(limit: .seconds(15))
    return looks.map {
      progress.look(written: $0.written, waiting: $0.waiting, at: Self.start + .seconds($0.at))
    }
  }

  @Test("what waits for 15 s and loses nothing is stalled, not a moment earlier")
  func stalls() {
    #expect(
      verdicts([(0, 100, 100), (8, 100, 100), (14, 100, 100), (15, 100, 100)])
        == [.waiting, .waiting, .waiting, .stalled])
  }

  @Test("a byte that leaves begins the time anew")
  func moves() {
    #expect(
      verdicts([(0, 100, 100), (14, 100, 99), (28, 100, 99), (29, 100, 99)])
        == [.waiting, .waiting, .waiting, .stalled])
  }

  @Test("more that is written is no progress, and hides none")
  func writes() {
    #expect(
      verdicts([(0, 100, 100), (10, 150, 150), (15, 900, 900)])
        == [.waiting, .waiting, .stalled])
    #expect(
      verdicts([(0, 100, 100), (10, 150, 149), (24, 200, 199), (25, 200, 199)])
        == [.waiting, .waiting, .waiting, .stalled])
  }

  @Test("what TLS adds is no progress either")
  func overhead() {
    #expect(
      verdicts([(0, 100, 122), (10, 200, 244), (15, 300, 366)])
        == [.waiting, .waiting, .stalled])
  }

  @Test("nothing waits: idle, and the next write has its whole time")
  func idle() {
    #expect(
      verdicts([(0, 100, 100), (14, 100, 0), (100, 200, 100), (114, 200, 100), (115, 200, 100)])
        == [.waiting, .idle, .waiting, .waiting, .stalled])
  }
}
