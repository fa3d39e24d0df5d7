import Foundation

/// Paths that a page names exist.
enum DocumentationRules {
  private static let roots = ["docs/", "Sources/", "Tests/", "config/", "Benchmarks/", ".ci/"]

  /// `path` is where the page lies, from the root; `exists` answers for paths from the root.
  static func check(path: String, content: String, exists: (String) -> Bool) -> [Violation] {
    var violations: [Violation] = []
    let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
    for (offset, line) in lines.enumerated() {
      var missing = namedPaths(in: String(line)).filter { !exists($0) }
      for target in linkTargets(in: String(line)) {
        let resolved = resolve(target, besides: path)
        if !exists(resolved), !missing.contains(resolved) { missing.append(resolved) }
      }
      violations += missing.map {
        Violation(path: path, line: offset + 1, message: "names \($0), which does not exist")
      }
    }
    return violations
  }

  /// Words that begin with a folder of ours, without the punctuation behind them.
  static func namedPaths(in line: String) -> [String] {
    let characters = Array(line)
    var paths: [String] = []
    var index = 0
    while index < characters.count {
      guard index == 0 || !isPathCharacter(characters[index - 1]) else {
        index += 1
        continue
      }
      var end = index
      while end < characters.count, isPathCharacter(characters[end]) { end += 1 }
      let isPattern = end < characters.count && "*<{…".contains(characters[end])
      let word = trimmed(String(characters[index..<end]))
      if !isPattern, roots.contains(where: { word.hasPrefix($0) || word + "/" == $0 }),
        word.contains("/") || characters[index..<end].contains("/")
      {
        paths.append(word)
      }
      index = Swift.max(end, index + 1)
    }
    return paths
  }

  /// The targets of `[text](target)` that are files.
  static func linkTargets(in line: String) -> [String] {
    line.components(separatedBy: "](").dropFirst().compactMap { rest in
      let target = rest.prefix { $0 != ")" && $0 != "#" && $0 != " " }
      let isFile = !target.isEmpty && !target.contains("://") && !target.hasPrefix("mailto:")
      return isFile ? String(target) : nil
    }
  }

  static func resolve(_ target: String, besides path: String) -> String {
    var parts = path.split(separator: "/").dropLast().map(String.init)
    for part in target.split(separator: "/") where part != "." {
      if part == "..", !parts.isEmpty {
        parts.removeLast()
      } else {
        parts.append(String(part))
      }
    }
    return parts.joined(separator: "/")
  }

  private static func isPathCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "_-./@+".contains(character))
  }

  private static func trimmed(_ word: String) -> String {
    var word = word
    while let last = word.last, "./".contains(last) { word.removeLast() }
    return word
  }
}
