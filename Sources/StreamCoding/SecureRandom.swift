import ByteBuffers
import COpenSSL

/// Unpredictable bytes from OpenSSL's generator.
public enum SecureRandom {
  /// Makes `byteCount` random bytes, at most `StreamCodingLimits.randomBytesMax`.
  public static func bytes(_ byteCount: Int) -> [UInt8] {
    precondition(
      byteCount >= 0 && byteCount <= StreamCodingLimits.randomBytesMax, "bad number of bytes")
    return Array(unsafeUninitializedCapacity: byteCount) { room, initializedCount in
      // Predictable output would be worse than no output.
      precondition(RAND_bytes(room.baseAddress, Int32(byteCount)) == 1, "no randomness available")
      initializedCount = byteCount
    }
  }

  /// Makes `byteCount` random bytes as twice as many lowercase hexadecimal digits.
  public static func hexString(byteCount: Int) -> String {
    Hexadecimal.encode(bytes(byteCount))
  }
}
