import Glibc
import TunnelCore

/// What the commands print: results on stdout, complaints and remarks on stderr; each call is one
/// `write`, at once, also into a pipe.
enum Output {
  static func print(_ text: String) { write(text, to: STDOUT_FILENO) }

  static func print(_ members: [(key: String, value: JSONText)]) {
    print(JSONText.object(members).line)
  }

  static func complain(_ text: String) { write(text, to: STDERR_FILENO) }

  /// Rows in columns of equal width, two blanks between.
  static func print(table rows: [[String]]) {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    let lines = rows.map { row in
      let cells = row.enumerated().map { column, cell in
        column == row.count - 1
          ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }
      return cells.joined(separator: "  ")
    }
    print(lines.joined(separator: "\n"))
  }

  private static func write(_ text: String, to descriptor: Int32) {
    let line = text.hasSuffix("\n") ? text : text + "\n"
    var bytes = ArraySlice(line.utf8)
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
