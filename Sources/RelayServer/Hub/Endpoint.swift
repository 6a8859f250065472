import SessionLink
import TunnelCore

/// A public name and who serves it now. Belongs to the relay's event loop.
final class Endpoint {
  let id: ID
  let host: DomainName
  let account: ID
  /// When the database was last known to say that this is so.
  var vouchedAt = Moment.now
  /// nil until somebody wants to serve it: only then its epoch is read from the database.
  var ownership: Ownership?
  /// The session that has it; nil while nobody is there.
  var serving: RelaySession?
  /// A look is due once an owner that is gone has been gone for too long.
  var isAwaited = false

  init(id: ID, host: DomainName, account: ID) {
    self.id = id
    self.host = host
    self.account = account
  }

  var epoch: Epoch { ownership?.epoch ?? .never }
}
