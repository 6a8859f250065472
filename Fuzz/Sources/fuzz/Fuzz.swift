import Glibc
import HTTPMessageChecks
import MultiplexerChecks
import TunnelCoreChecks

/// libFuzzer's own main, as a function.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// One program for all targets. The target's name stands in the environment, for libFuzzer starts
/// itself again with its own arguments.
@main
enum Fuzz {
  private typealias Check = @Sendable ([UInt8]) throws -> Void

  private static let checks: [String: Check] = [
    "head": HeadCheck.run, "body": BodyCheck.run, "edit": EditCheck.run,
    "frames": FrameCheck.run, "session": SessionCheck.run,
    "hello": HelloCheck.run,
  ]

  /// libFuzzer calls a C function, which can hold nothing: the choice stands here.
  private static let check: Check = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let found = checks[name] else {
      print("FUZZ_TARGET names none of:", checks.keys.sorted().joined(separator: " "))
      exit(2)
    }
    return found
  }()

  static func main() {
    _ = check
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &arguments) { data, size in
        do {
          try Fuzz.check(Array(UnsafeBufferPointer(start: data, count: size)))
        } catch {
          // libFuzzer keeps the input of what aborts.
          let text = Array("BROKEN: \(error)\n".utf8)
          _ = text.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
          abort()
        }
        return 0
      })
  }
}
