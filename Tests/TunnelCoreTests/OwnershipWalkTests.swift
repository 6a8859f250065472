import Testing

@testable import TunnelCore

@Suite struct OwnershipWalkTests {
  @Test(
    "on no walk are there two owners of an epoch, a falling epoch or a double place",
    arguments: 1...40 as ClosedRange<UInt64>)
  func walk(seed: UInt64) {
    var generator = SmallRandom(seed: seed)
    var ownership = Ownership(epoch: .never)
    var now = Moment(nanoseconds: 0)
    var sessionOfEpoch: [Epoch: ID] = [:]
    var last = Epoch.never
    var sessions: UInt64 = 0
    for _ in 0..<2_000 {
      now = now + .seconds(Int.random(in: 0...20, using: &generator))
      step(&ownership, at: now, sessions: &sessions, using: &generator)
      #expect(ownership.epoch >= last)
      if let owner = ownership.owner {
        #expect(sessionOfEpoch[ownership.epoch, default: owner.session] == owner.session)
        sessionOfEpoch[ownership.epoch] = owner.session
      }
      last = ownership.epoch
      check(ownership, at: now)
    }
    #expect(last > Epoch(100))
  }

  private func step(
    _ ownership: inout Ownership, at now: Moment, sessions: inout UInt64,
    using generator: inout SmallRandom
  ) {
    let known = OwnershipTests.session(UInt64.random(in: 0...sessions, using: &generator))
    let near = ownership.owner?.session ?? known
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: _ = ownership.stop(session: known)
    case 1: _ = ownership.stop(session: near)
    case 2: ownership.lost(session: near, at: now)
    case 3: ownership.lost(session: known, at: now)
    case 4: _ = ownership.due(at: now)
    default:
      let instance = UInt64.random(in: 10...15, using: &generator) * 2
      let isNew = Bool.random(using: &generator)
      if isNew { sessions += 1 }
      let held = UInt64.random(in: 0...ownership.epoch.number, using: &generator)
      let contender = OwnershipTests.contender(
        instance, session: sessions, held: Bool.random(using: &generator) ? 0 : held,
        Contender.Manner.allCases.randomElement(using: &generator) ?? .replace)
      let before = ownership.epoch
      let decision = ownership.claim(contender)
      verify(decision, of: contender, in: ownership, since: before)
    }
  }

  private func verify(
    _ decision: Ownership.Decision, of contender: Contender, in ownership: Ownership,
    since before: Epoch
  ) {
    switch decision {
    case .serve(let epoch, let displaced):
      #expect(ownership.owner == contender)
      #expect(epoch == ownership.epoch)
      #expect(!displaced.contains { $0.session == contender.session })
      let waiting = Set(ownership.standbys.map(\.session))
      for other in displaced {
        #expect((other.notice == .standby) == waiting.contains(other.session))
      }
    case .standby:
      #expect(ownership.standbys.contains(contender))
      #expect(ownership.epoch == before)
    case .replaced(let owner):
      #expect(owner.install == contender.install)
      #expect(contender.manner != .take && ownership.epoch == before)
      #expect(!ownership.standbys.contains(contender))
    case .contested(let owner):
      #expect(contender.manner == .fail && ownership.epoch == before)
      #expect(ownership.owner == owner && owner.instance != contender.instance)
    }
  }

  private func check(_ ownership: Ownership, at now: Moment) {
    let waiting = ownership.standbys.map(\.session)
    #expect(Set(waiting).count == waiting.count)
    if let owner = ownership.owner {
      #expect(!waiting.contains(owner.session))
      #expect(ownership.deadline == nil)
    } else {
      var asked = ownership
      let follows = asked.due(at: now) != nil
      #expect(
        waiting.isEmpty || follows || ownership.deadline != nil, "standbys wait for nobody")
    }
  }
}
