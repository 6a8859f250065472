import Logging
import RelayStore
import TunnelCore

/// What an agent wants of the relay's TCP ports, as a question to the database.
struct PortClaimRequest: Sendable {
  /// Nil: the one that the account has for the label, or any that is free.
  let port: Int?
  let label: String
  /// The name that a person wrote before the port; empty for none.
  let host: String
  let login: Login
  let base: DomainName
  let offer: TCPOffer?
  let logger: Logger

  /// The endpoint, with a port given to it if it had none. Throws what the agent is to be told.
  func carryOut(_ store: RelayStore) async throws -> ClaimedEndpoint {
    guard let offer else {
      throw UserError(code: "tcp-not-offered", message: "this relay offers no TCP ports")
    }
    try check(offer)
    let claim: PortClaim
    if let held = try await store.heldPort(port, label: label, account: login.account) {
      guard offer.ports.contains(held.port) else {
        throw UserError(
          code: "port-not-offered",
          message: "TCP port \(held.port) is no longer among this relay's, \(offer)",
          fix: "give it back with `tunnel domains release tcp://\(base):\(held.port)`, "
            + "or ask the relay's operator")
      }
      claim = held
    } else {
      claim = try await newPort(store, offer)
    }
    return ClaimedEndpoint(
      endpoint: claim.endpoint, host: base, lastOwner: try await store.owner(of: claim.endpoint),
      isNew: claim.isNew, port: claim.port)
  }

  private func check(_ offer: TCPOffer) throws(UserError) {
    guard login.ciPattern == nil else {
      throw UserError(
        code: "domain-out-of-scope", message: "a CI token is for names, not for TCP ports",
        fix: "use a person's authtoken")
    }
    guard host.isEmpty || (try? DomainName(host)) == base else {
      throw UserError(
        code: "port-not-offered",
        message: "TCP ports are of \(base), not of \(VisibleText.of(host))",
        fix: "say tcp://\(base):PORT, or --tcp-port PORT")
    }
    guard !label.isEmpty, label.utf8.count <= RelayStore.labelLimit else {
      throw UserError(
        code: "name-invalid", message: "the TCP endpoint's name is empty or too long",
        fix: "give it a shorter one with --name")
    }
    if let port, !offer.ports.contains(port) {
      throw UserError(
        code: "port-not-offered", message: "TCP port \(port) is not among this relay's, \(offer)")
    }
  }

  private func newPort(_ store: RelayStore, _ offer: TCPOffer) async throws -> PortClaim {
    if let port {
      // Another account's claim is the better reason.
      guard PortSocket.isFree(port, of: offer) else {
        throw UserError(portInUse: port, isHeld: false)
      }
      return try await store.claimPort(port, label: label, account: login.account)
    }
    for port in try await store.freePorts(in: offer.ports, for: login.account) {
      guard PortSocket.isFree(port, of: offer) else {
        logger.warning(
          "TCP port passed over: another program has it", metadata: ["port": "\(port)"])
        continue
      }
      do {
        return try await store.claimPort(
          port, label: label, account: login.account, evenResting: true)
      } catch StoreFault.portTaken {
        continue
      }
    }
    throw UserError(
      code: "no-free-port", message: "none of this relay's TCP ports is free, \(offer)")
  }
}

extension UserError {
  /// One that is held is the relay's trouble: its agent comes back and asks again.
  init(portInUse port: Int, isHeld: Bool) {
    self.init(
      code: "port-in-use",
      message: "another program on the relay's machine has TCP port \(port)",
      exit: isHeld ? .temporary : .taken)
  }
}
