import Timekeeping

/// The keys that both programs have, gathered before rules across keys are applied.
struct SharedDraft {
  var authenticationMethod = ""
  var authenticatesHeartbeats = false
  var authenticatesNewWorkConnections = false
  var token = ""
  var tokenSource = ValueSourceDraft()
  var oidcAudience = ""
  var isMultiplexed = true
  var muxKeepaliveSeconds = 0
  /// 0 when the key is not set: the default depends on `isMultiplexed`.
  var heartbeatTimeoutSeconds = 0
  var quicKeepaliveSeconds = 0
  var quicIdleSeconds = 0
  var quicStreamCountMax = 0
  var certificatePath = ""
  var keyPath = ""
  var trustedAuthoritiesPath = ""
  var tlsServerName = ""
  var udpPacketBytes = 0
  var shutdownGraceSeconds = 0
  var reloadsOnChange = false
  var logTarget = ""
  var logLevel = ""
  var logDays = 0
  var isLogColorDisabled = false
  var isConfined = true
  var runAsUser = ""
  var webAddress = ""
  var webPort = 0
  var webUser = ""
  var webPassword = ""
  var webAssetsPath = ""
  var offersProfiles = false
  var hasWebTLS = false
  var webCertificatePath = ""
  var webKeyPath = ""

  /// Both booleans as the list of the current generation.
  var additionalScopes: [String] {
    get {
      (authenticatesHeartbeats ? ["HeartBeats"] : [])
        + (authenticatesNewWorkConnections ? ["NewWorkConns"] : [])
    }
    set {
      authenticatesHeartbeats = newValue.contains("HeartBeats")
      authenticatesNewWorkConnections = newValue.contains("NewWorkConns")
    }
  }

  /// Fills in defaults that depend on other keys.
  mutating func complete() {
    if heartbeatTimeoutSeconds == 0 { heartbeatTimeoutSeconds = isMultiplexed ? -1 : 90 }
  }

  func authentication(
    _ places: KeyPlaces, options: LoadOptions, _ issues: inout IssueCollector
  ) -> AuthenticationConfiguration {
    var result = AuthenticationConfiguration()
    result.method = AuthenticationConfiguration.Method(rawValue: authenticationMethod) ?? .token
    result.token = Secret(token)
    result.authenticatesHeartbeats = authenticatesHeartbeats
    result.authenticatesNewWorkConnections = authenticatesNewWorkConnections
    result.tokenSource = tokenSource.finish(
      "auth.tokenSource", places, options: options, &issues)
    if !token.isEmpty, !tokenSource.isEmpty {
      places.fail("auth.token", "expected this or auth.tokenSource, not both", &issues)
    }
    return result
  }

  var log: LogConfiguration {
    var result = LogConfiguration()
    result.target = logTarget == "console" ? .console : .file(path: logTarget)
    result.level = LogConfiguration.Level(rawValue: logLevel) ?? .info
    result.daysMax = logDays < 0 ? nil : logDays
    result.isColorDisabled = isLogColorDisabled
    return result
  }

  var confinement: ConfinementConfiguration {
    var result = ConfinementConfiguration()
    result.isEnabled = isConfined
    result.userName = runAsUser.nonEmpty
    return result
  }

  var quic: QUICConfiguration {
    var result = QUICConfiguration()
    result.keepalivePeriod = .seconds(quicKeepaliveSeconds)
    result.idleTimeout = .seconds(quicIdleSeconds)
    result.incomingStreamCountMax = quicStreamCountMax
    return result
  }

  /// Certificate and key, which come together or not at all.
  func certificateFiles(_ places: KeyPlaces, _ issues: inout IssueCollector) -> CertificateFiles? {
    let (certificate, key) = ("transport.tls.certFile", "transport.tls.keyFile")
    if certificatePath.isEmpty, keyPath.isEmpty { return nil }
    for (path, missing, present) in [
      (certificatePath, certificate, key), (keyPath, key, certificate),
    ] where path.isEmpty {
      places.fail(
        present, "expected \(places.name(missing)) beside it, which is not set", &issues)
      return nil
    }
    return CertificateFiles(certificatePath: certificatePath, keyPath: keyPath)
  }

  /// The web server; `nil` when it has no port.
  func webServer(_ places: KeyPlaces, _ issues: inout IssueCollector) -> WebServerConfiguration? {
    let hasTLS = hasWebTLS
    var certificate: CertificateFiles?
    if hasTLS {
      for (path, id) in [
        (webCertificatePath, "webServer.tls.certFile"), (webKeyPath, "webServer.tls.keyFile"),
      ] where path.isEmpty {
        issues.add(
          .error, places.location(id, "webServer.tls"), key: places.name(id),
          "expected a path, since TLS is on here")
      }
      certificate = CertificateFiles(certificatePath: webCertificatePath, keyPath: webKeyPath)
    }
    guard webPort > 0 else { return nil }
    var result = WebServerConfiguration(port: UInt16(clamping: webPort))
    result.address = webAddress
    result.user = webUser
    result.password = Secret(webPassword)
    result.assetsPath = webAssetsPath.isEmpty ? nil : webAssetsPath
    result.offersProfiles = offersProfiles
    result.certificate = certificate
    return result
  }
}

extension String {
  /// `nil` for the empty text.
  var nonEmpty: String? { isEmpty ? nil : self }
}

/// A port of a key of which 0 means none.
func portIfSet(_ number: Int) -> UInt16? { number > 0 ? UInt16(clamping: number) : nil }
