internal import Configuration
internal import Logging
internal import Reactor
internal import Timekeeping
internal import Transports

/// What a stock server still does for a session whose carrier died without its knowledge.
///
/// Such a server notices after up to 40 s, and until then answers no login with the same run ID: it
/// waits for the former session to end. But it takes work connections with that run ID from
/// anywhere. So the client lays a few ready, gives another one for each that a user takes, and logs
/// in when the server begins to close them: that is when it has noticed.
struct Bridge {
  let proxies: [String: AnnouncedProxy]
  let limiters: [String: BandwidthLimiter]
  /// When the server must have noticed, whatever happens.
  let until: Instant
}

/// How far a session is with it.
struct Bridging {
  /// Work connections that were laid ready and are not in use.
  var readyCount = 0
  var timer: TimerID?
}

extension ClientSession {
  /// What the next session needs if this one's carrier is dead and the server does not know it;
  /// `nil` when a login is enough.
  var bridge: Bridge? {
    guard isEstablished, !isPeerOurs, configuration.transport.isMultiplexed else { return nil }
    return Bridge(
      proxies: proxies, limiters: limiters,
      until: context.loop.now + TunnelClientLimits.bridgeTimeMax)
  }

  func beginBridging(_ bridge: Bridge) {
    proxies = bridge.proxies
    limiters = bridge.limiters
    var bridging = Bridging()
    bridging.timer = context.loop.schedule(at: bridge.until) { [unowned self] in
      // Cancelled in `endBridging` and `release`.
      self.bridging?.timer = nil
      endBridging()
    }
    self.bridging = bridging
    // The first one dials.
    link.open { [weak self] result in
      guard let self, onEnd != nil else { return }
      switch result {
      case .success(let stream):
        stream.close()
        logger.info("the server may still hold the former session, its users are served meanwhile")
        layReady()
      case .failure(let error): finish(.loginFailed(error.description, isRefused: false))
      }
    }
  }

  private func layReady() {
    while let bridging, bridging.readyCount < TunnelClientLimits.bridgeReadyCountMax {
      self.bridging?.readyCount += 1
      openWorkConnection(
        makeTerms(
          // The terms go away with the work connections, which `release` aborts.
          onStart: { [unowned self] in
            self.bridging?.readyCount -= 1
            layReady()
          },
          onEnd: { [weak self] work in
            self?.works[ObjectIdentifier(work)] = nil
            if !work.hasStarted { self?.endBridging() }
          }))
    }
  }

  private func endBridging() {
    guard let bridging else { return }
    if let timer = bridging.timer { context.loop.cancel(timer) }
    self.bridging = nil
    // From here on it is a session that has just dialled.
    for work in works.values where !work.hasStarted { work.abort() }
    if onEnd != nil { beginLogin() }
  }
}
