import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// One client's connection to a TCP endpoint: joined with a stream of its own to the agent, until
/// both halves have ended or one side breaks off. Its line in the log says what passed.
enum TCPConnection {
  /// Throws for one that nobody takes: whoever accepts closes it then.
  static func accept(
    _ channel: any Channel, for endpoint: Endpoint, _ core: RelayCore
  ) throws {
    core.open.accepted(channel, isRaw: true)
    let client = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0)?.description }
    let now = Moment.now
    let time = WallClock.milliseconds()
    let record = ConnectionRecord(
      id: core.newID(at: time), address: endpoint.name, client: client ?? "unknown",
      receivedAt: time)
    let join = RawJoin(blame: .client) { join in
      core.exchangeLog.write(record, join, microseconds: Moment.now.microseconds(since: now))
    }
    let open = Open(
      endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, kind: .tcp,
      exchange: record.id.wire, client: record.client, secure: false, host: endpoint.host.text,
      receivedAt: time)
    guard let link = endpoint.serving?.link, let port = link.open(open, end: join, at: now) else {
      let isThere = endpoint.serving?.link?.isLeaving == false
      join.refuse(Farewell(isThere ? .overloaded : .staleEpoch, blame: .relay))
      throw Door.Closed()
    }
    join.join(port)
    SocketKeepAlive.start(on: channel)
    let socket = JoinedSocket(flusher: core.flusher)
    socket.writeLimit = core.limits.clientWrite
    join.join(socket)
    try channel.pipeline.syncOperations.addHandler(socket)
  }
}

/// What the log says of one connection to a TCP endpoint.
struct ConnectionRecord {
  let id: ID
  /// `tcp://tunnel.example.com:20007`.
  let address: String
  let client: String
  /// Wall clock in milliseconds since 1970.
  let receivedAt: UInt64
}
