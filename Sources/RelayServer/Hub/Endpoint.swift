import SessionLink
import TunnelCore

/// A public name and who serves it now. Belongs to the relay's event loop.
final class Endpoint {
  let id: ID
  let host: DomainName
  let account: ID
  var ownership: Ownership
  /// The session that has it; nil while nobody is there.
  var serving: RelaySession?
  /// Wakes up when an owner that is gone has been gone for too long.
  var waiting = false

  init(id: ID, host: DomainName, account: ID, epoch: Epoch) {
    self.id = id
    self.host = host
    self.account = account
    ownership = Ownership(epoch: epoch)
  }

  var epoch: Epoch { ownership.epoch }
}
