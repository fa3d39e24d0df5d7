import Timekeeping

/// The keys of frpc, gathered before rules across keys are applied.
struct ClientDraft: Sendable {
  var shared = SharedDraft()
  var user = ""
  var clientID = ""
  var serverHost = ""
  var serverPort = 0
  var stunServer = ""
  var nameServer = ""
  var exitsWhenFirstLoginFails = true
  var startedNames: [String] = []
  var metadata: [String: String] = [:]
  var includes: [String] = []
  var storePath = ""
  var featureGates: [String: Bool] = [:]
  var virtualNetAddress = ""
  var oidc = ClientOIDCDraft()
  var transportKind = ""
  var wireProtocol = ""
  var dialSeconds = 0
  var dialKeepaliveSeconds = 0
  var localAddress = ""
  var upstreamProxy = ""
  var poolCount = 0
  /// 0 when the key is not set: the default depends on `isMultiplexed`.
  var heartbeatIntervalSeconds = 0
  var isTLSEnabled = true
  var skipsMarkerByte = true

  /// Fills in defaults that depend on other keys.
  mutating func complete() {
    shared.complete()
    if heartbeatIntervalSeconds == 0 { heartbeatIntervalSeconds = shared.isMultiplexed ? -1 : 30 }
  }

  /// Applies the rules across keys, to a draft that is complete.
  func finish(
    _ places: KeyPlaces, environment: [String: String], options: LoadOptions,
    _ issues: inout IssueCollector
  ) -> ClientConfiguration {
    var result = ClientConfiguration()
    result.user = user
    result.clientID = clientID
    result.serverHost = serverHost
    result.serverPort = UInt16(clamping: serverPort)
    result.stunServer = stunServer
    result.nameServer = HostAndPort(parsing: nameServer, defaultPort: 53)
    result.exitsWhenFirstLoginFails = exitsWhenFirstLoginFails
    result.startedNames = startedNames
    result.metadata = metadata
    result.udpPacketBytes = shared.udpPacketBytes
    result.shutdownGrace = .seconds(shared.shutdownGraceSeconds)
    result.authentication = shared.authentication(places, options: options, &issues)
    result.oidc = oidc.finish(
      audience: shared.oidcAudience, isUsed: result.authentication.method == .oidc, places,
      options: options, &issues)
    result.webServer = shared.webServer(places, &issues)
    result.storePath = storePath.nonEmpty
    result.virtualNetAddress = virtualNetAddress.nonEmpty
    result.log = shared.log
    result.confinement = shared.confinement
    result.reloadsOnChange = shared.reloadsOnChange
    result.transport = transport(places, environment, &issues)
    checkGates(places, options, &issues)
    return result
  }

  private func transport(
    _ places: KeyPlaces, _ environment: [String: String], _ issues: inout IssueCollector
  ) -> ClientTransportConfiguration {
    var result = ClientTransportConfiguration()
    result.kind = TransportKind(rawValue: transportKind) ?? .tcp
    result.wireProtocol = WireProtocolVersion(rawValue: wireProtocol) ?? .v1
    result.dialTimeout = .seconds(dialSeconds)
    result.dialKeepalive = intervalIfPositive(dialKeepaliveSeconds)
    result.localAddress = localAddress.nonEmpty
    result.upstreamProxy = usableUpstreamProxy(places, environment, &issues)
    result.poolCount = poolCount
    result.isMultiplexed = shared.isMultiplexed
    result.muxKeepaliveInterval = .seconds(shared.muxKeepaliveSeconds)
    result.quic = shared.quic
    let (interval, timeout) = (heartbeatIntervalSeconds, shared.heartbeatTimeoutSeconds)
    let (intervalID, timeoutID) = ("transport.heartbeatInterval", "transport.heartbeatTimeout")
    if interval > 0, timeout > 0, timeout < interval {
      issues.add(
        .error, places.location(timeoutID, intervalID), key: places.name(timeoutID),
        "expected at least the \(places.name(intervalID)) (\(interval) seconds), found \(timeout)")
    }
    result.heartbeatInterval = intervalIfPositive(interval)
    result.heartbeatTimeout = intervalIfPositive(timeout)
    result.tls = tls(places, &issues)
    return result
  }

  private func tls(_ places: KeyPlaces, _ issues: inout IssueCollector) -> ClientTLSConfiguration {
    var tls = ClientTLSConfiguration()
    tls.isEnabled = isTLSEnabled
    tls.sendsMarkerByte = !skipsMarkerByte
    tls.certificate = shared.certificateFiles(places, &issues)
    tls.trustedAuthoritiesPath = shared.trustedAuthoritiesPath.nonEmpty
    tls.serverName = shared.tlsServerName.nonEmpty
    guard !tls.isEnabled else { return tls }
    for (path, name) in [
      (shared.certificatePath, "certFile"), (shared.keyPath, "keyFile"),
      (shared.trustedAuthoritiesPath, "trustedCaFile"),
    ] where !path.isEmpty {
      places.warn(
        "transport.tls." + name,
        "has no effect while \(places.name("transport.tls.enable")) is false", &issues)
    }
    return tls
  }

  private func usableUpstreamProxy(
    _ places: KeyPlaces, _ environment: [String: String], _ issues: inout IssueCollector
  ) -> UpstreamProxy? {
    // What is wrong with the key's own text has been told already.
    if !upstreamProxy.isEmpty { return try? UpstreamProxy(parsing: upstreamProxy) }
    guard let url = environment["http_proxy"], !url.isEmpty else { return nil }
    do throws(UpstreamProxy.Fault) {
      return try UpstreamProxy(parsing: url)
    } catch {
      issues.add(
        .error, SourceLocation(file: places.table.file), key: "http_proxy",
        "the environment variable of this name holds no usable URL: \(error)")
      return nil
    }
  }

  private func checkGates(
    _ places: KeyPlaces, _ options: LoadOptions, _ issues: inout IssueCollector
  ) {
    for name in featureGates.keys.sorted() where name != "VirtualNet" {
      places.fail("featureGates", "expected VirtualNet, found \(quoted(name))", &issues)
    }
    if featureGates["VirtualNet"] == true, !Feature.virtualNet.isInThisVersion,
      !options.ignoresMissingFeatures
    {
      places.fail("featureGates", FieldWriter.absence(of: .virtualNet), &issues)
    }
    if !virtualNetAddress.isEmpty, featureGates["VirtualNet"] != true {
      places.fail("virtualNet.address", "needs featureGates.VirtualNet to be true", &issues)
    }
  }
}

/// The keys of frpc about an OpenID provider.
struct ClientOIDCDraft: Sendable {
  var clientID = ""
  var clientSecret = ""
  var scope = ""
  var tokenEndpointURL = ""
  var additionalParameters: [String: String] = [:]
  var trustedAuthoritiesPath = ""
  var skipsVerification = false
  var proxyURL = ""
  var tokenSource = ValueSourceDraft()

  func finish(
    audience: String, isUsed: Bool, _ places: KeyPlaces, options: LoadOptions,
    _ issues: inout IssueCollector
  ) -> ClientOIDCConfiguration {
    var result = ClientOIDCConfiguration()
    result.clientID = clientID
    result.clientSecret = Secret(clientSecret)
    result.audience = audience
    result.scope = scope
    result.tokenEndpointURL = tokenEndpointURL
    result.additionalParameters = additionalParameters
    result.trustedAuthoritiesPath = trustedAuthoritiesPath.nonEmpty
    result.skipsVerification = skipsVerification
    result.proxyURL = proxyURL
    result.tokenSource = tokenSource.finish(
      "auth.oidc.tokenSource", places, options: options, &issues)
    if isUsed { check(audience: audience, places, &issues) }
    return result
  }

  private func check(
    audience: String, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    guard tokenSource.isEmpty else {
      let others = [
        ("clientID", clientID), ("clientSecret", clientSecret), ("audience", audience),
        ("scope", scope), ("tokenEndpointURL", tokenEndpointURL), ("proxyURL", proxyURL),
        ("trustedCaFile", trustedAuthoritiesPath),
        ("additionalEndpointParams", additionalParameters.isEmpty ? "" : "set"),
        ("insecureSkipVerify", skipsVerification ? "set" : ""),
      ]
      for (name, value) in others where !value.isEmpty {
        places.fail(
          "auth.oidc." + name, "expected this or auth.oidc.tokenSource, not both", &issues)
      }
      return
    }
    for (name, value) in [("clientID", clientID), ("tokenEndpointURL", tokenEndpointURL)]
    where value.isEmpty {
      places.fail("auth.oidc." + name, "expected a value, since the method is oidc", &issues)
    }
    for (name, isWrong) in [("scope", true), ("audience", !audience.isEmpty)]
    where isWrong && additionalParameters[name] != nil {
      places.fail(
        "auth.oidc.additionalEndpointParams",
        "expected \(name) to be set by its own key, \(places.name("auth.oidc.\(name)"))", &issues)
    }
  }
}
