import Testing

/// Every file that the fuzzer kept goes through the same check again, without the fuzzer.
@Suite("The fuzzer's corpus of messages")
struct CorpusTests {
  @Test("heads are read alike however they are cut", arguments: Kept.of("head"))
  func head(_ kept: Kept) throws { try HeadCheck.run(kept.bytes) }

  @Test("bodies end alike however they are cut", arguments: Kept.of("body"))
  func body(_ kept: Kept) throws { try BodyCheck.run(kept.bytes) }

  @Test("an edited head is what its rules say", arguments: Kept.of("edit"))
  func edit(_ kept: Kept) throws { try EditCheck.run(kept.bytes) }

  @Test("is there")
  func found() {
    for target in ["head", "body", "edit"] { #expect(Kept.of(target).count > 5) }
  }
}
