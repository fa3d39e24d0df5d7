#if DEBUG
  import Configuration
  import LinuxSystem
  import Logging
  import Reactor
  import RelayServer
  import SimulationKit
  import Timekeeping
  import TunnelClient

  extension SimulationRun {
    // MARK: Programs

    func startEverything() throws {
      try startService()
      try startUsers()
      try startServer()
      try startClient()
    }

    private func logger(_ name: String) -> Logger {
      guard network.onNote != nil else {
        return Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
      }
      let network = self.network
      return Logger(label: name) { _ in NotingLogHandler(name: name, network: network) }
    }

    func startServer() throws {
      var configuration = ServerConfiguration()
      configuration.bindAddress = "0.0.0.0"
      configuration.proxyBindAddress = "0.0.0.0"
      configuration.bindPort = Self.bindPort
      configuration.authentication.token = Secret("simulated")
      configuration.transport.isMultiplexed = scenario.isMux
      configuration.transport.heartbeatTimeout = scenario.isMux ? nil : .seconds(90)
      configuration.shutdownGrace = .seconds(1)
      configuration.authentication.authenticatesHeartbeats = scenario.isEverythingAuthenticated
      configuration.authentication.authenticatesNewWorkConnections =
        scenario.isEverythingAuthenticated
      let process = try network.start("server", on: relay)
      server = try process.perform { loop in
        let server = try RelayServer(
          loop, configuration: configuration, logger: logger("server"))
        try server.start()
        return Running(process: process, program: server)
      }
    }

    func startClient() throws {
      var configuration = ClientConfiguration()
      configuration.serverHost = "198.51.100.1"
      configuration.serverPort = Self.bindPort
      configuration.authentication.token = Secret("simulated")
      configuration.exitsWhenFirstLoginFails = false
      configuration.shutdownGrace = .seconds(1)
      configuration.transport.isMultiplexed = scenario.isMux
      configuration.transport.poolCount = scenario.poolCount
      configuration.transport.tls.isEnabled = scenario.isTLS
      configuration.transport.heartbeatInterval = scenario.isMux ? nil : .seconds(30)
      configuration.transport.heartbeatTimeout = scenario.isMux ? nil : .seconds(90)
      var proxy = ProxyConfiguration(
        name: "web", service: .tcp(TCPProxyConfiguration(remotePort: Self.proxyPort)))
      proxy.localPort = Self.servicePort
      proxy.usesEncryption = scenario.isEncrypted
      proxy.usesCompression = scenario.isCompressed
      proxy.bandwidthLimit = scenario.bandwidthLimit.flatMap { Bandwidth($0) }
      proxy.bandwidthLimitMode = scenario.isLimitedByServer ? .server : .client
      configuration.authentication.authenticatesHeartbeats = scenario.isEverythingAuthenticated
      configuration.authentication.authenticatesNewWorkConnections =
        scenario.isEverythingAuthenticated
      configuration.proxies = [proxy]
      let settings = configuration
      let process = try network.start("client", on: box)
      client = try process.perform { loop in
        let client = try TunnelClient(loop, configuration: settings, logger: logger("client"))
        client.start()
        return Running(process: process, program: client)
      }
    }

    /// Lets the memory of a server go, killed or not.
    func dropServer(isPowerLost: Bool = false) {
      guard let server else { return }
      self.server = nil
      server.program.onEnd = nil
      drop(server.process, isPowerLost: isPowerLost) {
        server.program.stop()
        server.program.stop()
      }
    }

    /// The same for a client.
    func dropClient() {
      guard let client else { return }
      self.client = nil
      client.program.onEnd = nil
      drop(client.process) {
        client.program.stop()
        client.program.stop()
      }
    }

    private func drop(
      _ process: SimulatedProcess, isPowerLost: Bool = false, _ stop: () -> Void
    ) {
      process.kill(isPowerLost: isPowerLost)
      _ = process.perform { _ in stop() }
      process.runOut()
      process.finish()
    }

    // MARK: Faults

    func inject(_ fault: Fault) {
      network.note("fault: \(fault.kind) for \(fault.lasts.inSeconds) s")
      var choice = RandomStream(seed: fault.choice)
      if fault.kind.isDisturbing { disturb() }
      if fault.kind.isCutting { hasBeenCut = true }
      switch fault.kind {
      case .loss: lose(choice.element(of: [0.02, 0.1]), for: fault.lasts)
      case .delay: delay(.milliseconds(choice.number(in: 50...600)), for: fault.lasts)
      case .blackHole: openBlackHole(choice.element(of: [0, 1, 2, 2]), for: fault.lasts)
      case .carrierReset: _ = network.resetConnection(between: box, and: relay, &choice)
      case .userReset: _ = network.resetConnection(between: visitor, and: relay, &choice)
      case .stall: stall(choice.number(below: 3), for: fault.lasts)
      case .sleep: box.sleep(for: fault.lasts)
      case .clockSet:
        choice.element(of: [box, relay]).setWallClock(
          by: Int64(choice.number(in: -100_000...100_000)))
      case .addressChange: box.replaceAddresses([nextAddress()])
      case .addressLoss:
        box.replaceAddresses([])
        let isInterfaceNew = choice.happens(0.3)
        network.schedule(after: fault.lasts) { [unowned self] in
          box.replaceAddresses([nextAddress()], isInterfaceNew: isInterfaceNew)
        }
      case .serverRestart: restartServer(after: fault.lasts)
      case .relayCrash: restartServer(after: fault.lasts, isPowerLost: true)
      case .clientRestart: restartClient(after: fault.lasts)
      }
    }

    /// From now on users may be unlucky, those that are there and those that come.
    private func disturb() {
      isDisturbed = true
      for conversation in conversations where !conversation.isOver { conversation.isStrict = false }
    }

    private func nextAddress() -> SocketAddress {
      addressCount += 1
      return Self.address(10, 0, addressCount, 2)
    }

    private func lose(_ share: Double, for time: Interval) {
      let links =
        network.links(between: box, and: relay) + network.links(between: visitor, and: relay)
      for link in links { link.lossShare = share }
      network.schedule(after: time) { for link in links { link.lossShare = 0 } }
    }

    private func delay(_ latency: Interval, for time: Interval) {
      let links = network.links(between: box, and: relay)
      for link in links { link.latency = latency }
      network.schedule(after: time) { [scenario] in
        for link in links { link.latency = scenario.carrierLatency }
      }
    }

    private func openBlackHole(_ direction: Int, for time: Interval) {
      let links = network.links(between: box, and: relay)
      for (index, link) in links.enumerated() where direction != index { link.isDead = true }
      network.schedule(after: time) { for link in links { link.isDead = false } }
    }

    private func stall(_ which: Int, for time: Interval) {
      switch which {
      case 0: server?.process.stall(for: time)
      case 1: client?.process.stall(for: time)
      default: serviceProcess?.stall(for: time)
      }
    }

    private func restartServer(after delay: Interval, isPowerLost: Bool = false) {
      dropServer(isPowerLost: isPowerLost)
      network.schedule(after: delay) { [unowned self] in
        guard server == nil else { return }
        do { try startServer() } catch { fail("the server does not start again: \(error)") }
      }
    }

    private func restartClient(after delay: Interval) {
      dropClient()
      network.schedule(after: delay) { [unowned self] in
        guard client == nil else { return }
        do { try startClient() } catch { fail("the client does not start again: \(error)") }
      }
    }
  }

  /// Writes log lines into the trace.
  private struct NotingLogHandler: LogHandler {
    let name: String
    let network: SimulatedNetwork
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      network.note("\(name) [\(event.level)] \(event.message)")
    }
  }
#endif
