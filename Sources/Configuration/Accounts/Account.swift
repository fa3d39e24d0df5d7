/// A client with a token and rights of its own: one section of the users file.
///
/// A client belongs to the account whose name is its `user`.
public struct Account: Equatable, Sendable {
  /// The name, which the names of its proxies begin with.
  public var name: String

  /// What the account's clients prove that they know; also the key of their payload encryption.
  public var token: Secret

  /// The ports that its proxies may have, of those that anybody may have.
  public var allowedPorts = PortRanges.all

  /// The kinds of proxies that it may have; `nil` for all.
  public var proxyKinds: Set<ProxyKind>?

  /// What its proxies may be called, without the account's name before it.
  public var proxyNames = NamePatterns.all

  /// Under which host names its proxies may be reached.
  public var domains = NamePatterns.all

  /// The most ports of all its clients together; `nil` for any number.
  public var portCountMax: Int?

  /// The most user connections of all its clients together; `nil` for any number.
  public var connectionCountMax: Int?

  /// The most clients that may be logged in at once; `nil` for any number.
  public var clientCountMax: Int?

  /// When its clients are not let in any more, in seconds since 1970; `nil` for never.
  public var expiry: Int64?

  /// Whether its clients are let in.
  public var isEnabled = true

  /// An account that may do what everybody may.
  public init(name: String, token: Secret) {
    self.name = name
    self.token = token
  }

  /// Whether its clients may be logged in at that time (seconds since 1970).
  public func isValid(at unixSeconds: Int64) -> Bool {
    isEnabled && expiry.map { unixSeconds < $0 } ?? true
  }

  /// Whether `text` can be a name: letters, digits, `-` and `_`. There is no dot in it, so that the
  /// account of a proxy is what stands before the first dot of its name.
  public static func isName(_ text: String) -> Bool {
    (1...ConfigurationLimits.accountNameBytesMax).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D || $0 == 0x5F
      }
  }
}

/// Names that are allowed: shell patterns, of which one has to match.
public struct NamePatterns: Equatable, Sendable {
  /// Any name.
  public static let all = NamePatterns(uncheckedTexts: nil)

  /// The patterns as they were written; `nil` for any name.
  public let texts: [String]?
  private let patterns: [GlobPattern]

  private init(uncheckedTexts: [String]?) {
    texts = uncheckedTexts
    patterns = []
  }

  /// Takes patterns with `*`, `?` and `[a-z]`.
  ///
  /// - Throws: the pattern that is not complete.
  public init(_ texts: [String]) throws(NamePatternFault) {
    var patterns: [GlobPattern] = []
    for text in texts {
      guard let pattern = GlobPattern(text) else { throw NamePatternFault(pattern: text) }
      patterns.append(pattern)
    }
    self.texts = texts
    self.patterns = patterns
  }

  /// Whether `name` is allowed.
  public func allow(_ name: String) -> Bool {
    texts == nil || patterns.contains { $0.matches(name) }
  }

  /// Patterns are the same when they were written alike.
  public static func == (left: NamePatterns, right: NamePatterns) -> Bool {
    left.texts == right.texts
  }
}

/// A pattern that is not complete.
public struct NamePatternFault: Error, Equatable, Sendable {
  /// The pattern.
  public let pattern: String
}
