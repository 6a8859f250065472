import Testing

@testable import TunnelCore

@Suite struct FailedLoginsTests {
  private static let start = Moment(nanoseconds: 9_000_000_000_000)

  @Test("ten in a minute are answered at once, the next after 1 s, then 2, 3, 4 and no more")
  func holds() {
    var logins = FailedLogins(perMinute: 10)
    let holds = (0..<16).map { logins.failed(1, at: Self.start + .seconds($0)) }
    #expect(holds.prefix(10).allSatisfy { $0 == .zero })
    #expect(holds.dropFirst(10).map { $0 } == [1, 2, 3, 4, 4, 4].map { .seconds($0) })
    #expect(logins.failed(2, at: Self.start + .seconds(16)) == .zero)
    #expect(logins.failed(1, at: Self.start + .seconds(59)) == .seconds(4))
    #expect(logins.failed(1, at: Self.start + .seconds(60)) == .zero)
  }

  @Test("it stays known past the table's own turn")
  func turns() {
    var logins = FailedLogins(perMinute: 1)
    _ = logins.failed(9, at: Self.start)
    _ = logins.failed(1, at: Self.start + .seconds(50))
    _ = logins.failed(1, at: Self.start + .seconds(51))
    // The table's minute is over, this address's is not.
    #expect(logins.failed(1, at: Self.start + .seconds(65)) == .seconds(2))
  }

  @Test("many addresses take no more memory than a few thousand")
  func memory() {
    var logins = FailedLogins(perMinute: 1)
    var most = 0
    for place in 0..<20_000 as Range<UInt128> {
      _ = logins.failed(place, at: Self.start)
      most = max(most, logins.places)
    }
    #expect(most <= 2 * FailedLogins.most)
  }
}
