/// The keys of a client plugin, of all kinds together.
struct PluginDraft: Sendable {
  var type = ""
  var httpUser = ""
  var httpPassword = ""
  var username = ""
  var password = ""
  var localPath = ""
  var stripPrefix = ""
  var unixPath = ""
  var localAddress = ""
  var hostHeaderRewrite = ""
  var requestHeaders: [String: String] = [:]
  var offersHTTP2 = true
  var certificatePath = ""
  var keyPath = ""

  func finish(_ places: KeyPlaces, _ issues: inout IssueCollector) -> ClientPlugin? {
    guard let kind = ClientPluginKind(rawValue: type) else { return nil }
    checkRequired(kind, places, &issues)
    switch kind {
    case .httpProxy: return .httpProxy(user: httpUser, password: Secret(httpPassword))
    case .socks5: return .socks5(user: username, password: Secret(password))
    case .staticFile:
      var result = StaticFilePlugin(localPath: localPath)
      result.stripPrefix = stripPrefix
      result.user = httpUser
      result.password = Secret(httpPassword)
      return .staticFile(result)
    case .unixDomainSocket: return .unixDomainSocket(path: unixPath)
    case .http2https: return .web(web(.http2https, places, &issues))
    case .https2http: return .web(web(.https2http, places, &issues))
    case .https2https: return .web(web(.https2https, places, &issues))
    case .http2http: return .web(web(.http2http, places, &issues))
    case .tls2raw:
      return .tls2raw(localAddress: localAddress, certificate: certificate(places, &issues))
    case .virtualNet: return .virtualNet
    }
  }

  private func checkRequired(
    _ kind: ClientPluginKind, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    let (id, value) =
      switch kind {
      case .staticFile: ("plugin.localPath", localPath)
      case .unixDomainSocket: ("plugin.unixPath", unixPath)
      case .http2https, .https2http, .https2https, .http2http, .tls2raw:
        ("plugin.localAddr", localAddress)
      case .httpProxy, .socks5, .virtualNet: ("", "none")
      }
    if value.isEmpty {
      issues.add(
        .error, places.location(id, "plugin.type"), key: places.prefix + places.name(id),
        "the plugin \(kind.rawValue) needs it")
    }
    switch (places.generation, kind) {
    case (.ini, .http2http), (.ini, .tls2raw), (.ini, .virtualNet):
      places.fail(
        "plugin.type", "\(kind.rawValue) cannot be used in INI files; use TOML, YAML or JSON",
        &issues)
    case (.ini, _), (.v1, _): break
    }
  }

  private func web(
    _ kind: WebPlugin.Kind, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) -> WebPlugin {
    var result = WebPlugin(kind: kind, localAddress: localAddress)
    result.hostHeaderRewrite = hostHeaderRewrite
    result.requestHeaders = requestHeaders
    result.offersHTTP2 = offersHTTP2
    result.certificate = certificate(places, &issues)
    return result
  }

  private func certificate(_ places: KeyPlaces, _ issues: inout IssueCollector)
    -> CertificateFiles?
  {
    let (certificate, key) = ("plugin.crtPath", "plugin.keyPath")
    if certificatePath.isEmpty, keyPath.isEmpty { return nil }
    for (path, missing, present) in [
      (certificatePath, certificate, key), (keyPath, key, certificate),
    ] where path.isEmpty {
      places.fail(
        present, "expected \(places.name(missing)) beside it, which is not set", &issues)
    }
    return CertificateFiles(certificatePath: certificatePath, keyPath: keyPath)
  }
}
