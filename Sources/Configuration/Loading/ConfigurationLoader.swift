/// How included files are reached; the loader itself opens nothing.
public struct IncludeReader: Sendable {
  /// The names of the plain files in a directory; `nil` when it cannot be read.
  public var fileNames: @Sendable (_ directory: String) -> [String]?

  /// The content of a file; `nil` when it cannot be read.
  public var readFile: @Sendable (_ path: String) -> [UInt8]?

  /// Puts both together.
  public init(
    fileNames: @escaping @Sendable (_ directory: String) -> [String]?,
    readFile: @escaping @Sendable (_ path: String) -> [UInt8]?
  ) {
    self.fileNames = fileNames
    self.readFile = readFile
  }

  /// Finds no directory and no file.
  public static let none = IncludeReader(fileNames: { _ in nil }, readFile: { _ in nil })
}

/// Makes configurations of the text of configuration files. Opens no file, reads no clock.
public enum ConfigurationLoader {
  /// Reads frps' configuration.
  ///
  /// - Parameters:
  ///   - bytes: the content of the file.
  ///   - file: its path, for issues.
  ///   - environment: what templates may refer to.
  public static func loadServer(bytes: [UInt8], file: String, environment: [String: String])
    -> LoadedConfiguration<ServerConfiguration>
  {
    var issues = IssueCollector(file: file)
    var document = IniDocument()
    let reader = FileReader(environment: environment)
    var value: ServerConfiguration?
    if reader.readMain(bytes, file: file, into: &document, issues: &issues),
      let common = document["common"]
    {
      value = ServerLoader(document: document, common: common).load(&issues)
    }
    return LoadedConfiguration(value: issues.hasErrors ? nil : value, issues: issues.finish())
  }

  /// Reads frps' configuration from text.
  public static func loadServer(text: String, file: String, environment: [String: String] = [:])
    -> LoadedConfiguration<ServerConfiguration>
  {
    loadServer(bytes: Array(text.utf8), file: file, environment: environment)
  }

  /// Reads frpc's configuration and the files that it includes.
  ///
  /// - Parameters:
  ///   - bytes: the content of the file.
  ///   - file: its path, for issues.
  ///   - environment: what templates may refer to, and the default of `http_proxy`.
  ///   - includes: how included files are reached.
  public static func loadClient(
    bytes: [UInt8], file: String, environment: [String: String], includes: IncludeReader
  ) -> LoadedConfiguration<ClientConfiguration> {
    var issues = IssueCollector(file: file)
    var document = IniDocument()
    let reader = FileReader(environment: environment)
    var value: ClientConfiguration?
    if reader.readMain(bytes, file: file, into: &document, issues: &issues),
      let common = document["common"]
    {
      var loader = ClientLoader(document: document, common: common, reader: reader)
      value = loader.load(includes: includes, &issues)
    }
    return LoadedConfiguration(value: issues.hasErrors ? nil : value, issues: issues.finish())
  }

  /// Reads frpc's configuration from text.
  public static func loadClient(
    text: String, file: String, environment: [String: String] = [:], includes: IncludeReader = .none
  ) -> LoadedConfiguration<ClientConfiguration> {
    loadClient(bytes: Array(text.utf8), file: file, environment: environment, includes: includes)
  }
}

/// Brings the bytes of a file into a document.
struct FileReader {
  let environment: [String: String]

  /// Reads the main file; `false` when it is not in this format at all.
  func readMain(
    _ bytes: [UInt8], file: String, into document: inout IniDocument, issues: inout IssueCollector
  ) -> Bool {
    guard let text = render(bytes, file: file, issues: &issues) else { return false }
    guard Self.hasCommonSection(text) else {
      issues.add(
        .error, SourceLocation(file: file, line: nil),
        "expected a [common] section: the INI format; "
          + "TOML, YAML and JSON are not read in this version")
      return false
    }
    var parser = IniParser(text, file: file, isIncluded: false)
    parser.parse(into: &document, issues: &issues)
    if document["common"] == nil, !issues.hasErrors {
      issues.add(
        .error, SourceLocation(file: file, line: nil),
        "expected a [common] section; what looks like it is part of a value")
    }
    return true
  }

  /// Reads an included file behind what the document holds.
  func readIncluded(
    _ bytes: [UInt8], file: String, into document: inout IniDocument, issues: inout IssueCollector
  ) {
    guard let text = render(bytes, file: file, issues: &issues) else { return }
    var parser = IniParser(text, file: file, isIncluded: true)
    parser.parse(into: &document, issues: &issues)
  }

  private func render(_ bytes: [UInt8], file: String, issues: inout IssueCollector)
    -> RenderedText?
  {
    func fail(_ message: String, line: Int? = nil) -> RenderedText? {
      issues.add(.error, SourceLocation(file: file, line: line), message)
      return nil
    }
    guard bytes.count <= ConfigurationLimits.fileBytesMax else {
      return fail("expected at most \(ConfigurationLimits.fileBytesMax) bytes")
    }
    var source = bytes
    if source.starts(with: [0xEF, 0xBB, 0xBF]) { source.removeFirst(3) }
    if let line = Self.firstLineNotUTF8(source) {
      return fail("expected text in UTF-8", line: line)
    }
    var renderer = TemplateRenderer(source, environment: environment)
    do throws(TemplateFault) {
      let text = try renderer.render()
      for (name, line) in renderer.missingNames {
        issues.add(
          .warning, SourceLocation(file: file, line: line),
          "the environment has no \(name); the text is now \(TemplateRenderer.missingValue)")
      }
      return text
    } catch {
      return fail(error.message, line: error.line)
    }
  }

  /// The first line that is no UTF-8, or that holds a zero byte.
  private static func firstLineNotUTF8(_ bytes: [UInt8]) -> Int? {
    if !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil { return nil }
    var number = 1
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if line.contains(0) || String(validating: line, as: UTF8.self) == nil { return number }
      number += 1
    }
    return number
  }

  private static func hasCommonSection(_ text: RenderedText) -> Bool {
    text.bytes.split(separator: 0x0A).contains { line in
      let text = trimmed(String(decoding: line, as: UTF8.self))
      guard text.hasPrefix("["), let close = text.lastIndex(of: "]") else { return false }
      return text[text.index(after: text.startIndex)..<close] == "common"
    }
  }
}
