/// Why a text is no policy, in words for the person who wrote it; the relay says the same to an
/// agent that did not look.
package struct PolicyFault: Error, Sendable, Equatable {
  package let message: String
  package var fix: String?

  package init(_ message: String, fix: String? = nil) {
    self.message = message
    self.fix = fix
  }
}
