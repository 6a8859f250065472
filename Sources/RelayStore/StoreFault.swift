import TunnelCore

/// Why the store said no. All but `unusable` and `locked` are answers to a question; these two mean
/// that the data directory itself cannot be used.
package enum StoreFault: Error, Equatable, Sendable {
  case accountNameInvalid(String)
  case nameTaken(String)
  case noSuchAccount(String)
  case noSuchToken(String)
  case noSuchDomain(String)
  case domainInvalid(NameFault)
  case domainReserved(String)
  /// Another account holds it.
  case domainTaken(String)
  /// The same account holds it already.
  case domainHeldAlready(String)
  /// Nobody holds it, and it cannot be claimed: it is no subdomain of the relay.
  case domainNotHeld(String)
  /// Released by another account; free again after these days. Nil: never.
  case domainResting(String, days: Int?)
  case limitReached(domains: Int)
  /// Another account holds this TCP port.
  case portTaken(Int)
  /// Released by another account, and asked for by its number.
  case portResting(Int, days: Int)
  case tokenUnknown
  case tokenRevoked
  case accountDisabled(String)
  /// The authtoken is for other names only: its pattern.
  case domainOutOfScope(String, pattern: String)
  /// A name that a person claimed, and a CI token wants it.
  case domainIsPersons(String)
  /// The endpoint has this epoch, which is no older than the one that was to be written.
  case staleEpoch(Epoch)
  case locked(directory: String, pid: Int32?)
  case unusable(String, fix: String?)

  package var userError: UserError {
    switch self {
    case .accountNameInvalid(let name):
      UserError(code: "name-invalid", message: "`\(name)` is no name for an account")
    case .nameTaken(let name):
      UserError(code: "name-taken", message: "there is an account `\(name)` already")
    case .noSuchAccount(let name):
      UserError(code: "no-such-account", message: "there is no account `\(name)`")
    case .noSuchToken(let id):
      UserError(code: "no-such-token", message: "there is no authtoken with the id `\(id)`")
    case .noSuchDomain(let name):
      UserError(code: "no-such-domain", message: "`\(name)` is not held")
    case .domainInvalid, .domainReserved, .domainTaken, .domainHeldAlready, .domainNotHeld,
      .domainResting, .domainOutOfScope, .domainIsPersons, .limitReached:
      domainError
    case .portTaken(let port):
      UserError(code: "port-taken", message: "TCP port \(port) belongs to another account")
    case .portResting(let port, let days):
      UserError(
        code: "port-taken",
        message: "TCP port \(port) was released by another account and is free in \(days) days")
    case .tokenUnknown:
      UserError(code: "authtoken-refused", message: "the relay does not know this authtoken")
    case .tokenRevoked:
      UserError(code: "authtoken-refused", message: "this authtoken was revoked")
    case .accountDisabled(let name):
      UserError(code: "account-disabled", message: "the account `\(name)` is disabled")
    case .staleEpoch:
      UserError(code: "internal", message: "the endpoint has a newer owner")
    case .locked(let directory, let pid):
      UserError(
        code: "data-locked",
        message: "\(directory) is used by another relay"
          + (pid.map { ", process \($0)" } ?? ""))
    case .unusable(let message, let fix):
      UserError(code: "data-unusable", message: message, fix: fix)
    }
  }

  private var domainError: UserError {
    switch self {
    case .domainInvalid(let fault):
      UserError(code: "domain-invalid", message: fault.description, fix: fault.fix)
    case .domainReserved(let name):
      UserError(code: "domain-reserved", message: "`\(name)` is reserved by the relay")
    case .domainTaken(let name):
      UserError(code: "domain-taken", message: "\(name) belongs to another account")
    case .domainHeldAlready(let name):
      UserError(code: "name-taken", message: "the account holds \(name) already")
    case .domainNotHeld(let name):
      UserError(code: "domain-not-held", message: "your account does not hold \(name)")
    case .domainResting(let name, .some(let days)):
      UserError(
        code: "domain-resting",
        message: "\(name) was released by another account and is free in \(days) days")
    case .domainResting(let name, .none):
      UserError(
        code: "domain-resting",
        message: "\(name) was another account's own name and is never given away",
        fix: "choose another name")
    case .domainOutOfScope(let name, let pattern):
      UserError(
        code: "domain-out-of-scope",
        message: "this authtoken is for \(pattern) only, not for \(name)")
    case .domainIsPersons(let name):
      UserError(
        code: "domain-out-of-scope",
        message: "\(name) is a person's, and a CI token never takes it")
    case .limitReached(let limit):
      UserError(code: "too-many-domains", message: "the account holds \(limit) names already")
    default:
      UserError(code: "internal", message: "\(self)")
    }
  }
}
