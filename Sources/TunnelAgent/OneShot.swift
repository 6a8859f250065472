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
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await dialer.ask(bytes(relay, request), on: loop)
          .map { answer in
            switch answer {
            case .message(let status, let body, _):
              RelayAPI.Answer(status: status, body: Array(body.readableBytesView))
            case .switched: RelayAPI.Answer(status: 101, body: [])
            }
          }.get()
      } catch let fault as DialFault {
        throw fault.userError(way)
      } catch {
        throw DialFault.broken("\(error)").userError(way)
      }
    }
  }

  static func bytes(_ relay: RelayAddress, _ request: RelayAPI.Request) -> ByteBuffer {
    var lines = [
      "\(request.method) \(request.path) HTTP/1.1", "Host: \(relay.authority)",
      "Authorization: Bearer \(request.token)", "Accept: application/json",
      "User-Agent: tunnel/\(Release.version)", "Connection: close",
    ]
    if let body = request.body {
      lines += ["Content-Type: application/json", "Content-Length: \(body.count)"]
    }
    var bytes = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
    bytes.writeBytes(request.body ?? [])
    return bytes
  }
}
