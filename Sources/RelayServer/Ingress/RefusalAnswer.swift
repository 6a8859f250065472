import NIOCore
import SessionLink
import TunnelCore

/// The relay's own answer to a request: RFC 9457 problem JSON, or a small page where the client
/// asked for HTML. Only these carry `Tunnel-Error`.
enum RefusalAnswer {
  static func bytes(_ problem: Problem, to record: ExchangeRecord, close: Bool) -> ByteBuffer {
    let body = record.wantsHTML ? page(problem, record) : problem.json(instance: record.id)
    var head = "HTTP/1.1 \(problem.status) \(problem.reason)\r\n"
    head += "Content-Type: "
    head += record.wantsHTML ? "text/html; charset=utf-8" : "application/problem+json"
    head += "\r\nContent-Length: \(body.utf8.count)\r\nTunnel-Error: \(problem.code)\r\n"
    head += "Cache-Control: no-store\r\n"
    if let seconds = problem.retryAfter { head += "Retry-After: \(seconds)\r\n" }
    if problem.status == 426 { head += upgrades }
    if problem.code == RefusalCode.policyBasicAuth.rawValue { head += challenge(record) }
    if close { head += "Connection: close\r\n" }
    head += "\r\n"
    var out = ByteBuffer(string: head)
    if !record.isHead { out.writeString(body) }
    return out
  }

  /// RFC 9110, section 15.5.22, and RFC 6455, section 4.4: what would have been taken.
  private static let upgrades =
    "Upgrade: \(Handshake.token), \(Handshake.webSocket)\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Version: \(Handshake.webSocketVersion)\r\n"

  /// RFC 7617, section 2. The realm is the host as it was sent, which holds no quotes.
  private static func challenge(_ record: ExchangeRecord) -> String {
    let realm = String(decoding: record.words[record.host], as: UTF8.self)
    return "WWW-Authenticate: Basic realm=\"\(realm)\", charset=\"UTF-8\"\r\n"
  }

  /// Loads itself again as soon as the same address answers without `Tunnel-Error`.
  private static func page(_ problem: Problem, _ record: ExchangeRecord) -> String {
    let title = escaped(problem.title)
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(problem.status) \(title)</title>
      <style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;\
      padding:0 1em}code{background:#8882;padding:.1em .3em;border-radius:.2em}\
      small{opacity:.6}</style></head>
      <body><h1>\(problem.status) \(title)</h1>
      <p>\(escaped(problem.detail))</p>
      <p><code>\(problem.code)</code></p>
      <small>exchange \(record.id)</small>
      \(problem.mayPass ? reload : "")</body></html>

      """
  }

  private static let reload = """
    <script>setInterval(async()=>{try{const a=await fetch(location.href,{method:"HEAD",\
    cache:"no-store"});if(!a.headers.get("Tunnel-Error"))location.reload()}catch{}},2000)\
    </script>
    """

  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "&": out += "&amp;"
      case "\"": out += "&quot;"
      default: out.append(character)
      }
    }
    return out
  }
}
