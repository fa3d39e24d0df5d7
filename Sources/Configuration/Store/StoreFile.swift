/// The file that keeps proxies and visitors made at run time (configuration.md 6).
enum StoreFile {
  struct Content {
    var proxies: [ListEntry]
    var visitors: [ListEntry]
  }

  /// Members besides `proxies` and `visitors` are tolerated. `nil`, with an issue, when it is no
  /// JSON table.
  static func read(
    _ bytes: [UInt8], path: String, _ issues: inout IssueCollector
  ) -> Content? {
    guard let file = SourceFile(bytes, path: path, &issues) else { return nil }
    // The store is no template.
    var text = RenderedText(file: path, bytes: file.bytes)
    text.lineNumbers = Array(1...file.bytes.count(where: { $0 == 0x0A }) + 1)
    do throws(FormatFault) {
      let tree = try JSONReader.read(text.bytes)
      guard case .table = tree.content else {
        throw FormatFault(
          place: tree.place, message: "expected a table, found \(tree.described(isSecret: true))")
      }
      return Content(
        proxies: EntryList.entries("proxies", of: tree, text, &issues),
        visitors: EntryList.entries("visitors", of: tree, text, &issues))
    } catch {
      let location = error.place.map { text.location($0) } ?? SourceLocation(file: path)
      issues.add(.error, location, "JSON: \(error.message)")
      return nil
    }
  }
}
