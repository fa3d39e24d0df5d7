/// An amount of memory such as `128MB`, in units of 1024.
public struct MemorySize: Equatable, Sendable {
  /// What was read.
  public let text: String

  /// Bytes.
  public let byteCount: Int

  private static let units: [(suffix: String, byteCount: Double)] = [
    ("KB", 1024), ("MB", 1024 * 1024), ("GB", 1024 * 1024 * 1024),
  ]

  /// The least that a relay may be limited to.
  static let least = MemorySize(byteCount: ConfigurationLimits.memoryLimitMin)

  private init(byteCount: Int) {
    text = "\(byteCount >> 20)MB"
    self.byteCount = byteCount
  }

  /// Reads a decimal number with its unit right behind it; `nil` when the text is something else,
  /// or less than `ConfigurationLimits.memoryLimitMin`.
  public init?(_ text: String) {
    let text = trimmed(text)
    guard let unit = Self.units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
    let digits = text.dropLast(unit.suffix.count)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ "0123456789.".utf8.contains($0) }),
      let number = Double(digits)
    else { return nil }
    let most = Double(ConfigurationLimits.memoryLimitMax)
    let byteCount = Int(min(number * unit.byteCount, most))
    guard byteCount >= ConfigurationLimits.memoryLimitMin else { return nil }
    self.text = text
    self.byteCount = byteCount
  }
}
