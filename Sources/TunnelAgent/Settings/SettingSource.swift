import TunnelCore

/// Where a setting's value stands, most telling first; its text is what `tunnel config show` says.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
  case flag(String)
  case environment(String)
  case file(String, line: Int)
  case preset(String)

  package var description: String {
    switch self {
    case .flag(let name): "flag \(name)"
    case .environment(let name): "environment \(name)"
    case .file(let path, let line): "\(path):\(line)"
    case .preset(let why): why
    }
  }

  /// A bad value's error: exit 2 on the command line, 78 in the environment or a file.
  func fault(_ fault: ValueFault) -> UserError {
    let message: String
    switch self {
    case .flag(let name): message = "\(name): \(fault.message)"
    case .environment(let name): message = "\(name): \(fault.message)"
    case .file(let path, let line): message = "\(path):\(line): \(fault.message)"
    case .preset: message = fault.message
    }
    guard case .flag = self else {
      return UserError(
        code: fault.code ?? "config-value", message: message, fix: fault.fix,
        exit: fault.exit ?? .configuration)
    }
    return UserError(
      code: fault.code ?? "usage", message: message, fix: fault.fix, exit: fault.exit ?? .usage)
  }
}

/// A value that says where it came from.
package struct Sourced<Value: Sendable>: Sendable {
  package let value: Value
  package let source: SettingSource

  package init(_ value: Value, _ source: SettingSource) {
    self.value = value
    self.source = source
  }
}

extension Sourced: Equatable where Value: Equatable {}

extension Sourced where Value == String {
  /// Reads the text as something narrower; a fault names the place.
  func read<Narrow: Sendable>(
    _ parse: (String) throws(ValueFault) -> Narrow
  ) throws(UserError) -> Sourced<Narrow> {
    do {
      return Sourced<Narrow>(try parse(value), source)
    } catch {
      throw source.fault(error)
    }
  }

  /// One word out of a few.
  func oneOf<Word: RawRepresentable & CaseIterable & Sendable>() throws(UserError) -> Word
  where Word.RawValue == String {
    if let word = Word(rawValue: value) { return word }
    let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
    throw source.fault(ValueFault("`\(value)` is none of \(words)"))
  }
}

/// What is wrong with a value, whoever gave it. A code or exit of its own beats the source's.
package struct ValueFault: Error, Equatable {
  package let message: String
  package var fix: String?
  package var code: String?
  package var exit: ExitCode?

  package init(_ message: String, fix: String? = nil, code: String? = nil, exit: ExitCode? = nil) {
    self.message = message
    self.fix = fix
    self.code = code
    self.exit = exit
  }
}
