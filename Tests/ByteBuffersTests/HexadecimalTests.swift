import ByteBuffers
import Testing

@Suite struct HexadecimalTests {
  @Test func everyByteComesBack() {
    let bytes = (0...255).map { UInt8($0) }
    let text = Hexadecimal.encode(bytes)
    #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff"))
    #expect(Hexadecimal.decode(text) == bytes)
    #expect(Hexadecimal.decode(text.uppercased()) == bytes)
    #expect(Hexadecimal.decode("") == [])
  }

  @Test(arguments: ["0", "abc", "0g", "g0", " 00", "0x00", "é0", "0/", "0:", "0@", "0`"])
  func whatIsNoHexadecimalTextIsRefused(_ text: String) {
    #expect(Hexadecimal.decode(text) == nil)
  }
}
