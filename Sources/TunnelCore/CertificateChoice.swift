/// Which of several certificates a visitor is shown, by the name it asks for: one that has exactly
/// this name, else one with a wildcard for it (one label, RFC 9525, section 6.3), else the first.
/// Of two that are for one name the first is shown.
package struct CertificateChoice: Sendable, Equatable {
  /// A name that is given twice, as the certificate has it.
  package struct Shadowed: Sendable, Equatable {
    package let name: String
    /// The place of the certificate that is shown for it.
    package let shown: Int
    /// The place of the one that is not.
    package let hidden: Int
  }

  private var exact: [String: Int] = [:]
  /// By what stands behind the first label.
  private var wildcards: [String: Int] = [:]
  package private(set) var shadowed: [Shadowed] = []

  /// The DNS names of each certificate, in the order of the settings.
  package init(_ names: [[String]]) {
    for (place, names) in names.enumerated() {
      for name in names { add(name, at: place) }
    }
  }

  private mutating func add(_ name: String, at place: Int) {
    let isWildcard = name.hasPrefix("*.")
    // A name that no visitor can ask for is nobody's.
    guard let domain = try? DomainName(isWildcard ? String(name.dropFirst(2)) : name) else {
      return
    }
    let known = isWildcard ? wildcards[domain.text] : exact[domain.text]
    if let known {
      if known != place { shadowed.append(Shadowed(name: name, shown: known, hidden: place)) }
    } else if isWildcard {
      wildcards[domain.text] = place
    } else {
      exact[domain.text] = place
    }
  }

  /// The place of the one to show; 0 also for a visitor that names nobody.
  package func place(for name: DomainName?) -> Int {
    guard let name else { return 0 }
    if let place = exact[name.text] { return place }
    guard let dot = name.text.firstIndex(of: ".") else { return 0 }
    return wildcards[String(name.text[name.text.index(after: dot)...])] ?? 0
  }
}
