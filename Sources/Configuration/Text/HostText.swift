/// Host names and addresses as they stand in configuration files.
public enum HostText {
  /// Whether `text` is an IPv4 address in four decimal parts.
  public static func isIPv4(_ text: String) -> Bool {
    var (partCount, digitCount, number) = (0, 0, 0)
    for byte in text.utf8 {
      if byte == 0x2E {
        guard digitCount > 0 else { return false }
        (partCount, digitCount, number) = (partCount + 1, 0, 0)
      } else {
        // No zero before other digits.
        guard isDigit(byte), digitCount == 0 || number > 0 else { return false }
        digitCount += 1
        number = number * 10 + Int(byte - 0x30)
        guard number <= 255 else { return false }
      }
    }
    return partCount == 3 && digitCount > 0
  }

  /// Whether `text` is an IPv6 address, possibly with a zone (`fe80::1%eth0`), without brackets. A
  /// zone consists of letters, digits and `-._~` (RFC 6874, section 2, without escapes).
  public static func isIPv6(_ text: String) -> Bool {
    var address = Substring(text)
    if let percent = text.firstIndex(of: "%") {
      let zone = text[text.index(after: percent)...].utf8
      guard !zone.isEmpty, zone.allSatisfy(isZoneByte) else { return false }
      address = text[..<percent]
    }
    let halves = halvesAroundDoubleColon(address)
    guard halves.count <= 2 else { return false }
    var groupCount = 0
    for (index, half) in halves.enumerated() where !half.isEmpty {
      let groups = half.split(separator: ":", omittingEmptySubsequences: false)
      for (position, group) in groups.enumerated() {
        let isVeryLast = index == halves.count - 1 && position == groups.count - 1
        if isVeryLast, group.contains("."), isIPv4(String(group)) {
          groupCount += 2
        } else if (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ isHexDigit($0) }) {
          groupCount += 1
        } else {
          return false
        }
      }
    }
    return halves.count == 2 ? groupCount < 8 : groupCount == 8
  }

  /// Whether `text` is an address of either family.
  public static func isAddress(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

  /// Whether `text` can be a host name: letters, digits, `-`, `_` and non-ASCII, in parts of at
  /// most 63 bytes between dots, 253 bytes in all; a dot at the end is allowed.
  public static func isName(_ text: String) -> Bool {
    let name = text.hasSuffix(".") ? text.dropLast() : Substring(text)
    guard (1...253).contains(name.utf8.count) else { return false }
    return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
      (1...63).contains(part.utf8.count)
        && part.utf8.allSatisfy { byte in
          isDigit(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x2D || byte == 0x5F
            || byte >= 0x80
        } && !part.unicodeScalars.contains { isUnprintable($0) || $0.properties.isWhitespace }
    }
  }

  private static func halvesAroundDoubleColon(_ text: Substring) -> [Substring] {
    var halves: [Substring] = []
    var rest = text
    while let range = firstDoubleColon(rest) {
      halves.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return halves + [rest]
  }

  private static func firstDoubleColon(_ text: Substring) -> Range<Substring.Index>? {
    var index = text.startIndex
    while index < text.endIndex {
      let next = text.index(after: index)
      if text[index] == ":", next < text.endIndex, text[next] == ":" {
        return index..<text.index(after: next)
      }
      index = next
    }
    return nil
  }

  private static func isZoneByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x7A).contains(byte | 0x20) || "-._~".utf8.contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x66).contains(byte | 0x20)
  }
}

/// A host and a port.
public struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
  /// A name or an address, without brackets.
  public var host: String

  /// The port.
  public var port: UInt16

  /// Puts both together.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Parses `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; `nil` for what is
  /// none of these.
  public init?(parsing text: String, defaultPort: UInt16) {
    var hostText = Substring(text)
    var portText: Substring?
    if text.hasPrefix("[") {
      guard let close = text.firstIndex(of: "]") else { return nil }
      hostText = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      guard HostText.isIPv6(String(hostText)), rest.isEmpty || rest.hasPrefix(":") else {
        return nil
      }
      portText = rest.isEmpty ? nil : rest.dropFirst()
    } else if !HostText.isIPv6(text), let colon = text.firstIndex(of: ":") {
      hostText = text[..<colon]
      portText = text[text.index(after: colon)...]
    }
    let host = String(hostText)
    guard HostText.isAddress(host) || HostText.isName(host) else { return nil }
    self.host = host
    if let portText {
      guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(portText),
        port > 0
      else { return nil }
      self.port = port
    } else {
      self.port = defaultPort
    }
  }

  /// `host:port`, with brackets around an IPv6 address.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
