/// A proxy that frpc goes through to reach frps.
public struct UpstreamProxy: Equatable, Sendable {
  /// How the proxy is spoken to.
  public enum Kind: String, Sendable, CaseIterable {
    /// HTTP CONNECT.
    case http
    /// SOCKS version 5; the proxy resolves names.
    case socks5

    /// The port when the URL names none.
    public var defaultPort: UInt16 {
      switch self {
      case .http: 80
      case .socks5: 1080
      }
    }
  }

  /// Why a text is no usable proxy URL. The text may hold a password, so it is never repeated.
  public enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no `scheme://`.
    case schemeMissing
    /// The scheme is one that frp has and this version does not.
    case schemeNotInThisVersion(String)
    /// The scheme is none that frp knows.
    case schemeUnknown(String)
    /// No host, or a port that is no number from 1 to 65535.
    case hostInvalid
    /// A `%` in user or password that is not followed by two hexadecimal digits.
    case escapeInvalid

    /// What was expected, in words.
    public var description: String {
      switch self {
      case .schemeMissing: "expected a URL such as http://user:password@host:port"
      case .schemeNotInThisVersion(let scheme):
        "proxies of the kind \(scheme) are not in this version; use http or socks5"
      case .schemeUnknown(let scheme): "expected http:// or socks5://, found \(quoted(scheme))"
      case .hostInvalid: "expected host:port behind the scheme, with a port from 1 to 65535"
      case .escapeInvalid: "expected two hexadecimal digits behind each % in user and password"
      }
    }
  }

  /// How the proxy is spoken to.
  public var kind: Kind

  /// Where it is.
  public var address: HostAndPort

  /// The user to log in as; `nil` for none.
  public var user: String?

  /// The user's password; `nil` for none.
  public var password: Secret?

  /// Puts the parts together.
  public init(kind: Kind, address: HostAndPort, user: String? = nil, password: Secret? = nil) {
    self.kind = kind
    self.address = address
    self.user = user
    self.password = password
  }

  /// Parses `scheme://[user[:password]@]host[:port][/…]`; user and password may be
  /// percent-encoded.
  public init(parsing url: String) throws(Fault) {
    guard let separator = Self.schemeSeparator(in: url) else { throw .schemeMissing }
    let scheme = url[..<separator].lowercased()
    guard let kind = Kind(rawValue: scheme) else {
      throw ["https", "ntlm"].contains(scheme)
        ? .schemeNotInThisVersion(scheme) : .schemeUnknown(scheme)
    }
    var authority = url[separator...].dropFirst(3)
    authority = authority.prefix { !"/?#".contains($0) }
    self.kind = kind
    if let at = authority.lastIndex(of: "@") {
      let login = authority[..<at].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      user = try Self.decodingPercents(login[0])
      password = login.count > 1 ? Secret(try Self.decodingPercents(login[1])) : nil
      authority = authority[authority.index(after: at)...]
    }
    guard let address = HostAndPort(parsing: String(authority), defaultPort: kind.defaultPort)
    else { throw .hostInvalid }
    self.address = address
  }

  /// Where the first `://` begins.
  private static func schemeSeparator(in url: String) -> String.Index? {
    guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
    return colon
  }

  private static func decodingPercents(_ text: Substring) throws(Fault) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
        let value = UInt8(digits, radix: 16)
      else { throw .escapeInvalid }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .escapeInvalid }
    return decoded
  }
}
