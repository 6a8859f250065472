/// The one label that an account chooses below the relay's base domain: 3 to 63 characters out of
/// `[a-z0-9-]`, no hyphen at an edge, none that the relay keeps for itself (product.md, section 4).
package struct SubdomainLabel: Hashable, Sendable, CustomStringConvertible {
  package static let lengths = 3...63

  package let text: String

  /// Accepts upper case and lowers it.
  package init(_ text: String) throws(NameFault) {
    guard !text.utf8.contains(UInt8(ascii: ".")) else { throw .badCharacter(".", in: text) }
    let label = try DomainName("\(text).label").text.dropLast(".label".utf8.count)
    guard label.utf8.count >= SubdomainLabel.lengths.lowerBound else {
      throw .tooShort(text, limit: SubdomainLabel.lengths.lowerBound)
    }
    guard !ReservedLabels.contains(String(label)) else { throw .reserved(String(label)) }
    self.text = String(label)
  }

  private init(unchecked text: String) {
    self.text = text
  }

  /// A label that a person can say over the phone: `brave-otter-4821`. There are 36 million;
  /// the caller tries again when one is held.
  package static func readable(
    using generator: inout some RandomNumberGenerator
  ) -> SubdomainLabel {
    let quality = qualities[Int.random(in: qualities.indices, using: &generator)]
    let animal = animals[Int.random(in: animals.indices, using: &generator)]
    let number = Int.random(in: 1_000...9_999, using: &generator)
    return SubdomainLabel(unchecked: "\(quality)-\(animal)-\(number)")
  }

  package var description: String { text }

  private static let qualities = words(
    """
    able agile amber apt azure bold brave brief bright brisk calm candid clean clear clever cosy
    crisp curious deft eager early easy fair fancy fast fine fleet fond fresh gentle glad golden
    grand happy hardy honest jolly keen kind lively loyal lucky mellow merry mild neat nimble
    noble patient placid plucky polite proud quick quiet ready sharp silver smart snug steady
    sunny swift tidy
    """)

  private static let animals = words(
    """
    badger bear beaver bison bittern buzzard camel carp cat cod coot crane crow cuckoo deer dingo
    dove duck eagle egret eider elk falcon ferret finch fox gecko gibbon goose grouse hare hawk
    heron horse ibex ibis jackdaw kestrel kite koala lark lemur lion lynx magpie marten mole moose
    newt osprey otter owl panda perch pike plover puffin quail raven robin salmon seal stoat swan
    """)

  private static func words(_ text: String) -> [String] {
    text.split { $0 == " " || $0 == "\n" }.map(String.init)
  }
}
