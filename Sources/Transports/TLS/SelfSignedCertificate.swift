internal import COpenSSL
internal import LinuxSystem

/// A key pair and a certificate for it, made in memory and kept there.
///
/// ECDSA on P-256: frp generates RSA 2048, but its clients verify neither, and P-256 is made in
/// well under a millisecond and signs a handshake about thirty times faster.
final class SelfSignedCertificate {
  private static let yearSeconds = 365 * 24 * 3600

  let certificate: OpaquePointer
  let key: OpaquePointer

  init() throws(TLSError) {
    guard let key = frp_EVP_EC_gen("P-256"), let certificate = X509_new() else {
      throw TLSError(description: "cannot generate a key: \(TLSContext.lastErrorText())")
    }
    self.key = key
    self.certificate = certificate
    X509_set_version(certificate, 2)
    var serial: UInt64 = 0
    _ = withUnsafeMutableBytes(of: &serial) { RAND_bytes($0.baseAddress, CInt($0.count)) }
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1)
    var now = Int(HostSystem.unixSeconds)
    X509_time_adj(X509_getm_notBefore(certificate), -3600, &now)
    X509_time_adj(X509_getm_notAfter(certificate), 10 * Self.yearSeconds, &now)
    X509_set_pubkey(certificate, key)
    guard X509_sign(certificate, key, EVP_sha256()) > 0 else {
      throw TLSError(description: "cannot sign a certificate: \(TLSContext.lastErrorText())")
    }
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }
}
