import Testing

@testable import TunnelCore

@Suite struct OwnershipTests {
  let start = Moment(nanoseconds: 0)

  /// Install, instance and session by number; instance 12 belongs to install 1.
  static func contender(
    _ instance: UInt64, session: UInt64, held: UInt64 = 0,
    _ manner: Contender.Manner = .replace
  ) -> Contender {
    Contender(
      install: ID(high: 1, low: instance / 10), instance: ID(high: 2, low: instance),
      session: Self.session(session), label: "agent \(instance)", heldEpoch: Epoch(held),
      manner: manner)
  }

  static func session(_ number: UInt64) -> ID { ID(high: 3, low: number) }

  static func told(_ session: UInt64, _ notice: Displaced.Notice) -> Displaced {
    Displaced(session: Self.session(session), notice: notice)
  }

  @Test("the first one serves, with an epoch above the one on disk")
  func first() {
    var ownership = Ownership(epoch: Epoch(7))
    #expect(ownership.claim(Self.contender(11, session: 1)) == .serve(Epoch(8), displaced: []))
    #expect(ownership.claim(Self.contender(11, session: 1)) == .serve(Epoch(8), displaced: []))
    #expect(ownership.owner?.session == Self.session(1))
  }

  @Test("a reconnect of the owner's instance is silent, whatever epoch it knows")
  func sameInstance() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    let again = ownership.claim(Self.contender(11, session: 2, held: 1))
    #expect(again == .serve(Epoch(2), displaced: [Self.told(1, .silent)]))
    ownership.lost(session: Self.session(2), at: start)
    let third = ownership.claim(Self.contender(11, session: 3, held: 1))
    #expect(third == .serve(Epoch(3), displaced: []))
    ownership.lost(session: Self.session(1), at: start)
    #expect(ownership.owner?.session == Self.session(3))
  }

  @Test("a newer instance of the same install takes it, and the older one is replaced")
  func sameInstall() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    let newer = Self.contender(12, session: 2)
    #expect(ownership.claim(newer) == .serve(Epoch(2), displaced: [Self.told(1, .replaced)]))
    #expect(ownership.claim(Self.contender(11, session: 3, held: 1)) == .replaced(by: newer))
    #expect(ownership.standbys.isEmpty)
  }

  @Test("an owner that only comes back replaces nobody who waits, also of its own install")
  func backAmongStandbys() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    let newer = Self.contender(12, session: 2, .standby)
    _ = ownership.claim(newer)
    let back = ownership.claim(Self.contender(11, session: 3, held: 1))
    #expect(back == .serve(Epoch(2), displaced: [Self.told(1, .silent)]))
    #expect(ownership.standbys == [newer])
    _ = ownership.stop(session: Self.session(3))
    let late = ownership.claim(Self.contender(11, session: 4, held: 2))
    #expect(late == .serve(Epoch(3), displaced: []))
    #expect(ownership.standbys == [newer])
  }

  @Test("one that held it, lost it and comes back waits, though it said `--if-taken fail`")
  func failIsForTheStart() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1, .fail))
    let newer = Self.contender(21, session: 2)
    _ = ownership.claim(newer)
    ownership.lost(session: Self.session(1), at: start)
    let back = Self.contender(11, session: 3, held: 1, .fail)
    #expect(ownership.claim(back) == .standby(owner: newer))
    ownership.lost(session: Self.session(2), at: start)
    #expect(ownership.claim(back) == .standby(owner: newer))
    #expect(ownership.due(at: start + Ownership.absence)?.owner == back)
  }

  @Test("a newer instance of another install takes it, and the older one waits")
  func otherInstall() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    let newer = Self.contender(21, session: 2)
    #expect(ownership.claim(newer) == .serve(Epoch(2), displaced: [Self.told(1, .standby)]))
    #expect(
      ownership.claim(Self.contender(11, session: 3, held: 1)) == .standby(owner: newer))
    #expect(ownership.standbys.map(\.session) == [Self.session(3)])
  }

  @Test("a standby that says its wishes again stays one, and takes only by `tunnel take`")
  func take() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    let newer = Self.contender(21, session: 2)
    _ = ownership.claim(newer)
    #expect(ownership.claim(Self.contender(11, session: 1)) == .standby(owner: newer))
    let taken = ownership.claim(Self.contender(11, session: 1, held: 1, .take))
    #expect(taken == .serve(Epoch(3), displaced: [Self.told(2, .standby)]))
    #expect(ownership.standbys == [newer])
  }

  @Test("who yields waits also where it is new, and serves what nobody holds")
  func yields() {
    var ownership = Ownership(epoch: .never)
    let first = Self.contender(11, session: 1, .standby)
    #expect(ownership.claim(first) == .serve(Epoch(1), displaced: []))
    #expect(
      ownership.claim(Self.contender(21, session: 2, .standby)) == .standby(owner: first))
  }

  @Test("who gives up where somebody is, serves where nobody is or the owner is gone")
  func gives() {
    var ownership = Ownership(epoch: .never)
    let first = Self.contender(11, session: 1, .fail)
    #expect(ownership.claim(first) == .serve(Epoch(1), displaced: []))
    for instance in [12, 21] as [UInt64] {
      let other = Self.contender(instance, session: 2, .fail)
      #expect(ownership.claim(other) == .contested(owner: first))
    }
    #expect(
      ownership.claim(Self.contender(11, session: 3, .fail))
        == .serve(Epoch(2), displaced: [Self.told(1, .silent)]))
    ownership.lost(session: Self.session(3), at: start)
    #expect(
      ownership.claim(Self.contender(21, session: 4, .fail)) == .serve(Epoch(3), displaced: []))
  }

  @Test("a newer instance also replaces an older one of its install that waits")
  func replacesStandby() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    _ = ownership.claim(Self.contender(21, session: 2))
    let decision = ownership.claim(Self.contender(12, session: 3))
    #expect(
      decision
        == .serve(Epoch(3), displaced: [Self.told(1, .replaced), Self.told(2, .standby)]))
    #expect(ownership.standbys.map(\.session) == [Self.session(2)])
  }

  @Test("when the owner says stop, the longest-waiting standby serves at once")
  func stop() {
    var ownership = Ownership(epoch: .never)
    for number in 1...3 as ClosedRange<UInt64> {
      _ = ownership.claim(Self.contender(number * 10, session: number))
    }
    #expect(ownership.stop(session: Self.session(2)) == false)
    #expect(ownership.due(at: start) == nil)
    #expect(ownership.stop(session: Self.session(3)) == true)
    let promotion = ownership.due(at: start)
    #expect(promotion?.owner.session == Self.session(1))
    #expect(promotion?.epoch == Epoch(4))
    #expect(ownership.stop(session: Self.session(1)) == true)
    #expect(ownership.due(at: start) == nil)
    #expect(ownership.holder == nil)
  }

  @Test("a lost owner keeps its place for 60 s, then the standby follows")
  func lost() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    let newer = Self.contender(21, session: 2)
    _ = ownership.claim(newer)
    ownership.lost(session: Self.session(2), at: start)
    #expect(ownership.owner == nil)
    #expect(ownership.deadline == start + .seconds(60))
    #expect(
      ownership.claim(Self.contender(11, session: 3, held: 1)) == .standby(owner: newer))
    #expect(ownership.due(at: start + .milliseconds(59_999)) == nil)
    #expect(ownership.due(at: start + .seconds(60))?.owner.session == Self.session(3))
    #expect(ownership.deadline == nil)
  }

  @Test("a new instance does not wait for an owner that is gone")
  func newcomer() {
    var ownership = Ownership(epoch: .never)
    _ = ownership.claim(Self.contender(11, session: 1))
    ownership.lost(session: Self.session(1), at: start)
    #expect(ownership.claim(Self.contender(21, session: 2)) == .serve(Epoch(2), displaced: []))
    #expect(ownership.due(at: start + .seconds(60)) == nil)
    #expect(ownership.owner?.session == Self.session(2))
  }

  @Test("after a restart the last owner is awaited before a stale one serves")
  func restart() {
    let last = Self.contender(11, session: 0)
    var ownership = Ownership(epoch: Epoch(5), awaiting: last, at: start)
    #expect(ownership.claim(Self.contender(21, session: 1, held: 4)) == .standby(owner: last))
    let decision = ownership.claim(Self.contender(11, session: 2, held: 5))
    #expect(decision == .serve(Epoch(6), displaced: []))
    #expect(ownership.standbys.map(\.session) == [Self.session(1)])
  }

  @Test("an epoch ahead of ours is followed if it can be true, and cannot use up the numbers")
  func ahead() {
    var ownership = Ownership(epoch: Epoch(5))
    let restored = ownership.claim(Self.contender(11, session: 1, held: 9))
    #expect(restored == .serve(Epoch(10), displaced: []))
    let invented = ownership.claim(Self.contender(11, session: 2, held: .max))
    #expect(invented == .serve(Epoch(11), displaced: [Self.told(1, .silent)]))
  }
}
