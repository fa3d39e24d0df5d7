import COpenSSL

/// What a client proves its knowledge of a secret with.
public enum Credentials {
  /// The `privilege_key` or `sign_key` that belongs to `secret` and `timestamp` (Unix seconds):
  /// the MD5 digest of the secret followed by the decimal timestamp, in lowercase hexadecimal.
  public static func privilegeKey(secret: String, timestamp: Int64) -> String {
    Digests.md5Hex(Array(secret.utf8) + Array(String(timestamp).utf8))
  }

  /// Whether the UTF-8 bytes of both texts are the same.
  ///
  /// The time taken depends on the lengths only, never on where the texts differ. Texts that
  /// merely look alike (canonical equivalence) are different.
  public static func areEqual(_ left: String, _ right: String) -> Bool {
    var left = left
    var right = right
    return left.withUTF8 { leftBytes in
      right.withUTF8 { rightBytes in
        guard leftBytes.count == rightBytes.count else { return false }
        guard let leftStart = leftBytes.baseAddress, let rightStart = rightBytes.baseAddress else {
          return true
        }
        return CRYPTO_memcmp(leftStart, rightStart, leftBytes.count) == 0
      }
    }
  }
}
