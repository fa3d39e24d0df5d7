internal import COpenSSL

/// Keeps the last session ticket of a client's server, so that a reconnect skips a round of
/// certificates.
final class ResumptionSlot {
  private var session: OpaquePointer?

  deinit {
    SSL_SESSION_free(session)
  }

  /// Asks OpenSSL to hand new tickets to this slot. The slot must outlive `context`.
  func attach(to context: OpaquePointer) {
    _ = frp_SSL_CTX_set_session_cache_mode(
      context, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
    frp_SSL_CTX_set_app_data(context, Unmanaged.passUnretained(self).toOpaque())
    SSL_CTX_sess_set_new_cb(context, keepTicket)
  }

  /// Offers the kept ticket in a new handshake.
  func offer(to ssl: OpaquePointer) {
    if let session { SSL_set_session(ssl, session) }
  }

  fileprivate func keep(_ session: OpaquePointer?) {
    SSL_SESSION_free(self.session)
    self.session = session
  }
}

private func keepTicket(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> CInt {
  guard let context = SSL_get_SSL_CTX(ssl), let slot = frp_SSL_CTX_get_app_data(context) else {
    return 0
  }
  // The slot belongs to the context object that made this session.
  Unmanaged<ResumptionSlot>.fromOpaque(slot)._withUnsafeGuaranteedRef { $0.keep(session) }
  return 1
}
