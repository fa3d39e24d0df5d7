/// Padded base64 with the standard alphabet (RFC 4648, section 4).
public enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8?] = {
    var values = [UInt8?](repeating: nil, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  /// The characters that stand for `bytes`.
  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group = UInt32(bytes[start]) << 16
      if count > 1 { group |= UInt32(bytes[start + 1]) << 8 }
      if count > 2 { group |= UInt32(bytes[start + 2]) }
      for index in 0..<4 {
        let digit = Int(group >> (18 - 6 * UInt32(index))) & 63
        text.append(index <= count ? alphabet[digit] : UInt8(ascii: "="))
      }
    }
    return text
  }

  /// The bytes that `text` stands for; `nil` when it is not base64.
  ///
  /// Line ends are skipped and the unused bits of the last digit may be set, as in Go; the padding
  /// must be there.
  public static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var group: UInt32 = 0
    var digitCount = 0
    var paddingCount = 0
    for character in text where character != 0x0a && character != 0x0d {
      if character == UInt8(ascii: "=") {
        paddingCount += 1
        guard digitCount >= 2, digitCount + paddingCount <= 4 else { return nil }
        continue
      }
      guard paddingCount == 0, let value = values[Int(character)] else { return nil }
      group = group << 6 | UInt32(value)
      digitCount += 1
      if digitCount == 4 {
        for shift: UInt32 in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: group >> shift)) }
        group = 0
        digitCount = 0
      }
    }
    guard digitCount == 0 || digitCount + paddingCount == 4 else { return nil }
    if digitCount >= 2 { bytes.append(UInt8(truncatingIfNeeded: group >> (digitCount * 6 - 8))) }
    if digitCount == 3 { bytes.append(UInt8(truncatingIfNeeded: group >> 2)) }
    return bytes
  }
}
