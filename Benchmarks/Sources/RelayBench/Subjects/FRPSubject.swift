/// frps and frpc, ours or others', in one of the lanes.
enum FRPSubject {
  enum Lane: String, CaseIterable {
    case plain, mux
    case standard = "default"
    case encrypted, compressed
    /// Virtual hosts, otherwise with the default settings.
    case http, https

    /// How a subject of this lane is asked.
    var greeting: RunningSubject.Greeting {
      switch self {
      case .plain, .mux, .standard, .encrypted, .compressed: .echo
      case .http: .request
      case .https: .clientHello
      }
    }

    /// The line of the relay that opens the users' port; proxies of TCP open theirs.
    func relayLine(_ port: UInt16) -> String {
      switch self {
      case .plain, .mux, .standard, .encrypted, .compressed: ""
      case .http: "vhost_http_port = \(port)"
      case .https: "vhost_https_port = \(port)"
      }
    }

    /// The lines of the proxy that say where users find it.
    func proxyLines(_ port: UInt16) -> String {
      switch self {
      case .plain, .mux, .standard, .encrypted, .compressed: "type = tcp\nremote_port = \(port)"
      case .http, .https: "type = \(rawValue)\ncustom_domains = \(Bench.hostName)"
      }
    }

    var isTLS: Bool { self != .plain && self != .mux }
    var isMux: Bool { self != .plain }
  }

  /// - Parameters:
  ///   - programs: the folder of both programs.
  ///   - more: further lines of both configurations.
  ///   - wrap: the program, with its arguments, under which a side (`relay`, `client`) runs.
  static func make(
    _ prefix: String, _ lane: Lane, programs: String, more: String = "",
    wrap: @escaping (String) -> [String] = { _ in [] }
  ) -> Subject {
    Subject(name: "\(prefix) \(lane.rawValue)") { folder, originPort in
      let bindPort = try Bench.freePort()
      let publicPort = try Bench.freePort()
      try Bench.write(
        """
        [common]
        bind_addr = 127.0.0.1
        bind_port = \(bindPort)
        token = bench
        log_level = warn
        tcp_mux = \(lane.isMux)
        \(lane.relayLine(publicPort))
        \(more)

        """, to: "\(folder)/frps.ini")
      try Bench.write(
        """
        [common]
        server_addr = 127.0.0.1
        server_port = \(bindPort)
        token = bench
        log_level = warn
        pool_count = 5
        tcp_mux = \(lane.isMux)
        tls_enable = \(lane.isTLS)
        \(more)

        [bench]
        local_ip = 127.0.0.1
        local_port = \(originPort)
        \(lane.proxyLines(publicPort))
        use_encryption = \(lane == .encrypted)
        use_compression = \(lane == .compressed)

        """, to: "\(folder)/frpc.ini")
      let relay = try start(
        wrap("relay") + ["\(programs)/frps", "-c", "\(folder)/frps.ini"], "\(folder)/frps.log")
      let client: Child
      do {
        try Bench.awaitListening(bindPort, [relay])
        client = try start(
          wrap("client") + ["\(programs)/frpc", "-c", "\(folder)/frpc.ini"],
          "\(folder)/frpc.log")
      } catch {
        relay.stop()
        throw error
      }
      return RunningSubject(
        port: publicPort, greeting: lane.greeting, relay: [relay], client: [client])
    }
  }

  private static func start(_ words: [String], _ logFile: String) throws -> Child {
    try Child(words[0], Array(words.dropFirst()), logFile: logFile)
  }
}
