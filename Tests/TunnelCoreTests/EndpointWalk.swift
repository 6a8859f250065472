@testable import TunnelCore

/// Random claims, losses, answers and failed writes, and what must hold of all that is done.
struct EndpointWalk {
  var life = EndpointLife(Ownership(epoch: .never), at: Moment(nanoseconds: 0))
  var random: SmallRandom
  var now = Moment(nanoseconds: 0)
  var sessions: UInt64 = 0
  var live: [UInt64: Contender] = [:]
  var open: Set<UInt64> = []
  var onDisk = Epoch.never
  var writing: (Epoch, Contender)?
  var probing: ID?
  var epochs: [Epoch: ID] = [:]
  var faults: [String] = []

  init(seed: UInt64) { random = SmallRandom(seed: seed) }

  mutating func step() {
    now = now + .milliseconds(Int.random(in: 0...5_000, using: &random))
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<3: claim()
    case 3: if let session = live.keys.randomElement(using: &random) { leave(session, says: true) }
    case 4: if let session = live.keys.randomElement(using: &random) { leave(session, says: false) }
    case 5: answer()
    case 6: life.due(at: now)
    default: write(fails: Int.random(in: 0..<8, using: &random) == 0)
    }
    carryOut()
  }

  /// Everything under way comes to its end.
  mutating func settle() {
    for _ in 0..<200 {
      write(fails: false)
      answer()
      now = now + .seconds(1)
      life.due(at: now)
      carryOut()
    }
    if !open.isEmpty { faults.append("claims without an answer: \(open)") }
    if let route = life.route, live.values.allSatisfy({ $0.session != route.session }) {
      faults.append("a route to nobody")
    }
    if life.route == nil, !life.ownership.standbys.isEmpty { faults.append("standbys, no route") }
  }

  private mutating func claim() {
    sessions += 1
    let contender = OwnershipTests.contender(
      UInt64.random(in: 10...40, using: &random), session: sessions,
      held: Bool.random(using: &random) ? 0 : UInt64.random(in: 0...onDisk.number, using: &random),
      Contender.Manner.allCases.randomElement(using: &random) ?? .replace)
    live[sessions] = contender
    open.insert(sessions)
    life.claim(contender, request: 1, at: now)
  }

  private mutating func leave(_ number: UInt64, says: Bool) {
    guard let contender = live.removeValue(forKey: number) else { return }
    open.remove(number)
    if says {
      life.stop(session: contender.session, at: now)
    } else {
      life.lost(session: contender.session, at: now)
    }
  }

  private mutating func answer() {
    guard let session = probing else { return }
    probing = nil
    life.answered(session: session, at: now)
  }

  private mutating func write(fails: Bool) {
    guard let (epoch, _) = writing else { return }
    writing = nil
    if fails { return life.written(.failed, at: now) }
    if epoch <= onDisk { faults.append("\(epoch) is not above \(onDisk)") }
    onDisk = max(onDisk, epoch)
    life.written(.done, at: now)
  }

  private mutating func carryOut() {
    while let action = life.next() {
      switch action {
      case .write(let epoch, let owner):
        if writing != nil { faults.append("two writes at once") }
        writing = (epoch, owner)
      case .probe(let session): probing = session
      case .serving(let session, _, let epoch):
        if epoch != onDisk { faults.append("\(epoch) is not on disk") }
        if epochs[epoch, default: session] != session { faults.append("two owners of \(epoch)") }
        epochs[epoch] = session
        close(session)
      case .standby(let session, _), .taken(let session, _, _), .unwritten(let session, _):
        close(session)
      case .replaced(let session, _), .superseded(let session):
        close(session)
        live = live.filter { $0.value.session != session }
        life.lost(session: session, at: now)
      case .routeless, .left, .look, .free: break
      }
    }
  }

  private mutating func close(_ session: ID) {
    for (number, contender) in live where contender.session == session { open.remove(number) }
  }
}
