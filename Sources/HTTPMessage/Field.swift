/// One field line of a head: where its name and its value stand, and whether the name matters here.
package struct Field: Equatable, Sendable {
  /// Where the line starts and the name ends.
  package let name: ByteRange
  /// The value without the blanks around it; may be empty.
  package let value: ByteRange
  package let kind: FieldName
  /// True if a Connection field of the same head names this one: it is for this hop only.
  package internal(set) var named = false

  init(name: ByteRange, value: ByteRange, kind: FieldName) {
    self.name = name
    self.value = value
    self.kind = kind
  }
}
