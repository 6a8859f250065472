import TunnelCore

/// What is known of one exchange, for its log line.
struct ExchangeRecord {
  let id: ID
  let client: String
  /// Wall clock in milliseconds since 1970.
  let receivedAt: UInt64
  var host = ""
  var method = ""
  var path = ""
  var wantsHTML = false
  var isHead = false
  var status = 0
  var code: String?
  var detail: String?
  var bytesIn: UInt64 = 0
  var bytesOut: UInt64 = 0
  /// Nanoseconds of the monotonic clock.
  let began: Moment

  init(client: String, receivedAt: UInt64, id: ID, at now: Moment) {
    self.id = id
    self.receivedAt = receivedAt
    self.client = client
    began = now
  }

  init(_ request: IngressRequest, id: ID, at now: Moment) {
    self.init(
      client: request.peer.client(request), receivedAt: request.receivedAt, id: id, at: now)
    if let range = request.head.host { host = request.text(range) }
    method = request.text(request.head.methodRange)
    path = request.path
    isHead = request.head.method == .head
    wantsHTML = request.value(.accept)?.contains("text/html") ?? false
  }

  mutating func refused(_ problem: Problem) {
    status = problem.status
    code = problem.code
    detail = problem.detail
  }
}
