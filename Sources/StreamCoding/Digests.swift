import ByteBuffers
import COpenSSL

/// Message digests through OpenSSL.
public enum Digests {
  /// The MD5 digest of `bytes` as 32 lowercase hexadecimal digits.
  public static func md5Hex(_ bytes: [UInt8]) -> String {
    Hexadecimal.encode(digest(of: bytes, with: OpenSSLAlgorithms.md5, byteCount: 16))
  }

  /// The SHA-256 digest of `bytes`: 32 bytes.
  public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    digest(of: bytes, with: OpenSSLAlgorithms.sha256, byteCount: 32)
  }

  /// The SHA-256 digest of `bytes` as 64 lowercase hexadecimal digits.
  public static func sha256Hex(_ bytes: [UInt8]) -> String {
    Hexadecimal.encode(sha256(bytes))
  }

  private static func digest(
    of bytes: [UInt8], with algorithm: OpaquePointer, byteCount: Int
  ) -> [UInt8] {
    Array(unsafeUninitializedCapacity: byteCount) { room, initializedCount in
      var written: UInt32 = 0
      let status = EVP_Digest(
        bytes, bytes.count, room.baseAddress, &written, algorithm, nil)
      precondition(status == 1 && Int(written) == byteCount, "OpenSSL cannot compute a digest")
      initializedCount = byteCount
    }
  }
}
