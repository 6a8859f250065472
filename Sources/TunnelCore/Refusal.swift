/// The relay's "no" to one exchange: which, and one sentence for the person who meets it.
package struct Refusal: Error, Sendable, Equatable {
  package let code: RefusalCode
  package var detail: String
  /// Seconds for `Retry-After`; nil: the answer has none.
  package var retryAfter: Int?

  package init(_ code: RefusalCode, _ detail: String) {
    self.code = code
    self.detail = detail
    retryAfter = code.retryAfter
  }
}
