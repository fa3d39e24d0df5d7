internal import ByteBuffers

/// What a proxy changes in its visitors' requests (behaviour.md 4.2), in this order: fields of one
/// connection only are removed, `Forwarded` is removed, `X-Forwarded-For` is continued,
/// `X-Forwarded-Host` and `X-Forwarded-Proto` are set, the host is rewritten, parameters of the
/// query that cannot be read are dropped, and the proxy's own fields are set.
public struct RequestRewriting: Sendable {
  /// The host that the local service gets to see; `nil` for the visitor's.
  public var hostRewrite: String?
  /// Fields to set; those that say where a message ends or goes are not among them.
  public let fieldsToSet: [(name: String, value: String)]

  /// Puts the rules together. An empty `hostRewrite`, or one that is no host with an optional port,
  /// is none; of `fieldsToSet` those are left out that only the proxy itself may write.
  public init(hostRewrite: String? = nil, fieldsToSet: [(name: String, value: String)] = []) {
    let rewrite = hostRewrite ?? ""
    self.hostRewrite = rewrite.isEmpty || HostText.routingName(of: rewrite) == nil ? nil : rewrite
    self.fieldsToSet = fieldsToSet.filter { !ConnectionFields.areOurs(KnownField($0.name)) }
  }
}

/// Fields that belong to one connection and end with it (RFC 9110, section 7.6.1).
enum ConnectionFields {
  /// Whether only the proxy itself writes such fields.
  static func areOurs(_ known: KnownField) -> Bool {
    known == .host || known == .contentLength || known == .trailer || isOfConnection(known)
  }

  static func isOfConnection(_ known: KnownField) -> Bool {
    known == .connection || known == .keepAlive || known == .proxyConnection
      || known == .proxyAuthenticate || known == .proxyAuthorization || known == .te
      || known == .transferEncoding || known == .upgrade
  }

  /// Removes them, and what `Connection` names besides.
  static func remove(from table: inout FieldTable) {
    var named: [FieldName] = []
    table.forEachElement(of: .connection) { bytes, range in
      let known = KnownField(bytes, range)
      if !isOfConnection(known) { named.append(FieldName(bytes.text(in: range))) }
    }
    table.fields.removeAll { isOfConnection($0.known) }
    if !named.isEmpty { table.removeAll(named: named) }
  }
}

extension RequestHead {
  /// Makes the head one for the local service; `write` appends it then.
  ///
  /// - Parameters:
  ///   - visitorAddress: the visitor's address without port.
  ///   - isSecure: whether the visitor came over TLS that ends at us.
  public mutating func prepareForLocalService(
    _ rules: RequestRewriting, visitorAddress: String, isSecure: Bool
  ) {
    let originalHost = authorityText
    let upgradeTo = wantsUpgrade ? fields.first(.upgrade) : nil
    let passesTrailers = fields.hasElement(.te, "trailers")
    ConnectionFields.remove(from: &fields)
    fields.removeAll(.forwarded)
    if let upgradeTo {
      fields.append("Connection", "Upgrade")
      fields.append("Upgrade", upgradeTo)
    }
    if passesTrailers { fields.append("TE", "trailers") }
    if framing == .chunked { fields.append("Transfer-Encoding", "chunked") }
    let cameThrough = fields.fields.indices.filter {
      fields.known(at: $0) == .forwardedFor && !fields.fields[$0].value.isEmpty
    }.map { fields.value(at: $0) }
    fields.set(
      .forwardedFor, as: "X-Forwarded-For",
      (cameThrough + [visitorAddress]).joined(separator: ", "))
    fields.set(.forwardedHost, as: "X-Forwarded-Host", originalHost)
    fields.set(.forwardedProto, as: "X-Forwarded-Proto", isSecure ? "https" : "http")
    if let host = rules.hostRewrite ?? hostToAdd { rewriteHost(host) }
    dropUnreadableParameters()
    for field in rules.fieldsToSet { fields.set(field.name, field.value) }
  }

  /// What `Host` has to be when the visitor's own is missing.
  private var hostToAdd: String? {
    fields.firstIndex(of: .host) == nil || target.form == .absolute ? authorityText : nil
  }

  private mutating func rewriteHost(_ host: String) {
    fields.set(.host, as: "Host", host)
    guard target.form == .absolute, let authority = target.authority,
      fields.text(in: authority) != host
    else { return }
    let before = fields.text(in: target.whole.lowerBound..<authority.lowerBound)
    let behind = fields.text(in: authority.upperBound..<target.whole.upperBound)
    setTarget(Array((before + host + behind).utf8))
  }

  /// Parameters with a semicolon or a broken escape: one server reads them so, another otherwise.
  private mutating func dropUnreadableParameters() {
    guard let query = target.query, !isReadable(query) else { return }
    var kept: [UInt8] = []
    for parameter in fields.storage[query].split(separator: 0x26)
    where Self.isReadable(parameter) {
      if !kept.isEmpty { kept.append(0x26) }
      kept += parameter
    }
    let before = Array(fields.storage[target.whole.lowerBound..<query.lowerBound - 1])
    setTarget(before + (kept.isEmpty ? [] : [0x3f] + kept))
  }

  private func isReadable(_ query: Range<Int>) -> Bool {
    let bytes = unsafe fields.storage.span.bytes
    return query.allSatisfy {
      bytes[$0] == 0x25
        ? RequestTarget.isEscape(bytes, $0, query.upperBound) : bytes[$0] != 0x3b
    }
  }

  private static func isReadable(_ parameter: ArraySlice<UInt8>) -> Bool {
    if parameter.contains(0x3b) { return false }
    let bytes = unsafe parameter.span.bytes
    return (0..<bytes.byteCount).allSatisfy {
      bytes[$0] != 0x25 || RequestTarget.isEscape(bytes, $0, bytes.byteCount)
    }
  }

  /// Puts another target of the same form in place of the one that came.
  private mutating func setTarget(_ bytes: [UInt8]) {
    let start = fields.storage.count
    let added = start..<start + bytes.count
    fields.storage += bytes
    let storage = fields.storage
    if let changed = unsafe try? RequestTarget(storage.span.bytes, added, method: method) {
      target = changed
    }
    authority = target.authority ?? authority
  }
}
