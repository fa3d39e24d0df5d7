import COpenSSL

/// The AES key of the version 1 stream cipher.
public enum StreamKey {
  /// The length of a key in bytes.
  public static let byteCount = 16

  /// Derives the key of `secret`, which may be empty: PBKDF2 with HMAC-SHA1, salt "frp" and 64
  /// iterations. Takes some 30 µs, so keep the result.
  public static func derive(from secret: String) -> [UInt8] {
    var secret = secret
    let salt = Array("frp".utf8)
    return secret.withUTF8 { password in
      Array(unsafeUninitializedCapacity: byteCount) { room, initializedCount in
        let status = password.withMemoryRebound(to: CChar.self) {
          PKCS5_PBKDF2_HMAC_SHA1(
            $0.baseAddress, Int32($0.count), salt, Int32(salt.count), 64, Int32(byteCount),
            room.baseAddress)
        }
        precondition(status == 1, "OpenSSL cannot derive a key")
        initializedCount = byteCount
      }
    }
  }
}
