import SessionLink
import Synchronization
import TunnelCore

/// Where an agent's status stands for readers on other threads: its web address. Written on the
/// agent's loop as things happen, never behind the terminal, which a person may have paused.
package final class StatusBoard: Sendable {
  private struct Contents {
    var status: AgentStatus
    var waiting: [@Sendable (AgentEvent) -> Void] = []
    var domainsChanged: (@Sendable () -> Void)?
  }

  private let contents: Mutex<Contents>

  package init(_ status: AgentStatus) { contents = Mutex(Contents(status: status)) }

  var status: AgentStatus { contents.withLock { $0.status } }

  func heed(_ event: AgentEvent) {
    // Nearly all that happens is a request, and these are nobody's state.
    switch event {
    case .request, .connection: return
    default: break
    }
    let (waiting, changed) = contents.withLock { contents in
      let before = contents.status.domains
      guard contents.status.heed(event, at: .now, time: WallClock.milliseconds()) else {
        return ([@Sendable (AgentEvent) -> Void](), (@Sendable () -> Void)?.none)
      }
      defer { contents.waiting = [] }
      return (
        contents.waiting, contents.status.domains == before ? nil : contents.domainsChanged
      )
    }
    changed?()
    for told in waiting { told(event) }
  }

  /// Calls `told` once with the next thing that happens to the session or an endpoint.
  func next(_ told: @escaping @Sendable (AgentEvent) -> Void) {
    contents.withLock { $0.waiting.append(told) }
  }

  /// Calls `changed` whenever the public names are others than before.
  func whenDomainsChange(_ changed: @escaping @Sendable () -> Void) {
    contents.withLock { $0.domainsChanged = changed }
  }
}

extension StatusBoard {
  /// Before anything has happened.
  package convenience init(_ settings: AgentSettings) {
    let wish = settings.domain.description
    self.init(
      AgentStatus(
        relay: "\(settings.relay)", domain: wish.isEmpty ? nil : wish,
        upstream: "\(settings.upstream)", since: WallClock.milliseconds()))
  }
}
