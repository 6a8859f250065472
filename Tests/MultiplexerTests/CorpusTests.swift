import Testing

/// Every file that the fuzzer kept goes through the same check again, without the fuzzer.
@Suite("The fuzzer's corpus of frames")
struct CorpusTests {
  @Test("what is read from a frame is written and read the same", arguments: Kept.of("frames"))
  func frames(_ kept: Kept) throws { try FrameCheck.run(kept.bytes) }

  @Test("honest and hostile walks keep their promises", arguments: Kept.of("session"))
  func session(_ kept: Kept) throws { try SessionCheck.run(kept.bytes) }

  @Test("is there")
  func found() {
    for target in ["frames", "session"] { #expect(Kept.of(target).count > 5) }
  }
}
