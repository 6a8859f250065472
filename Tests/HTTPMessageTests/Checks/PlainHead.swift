import HTTPMessage

/// A head read in the plainest way there is, to hold the scanner's word against: split at CRLF,
/// then at the first colon. It is only asked about heads that the scanner took.
struct PlainHead {
  struct Line {
    let bytes: [UInt8]
    /// In lower case.
    let name: [UInt8]
    let nameLength: Int
    let value: [UInt8]

    func isNamed(_ text: StaticString) -> Bool { name == [UInt8](text) }
    func begins(_ text: StaticString) -> Bool { name.starts(with: [UInt8](text)) }
  }

  let start: [UInt8]
  let lines: [Line]

  init(_ head: [UInt8], leading: Int) throws(Broken) {
    var rows: [[UInt8]] = []
    var row: [UInt8] = []
    var index = leading
    while index < head.count {
      if head[index] == 0x0d, index + 1 < head.count, head[index + 1] == 0x0a {
        rows.append(row)
        row = []
        index += 2
        continue
      }
      try demand(head[index] != 0x0d && head[index] != 0x0a, "a bare CR or LF was taken")
      row.append(head[index])
      index += 1
    }
    try demand(row.isEmpty && rows.last == [], "the head does not end with an empty line")
    rows.removeLast()
    try demand(!rows.isEmpty && !rows.contains([]), "an empty line stands inside the head")
    start = rows.removeFirst()
    var lines: [Line] = []
    for row in rows {
      let name = Array(row.prefix { $0 != 0x3a })
      try demand(name.count < row.count && !name.isEmpty, "a field line has no name")
      try demand(name.allSatisfy(Self.isToken), "a field name holds another byte")
      let value = Array(row.dropFirst(name.count + 1)).trimmed
      try demand(
        value.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }, "a control in a value")
      lines.append(
        Line(bytes: row, name: name.lowered, nameLength: name.count, value: value))
    }
    self.lines = lines
  }

  private static let marks = [UInt8]("!#$%&'*+-.^_`|~")

  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: marks.contains(byte)
    }
  }

  func values(_ text: StaticString) -> [[UInt8]] {
    lines.filter { $0.isNamed(text) }.map(\.value)
  }

  func elements(_ text: StaticString) -> [[UInt8]] { values(text).flatMap(\.elements) }

  /// How the fields frame the body.
  var framing: BodyFraming {
    get throws(Broken) {
      let lengths = values("content-length")
      let codings = values("transfer-encoding")
      try demand(lengths.count + codings.count <= 1, "the body is framed twice")
      if let coding = codings.first {
        try demand(coding.lowered == [UInt8]("chunked"), "a coding but chunked was taken")
        return .chunked
      }
      guard let length = lengths.first else { return .none }
      let number = UInt64(String(decoding: length, as: UTF8.self))
      guard let number, length.first != 0x2b else { throw Broken("a length is no number") }
      return .length(number)
    }
  }

  /// The fields that the scanner found are these lines.
  func hold(_ fields: [Field], _ head: [UInt8]) throws(Broken) {
    try demand(fields.count == lines.count, "\(fields.count) fields in \(lines.count) lines")
    let named = elements("connection")
    for (field, line) in zip(fields, lines) {
      try demand(head[field.name].lowered == line.name, "another name was read")
      try demand(head[field.value] == line.value, "another value was read")
      if field.named { try demand(named.contains(line.name), "a field is called hop-by-hop") }
      try demand(
        (field.kind == .tunnel) == line.begins("tunnel-"), "Tunnel- is not seen, or seen")
    }
  }
}
