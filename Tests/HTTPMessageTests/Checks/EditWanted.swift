import HTTPMessage

/// The head that the rules of `RequestEdit` ask for, put together line by line.
struct RequestWanted {
  let target: [UInt8]
  let bytes: [UInt8]

  init(
    _ head: RequestHead, _ plain: PlainHead, _ source: [UInt8], _ forwarded: Forwarded,
    _ edits: PlainEdits?
  ) {
    var target = source[head.target]
    if case .absolute(_, let path) = head.form {
      target = source[path]
      if target.isEmpty, head.method == .options {
        target = [0x2a]
      } else if target.first != 0x2f {
        target = [0x2f] + target
      }
    }
    self.target = target
    let words = plain.start.split(separator: 0x20)
    var output = Array(words[0])
    output += [0x20] + target + [0x20]
    output += words[2] + Self.end
    let named = plain.elements("connection")
    let upgrade = Self.upgrade(head, plain)
    var connection = upgrade ? [UInt8]("Connection: Upgrade") : nil
    var trailers =
      plain.elements("te").contains([UInt8]("trailers")) ? [UInt8]("TE: trailers") : nil
    for line in plain.lines {
      if line.isNamed("connection") {
        output += connection.map { $0 + Self.end } ?? []
        connection = nil
      } else if line.isNamed("te") {
        output += trailers.map { $0 + Self.end } ?? []
        trailers = nil
      } else if line.isNamed("upgrade") ? upgrade : !Self.goes(line, named) {
        if edits?.removes(line) != true { output += (edits?.edited(line) ?? line.bytes) + Self.end }
      }
    }
    if edits != nil { output += PlainEdits.added + Self.end }
    var clients = plain.values("x-forwarded-for").filter { !$0.isEmpty }
    clients.append(forwarded.client)
    output += [UInt8]("X-Forwarded-For: ") + Array(clients.joined(separator: [0x2c, 0x20]))
    var proto = forwarded.proto
    for sent in plain.values("x-forwarded-proto") where forwarded.keepProto {
      if [[UInt8]("http"), [UInt8]("https")].contains(sent.lowered) { proto = sent }
    }
    output += [UInt8]("\r\nX-Forwarded-Proto: ") + proto
    if let host = plain.values("host").first {
      output += [UInt8]("\r\nX-Forwarded-Host: ") + host
    }
    bytes = output + Self.end + Self.end
  }

  static let end: [UInt8] = [0x0d, 0x0a]

  private static func upgrade(_ head: RequestHead, _ plain: PlainHead) -> Bool {
    let protocols = plain.elements("upgrade")
    let isHTTP = protocols.contains {
      $0 == [UInt8]("h2c") || $0 == [UInt8]("h2") || $0.starts(with: [UInt8]("http/"))
    }
    return !protocols.isEmpty && !isHTTP && head.minorVersion == 1 && !head.framing.hasBody
      && plain.elements("connection").contains([UInt8]("upgrade"))
  }

  /// What no request takes along to the app, whatever Connection says, and what Connection names.
  private static func goes(_ line: PlainHead.Line, _ named: [[UInt8]]) -> Bool {
    line.begins("tunnel-") || line.isNamed("keep-alive") || line.isNamed("proxy-connection")
      || line.isNamed("proxy-authenticate") || line.isNamed("proxy-authorization")
      || line.isNamed("x-forwarded-for") || line.isNamed("x-forwarded-proto")
      || line.isNamed("x-forwarded-host") || named.contains(line.name)
  }
}

/// The head that the rules of `ResponseEdit` ask for.
func responseWanted(
  _ head: ResponseHead, _ plain: PlainHead, close: Bool, _ edits: PlainEdits?
) -> [UInt8] {
  let edits = head.status == 101 || head.status >= 200 ? edits : nil
  let end = RequestWanted.end
  var output = plain.start + end
  let named = plain.elements("connection")
  var connection = head.status == 101 ? [UInt8]("Connection: Upgrade") : nil
  for line in plain.lines {
    if line.isNamed("connection") {
      output += connection.map { $0 + end } ?? []
      connection = nil
      continue
    }
    let frames = line.isNamed("content-length") || line.isNamed("transfer-encoding")
    let hops =
      line.begins("tunnel-") || line.isNamed("keep-alive") || line.isNamed("te")
      || line.isNamed("proxy-connection") || line.isNamed("proxy-authenticate")
      || line.isNamed("proxy-authorization")
    let stays =
      line.isNamed("upgrade")
      ? head.status == 101 : frames || (!hops && !named.contains(line.name))
    if stays, edits?.removes(line) != true { output += line.bytes + end }
  }
  if edits != nil { output += PlainEdits.added + end }
  if close, head.status >= 200 { output += [UInt8]("Connection: close") + end }
  return output + end
}

/// What policies might say, and what it means in the plainest words.
struct PlainEdits {
  static let added = [UInt8]("X-Set: 1")
  static let host = [UInt8]("localhost:3000")
  private static let removed = [[UInt8]("x-set"), [UInt8]("x"), [UInt8]("accept")]

  func made(forRequest: Bool) -> HeadEdits {
    HeadEdits(
      removed: ["X_Set", "x", "Accept"], added: ["X-Set: 1"],
      host: forRequest ? "localhost:3000" : nil)
  }

  func removes(_ line: PlainHead.Line) -> Bool {
    Self.removed.contains(line.name.map { $0 == 0x5f ? 0x2d : $0 })
  }

  /// The line with another value, if it is Host's.
  func edited(_ line: PlainHead.Line) -> [UInt8]? {
    guard line.isNamed("host") else { return nil }
    let rest = line.bytes.dropFirst(line.nameLength + 1)
    let blanks = rest.prefix { $0 == 0x20 || $0 == 0x09 }
    return Array(line.bytes.prefix(line.nameLength + 1)) + blanks + Self.host
      + rest.dropFirst(blanks.count + line.value.count)
  }
}
