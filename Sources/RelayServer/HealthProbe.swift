import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// One question to a running relay.
package enum HealthProbe {
  /// The status of `GET` on that path. Throws `unhealthy` where nothing answers in time.
  package static func status(host: String, port: Int, path: String) async throws(UserError) -> Int {
    let request = ByteBuffer(
      string: "GET \(path) HTTP/1.1\r\nHost: localhost:\(port)\r\nConnection: close\r\n\r\n")
    do {
      let loop = MultiThreadedEventLoopGroup.singleton.next()
      return try await Dialer(host: host, port: port)
        .ask(request, wantsUpgrade: false, on: loop)
        .map { answer in
          if case .message(let status, _) = answer { status } else { 101 }
        }.get()
    } catch {
      throw UserError(code: "unhealthy", message: "nothing answers at \(host):\(port): \(error)")
    }
  }
}
