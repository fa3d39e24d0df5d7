internal import Admission
public import Configuration
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import Transports

extension RelayServer {
  /// Goes on with another configuration. No connection ends, but for those of users of the users
  /// file that are not there any more or are there with other rights.
  ///
  /// Sessions keep the token with which they logged in, and their heartbeat timeout; proxies keep
  /// their ports. Everything else holds for whatever comes next.
  @discardableResult
  public func reload(_ wanted: ServerConfiguration) -> ReloadOutcome {
    var outcome = ReloadOutcome()
    guard !isStopping else { return outcome }
    var new = wanted
    outcome.restartKeys = new.keepFixedValues(of: configuration)
    // Everything that may fail comes before anything changes.
    let renewedTLS = renewTLS(&new, &outcome)
    if let renewedTLS { tls = renewedTLS }
    configuration = new
    decide { $0.setPolicy(makePolicy(new), now: context.loop.now) }
    trustedProxies = TrustedProxies(new.trustedProxies)
    outcome.problems += readHostCertificates(new)
    notFoundPage.path = new.notFoundPagePath
    if let problem = httpFront?.reopenLog() { outcome.problems.append(problem) }
    admission.follow(
      new,
      places: users.values.map(\.seat.place) + relays.values.map(\.seat.place)
        + Array(visitors.values))
    updateAccounts(new)
    report(outcome)
    return outcome
  }

  /// The context for the files of the new configuration, whose content may have changed. Puts the
  /// former settings into `new` when they cannot be used.
  private func renewTLS(
    _ new: inout ServerConfiguration, _ outcome: inout ReloadOutcome
  ) -> TLSContext? {
    let files = new.transport.tls
    let former = configuration.transport.tls
    if files.certificate == nil, files.trustedAuthoritiesPath == nil, former.certificate == nil,
      former.trustedAuthoritiesPath == nil
    {
      // The certificate made at the start.
      return nil
    }
    do throws(TLSError) {
      return try RelayServer.makeTLS(files)
    } catch {
      outcome.problems.append("the former TLS settings stay in force: \(error.description)")
      new.transport.tls = former
      return nil
    }
  }

  /// Reads the certificates of hosts whose TLS ends here.
  ///
  /// - Returns: what cannot be used.
  func readHostCertificates(_ configuration: ServerConfiguration) -> [String] {
    var problems: [String] = []
    hostCertificates = HostCertificates(
      configuration, former: hostCertificates, problems: &problems)
    return problems
  }

  /// What is wrong with the certificates of hosts whose TLS would end here, each with its file and
  /// the reason. Needs no running relay.
  public static func hostCertificateProblems(of configuration: ServerConfiguration) -> [String] {
    var problems: [String] = []
    _ = HostCertificates(configuration, former: HostCertificates(), problems: &problems)
    return problems
  }

  private func updateAccounts(_ new: ServerConfiguration) {
    let (ended, newNames) = accounts.update(new)
    let changed = ended.flatMap(\.sessions).compactMap { sessions[$0] }
    end(changed, "its user was removed or changed")
    if !newNames.isEmpty {
      // Their names belong to somebody with another token now.
      end(
        sessions.values.filter { $0.credential.account == nil && newNames.contains($0.user) },
        "its user has a token of its own now")
    }
    watchExpiry()
  }

  private func report(_ outcome: ReloadOutcome) {
    logger.info("configuration reloaded")
    if !outcome.restartKeys.isEmpty {
      let keys = outcome.restartKeys.joined(separator: ", ")
      logger.warning("a restart is needed for what has changed in: \(keys)")
    }
    warnAboutMissingToken()
    for problem in outcome.problems { logger.error("\(problem)") }
  }
}
