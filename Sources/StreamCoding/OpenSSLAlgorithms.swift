import COpenSSL

/// Algorithms looked up in OpenSSL once per process.
///
/// A lookup by name walks the providers under a lock and costs more than keying a cipher, so it is
/// not done per connection. What it returns is immutable and shared between threads by OpenSSL's
/// contract; it is kept as an address because pointers are not `Sendable`.
enum OpenSSLAlgorithms {
  private static let ecbAddress = UInt(bitPattern: EVP_CIPHER_fetch(nil, "AES-128-ECB", nil))
  private static let cbcAddress = UInt(bitPattern: EVP_CIPHER_fetch(nil, "AES-128-CBC", nil))
  private static let md5Address = UInt(bitPattern: EVP_MD_fetch(nil, "MD5", nil))
  private static let sha256Address = UInt(bitPattern: EVP_MD_fetch(nil, "SHA256", nil))

  /// AES-128, each block by itself.
  static var aes128ECB: OpaquePointer { pointer(ecbAddress, "AES-128-ECB") }

  /// AES-128, each block mixed with the one before.
  static var aes128CBC: OpaquePointer { pointer(cbcAddress, "AES-128-CBC") }

  /// The MD5 digest.
  static var md5: OpaquePointer { pointer(md5Address, "MD5") }

  /// The SHA-256 digest.
  static var sha256: OpaquePointer { pointer(sha256Address, "SHA256") }

  private static func pointer(_ address: UInt, _ name: StaticString) -> OpaquePointer {
    guard let pointer = OpaquePointer(bitPattern: address) else {
      preconditionFailure("this OpenSSL has no \(name); the protocol needs it")
    }
    return pointer
  }
}
