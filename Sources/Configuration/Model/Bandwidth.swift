/// A rate such as `1MB` or `512KB`, per second, in units of 1024.
public struct Bandwidth: Equatable, Sendable {
  /// What was read, as it is sent to the relay.
  public let text: String

  /// Bytes per second; 0 for no limit, as in frp.
  public let bytesPerSecond: Int

  private static let units: [(suffix: String, byteCount: Double)] = [
    ("KB", 1024), ("MB", 1024 * 1024),
  ]

  /// Reads a decimal number with its unit right behind it; `nil` when the text is something else.
  public init?(_ text: String) {
    let text = trimmed(text)
    guard let unit = Self.units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
    let digits = text.dropLast(unit.suffix.count)
    // Of what Double takes, only decimal numbers: no hexadecimal ones, no infinity.
    guard digits.utf8.allSatisfy({ "0123456789.+-eE".utf8.contains($0) }),
      let number = Double(digits), number >= 0, (number * unit.byteCount).isFinite
    else { return nil }
    self.text = text
    bytesPerSecond = Int(
      min(number * unit.byteCount, Double(ConfigurationLimits.bytesPerSecondMax)))
  }
}

/// Which of the two programs keeps to a proxy's bandwidth.
public enum BandwidthLimitMode: String, Sendable, CaseIterable {
  /// frpc: bytes of the work connection are counted, as they are after compression.
  case client
  /// frps: the user's bytes are counted.
  case server
}
