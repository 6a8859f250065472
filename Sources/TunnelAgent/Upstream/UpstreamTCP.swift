import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// One connection to a TCP endpoint, on its way to the app: a connection of its own, joined with
/// the stream that the relay opened.
enum UpstreamTCP {
  static func open(
    _ open: Open, _ port: any Pipe, _ pool: UpstreamPool,
    finished: @escaping (ConnectionReport) -> Void
  ) -> any PipeEnd {
    let began = Moment.now
    let join = RawJoin(blame: .upstream) { join in
      finished(
        ConnectionReport(
          id: ID(open.exchange), receivedAt: open.receivedAt, client: open.client,
          bytesIn: join.bytesWritten, bytesOut: join.bytesRead,
          milliseconds: Moment.now.microseconds(since: began) / 1_000, code: join.code))
    }
    join.join(port)
    pool.connect { result in
      switch result {
      case .success(let connection):
        if let channel = connection.socket.channel { SocketKeepAlive.start(on: channel) }
        join.join(connection.socket)
      case .failure(let fault):
        let address = "\(pool.host):\(pool.port)"
        join.refuse(
          Farewell(
            .upstreamRefused, blame: .upstream, "nothing answers at \(address) (\(fault.text))"))
      }
    }
    return join
  }
}
