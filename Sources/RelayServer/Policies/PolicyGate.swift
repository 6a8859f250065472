import HTTPMessage
import TunnelCore

/// The policies of one endpoint at work: what its requests meet before anything else of it, and
/// what is changed in their heads. A new declaration makes a new gate; nothing of the old one is
/// left. Belongs to the relay's event loop.
final class PolicyGate {
  let policies: Policies
  /// Nil where the head stays as it is.
  let requestEdits: HeadEdits?
  let responseEdits: HeadEdits?
  let passwords: KnownPasswords?
  private var meter: RateMeter?

  init(_ policies: Policies) {
    self.policies = policies
    requestEdits = HeadEdits(policies.request, host: policies.host)
    responseEdits = HeadEdits(policies.response)
    passwords = policies.passwords.isEmpty ? nil : KnownPasswords(policies.passwords)
    meter = policies.rate.map { RateMeter($0) }
  }

  /// Throws where the request may not go on; answers what has to be looked at before that is known.
  /// One that was `counted` before, and waited, is not counted twice.
  func admit(
    _ request: IngressRequest, counted: Bool, at now: Moment
  ) throws(Refusal) -> PasswordProof? {
    let address = request.peer.clientAddress(request)
    if let refusal = policies.addresses.refusal(of: address) { throw refusal }
    let place = address?.place ?? 0
    if !counted, let refusal = meter?.refusal(of: place, at: now) { throw refusal }
    guard let passwords else { return nil }
    return try passwords.admit(request.values(named: "authorization"), from: place)
  }
}

extension HeadEdits {
  convenience init?(_ edits: FieldEdits, host: HostValue? = nil) {
    if edits.isEmpty, host == nil { return nil }
    self.init(
      removed: edits.removed, added: edits.added.map(\.description), host: host?.description)
  }
}
