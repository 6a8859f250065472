import NIOCore

/// What a relay that leaves asks of a public connection.
protocol PublicConnection: AnyObject {
  /// No exchange begins behind those that run. With `closesIdle` it closes at once if none does.
  func windDown(closesIdle: Bool)
}

/// Every public connection that is no agent's link: what a relay that leaves has to wait for.
/// Belongs to the relay's event loop.
final class OpenConnections {
  private struct Entry {
    let channel: any Channel
    /// A TCP endpoint's client: it runs from its first moment to its end.
    var isRaw = false
    /// Nil while TLS is not through.
    var connection: (any PublicConnection)?
  }

  private var entries: [ObjectIdentifier: Entry] = [:]

  var count: Int { entries.count }

  func accepted(_ channel: any Channel, isRaw: Bool = false) {
    let key = ObjectIdentifier(channel)
    entries[key] = Entry(channel: channel, isRaw: isRaw)
    channel.closeFuture.assumeIsolated().whenComplete { _ in self.entries[key] = nil }
  }

  func entered(_ connection: any PublicConnection, on channel: any Channel) {
    entries[ObjectIdentifier(channel)]?.connection = connection
  }

  /// It became a link.
  func left(_ channel: any Channel) { entries[ObjectIdentifier(channel)] = nil }

  /// No connection lives on behind the exchange it is in; with `closesIdle` those go at once on
  /// which nothing runs and nothing has begun.
  func windDown(closesIdle: Bool) {
    for entry in entries.values {
      if let connection = entry.connection {
        connection.windDown(closesIdle: closesIdle)
      } else if closesIdle, !entry.isRaw {
        entry.channel.close(promise: nil)
      }
    }
  }
}
