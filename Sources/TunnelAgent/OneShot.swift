import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// One request to the relay on a connection of its own, as commands need it. Throws 69 where no
/// answer comes: `relay-unreachable`, and what `DialFault.userError` tells apart.
package enum OneShot {
  package static func exchange(_ way: WayOut) -> RelayAPI.Exchange {
    { relay, request throws(UserError) in
      let dialer = try way.dialer()
      do {
        return try await answer(dialer, bytes(relay, request))
      } catch let fault as DialFault {
        throw fault.userError(way)
      } catch {
        throw DialFault.broken("\(error)").userError(way)
      }
    }
  }

  /// Asks on a connection of its own. Throws `DialFault`.
  static func answer(_ dialer: Dialer, _ request: ByteBuffer) async throws -> RelayAPI.Answer {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    return try await dialer.ask(request, on: loop)
      .map { answer in
        switch answer {
        case .message(let status, let body, _):
          RelayAPI.Answer(status: status, body: Array(body.readableBytesView))
        case .switched: RelayAPI.Answer(status: 101, body: [])
        }
      }.get()
  }

  static func bytes(_ relay: RelayAddress, _ request: RelayAPI.Request) -> ByteBuffer {
    bytes(
      request.method, request.path, host: relay.authority,
      fields: ["Authorization: Bearer \(request.token)"], body: request.body)
  }

  static func bytes(
    _ method: String, _ path: String, host: String, fields: [String], body: [UInt8]? = nil
  ) -> ByteBuffer {
    var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + fields
    lines += [
      "Accept: application/json", "User-Agent: tunnel/\(Release.version)", "Connection: close",
    ]
    if let body {
      lines += ["Content-Type: application/json", "Content-Length: \(body.count)"]
    }
    var bytes = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
    bytes.writeBytes(body ?? [])
    return bytes
  }
}
