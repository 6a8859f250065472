import NIOCore
import Testing
import TunnelCore

@testable import RelayServer

@Suite("the relay's own answers")
struct RefusalAnswerTests {
  private func record(
    html: Bool = false, isHead: Bool = false
  ) -> ExchangeRecord {
    let record = ExchangeRecord(
      client: "unknown", receivedAt: 1_700_000_000_000, id: ID(high: 1, low: 2),
      at: Moment(nanoseconds: 0))
    record.wantsHTML = html
    record.isHead = isHead
    return record
  }

  private func answer(_ problem: Problem, _ record: ExchangeRecord, close: Bool = false) -> String {
    String(buffer: RefusalAnswer.bytes(problem, to: record, close: close))
  }

  @Test("a refusal is problem JSON with its code in a field of its own")
  func json() throws {
    let problem = Problem(Refusal(.agentOffline, #"No "agent" serves it."#))
    let body =
      #"{"type":"about:blank","title":"\#(problem.title)","status":503,"code":"agent-offline","#
      + #""detail":"No \"agent\" serves it.","#
      + #""instance":"urn:uuid:00000000-0000-0001-0000-000000000002"}"# + "\n"
    #expect(
      answer(problem, record(), close: true) == """
        HTTP/1.1 503 Service Unavailable\r
        Content-Type: application/problem+json\r
        Content-Length: \(body.utf8.count)\r
        Tunnel-Error: agent-offline\r
        Cache-Control: no-store\r
        Retry-After: 5\r
        Connection: close\r
        \r

        """ + body)
  }

  @Test("an answer to HEAD has the length of the body that it does not have")
  func head() {
    let problem = Problem(Refusal(.unknownDomain, "nobody"))
    let whole = answer(problem, record())
    let head = answer(problem, record(isHead: true))
    #expect(whole.hasPrefix(head) && head.hasSuffix("\r\n\r\n") && whole != head)
    #expect(!head.contains("Connection: close"))
  }

  @Test("a page says what it says, and nothing that a stranger put into it")
  func page() {
    let problem = Problem(Refusal(.upstreamRefused, #"<script>alert("x")</script> & more"#))
    let page = answer(problem, record(html: true))
    #expect(page.contains("Content-Type: text/html; charset=utf-8\r\n"))
    #expect(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more"))
    #expect(!page.contains("alert(\"x\")"))
  }

  @Test(
    "a page looks again only where the same request may soon succeed",
    arguments: RefusalCode.allCases)
  func reload(_ code: RefusalCode) {
    let page = answer(Problem(Refusal(code, "x")), record(html: true))
    let passes: [RefusalCode] = [.agentOffline, .upstreamRefused, .sessionLost, .overloaded]
    #expect(page.contains("<script>") == passes.contains(code))
    #expect(page.hasPrefix("HTTP/1.1 \(code.status) "))
    #expect(page.contains("Internal Server Error") == false)
  }

  @Test("a fault of the API has the status of its code, else of its exit code")
  func userError() {
    let known = Problem(UserError(code: "domain-taken", message: "m", fix: "f"))
    #expect(known.status == 409 && known.fix == "f")
    let other = Problem(UserError(code: "x-unknown", message: "m", exit: .authentication))
    #expect(other.status == 401 && other.title == "x-unknown")
  }

  @Test("a line of the exchange log is one JSON object whatever the client sent")
  func line() {
    let record = record()
    Array("a.exampleGET/a\"b\u{1b}\u{7f}é".utf8).withUnsafeBytes { words in
      record.note(
        host: UnsafeRawBufferPointer(rebasing: words[..<9]),
        method: UnsafeRawBufferPointer(rebasing: words[9..<12]),
        path: UnsafeRawBufferPointer(rebasing: words[12...]))
    }
    record.bytesIn = 3
    record.refused(Problem(Refusal(.unknownDomain, "no")))
    var line = LineBuffer()
    ExchangeLog.encode(record, microseconds: 1_500, into: &line)
    #expect(
      String(decoding: line.bytes, as: UTF8.self)
        == #"{"time":1700000000000,"msg":"exchange","#
        + #""id":"00000000-0000-0001-0000-000000000002","host":"a.example","method":"GET","#
        + #""path":"/a\"b\u001b\u007fé","status":404,"us":1500,"bytes_in":3,"bytes_out":0,"#
        + #""client":"unknown","code":"unknown-domain","detail":"no"}"# + "\n")
  }
}
