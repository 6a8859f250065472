import Logging
import NIOCore
import NIOPosix
import SessionLink

#if canImport(Glibc)
  import Glibc
#endif

/// The listening sockets of TCP endpoints. A port listens only while an agent serves it: without
/// one the system refuses a client, as where a database does not run, and it knows at once.
/// Between the moment an agent asks and the moment it serves the socket is there and nobody accepts
/// on it; clients wait in the kernel. So they do after a hand-over until their agent has come.
///
/// Belongs to the relay's event loop.
final class PortSockets {
  private enum Socket {
    case bound(Int32)
    /// NIO takes the socket over.
    case opening(Int32)
    case accepting(any Channel, Int32)
  }

  let offer: TCPOffer
  private unowned let core: RelayCore
  private var sockets: [Int: Socket] = [:]
  /// The relay ends, or hands over.
  private var isClosed = false

  init(_ offer: TCPOffer, _ core: RelayCore) {
    self.offer = offer
    self.core = core
  }

  /// Makes sure that the port is ours. Throws the system's reason.
  func hold(_ port: Int) throws(PortSocket.Fault) {
    guard sockets[port] == nil, !isClosed else { return }
    sockets[port] = .bound(try PortSocket.bind(port, of: offer))
  }

  /// What the relay before this one listened on waits for its agents; whoever has not come by then
  /// is not served.
  func inherit(_ inherited: [Int: Int32], patience: TimeAmount) {
    for (port, socket) in inherited { sockets[port] = .bound(socket) }
    guard !inherited.isEmpty else { return }
    core.loop.assumeIsolated().scheduleTask(in: patience) {
      for port in inherited.keys where self.core.hub.tcpEndpoint(port)?.serving == nil {
        self.close(port)
      }
    }
  }

  /// The endpoint is served: whoever waits and whoever comes gets through.
  func open(_ port: Int) {
    // One that waited and serves now has not asked again since the owner before it left.
    do throws(PortSocket.Fault) { try hold(port) } catch { return failed(port, error.words) }
    guard case .bound(let socket) = sockets[port], !isClosed else { return }
    sockets[port] = .opening(socket)
    let bound = NIOLoopBound(core, eventLoop: core.loop)
    Listener.accepting(ServerBootstrap(group: core.loop), bound) { channel, core in
      guard let endpoint = core.hub.tcpEndpoint(port) else { throw Door.Closed() }
      try TCPConnection.accept(channel, for: endpoint, core)
    }
    .withBoundSocket(socket)
    .assumeIsolated()
    .whenComplete { result in self.opened(port, socket, result) }
  }

  private func opened(_ port: Int, _ socket: Int32, _ result: Result<any Channel, any Error>) {
    guard case .opening(socket) = sockets[port] else {
      // It was closed meanwhile.
      if case .success(let channel) = result { channel.close(promise: nil) }
      return
    }
    switch result {
    case .success(let channel):
      Glibc.listen(socket, Listener.backlog)
      sockets[port] = .accepting(channel, socket)
    case .failure(let error):
      sockets[port] = nil
      failed(port, "\(error)")
    }
  }

  private func failed(_ port: Int, _ reason: String) {
    core.hub.logger.error(
      "a TCP port cannot be listened on", metadata: ["port": "\(port)", "reason": "\(reason)"])
  }

  /// Nobody serves it any more.
  func close(_ port: Int) {
    switch sockets.removeValue(forKey: port) {
    case .bound(let socket): Glibc.close(socket)
    case .accepting(let channel, _): channel.close(promise: nil)
    // Its channel closes once it is there.
    case .opening, nil: break
    }
  }

  /// For good. The sockets are closed, not shut down: a successor has them too.
  func closeAll() {
    isClosed = true
    for port in Array(sockets.keys) { close(port) }
  }

  /// What a successor inherits.
  var all: [(port: Int, socket: Int32)] {
    sockets.map { port, socket in
      switch socket {
      case .bound(let descriptor), .opening(let descriptor), .accepting(_, let descriptor):
        (port, descriptor)
      }
    }
  }
}
