internal import ByteBuffers

/// Which bytes may stand where, as sets of 128 bits.
enum ByteClass {
  /// `tchar` of RFC 9110, section 5.6.2.
  static func isToken(_ byte: UInt8) -> Bool {
    contains(byte, 0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe)
  }

  /// `unreserved`, `sub-delims` and `%` of RFC 3986: what a registered name is made of.
  static func isRegisteredName(_ byte: UInt8) -> Bool {
    contains(byte, 0x2bff_7ff2_0000_0000, 0x47ff_fffe_87ff_fffe)
  }

  /// Every visible character but `#`; and bytes beyond ASCII, since there are clients that send
  /// paths in raw UTF-8, and frp passes them.
  static func isTarget(_ byte: UInt8) -> Bool {
    byte >= 0x80 || contains(byte, 0xffff_fff6_0000_0000, 0x7fff_ffff_ffff_ffff)
  }

  /// Visible characters, space, tab and bytes beyond ASCII: what a field's value is made of.
  static func isValue(_ byte: UInt8) -> Bool {
    byte >= 0x20 ? byte != 0x7f : byte == 0x09
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// The byte, an ASCII capital as the small letter.
  static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// The value of a hexadecimal digit.
  static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte - 0x30 }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
  }

  private static func contains(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
    let bit: UInt64 = 1 << UInt64(byte & 63)
    return byte < 64 ? low & bit != 0 : byte < 128 && high & bit != 0
  }
}

extension RawSpan {
  /// The byte at `offset`, which must lie in the span.
  subscript(_ offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "byte outside the span")
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Eight bytes at `offset`, the first one lowest; they must lie in the span.
  func word(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset &+ 8 <= byteCount, "word outside the span")
    return unsafe UInt64(
      littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// The offset of the first line feed from `start` on.
  func firstLineFeed(from start: Int) -> Int? {
    var offset = start
    while offset + 8 <= byteCount {
      // The lowest byte that is zero after the XOR is the first match.
      let word = self.word(at: offset) ^ 0x0a0a_0a0a_0a0a_0a0a
      let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
      if zeros != 0 { return offset + zeros.trailingZeroBitCount / 8 }
      offset += 8
    }
    while offset < byteCount {
      if self[offset] == 0x0a { return offset }
      offset += 1
    }
    return nil
  }

  /// The offset of the first byte in `range` that no value of a field may have.
  func firstControl(in range: Range<Int>) -> Int? {
    var offset = range.lowerBound
    while offset < range.upperBound {
      if offset + 8 <= range.upperBound {
        let word = self.word(at: offset)
        let low = (word &- 0x2020_2020_2020_2020) & ~word
        let delete = word ^ 0x7f7f_7f7f_7f7f_7f7f
        let deletes = (delete &- 0x0101_0101_0101_0101) & ~delete
        // What lies behind a match may be one by a carry; such words are looked at by bytes.
        if (low | deletes) & 0x8080_8080_8080_8080 == 0 {
          offset += 8
          continue
        }
      }
      let end = Swift.min(offset + 8, range.upperBound)
      while offset < end {
        if !ByteClass.isValue(self[offset]) { return offset }
        offset += 1
      }
    }
    return nil
  }

  /// Whether the bytes of `range` are those of `text`, which is in lower case, in any case.
  func equalsIgnoringCase(_ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
      for index in 0..<range.count
      where unsafe ByteClass.lowercased(self[range.lowerBound + index]) != expected[index] {
        return false
      }
      return true
    }
  }

  /// The text of `range`, repaired where it is no UTF-8.
  func text(in range: Range<Int>) -> String {
    unsafe extracting(range).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// `range` without the spaces and tabs at its ends.
  func trimmingSpace(_ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, ByteClass.isSpace(self[start]) { start += 1 }
    while end > start, ByteClass.isSpace(self[end - 1]) { end -= 1 }
    return start..<end
  }
}
