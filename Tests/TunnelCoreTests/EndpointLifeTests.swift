import Testing

@testable import TunnelCore

@Suite struct EndpointLifeTests {
  private let start = Moment(nanoseconds: 0)
  private typealias Contenders = OwnershipTests

  private func life(_ ownership: Ownership = Ownership(epoch: .never), isTemporary: Bool = false)
    -> EndpointLife
  {
    EndpointLife(ownership, isTemporary: isTemporary, at: start)
  }

  private func session(_ number: UInt64) -> ID { Contenders.session(number) }

  /// Claims for session `number` and writes it down.
  private func serve(_ life: inout EndpointLife, _ contender: Contender) -> [EndpointLife.Action] {
    life.claim(contender, request: 1, at: start)
    var seen: [EndpointLife.Action] = []
    while let action = life.next() {
      if case .write = action { life.written(.done, at: start) } else { seen.append(action) }
    }
    return seen
  }

  private func all(_ life: inout EndpointLife) -> [EndpointLife.Action] {
    var seen: [EndpointLife.Action] = []
    while let action = life.next() { seen.append(action) }
    return seen
  }

  @Test("an owner serves once its epoch is written, and hears of it before the old one does")
  func order() {
    var life = life()
    let first = Contenders.contender(11, session: 1)
    let second = Contenders.contender(21, session: 2)
    #expect(serve(&life, first) == [.serving(session: session(1), request: 1, Epoch(1))])
    life.claim(second, request: 5, at: start)
    #expect(all(&life) == [.write(Epoch(2), owner: second)])
    #expect(life.route?.session == session(1))
    #expect(life.route?.epoch == Epoch(1))
    life.written(.done, at: start)
    #expect(
      all(&life) == [
        .serving(session: session(2), request: 5, Epoch(2)),
        .standby(session: session(1), owner: second),
      ])
    #expect(life.route?.session == session(2))
  }

  @Test("claims that come while one is written wait for their turn")
  func turns() {
    var life = life()
    let first = Contenders.contender(11, session: 1)
    let second = Contenders.contender(21, session: 2)
    life.claim(first, request: 1, at: start)
    life.claim(second, request: 1, at: start)
    #expect(all(&life) == [.write(Epoch(1), owner: first)])
    life.written(.done, at: start)
    #expect(
      all(&life) == [
        .serving(session: session(1), request: 1, Epoch(1)), .write(Epoch(2), owner: second),
      ])
  }

  @Test("a session that claims again and again has one claim waiting, the last")
  func again() {
    var life = life()
    life.claim(Contenders.contender(11, session: 1), request: 1, at: start)
    for request in 2...500 as ClosedRange<UInt32> {
      life.claim(
        Contenders.contender(21, session: 2, .standby), request: request, at: start)
    }
    _ = all(&life)
    life.written(.done, at: start)
    #expect(all(&life).count == 2)
  }

  @Test("who left while its epoch was found stale is not tried again")
  func staleAndGone() {
    var life = life()
    life.claim(Contenders.contender(11, session: 1), request: 1, at: start)
    _ = all(&life)
    life.lost(session: session(1), at: start)
    life.written(.stale(Epoch(7)), at: start)
    #expect(all(&life).isEmpty)
    #expect(life.ownership.holder == nil)
  }

  @Test("what cannot be written changes nothing: the owner of before goes on")
  func unwritten() {
    var life = life()
    _ = serve(&life, Contenders.contender(11, session: 1))
    life.claim(Contenders.contender(21, session: 2), request: 4, at: start)
    _ = all(&life)
    life.written(.failed, at: start)
    #expect(all(&life) == [.unwritten(session: session(2), request: 4)])
    #expect(life.route?.session == session(1))
    #expect(life.ownership.owner?.session == session(1))
  }

  @Test("whoever is turned away keeps no place, and what it asked besides is void")
  func turnedAway() {
    let first = Contenders.contender(11, session: 1)
    var unwritten = life()
    _ = serve(&unwritten, first)
    unwritten.claim(Contenders.contender(21, session: 2, .standby), request: 1, at: start)
    unwritten.claim(Contenders.contender(21, session: 2, .take), request: 1, at: start)
    _ = all(&unwritten)
    unwritten.written(.failed, at: start)
    #expect(all(&unwritten) == [.unwritten(session: session(2), request: 1)])
    #expect(unwritten.ownership.standbys == [])

    var taken = life()
    _ = serve(&taken, first)
    taken.claim(Contenders.contender(21, session: 2, .fail), request: 1, at: start)
    taken.claim(Contenders.contender(21, session: 2, .take), request: 1, at: start)
    _ = all(&taken)
    taken.answered(session: session(1), at: start)
    #expect(all(&taken) == [.taken(session: session(2), request: 1, owner: first)])

    var replaced = life()
    _ = serve(&replaced, first)
    let newer = Contenders.contender(12, session: 2)
    replaced.claim(newer, request: 1, at: start)
    replaced.claim(Contenders.contender(11, session: 1, .take), request: 1, at: start)
    #expect(all(&replaced) == [.write(Epoch(2), owner: newer)])
    replaced.written(.done, at: start)
    #expect(
      all(&replaced) == [
        .serving(session: session(2), request: 1, Epoch(2)),
        .replaced(session: session(1), by: newer),
      ])
  }

  @Test("a relay that leaves makes no owner any more, but for the one that is being written")
  func leaves() {
    let (first, second) = (
      Contenders.contender(11, session: 1), Contenders.contender(21, session: 2)
    )
    var promoting = life()
    _ = serve(&promoting, second)
    _ = serve(&promoting, first)
    promoting.leave()
    promoting.stop(session: session(1), at: start)
    promoting.due(at: start + Ownership.absence)
    #expect(all(&promoting) == [.routeless, .left(Epoch(2))])

    var probing = life()
    _ = serve(&probing, first)
    probing.claim(Contenders.contender(21, session: 2, .fail), request: 1, at: start)
    probing.claim(Contenders.contender(31, session: 3), request: 1, at: start)
    probing.leave()
    probing.answered(session: session(1), at: start)
    probing.lost(session: session(1), at: start)
    #expect(all(&probing) == [.probe(session: session(1)), .routeless])

    var writing = life()
    writing.claim(first, request: 1, at: start)
    writing.claim(second, request: 1, at: start)
    writing.leave()
    writing.written(.done, at: start)
    #expect(
      all(&writing) == [
        .write(Epoch(1), owner: first), .serving(session: session(1), request: 1, Epoch(1)),
      ])
  }

  @Test("an epoch that another relay wrote is gone beyond, and the claim tried again")
  func stale() {
    var life = life()
    let first = Contenders.contender(11, session: 1)
    life.claim(first, request: 1, at: start)
    _ = all(&life)
    life.written(.stale(Epoch(7)), at: start)
    #expect(all(&life) == [.write(Epoch(8), owner: first)])
  }

  @Test("a promotion that cannot be written is tried again after a pause, not at once")
  func promotionFails() {
    var life = life()
    let waiting = Contenders.contender(11, session: 1)
    _ = serve(&life, waiting)
    _ = serve(&life, Contenders.contender(21, session: 2))
    life.stop(session: session(2), at: start)
    #expect(
      all(&life) == [.routeless, .left(Epoch(2)), .write(Epoch(3), owner: waiting)])
    life.written(.failed, at: start)
    #expect(all(&life) == [.look(at: start + EndpointLife.pause)])
    life.due(at: start + EndpointLife.pause)
    #expect(all(&life) == [.write(Epoch(3), owner: waiting)])
    life.written(.done, at: start)
    #expect(all(&life) == [.serving(session: session(1), request: 0, Epoch(3))])
  }

  @Test("a claim that gives up where somebody is asks for a sign of life first")
  func probed() {
    var life = life()
    let owner = Contenders.contender(11, session: 1)
    _ = serve(&life, owner)
    let asker = Contenders.contender(21, session: 2, .fail)
    life.claim(asker, request: 3, at: start)
    #expect(all(&life) == [.probe(session: session(1))])
    life.answered(session: session(1), at: start)
    #expect(all(&life) == [.taken(session: session(2), request: 3, owner: owner)])
    life.claim(asker, request: 4, at: start)
    _ = all(&life)
    life.lost(session: session(1), at: start)
    #expect(all(&life) == [.routeless, .write(Epoch(2), owner: asker)])
    life.answered(session: session(1), at: start)
    life.written(.done, at: start)
    #expect(all(&life) == [.serving(session: session(2), request: 4, Epoch(2))])
  }

  @Test("an older session of the same instance ends, the others are told")
  func superseded() {
    var life = life()
    _ = serve(&life, Contenders.contender(11, session: 1))
    #expect(
      serve(&life, Contenders.contender(11, session: 2, held: 1)) == [
        .serving(session: session(2), request: 1, Epoch(2)), .superseded(session: session(1)),
      ])
    let newer = Contenders.contender(12, session: 3)
    #expect(
      serve(&life, newer) == [
        .serving(session: session(3), request: 1, Epoch(3)),
        .replaced(session: session(2), by: newer),
      ])
  }

  @Test("who leaves while its epoch is written is awaited, and nobody is routed to meanwhile")
  func leftWhileWritten() {
    var life = life()
    let first = Contenders.contender(11, session: 1)
    let second = Contenders.contender(21, session: 2)
    _ = serve(&life, first)
    life.claim(second, request: 1, at: start)
    _ = all(&life)
    life.lost(session: session(2), at: start)
    life.written(.done, at: start)
    #expect(
      all(&life) == [
        .routeless, .standby(session: session(1), owner: second),
        .look(at: start + Ownership.absence),
      ])
    life.due(at: start + Ownership.absence)
    #expect(all(&life) == [.write(Epoch(3), owner: first)])
  }

  @Test(
    "a name of a CI token is freed when its owner is gone and nobody waits",
    arguments: [true, false])
  func temporary(says: Bool) {
    var life = life(isTemporary: true)
    _ = serve(&life, Contenders.contender(11, session: 1))
    if says {
      life.stop(session: session(1), at: start)
      #expect(all(&life) == [.routeless, .left(Epoch(1)), .free])
    } else {
      life.lost(session: session(1), at: start)
      #expect(all(&life) == [.routeless, .look(at: start + Ownership.absence)])
      life.due(at: start + Ownership.absence)
      #expect(all(&life) == [.free])
    }
    life.due(at: start + .seconds(600))
    #expect(all(&life).isEmpty)
  }

  @Test("a name of a CI token that nobody has any more is freed by the next relay")
  func leftOver() {
    var nobodys = EndpointLife(
      Ownership(epoch: Epoch(4)), isTemporary: true, isLeft: true, at: start)
    #expect(all(&nobodys) == [.free])
    let owner = Contenders.contender(11, session: 1)
    var awaited = EndpointLife(
      Ownership(epoch: Epoch(4), awaiting: owner, at: start), isTemporary: true, isLeft: true,
      at: start)
    #expect(all(&awaited) == [.look(at: start + Ownership.absence)])
    awaited.due(at: start + Ownership.absence)
    #expect(all(&awaited) == [.free])
  }

  @Test("on no walk do two sessions have one epoch, or a claim no answer", arguments: 1...60)
  func walk(seed: Int) {
    var walk = EndpointWalk(seed: UInt64(seed))
    for _ in 0..<1_500 { walk.step() }
    walk.settle()
    #expect(walk.faults.isEmpty, "\(walk.faults)")
    #expect(walk.epochs.count > 50)
  }
}
