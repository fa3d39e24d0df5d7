import ByteBuffers
import Testing

@Suite struct ByteReaderTests {
  private let bytes: [UInt8] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xff]

  @Test func loadsFollowTheByteOrder() {
    bytes.withUnsafeBytes { raw in
      let span = raw.bytes
      #expect(span.loadBigEndian(at: 0, as: UInt16.self) == 0x0102)
      #expect(span.loadLittleEndian(at: 0, as: UInt16.self) == 0x0201)
      // Unaligned on purpose.
      #expect(span.loadBigEndian(at: 1, as: UInt32.self) == 0x0203_0405)
      #expect(span.loadLittleEndian(at: 1, as: UInt32.self) == 0x0504_0302)
      #expect(span.loadBigEndian(at: 1, as: UInt64.self) == 0x0203_0405_0607_08ff)
      #expect(span.loadBigEndian(at: 8, as: Int8.self) == -1)
      #expect(span.byte(at: 8) == 0xff)
      #expect(Array(span) == bytes)
    }
  }

  @Test func aLoadBehindTheEndTraps() async {
    await #expect(processExitsWith: .failure) {
      [UInt8](repeating: 0, count: 3).withUnsafeBytes {
        _ = $0.bytes.loadBigEndian(at: 0, as: UInt32.self)
      }
    }
    await #expect(processExitsWith: .failure) {
      [UInt8](repeating: 0, count: 3).withUnsafeBytes {
        _ = $0.bytes.loadLittleEndian(at: -1, as: UInt8.self)
      }
    }
  }
}
