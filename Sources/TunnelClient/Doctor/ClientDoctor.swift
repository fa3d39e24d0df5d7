public import Configuration
internal import LinuxSystem
public import Reactor
internal import StreamCoding
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// Finds out why a client has no connection, one step after the other: name, connection, TLS,
/// login; and beside it, whether the local services are there. It logs in without publishing
/// anything, and keeps to a deadline whatever its peers do.
public final class ClientDoctor {
  let context: TransportContext
  let configuration: ClientConfiguration
  let times: DoctorTimes
  let settings: CarrierSettings
  let resolver: Resolver
  private let configurationTime: Int64?
  private let services: ConnectBatch
  private let served: [ProxyConfiguration]
  private var areServicesDone = false
  private var isRelayDone = false
  private var findings: [DoctorFinding] = []
  private var deadline: TimerID?
  private var step = "name"
  private var cancelStep: () -> Void = {}
  private var onEnd: (([DoctorFinding]) -> Void)?

  /// Prepares; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - configurationTime: when the configuration's file was changed, in seconds since 1970; the
  ///     clock cannot be before that.
  ///   - onEnd: gets the findings, once.
  /// - Throws: what cannot work whatever the relay does, such as a certificate that cannot be read.
  public init(
    _ loop: EventLoop, configuration: ClientConfiguration, configurationTime: Int64? = nil,
    times: DoctorTimes = DoctorTimes(), onEnd: @escaping ([DoctorFinding]) -> Void
  ) throws {
    context = TransportContext(loop)
    self.configuration = configuration
    self.configurationTime = configurationTime
    self.times = times
    self.onEnd = onEnd
    settings = try makeCarrierSettings(configuration)
    resolver = try Resolver(loop, servers: configuration.nameServer.map { ["\($0)"] } ?? [])
    served = configuration.proxies.filter { ProxyFindings.localService(of: $0) != nil }
    services = ConnectBatch(
      context, resolver: resolver, served.compactMap(ProxyFindings.localService(of:)),
      timeout: times.service)
  }

  /// Begins.
  public func start() {
    deadline = context.loop.schedule(after: times.total) { [unowned self] in
      // Cancelled in `conclude`.
      deadline = nil
      timeIsOver()
    }
    services.start { [unowned self] in
      // Cancelled in `conclude`.
      areServicesDone = true
      concludeIfDone()
    }
    checkClock()
    resolve()
  }

  // MARK: The end

  func add(_ subject: String, _ verdict: DoctorFinding.Verdict, _ text: String) {
    findings.append(DoctorFinding(subject, verdict, text))
  }

  /// Goes on to another step, which `cancel` ends.
  func enter(_ step: String, cancel: @escaping () -> Void) {
    self.step = step
    cancelStep = cancel
  }

  /// There is nothing more to find out about the relay.
  func relayIsDone() {
    isRelayDone = true
    cancelStep = {}
    concludeIfDone()
  }

  private func concludeIfDone() {
    if isRelayDone, areServicesDone { conclude() }
  }

  private func timeIsOver() {
    if !isRelayDone {
      add(
        step, .fault(.timeOver), "the time was over: \(Int(times.total.inSeconds)) s for everything"
      )
    }
    conclude()
  }

  private func conclude() {
    guard let onEnd else { return }
    self.onEnd = nil
    if let deadline { context.loop.cancel(deadline) }
    deadline = nil
    cancelStep()
    cancelStep = {}
    services.cancel()
    resolver.close()
    onEnd(findings + proxyFindings + ProxyFindings.conflicts(configuration))
  }

  /// In the order of the proxies.
  private var proxyFindings: [DoctorFinding] {
    let outcomes = Dictionary(
      zip(served.map(\.name), services.outcomes), uniquingKeysWith: { first, _ in first })
    return configuration.proxies.map { proxy in
      ProxyFindings.findingWithoutConnecting(proxy)
        ?? ProxyFindings.finding(proxy, outcomes[proxy.name] ?? nil)
    }
  }

  // MARK: The clock

  private func checkClock() {
    let now = HostSystem.unixSeconds
    guard let configurationTime, now < configurationTime - DoctorLimits.clockLagMax else { return }
    add(
      "clock", .fault(.clock),
      "the clock of this machine is \(configurationTime - now) s before the last change of the "
        + "configuration file")
  }

  // MARK: The way

  private var target: (host: String, port: UInt16) {
    if let proxy = settings.proxy { return (proxy.address.host, proxy.address.port) }
    return (settings.host, settings.port)
  }

  private func resolve() {
    let host = target.host
    if let address = SocketAddress(host: host, port: target.port) { return connect([address]) }
    let request = resolver.resolve(host, timeout: times.name) { [unowned self] result in
      // Cancelled in `conclude`.
      switch result {
      case .success(let addresses):
        add("name", .good, "\(host) is \(addresses.map(Self.host).joined(separator: ", "))")
        connect(addresses)
      case .failure(let error):
        add("name", .fault(Self.fault(error)), "\(error)")
        relayIsDone()
      }
    }
    if !isRelayDone, step == "name" { enter("name") { request.cancel() } }
  }

  private static func host(_ address: SocketAddress) -> String {
    let text = "\(address)"
    return text.lastIndex(of: ":").map { String(text[..<$0]) } ?? text
  }

  private static func fault(_ error: ResolveError) -> DoctorFault {
    switch error {
    case .invalidName, .notFound: .nameNotFound
    case .timedOut, .serverFailed, .tooManyRequests, .closed, .invalidServer, .tooManyServers,
      .unavailable:
      .nameServersFailed
    }
  }

  private func connect(_ addresses: [SocketAddress]) {
    let port = target.port
    let wanted = addresses.map { address in
      var address = address
      address.port = port
      return address
    }
    let begin = context.loop.now
    let connector = Connector.connect(
      loop: context.loop, addresses: wanted, localAddress: settings.localAddress,
      timeout: min(times.connect, settings.dialTimeout)
    ) { [unowned self] outcome in
      // Cancelled in `conclude`.
      switch consume outcome {
      case .connected(let socket):
        let peer = socket.peer
        SocketStream(context, owning: socket).close()
        let milliseconds = (HostSystem.monotonicNanoseconds - begin.nanoseconds) / 1_000_000
        add("connection", .good, "\(peer) answers after \(milliseconds) ms")
        logIn()
      case .failed(let error):
        addConnectFault(error)
        relayIsDone()
      }
    }
    enter("connection") { connector.cancel() }
  }

  private func addConnectFault(_ error: ConnectError) {
    let whom = settings.proxy == nil ? "" : "the proxy on the way: "
    switch ConnectFaultKind(error) {
    case .name: add("connection", .fault(.nameNotFound), "\(whom)\(error)")
    case .refused: add("connection", .fault(.refused), "\(whom)\(error)")
    case .silent:
      add(
        "connection", .fault(.filtered),
        "\(whom)\(target.host):\(target.port) does not answer at all, not even with a refusal")
    case .unreachable: add("connection", .fault(.unreachable), "\(whom)\(error)")
    }
  }

  // MARK: Ports

  /// Looks which of the wanted ports of the relay answer already; the others tell nothing.
  func lookAtPublicPorts() {
    let wanted = configuration.proxies.compactMap { proxy in
      ProxyFindings.publicPort(of: proxy).map { (proxy, $0) }
    }.filter { $0.1 != configuration.serverPort }.prefix(DoctorLimits.publicPortCountMax)
    guard settings.proxy == nil, !wanted.isEmpty else { return relayIsDone() }
    let batch = ConnectBatch(
      context, resolver: resolver, wanted.map { .init(host: settings.host, port: $0.1) },
      timeout: times.words)
    enter("ports") { batch.cancel() }
    batch.start { [unowned self] in
      // Cancelled in `conclude`.
      for ((proxy, port), outcome) in zip(wanted, batch.outcomes) {
        if case .connected = outcome { findings.append(ProxyFindings.findingOfPort(proxy, port)) }
      }
      relayIsDone()
    }
  }
}
