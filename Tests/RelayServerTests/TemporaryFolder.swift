import Glibc
import Testing

/// A new folder for one test, which removes it. Below /tmp whatever TMPDIR says: the path of a Unix
/// socket has room for 107 bytes (unix(7)), and some folders of this kind are longer.
func temporaryFolder() throws -> String {
  var template = Array("/tmp/tunnel-test-XXXXXX".utf8CString)
  return String(cString: try #require(mkdtemp(&template)))
}
