import Multiplexer

#if canImport(Glibc)
  import Glibc
#endif

/// Who this is, for people who look at the relay or at another agent: `ann@macbook`.
enum MachineLabel {
  static var text: String {
    var system = utsname()
    uname(&system)
    let host = withUnsafeBytes(of: &system.nodename) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard let entry = getpwuid(geteuid()), let user = entry.pointee.pw_name else { return host }
    return "\(String(cString: user))@\(host)"
  }
}

extension DomainWish {
  /// As the relay is asked for it.
  var wish: Serve.Wish {
    switch self {
    case .full(let name): .domain(name.text)
    case .label(let label): .label(label)
    case .first: .first
    case .tcp(let wish): .tcp(port: wish.port, label: wish.label, host: wish.host?.text ?? "")
    }
  }
}
