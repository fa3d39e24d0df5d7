/// Makes frpc's configuration of its file, of the files that it includes, and of its store.
struct ClientLoader {
  let environment: [String: String]
  let includes: IncludeReader
  let options: LoadOptions

  /// What files give.
  struct Result {
    var configuration: ClientConfiguration
    var draft: ClientDraft
    var proxyDrafts: [ProxyDraft] = []
    var visitorDrafts: [VisitorDraft] = []

    /// In ascending order of names, as frp starts them.
    mutating func sort() {
      func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
      }
      configuration.proxies.sort { isBefore($0.name, $1.name) }
      configuration.visitors.sort { isBefore($0.name, $1.name) }
      proxyDrafts.sort { isBefore($0.name, $1.name) }
      visitorDrafts.sort { isBefore($0.name, $1.name) }
    }
  }

  func load(_ file: SourceFile, _ issues: inout IssueCollector) -> Result? {
    if file.isIni {
      guard let text = file.render(.ini, environment: environment, &issues) else { return nil }
      var document = IniDocument()
      var parser = IniParser(text, isIncluded: false)
      parser.parse(into: &document, issues: &issues)
      guard let common = document.common(of: file.path, &issues) else { return nil }
      var loader = IniClientLoader(loader: self, document: document, common: common)
      return loader.load(&issues)
    }
    guard let text = file.render(.v1, environment: environment, &issues),
      let tree = file.parse(text, &issues)
    else { return nil }
    return TableClientLoader(loader: self, file: file).load(tree, text, &issues)
  }

  // MARK: Includes

  /// The included files, in the order of the patterns and then of their names.
  func includedFiles(
    _ patterns: [String], at location: SourceLocation, _ issues: inout IssueCollector
  ) -> [SourceFile] {
    var files: [SourceFile] = []
    var fileCount = 0
    for pattern in patterns {
      let (directory, last) = Self.split(pattern)
      guard let glob = GlobPattern(last) else {
        issues.add(
          .error, location, key: "includes",
          "expected a file name or pattern, found \(quoted(last))")
        continue
      }
      guard let names = includes.fileNames(directory.isEmpty ? "." : directory) else {
        issues.add(
          .error, location, key: "includes",
          "the directory of \(quoted(pattern)) cannot be read")
        continue
      }
      let matching = names.filter(glob.matches).sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
      if matching.isEmpty {
        issues.add(.warning, location, key: "includes", "no file matches \(quoted(pattern))")
      }
      for name in matching {
        fileCount += 1
        guard fileCount <= ConfigurationLimits.includedFileCountMax else {
          issues.add(
            .error, location, key: "includes",
            "expected at most \(ConfigurationLimits.includedFileCountMax) files")
          return files
        }
        let path = directory + name
        guard let bytes = includes.readFile(path) else {
          issues.add(.error, SourceLocation(file: path), "cannot be read")
          continue
        }
        if let file = SourceFile(bytes, path: path, &issues) { files.append(file) }
      }
    }
    return files
  }

  /// The directory with its slash, and the last part.
  static func split(_ path: String) -> (String, String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    let behind = path.index(after: slash)
    return (String(path[..<behind]), String(path[behind...]))
  }
}
