import TunnelCore

/// A ClientHello put together as bytes, right or wrong, in records of any size.
struct HelloBytes {
  var session: [UInt8] = []
  var suites: [UInt8] = [0x13, 0x01]
  var compression: [UInt8] = [0]
  /// Number and content, in this order; nil leaves out the whole list.
  var extensions: [(kind: Int, bytes: [UInt8])]? = []

  init(name: String? = nil, protocols: [String] = [], versions: [UInt16] = []) {
    var all: [(Int, [UInt8])] = []
    if let name { all.append((0, Self.serverName(name))) }
    if !protocols.isEmpty {
      let list = protocols.flatMap { Self.vector(1, Array($0.utf8)) }
      all.append((16, Self.vector(2, list)))
    }
    if !versions.isEmpty {
      let list = versions.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
      all.append((43, Self.vector(1, list)))
    }
    extensions = all
  }

  static func serverName(_ name: String) -> [UInt8] {
    vector(2, [0] + vector(2, Array(name.utf8)))
  }

  /// Behind its length of so many bytes.
  static func vector(_ prefix: Int, _ bytes: [UInt8]) -> [UInt8] {
    (0..<prefix).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
  }

  /// The handshake message.
  var message: [UInt8] {
    var body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32)
    body += Self.vector(1, session) + Self.vector(2, suites) + Self.vector(1, compression)
    if let extensions {
      let list = extensions.flatMap {
        [UInt8($0.kind >> 8), UInt8($0.kind & 255)] + Self.vector(2, $0.bytes)
      }
      body += Self.vector(2, list)
    }
    return [1] + Self.vector(3, body)
  }

  /// In records of so many bytes of the message.
  func records(of size: Int = 16_384) -> [UInt8] { Self.records(message, of: size) }

  static func records(_ message: [UInt8], of size: Int) -> [UInt8] {
    stride(from: 0, to: message.count, by: size).flatMap { start in
      [22, 3, 1] + vector(2, Array(message[start..<min(message.count, start + size)]))
    }
  }
}
