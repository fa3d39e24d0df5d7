internal import ByteBuffers

/// A user and a password of the Basic scheme (RFC 7617).
public struct BasicCredentials: Equatable, Sendable {
  /// The user.
  public let user: String
  let password: String

  /// Puts them together.
  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  /// Reads the value of `Authorization` or `Proxy-Authorization`; `nil` when it is none of the
  /// scheme.
  public init?(fieldValue: String) {
    let bytes = Array(fieldValue.utf8)
    let scheme = Array("basic ".utf8)
    guard bytes.count > scheme.count,
      zip(bytes, scheme).allSatisfy({ ByteClass.lowercased($0) == $1 })
    else { return nil }
    let encoded = bytes[scheme.count...].drop { $0 == 0x20 }
    guard let decoded = Base64.decode(encoded), let colon = decoded.firstIndex(of: 0x3a) else {
      return nil
    }
    user = String(decoding: decoded[..<colon], as: UTF8.self)
    password = String(decoding: decoded[(colon + 1)...], as: UTF8.self)
  }

  /// The value of the field.
  public var fieldValue: String {
    "Basic " + String(decoding: Base64.encode(Array("\(user):\(password)".utf8)), as: UTF8.self)
  }

  /// Whether both are the same; takes as long whether they are or not.
  public func matches(_ other: BasicCredentials?) -> Bool {
    let other = other ?? BasicCredentials(user: "", password: "")
    let isSameUser = Self.isSame(user, other.user)
    let isSamePassword = Self.isSame(password, other.password)
    return isSameUser && isSamePassword
  }

  /// Compares all bytes of the given text, whatever the first difference is; only the length of
  /// what was given can be told from the time.
  private static func isSame(_ expected: String, _ given: String) -> Bool {
    let expected = Array(expected.utf8)
    let given = Array(given.utf8)
    var difference = UInt(bitPattern: expected.count ^ given.count)
    for index in given.indices {
      let other = expected.isEmpty ? 0 : expected[index % expected.count]
      difference |= UInt(given[index] ^ other)
    }
    return difference == 0
  }
}

extension BasicCredentials: CustomStringConvertible {
  /// Shows the user alone.
  public var description: String { "user \(user)" }
}

extension RequestHead {
  /// What the visitor authenticates with: `Proxy-Authorization` of a request to a proxy,
  /// `Authorization` of others (behaviour.md 4.2).
  public var credentials: BasicCredentials? {
    fields.first(isProxyForm ? .proxyAuthorization : .authorization)
      .flatMap { BasicCredentials(fieldValue: $0) }
  }

  /// The user to look routes up by; empty for none. A request to a proxy falls back to
  /// `Authorization` (behaviour.md 4.1).
  public var routingUser: String {
    if let user = credentials?.user { return user }
    guard isProxyForm else { return "" }
    return fields.first(.authorization).flatMap { BasicCredentials(fieldValue: $0) }?.user ?? ""
  }
}
