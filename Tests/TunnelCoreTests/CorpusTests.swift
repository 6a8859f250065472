import Testing

/// Every file that the fuzzer kept goes through the same check again, without the fuzzer.
@Suite("The fuzzer's corpus of hellos")
struct CorpusTests {
  @Test("hellos are read alike however they are cut", arguments: Kept.of("hello"))
  func hello(_ kept: Kept) throws { try HelloCheck.run(kept.bytes) }

  @Test("is there")
  func found() { #expect(Kept.of("hello").count > 5) }
}
