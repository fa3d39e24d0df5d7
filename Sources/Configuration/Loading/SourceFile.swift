/// Which format a file is in.
enum FileFormat: Sendable {
  case ini
  case toml
  case yaml
  case json
}

/// Bytes of a file on their way into a document or a tree.
struct SourceFile {
  let path: String
  /// Without a byte order mark; valid UTF-8 without zero bytes.
  let bytes: [UInt8]

  /// `nil`, with an issue, when the bytes are no text.
  init?(_ bytes: [UInt8], path: String, _ issues: inout IssueCollector) {
    self.path = path
    var source = bytes
    if source.starts(with: [0xEF, 0xBB, 0xBF]) { source.removeFirst(3) }
    self.bytes = source
    guard bytes.count <= ConfigurationLimits.fileBytesMax else {
      issues.add(
        .error, SourceLocation(file: path),
        "expected at most \(ConfigurationLimits.fileBytesMax) bytes")
      return nil
    }
    if let line = Self.firstLineNotUTF8(source) {
      issues.add(.error, SourceLocation(file: path, line: line), "expected text in UTF-8")
      return nil
    }
  }

  /// Fills in the templates; `nil`, with an issue, when one is wrong.
  func render(
    _ generation: NameGeneration, environment: [String: String], _ issues: inout IssueCollector
  ) -> RenderedText? {
    var renderer = TemplateRenderer(bytes, environment: environment, generation: generation)
    do throws(TemplateFault) {
      var text = try renderer.render()
      text.file = path
      for (name, line) in renderer.missingNames {
        issues.add(
          .warning, SourceLocation(file: path, line: line),
          "the environment has no \(name); the text is now \(TemplateRenderer.missingValue)")
      }
      return text
    } catch {
      issues.add(.error, SourceLocation(file: path, line: error.line), error.message)
      return nil
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

  // MARK: Format

  /// Whether the file is INI: its bytes, before templates are filled in, have a section `common`.
  /// frp also asks that they parse as INI, and takes a file with a slip for TOML; here that is left
  /// to files whose names say so, so that the others' owners read about the slip.
  var isIni: Bool {
    guard hasCommonSection else { return false }
    guard ["toml", "yaml", "yml", "json"].contains(pathExtension) else { return true }
    var text = RenderedText()
    text.bytes = bytes
    text.lineNumbers = Array(1...bytes.count(where: { $0 == 0x0A }) + 1)
    var issues = IssueCollector(file: path)
    var document = IniDocument()
    var parser = IniParser(text, isIncluded: false)
    parser.parse(into: &document, issues: &issues)
    return !issues.hasErrors
  }

  private var hasCommonSection: Bool {
    bytes.split(separator: 0x0A).contains { line in
      guard let first = line.first(where: { $0 != 0x20 && $0 != 0x09 }), first == 0x5B else {
        return false
      }
      let text = trimmed(String(decoding: line, as: UTF8.self))
      guard let close = text.lastIndex(of: "]") else { return false }
      return text[text.index(after: text.startIndex)..<close] == "common"
    }
  }

  /// What stands behind the last dot of the path's last part, in lower case.
  private var pathExtension: String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: ".") else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }

  /// Parses the current generation: TOML whatever the file is called, then JSON or YAML unless it
  /// is called TOML. `nil`, with an issue, when it is none of them.
  func parse(_ text: RenderedText, _ issues: inout IssueCollector) -> ConfigurationValue? {
    let toml = TOMLReader.read(text.bytes)
    guard let tomlFault = toml.faults.first else { return toml.tree }
    func failAsTOML() -> ConfigurationValue? {
      for fault in toml.faults { _ = fail("TOML", fault) }
      if pathExtension == "ini" {
        issues.add(
          .error, SourceLocation(file: path),
          "it has no section [common], so it is no INI file and is read as TOML")
      }
      return nil
    }
    func fail(_ name: String, _ fault: FormatFault) -> ConfigurationValue? {
      let location = fault.place.map { text.location($0) } ?? SourceLocation(file: path)
      issues.add(.error, location, "\(name): \(fault.message)")
      return nil
    }
    if pathExtension == "toml" { return failAsTOML() }
    let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
    do throws(FormatFault) {
      if text.bytes.first(where: { !blanks.contains($0) }) == 0x7B {
        return try JSONReader.read(text.bytes)
      }
    } catch {
      return fail("JSON", error)
    }
    let isCalledOther = ["yaml", "yml", "json"].contains(pathExtension)
    do throws(FormatFault) {
      let value = try YAMLReader.read(text.bytes)
      switch value.content {
      case .table: return value
      case .null: return ConfigurationValue(content: .table([]), place: value.place)
      case .boolean, .integer, .number, .text, .date, .list:
        guard isCalledOther else { return failAsTOML() }
        let found = value.described(isSecret: true)
        return fail(
          "YAML", FormatFault(place: value.place, message: "expected a table, found \(found)"))
      }
    } catch {
      // Of two readers that both failed, the one that came further understood more.
      let isYAML = isCalledOther || (error.place?.line ?? 0) > (tomlFault.place?.line ?? 0)
      return isYAML ? fail("YAML", error) : failAsTOML()
    }
  }
}
