import Foundation

/// The working tree that these tests were compiled in.
enum Repository {
  static let root: URL = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder
  }()

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  static func read(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  static func topLevelEntries() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: root.path)
  }

  /// The paths of all files below `folder` with this extension, sorted, without hidden ones.
  static func files(below folder: String, extension wanted: String) -> [String] {
    let base = root.appendingPathComponent(folder)
    guard let entries = FileManager.default.enumerator(atPath: base.path) else { return [] }
    return entries.compactMap { $0 as? String }
      .filter { $0.hasSuffix(".\(wanted)") && !$0.hasPrefix(".") && !$0.contains("/.") }
      .map { "\(folder)/\($0)" }
      .sorted()
  }

  static func sources(below folder: String) throws -> [SourceText] {
    try files(below: folder, extension: "swift").map {
      SourceText(path: $0, content: try read($0))
    }
  }

  /// Every page that people read.
  static func pages() throws -> [String] {
    files(below: "docs", extension: "md")
      + (try topLevelEntries().filter { $0.hasSuffix(".md") }.sorted())
  }
}
