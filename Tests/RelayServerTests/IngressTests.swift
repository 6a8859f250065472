import Testing
import TunnelCore

@testable import RelayServer

/// Requests of plain clients, through a running relay, to an agent that a test plays.
@Suite("ingress")
struct IngressTests {
  private func head(_ relay: RunningRelay, _ line: String, _ fields: String...) -> String {
    ([line, "Host: \(relay.host)"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
  }

  @Test("an exchange passes, and the connection goes on to the next")
  func plain() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      for number in 1...3 {
        try await client.send(head(relay, "GET /\(number) HTTP/1.1"))
        let stream = try await agent.streams.next()
        let seen = try await stream.until("\r\n\r\n")
        #expect(seen.hasPrefix("GET /\(number) HTTP/1.1\r\nHost: \(relay.host)\r\n"))
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nn\(number)", end: true)
        let answer = try await client.until("n\(number)")
        #expect(answer == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nn\(number)")
      }
    }
  }

  @Test("pipelined requests are answered one after the other")
  func pipelined() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(
        head(relay, "POST /1 HTTP/1.1", "Content-Length: 3") + "one"
          + head(relay, "GET /2 HTTP/1.1"))
      let first = try await agent.streams.next()
      #expect(try await first.until("one").hasPrefix("POST /1 "))
      #expect(agent.streams.waiting.isEmpty)
      first.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", end: true)
      let second = try await agent.streams.next()
      #expect(try await second.until("\r\n\r\n").hasPrefix("GET /2 "))
      second.send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      #expect(try await client.until("\r\n\r\n1").hasPrefix("HTTP/1.1 200 OK"))
      #expect(try await client.until("\r\n\r\n") == "HTTP/1.1 204 No Content\r\n\r\n")
    }
  }

  @Test("interim answers pass to HTTP/1.1 and not to HTTP/1.0")
  func interim() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      for version in ["1.1", "1.0"] {
        let client = try await relay.client()
        try await client.send(head(relay, "GET / HTTP/\(version)"))
        let stream = try await agent.streams.next()
        stream.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", end: true)
        let answer = try await client.until("ok")
        #expect(answer.contains("103 Early Hints") == (version == "1.1"))
        #expect(answer.contains("200 OK"))
        #expect(answer.contains("Connection: close") == (version == "1.0"))
        if version == "1.0" { #expect(try await client.inbox.rest() == ("", .end)) }
      }
    }
  }

  @Test("an answer to HEAD ends with its head")
  func headOnly() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      for _ in 1...2 {
        try await client.send(head(relay, "HEAD / HTTP/1.1"))
        let stream = try await agent.streams.next()
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", end: true)
        #expect(try await client.until("\r\n\r\n").contains("Content-Length: 1000"))
      }
    }
  }

  @Test("an answer that lasts until the connection closes closes the client's too")
  func untilClose() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(head(relay, "GET / HTTP/1.1"))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\nX: y\r\n\r\n")
      stream.send("all of it", end: true)
      let (text, ending) = try await client.inbox.rest()
      #expect(text == "HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\nall of it")
      #expect(ending == .end)
    }
  }

  @Test("an answer before the request's end is passed, and the connection closes")
  func early() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(head(relay, "POST / HTTP/1.1", "Content-Length: 100") + "half")
      let stream = try await agent.streams.next()
      _ = try await stream.until("half")
      stream.stop(.done)
      stream.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", end: true)
      let (text, ending) = try await client.inbox.rest()
      #expect(text.hasPrefix("HTTP/1.1 413 Too Large\r\n") && text.hasSuffix("no"))
      #expect(ending == .end)
    }
  }

  @Test("what comes late of one exchange takes nothing from the next on the same connection")
  func lateStop() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(head(relay, "POST /1 HTTP/1.1", "Content-Length: 4") + "body")
      let first = try await agent.streams.next()
      _ = try await first.until("body")
      first.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
      _ = try await client.until("\r\n\r\n1")
      try await client.send(head(relay, "POST /2 HTTP/1.1", "Content-Length: 8") + "next")
      let second = try await agent.streams.next()
      _ = try await second.until("next")
      // The first stream is still open at this end; its words are about the first request only.
      first.stop(.done)
      first.send("", end: true)
      second.send("HTTP/1.1 100 Continue\r\n\r\n")
      _ = try await client.until("100 Continue\r\n\r\n")
      try await client.send("body")
      #expect(try await second.until("body") == "body")
      second.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2", end: true)
      _ = try await client.until("\r\n\r\n2")
    }
  }

  @Test("half a request is cancelled, and what the agent says of it later hurts nobody")
  func half() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(head(relay, "POST / HTTP/1.1", "Content-Length: 100") + "half")
      let stream = try await agent.streams.next()
      _ = try await stream.until("half")
      try await client.reset()
      #expect(try await stream.words.next() == .stop(.cancelled))
      stream.stop(.cancelled)
      stream.reset(.cancelled)
      let other = try await relay.client()
      try await other.send(head(relay, "GET / HTTP/1.1"))
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await other.until("204 No Content\r\n\r\n")
      #expect(try await agent.openStreams() == 0)
    }
  }

  @Test("a stop of the agent's that crosses the client's end hurts nobody")
  func crossing() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(head(relay, "POST / HTTP/1.1", "Content-Length: 100") + "half")
      let stream = try await agent.streams.next()
      _ = try await stream.until("half")
      try await client.endOutput()
      #expect(try await client.inbox.rest() == ("", .end))
      stream.stop(.done)
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", end: true)
      let other = try await relay.client()
      try await other.send(head(relay, "GET / HTTP/1.1"))
      try await agent.streams.next().send("HTTP/1.1 204 No Content\r\n\r\n", end: true)
      _ = try await other.until("204 No Content\r\n\r\n")
    }
  }

  @Test("a client that is gone ends the answer at the agent")
  func gone() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(head(relay, "GET / HTTP/1.1"))
      let stream = try await agent.streams.next()
      stream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
      _ = try await client.until("ab\r\n")
      try await client.reset()
      #expect(try await stream.words.next() == .stop(.cancelled))
    }
  }

  @Test("an upgrade passes bytes both ways and each side's end")
  func upgrade() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(
        head(relay, "GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: echo") + "early")
      let stream = try await agent.streams.next()
      #expect(try await stream.until("\r\n\r\n").contains("Upgrade: echo\r\n"))
      stream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi")
      #expect(try await client.until("\r\n\r\nhi").contains("Upgrade: echo\r\n"))
      #expect(try await stream.until("early") == "early")
      stream.send("more")
      _ = try await client.until("more")
      try await client.endOutput()
      #expect(try await stream.inbox.rest() == ("", .end))
      stream.send("last words", end: true)
      let (text, ending) = try await client.inbox.rest()
      #expect(text == "last words")
      #expect(ending == .end)
    }
  }

  @Test("an upgrade that the app declines is an answer like any other")
  func declined() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      for _ in 1...2 {
        try await client.send(
          head(relay, "GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: echo"))
        let stream = try await agent.streams.next()
        _ = try await stream.until("\r\n\r\n")
        stream.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", end: true)
        #expect(try await client.until("no").hasPrefix("HTTP/1.1 400 "))
        #expect(try await stream.inbox.rest() == ("", .end))
      }
    }
  }

  @Test("a switched connection whose app is gone closes, though the client says nothing")
  func switchedAndGone() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client()
      try await client.send(
        head(relay, "GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: echo"))
      let stream = try await agent.streams.next()
      stream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
      _ = try await client.until("\r\n\r\n")
      stream.stop(.done)
      stream.send("bye", end: true)
      #expect(try await client.inbox.rest() == ("bye", .end))
      await #expect(throws: (any Error).self) {
        for _ in 1...1_000 { try await client.send(String(repeating: "x", count: 65_536)) }
      }
    }
  }

  @Test("an answer reaches a client whole that reads late and asked for the connection's end")
  func lateReader() async throws {
    try await withRelay { relay in
      let agent = try await relay.servingAgent()
      let client = try await relay.client(reads: false, window: 8_192)
      try await client.send(head(relay, "GET / HTTP/1.1", "Connection: close"))
      let stream = try await agent.streams.next()
      let size = 3 << 20
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      stream.send(String(repeating: "b", count: size), end: true)
      try await client.read()
      let (text, ending) = try await client.inbox.rest()
      #expect(text.hasSuffix("bb") && text.utf8.count > size)
      #expect(ending == .end)
    }
  }
}
