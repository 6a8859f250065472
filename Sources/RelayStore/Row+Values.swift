import GRDB
import TunnelCore

/// Reads of a row that end in a fault where GRDB's own subscripts would trap: a damaged file must
/// not end every tenant's tunnel.
extension Row {
  func text(_ column: String) throws(StoreFault) -> String {
    guard let value = optionalText(column) else { throw Row.damaged(column) }
    return value
  }

  func optionalText(_ column: String) -> String? {
    String.fromDatabaseValue(self[column] as DatabaseValue)
  }

  func number(_ column: String) throws(StoreFault) -> UInt64 {
    guard let value = optionalNumber(column) else { throw Row.damaged(column) }
    return value
  }

  func optionalNumber(_ column: String) -> UInt64? {
    let value: DatabaseValue = self[column]
    guard let number = Int64.fromDatabaseValue(value) else { return nil }
    return UInt64(Swift.max(0, number))
  }

  func id(_ column: String) throws(StoreFault) -> ID {
    guard let value = optionalID(column) else { throw Row.damaged(column) }
    return value
  }

  func optionalID(_ column: String) -> ID? {
    optionalText(column).flatMap { ID($0) }
  }

  func domain(_ column: String) throws(StoreFault) -> DomainName {
    guard let value = try? DomainName(text(column)) else { throw Row.damaged(column) }
    return value
  }

  /// Lines of one text; none where there is no text.
  func lines(_ column: String) -> [String] {
    (optionalText(column) ?? "").split(separator: "\n").map(String.init)
  }

  private static func damaged(_ column: String) -> StoreFault {
    .unusable("the database holds no valid `\(column)`", fix: "restore the last backup")
  }
}

extension Database {
  /// Times and epochs are unsigned with us and signed in SQLite.
  static func signed(_ number: UInt64) -> Int64 { Int64(clamping: number) }
}
