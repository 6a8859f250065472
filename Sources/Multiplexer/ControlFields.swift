import struct NIOCore.ByteBuffer

/// A control message's fields by key, for reading; CONTROL frames are rare, so a list will do.
struct ControlFields {
  /// For each field a reader that stands on it.
  private var values: [(key: UInt16, value: FieldReader)] = []

  /// Every message numbers its critical keys 0, 2, 4 … without a gap; `last` is the last one
  /// that this version knows.
  init(_ payload: ByteBuffer, last: UInt16) throws(SessionFault) {
    var fields = FieldReader(payload)
    while let key = try fields.next() {
      if key > last { try FieldReader.unknown(key) }
      guard values.count < 64 else { throw .peer(.badFields) }
      values.append((key, fields))
    }
  }

  func has(_ key: UInt16) -> Bool { values.contains { $0.key == key } }

  private func value(_ key: UInt16) throws(SessionFault) -> FieldReader {
    guard let found = values.first(where: { $0.key == key }) else { throw .peer(.badFields) }
    return found.value
  }

  func integer<T: FixedWidthInteger>(_ key: UInt16) throws(SessionFault) -> T {
    try value(key).integer()
  }

  func id(_ key: UInt16) throws(SessionFault) -> WireID { try value(key).id() }

  func text(_ key: UInt16) throws(SessionFault) -> String { try value(key).text() }
}

extension Serve {
  /// The kind of an endpoint that is a TCP port; 0, or no kind at all, is a name.
  private static let tcp: UInt8 = 1

  func write(to body: inout ByteBuffer) {
    body.writeField(0, integer: request)
    switch wish {
    case .domain(let name): body.writeField(2, text: name)
    case .label(let label): body.writeField(4, text: label)
    case .first: break
    case .tcp(let port, let label, let host):
      if !host.isEmpty { body.writeField(2, text: host) }
      body.writeField(20, integer: Self.tcp)
      if let port { body.writeField(22, integer: port) }
      body.writeField(24, text: label)
    }
    if heldEpoch != 0 { body.writeField(6, integer: heldEpoch) }
    if manner != 0 { body.writeField(8, integer: manner) }
    if !project.isEmpty { body.writeField(9, text: project) }
    for policy in policies { body.writeField(10, text: policy) }
  }

  init(_ payload: ByteBuffer) throws(SessionFault) {
    self.init(request: 0, wish: .first)
    var fields = FieldReader(payload)
    var kind: UInt8 = 0
    var port: UInt16?
    var (host, label) = ("", "")
    while let key = try fields.next() {
      switch key {
      case 0: request = try fields.integer(as: UInt32.self)
      case 2:
        host = try fields.text()
        wish = .domain(host)
      case 4: wish = .label(try fields.text())
      case 6: heldEpoch = try fields.integer(as: UInt64.self)
      case 8: manner = try fields.integer(as: UInt8.self)
      case 9: project = try fields.text()
      case 10: policies.append(try fields.text())
      case 20: kind = try fields.integer(as: UInt8.self)
      case 22: port = try fields.integer(as: UInt16.self)
      case 24: label = try fields.text()
      default: try FieldReader.unknown(key)
      }
    }
    guard kind <= Self.tcp else { throw .peer(.badFields) }
    if kind == Self.tcp { wish = .tcp(port: port, label: label, host: host) }
  }
}
