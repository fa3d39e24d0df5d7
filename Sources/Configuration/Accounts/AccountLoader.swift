extension ConfigurationLoader {
  /// Reads a users file: the same dialect as configuration files, without templates; every section
  /// is an account.
  ///
  /// - Parameters:
  ///   - bytes: the content of the file.
  ///   - file: its path, for issues.
  public static func loadAccounts(bytes: [UInt8], file: String) -> LoadedAccounts {
    var issues = IssueCollector(file: file)
    let accounts = AccountLoader(file: file).load(bytes, &issues)
    return LoadedAccounts(
      accounts: issues.hasErrors ? nil : accounts, issues: issues.finish())
  }
}

/// What reading a users file gave.
public struct LoadedAccounts: Sendable {
  /// The accounts, in ascending order of their names; `nil` when there is an error among the
  /// issues.
  public let accounts: [Account]?

  /// Errors and warnings, in the order of the lines.
  public let issues: [ConfigurationIssue]
}

/// Makes accounts of the sections of a users file.
struct AccountLoader {
  let file: String

  func load(_ bytes: [UInt8], _ issues: inout IssueCollector) -> [Account] {
    guard bytes.count <= ConfigurationLimits.fileBytesMax else {
      issues.add(
        .error, SourceLocation(file: file, line: nil),
        "expected at most \(ConfigurationLimits.fileBytesMax) bytes")
      return []
    }
    guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
      issues.add(.error, SourceLocation(file: file, line: nil), "expected text in UTF-8")
      return []
    }
    var text = RenderedText()
    text.file = file
    text.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    text.lineNumbers = Array(1...(bytes.count { $0 == 0x0A } + 1))
    var document = IniDocument()
    var parser = IniParser(text, isIncluded: false)
    parser.parse(into: &document, issues: &issues)
    guard document.sections.count <= ConfigurationLimits.accountCountMax else {
      issues.add(
        .error, SourceLocation(file: file, line: nil),
        "expected at most \(ConfigurationLimits.accountCountMax) users")
      return []
    }
    return document.sections.compactMap { load($0, document, &issues) }
      .sorted { $0.name < $1.name }
  }

  private func load(
    _ section: IniSection, _ document: IniDocument, _ issues: inout IssueCollector
  ) -> Account? {
    // Keys before the first section have no effect, and a warning.
    if section.name == IniDocument.defaultSectionName { return nil }
    guard Account.isName(section.name), section.name != "common" else {
      issues.add(
        .error, section.location,
        "expected the name of a user, of letters, digits, - and _, and not common, "
          + "found \(quoted(section.name))")
      return nil
    }
    var account = Account(name: section.name, token: Secret(""))
    for key in AccountKey.all {
      guard let entry = document.entry(key.name, in: section), !entry.value.isEmpty else {
        continue
      }
      if let fault = key.store(&account, entry.value) {
        issues.add(.error, entry.location, key: entry.key, fault)
      } else if entry.value.contains(" #") || entry.value.contains(" ;") {
        issues.add(
          .warning, entry.location, key: entry.key,
          "the value goes to the end of the line; there are no comments behind values")
      }
    }
    for entry in section.entries where !AccountKey.all.contains(where: { $0.name == entry.key }) {
      // An error, unlike elsewhere: a right that is misspelt would be granted.
      issues.add(.error, entry.location, key: quotedIfOdd(entry.key), Self.unknownKey)
    }
    if account.token.isEmpty {
      issues.add(
        .error, section.location, key: AccountKey.token.name,
        "expected a token for \(quoted(section.name))")
    }
    return account
  }

  private static let unknownKey =
    "expected one of " + AccountKey.all.map(\.name).joined(separator: ", ")
}
