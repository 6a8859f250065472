import struct NIOCore.ByteBuffer

/// The first frame each way: what each side speaks and who it is.
package struct Hello: Equatable, Sendable {
  /// Oldest and newest version of the protocol that this side speaks.
  package var versions: ClosedRange<UInt16> = 1...1
  /// What it knows beyond the protocol's first form, a bit each.
  package var capabilities: UInt64 = 0
  /// A relay's: it understands a `serve` of kind TCP, whether or not it offers ports.
  package static let tcpEndpoints: UInt64 = 2
  /// How many streams the peer may have open at once.
  package var streamLimit: UInt32
  package var install: WireID
  package var instance: WireID
  /// Which of the instance's links this is.
  package var linkIndex: UInt16 = 0
  /// Wall clock in milliseconds since 1970.
  package var clock: UInt64
  /// Addresses of all relays that the agent should dial; today at most one.
  package var relays: [String] = []
  /// Who this is, for people: `ann@macbook`.
  package var label: String
  /// Name and version of the program, for logs.
  package var software: String = ""

  package init(
    streamLimit: UInt32, install: WireID, instance: WireID, clock: UInt64, label: String
  ) {
    self.streamLimit = streamLimit
    self.install = install
    self.instance = instance
    self.clock = clock
    self.label = label
  }

  func write(to buffer: inout ByteBuffer) {
    buffer.writeFrame(.hello) { body in
      body.writeField(
        0, integer: UInt32(versions.lowerBound) << 16 | UInt32(versions.upperBound))
      body.writeField(2, integer: capabilities)
      body.writeField(4, integer: streamLimit)
      body.writeField(6, id: install)
      body.writeField(8, id: instance)
      body.writeField(10, integer: linkIndex)
      body.writeField(12, integer: clock)
      for relay in relays.prefix(WireText.relays) {
        body.writeField(14, text: relay, upTo: WireText.greeting)
      }
      body.writeField(16, text: label, upTo: WireText.greeting)
      body.writeField(17, text: software, upTo: WireText.greeting)
    }
  }

  init(_ payload: ByteBuffer) throws(SessionFault) {
    self.init(
      streamLimit: 0, install: WireID(high: 0, low: 0), instance: WireID(high: 0, low: 0),
      clock: 0, label: "")
    var fields = FieldReader(payload)
    while let key = try fields.next() {
      switch key {
      case 0:
        let both = try fields.integer(as: UInt32.self)
        let oldest = UInt16(truncatingIfNeeded: both >> 16)
        let newest = UInt16(truncatingIfNeeded: both)
        guard oldest <= newest else { throw .peer(.badFields) }
        versions = oldest...newest
      case 2: capabilities = try fields.integer(as: UInt64.self)
      case 4: streamLimit = try fields.integer(as: UInt32.self)
      case 6: install = try fields.id()
      case 8: instance = try fields.id()
      case 10: linkIndex = try fields.integer(as: UInt16.self)
      case 12: clock = try fields.integer(as: UInt64.self)
      case 14:
        guard relays.count < WireText.relays else { throw .peer(.badFields) }
        relays.append(try fields.text())
      case 16: label = try fields.text()
      case 17: software = try fields.text()
      default: try FieldReader.unknown(key)
      }
    }
    guard versions.contains(1) else { throw .peer(.noCommonVersion) }
  }
}
