import CSnappy

/// The Castagnoli checksum, and the mask that snappy's framing puts over it.
enum CRC32C {
  /// The checksum of `bytes`, computed by the processor where it can.
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard frp_crc32c_is_available() != 0 else { return tableChecksum(bytes) }
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    return ~frp_crc32c_update(~0, start, bytes.count)
  }

  /// The checksum of `bytes`, computed with a table.
  static func tableChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var state: UInt32 = ~0
    table.withUnsafeBufferPointer { table in
      for byte in bytes {
        state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8)
      }
    }
    return ~state
  }

  /// Masks a checksum, because a checksum over data that holds checksums is weak (snappy framing,
  /// section 3).
  static func masked(_ checksum: UInt32) -> UInt32 {
    ((checksum >> 15) | (checksum << 17)) &+ 0xa282_ead8
  }

  private static let table: [UInt32] = (0..<256).map { index in
    var entry = UInt32(index)
    for _ in 0..<8 {
      entry = (entry >> 1) ^ (entry & 1 == 1 ? 0x82f6_3b78 : 0)
    }
    return entry
  }
}
