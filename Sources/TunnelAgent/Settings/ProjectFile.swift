/// Finds the project around a folder: its `tunnel.yml` and its git root.
///
/// The walk goes up to the git root and no further; outside of a git work tree only the folder
/// itself counts, so that nobody else's file in `/tmp` or `/home` is ever obeyed.
package struct ProjectPlace: Sendable, Equatable {
  package let file: String?
  package let gitRoot: String?

  package init(around directory: String) {
    var seen: [String] = []
    var folder = directory
    var root: String?
    while true {
      seen.append(folder)
      if SmallFile.exists(folder == "/" ? "/.git" : folder + "/.git") {
        root = folder
        break
      }
      let above = SmallFile.folder(of: folder)
      if above == folder || above == "." { break }
      folder = above
    }
    gitRoot = root
    file = (root == nil ? [directory] : seen)
      .map { $0 == "/" ? "/tunnel.yml" : $0 + "/tunnel.yml" }
      .first(where: SmallFile.exists)
  }

  /// The git root's folder, as a name.
  package var name: String? {
    gitRoot?.split(separator: "/").last.map(String.init)
  }
}
