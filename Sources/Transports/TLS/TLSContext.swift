internal import COpenSSL
public import Configuration
internal import LinuxSystem

/// Where a key pair and the trusted authorities come from, and how strict to be.
public struct TLSSettings: Equatable, Sendable {
  /// A PEM chain and its key. `nil`: none on a client, a generated pair on a server.
  public var certificate: CertificateFiles?
  /// PEM authorities. On a client the server is verified against them, and its name; on a server
  /// clients must show a certificate of theirs. `nil`: nobody is verified, as in frp.
  public var trustedAuthoritiesPath: String?
  /// The protocols that a server would speak inside (ALPN, RFC 7301), the best first; a client that
  /// knows none of them is taken as one that did not say.
  public var applicationProtocols: [String]

  /// Names the files.
  public init(
    certificate: CertificateFiles? = nil, trustedAuthoritiesPath: String? = nil,
    applicationProtocols: [String] = []
  ) {
    self.certificate = certificate
    self.trustedAuthoritiesPath = trustedAuthoritiesPath
    self.applicationProtocols = applicationProtocols
  }
}

/// TLS could not be set up.
public struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What failed, with the file and the reason.
  public let description: String
}

/// Keys, authorities and rules that many sessions share.
public final class TLSContext {
  /// Which end of a handshake a context serves.
  public enum Role: Sendable {
    /// Accepts.
    case server
    /// Connects.
    case client
  }

  let role: Role
  let native: OpaquePointer
  let bioMethod: OpaquePointer
  private let isPeerVerified: Bool
  /// The protocols of a server, each behind its length.
  private let protocolList: UnsafeMutableBufferPointer<UInt8>
  // One session to resume: a client has one server.
  private let resumption = ResumptionSlot()

  /// Reads the files and checks that they fit together.
  ///
  /// - Throws: which file is wrong, and why.
  public init(_ role: Role, _ settings: TLSSettings) throws(TLSError) {
    ERR_clear_error()
    let method = role == .server ? TLS_server_method() : TLS_client_method()
    guard let native = SSL_CTX_new(method), let bioMethod = PipesMethod.shared.native else {
      throw TLSError(description: "OpenSSL cannot be initialised: \(Self.lastErrorText())")
    }
    self.role = role
    self.native = native
    self.bioMethod = bioMethod
    isPeerVerified = settings.trustedAuthoritiesPath != nil
    let list = settings.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    protocolList = .allocate(capacity: list.count)
    _ = protocolList.initialize(from: list)
    configureCommon()
    if !list.isEmpty { chooseProtocols() }
    if let files = settings.certificate {
      try loadKeyPair(files)
    } else if role == .server {
      try generateKeyPair()
    }
    if let path = settings.trustedAuthoritiesPath { try loadAuthorities(path) }
  }

  deinit {
    SSL_CTX_free(native)
    protocolList.deallocate()
  }

  /// A session for one connection.
  ///
  /// - Parameter serverName: what a client sends and, with trusted authorities, checks.
  public func makeSession(serverName: String? = nil) throws(TLSError) -> TLSSession {
    guard let session = TLSSession(self, serverName: serverName) else {
      throw TLSError(description: "no memory for a TLS session")
    }
    return session
  }

  private func configureCommon() {
    _ = frp_SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION)
    let mode =
      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
      | SSL_MODE_RELEASE_BUFFERS
    _ = frp_SSL_CTX_set_mode(native, Int(mode))
    frp_SSL_CTX_set_read_ahead(native)
    let chacha = "TLS_CHACHA20_POLY1305_SHA256"
    let suites =
      HostSystem.hasAES
      ? "TLS_AES_128_GCM_SHA256:\(chacha):TLS_AES_256_GCM_SHA384"
      : "\(chacha):TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
    _ = SSL_CTX_set_ciphersuites(native, suites)
    // A peer must not make us work by renegotiating (TLS 1.2).
    SSL_CTX_set_options(native, UInt64(1) << 30)
    switch role {
    case .server:
      _ = frp_SSL_CTX_set_session_cache_mode(native, Int(SSL_SESS_CACHE_OFF))
      let name = Array("swift-frp".utf8)
      SSL_CTX_set_session_id_context(native, name, UInt32(name.count))
      SSL_CTX_set_num_tickets(native, 1)
    case .client:
      resumption.attach(to: native)
    }
  }

  /// Of the protocols that a client offers, the first one in our list is spoken.
  private func chooseProtocols() {
    // Sessions, which hold the context, are gone before it.
    let context = Unmanaged.passUnretained(self).toOpaque()
    SSL_CTX_set_alpn_select_cb(
      native,
      { _, chosen, chosenCount, offered, offeredCount, context in
        guard let context else { return SSL_TLSEXT_ERR_NOACK }
        let list = Unmanaged<TLSContext>.fromOpaque(context).takeUnretainedValue().protocolList
        var found: UnsafeMutablePointer<UInt8>?
        let outcome = SSL_select_next_proto(
          &found, chosenCount, list.baseAddress, UInt32(list.count), offered, offeredCount)
        chosen?.pointee = UnsafePointer(found)
        return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
      }, context)
  }

  func configure(_ ssl: OpaquePointer, serverName: String?) {
    resumption.offer(to: ssl)
    guard let serverName, !serverName.isEmpty else { return }
    if Self.isAddressLiteral(serverName) {
      // RFC 6066, 3: literal addresses are not permitted in the server name extension.
      if isPeerVerified { X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), serverName) }
    } else {
      _ = serverName.withCString { frp_SSL_set_tlsext_host_name(ssl, $0) }
      if isPeerVerified { SSL_set1_host(ssl, serverName) }
    }
  }

  private static func isAddressLiteral(_ name: String) -> Bool {
    guard let address = a2i_IPADDRESS(name) else { return false }
    ASN1_OCTET_STRING_free(address)
    return true
  }

  private func loadKeyPair(_ files: CertificateFiles) throws(TLSError) {
    guard SSL_CTX_use_certificate_chain_file(native, files.certificatePath) == 1 else {
      throw Self.fileError("certificate", files.certificatePath)
    }
    let isKeyRead = SSL_CTX_use_PrivateKey_file(native, files.keyPath, SSL_FILETYPE_PEM) == 1
    // A key is compared with the certificate when it is read.
    guard isKeyRead || ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509 else {
      throw Self.fileError("key", files.keyPath)
    }
    guard isKeyRead, SSL_CTX_check_private_key(native) == 1 else {
      throw TLSError(
        description: "key \(files.keyPath) does not belong to certificate "
          + "\(files.certificatePath): \(Self.lastErrorText())")
    }
  }

  private func loadAuthorities(_ file: String) throws(TLSError) {
    guard SSL_CTX_load_verify_file(native, file) == 1 else {
      throw Self.fileError("trusted CA", file)
    }
    switch role {
    case .server:
      SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
      SSL_CTX_set_client_CA_list(native, SSL_load_client_CA_file(file))
    case .client:
      SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nil)
    }
  }

  private func generateKeyPair() throws(TLSError) {
    let pair = try SelfSignedCertificate()
    guard SSL_CTX_use_certificate(native, pair.certificate) == 1,
      SSL_CTX_use_PrivateKey(native, pair.key) == 1
    else {
      throw TLSError(description: "generated certificate refused: \(Self.lastErrorText())")
    }
  }

  private static func fileError(_ what: String, _ file: String) -> TLSError {
    var reason = lastErrorText()
    // Of a file that cannot be opened OpenSSL only says that the system said no.
    if let error = HostSystem.readFault(file) { reason = "\(error)" }
    return TLSError(description: "cannot use \(what) file \(file): \(reason)")
  }

  /// The text of OpenSSL's last error on this thread.
  static func lastErrorText() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0 else { return "unexpected end" }
    if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
    // System errors have no reason string; the low bits are errno.
    return "system error \(code & 0x7fff_ffff)"
  }
}
