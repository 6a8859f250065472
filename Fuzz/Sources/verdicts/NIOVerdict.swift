import NIOCore
import NIOEmbedded
import NIOHTTP1

/// What NIOHTTP1's decoders say.
enum NIOVerdict {
  static func line(_ one: Case) -> String {
    let channel = EmbeddedChannel()
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    var fault: String?
    do {
      if one.kind == .requests {
        try channel.pipeline.syncOperations.addHandler(
          ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
      } else {
        try channel.pipeline.syncOperations.addHandler(
          ByteToMessageHandler(
            HTTPResponseDecoder(
              leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)))
        let method = one.kind == .responses ? HTTPMethod.GET : .HEAD
        for _ in 0..<8 {
          let head = HTTPRequestHead(version: .http1_1, method: method, uri: "/")
          try channel.writeOutbound(HTTPClientRequestPart.head(head))
        }
      }
      try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
      try channel.writeInbound(ByteBuffer(bytes: one.bytes))
      if one.ends { _ = try channel.finish() }
    } catch {
      fault = "\(error)"
    }
    let messages = one.kind == .requests ? requests(channel) : responses(channel)
    return verdict(messages, fault: fault)
  }

  private static func requests(_ channel: EmbeddedChannel) -> [MessageLine] {
    var messages: [MessageLine] = []
    var body: [UInt8] = []
    while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
      switch part {
      case .head(let head):
        var message = MessageLine()
        message.start =
          "\"method\":\"\(hex(head.method.rawValue.utf8))\","
          + "\"target\":\"\(hex(head.uri.utf8))\",\"minor\":\(head.version.minor)"
        message.fields = head.headers.map { (Array($0.name.utf8), Array($0.value.utf8)) }
        message.facts = "\"whole\":false"
        messages.append(message)
        body = []
      case .body(let bytes): body += bytes.readableBytesView
      case .end(let trailers): end(&messages, body, trailers)
      }
    }
    return messages
  }

  private static func responses(_ channel: EmbeddedChannel) -> [MessageLine] {
    var messages: [MessageLine] = []
    var body: [UInt8] = []
    while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
      switch part {
      case .head(let head):
        var message = MessageLine()
        message.start = "\"status\":\(head.status.code),\"minor\":\(head.version.minor)"
        message.fields = head.headers.map { (Array($0.name.utf8), Array($0.value.utf8)) }
        // NIO tells no end of an interim head.
        let isInterim = head.status.code < 200
        message.facts =
          isInterim ? "\"whole\":true,\"body\":\"\",\"trailers\":[]" : "\"whole\":false"
        messages.append(message)
        body = []
      case .body(let bytes): body += bytes.readableBytesView
      case .end(let trailers): end(&messages, body, trailers)
      }
    }
    return messages
  }

  private static func end(
    _ messages: inout [MessageLine], _ body: [UInt8], _ trailers: HTTPHeaders?
  ) {
    let pairs = (trailers ?? [:]).map { "[\"\(hex($0.name.utf8))\",\"\(hex($0.value.utf8))\"]" }
    messages[messages.count - 1].facts =
      "\"whole\":true,\"body\":\"\(hex(body))\",\"trailers\":[\(pairs.joined(separator: ","))]"
  }
}
