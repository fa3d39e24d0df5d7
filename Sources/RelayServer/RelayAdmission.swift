internal import Admission
internal import Configuration
internal import LinuxSystem
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports

/// Who may come in: the relay's books of strangers, failures, users and memory.
final class RelayAdmission {
  let complaints: ComplaintLog
  var counters = RelayCounters()
  var throttle = LoginThrottle()

  private let loop: EventLoop
  private var strangers = StrangerBook<InboundCarrier>()
  private var known = KnownNetworks()
  // Strangers of each network that came in the turn `arrivalTurn`.
  private var arrivalTurn: UInt64 = 0
  private var arrivals: [PeerNetwork: Int] = [:]
  private var strangersWithTLS = StrangerBook<InboundCarrier>(
    countMax: AdmissionLimits.strangersWithTLSMax)
  private var awaited = StrangerBook<Arrival>(countMax: arrivalCountMax)
  private var awaitedWithTLS = StrangerBook<Arrival>(countMax: AdmissionLimits.strangersWithTLSMax)
  private var caps: ConnectionCaps
  private var memory: MemoryBudget?
  private var memoryGauge: MemoryGauge?
  /// Clients without mux that are logged in, by where they are.
  private var clients: [PeerNetwork: Set<SessionID>] = [:]
  /// Peers that are taken for work connections, until they have shown it.
  private var expectedCounts: [PeerNetwork: Int] = [:]

  init(_ loop: EventLoop, _ configuration: ServerConfiguration, _ complaints: ComplaintLog) {
    self.loop = loop
    self.complaints = complaints
    caps = ConnectionCaps(Self.maxima(configuration))
    limitMemory(configuration.memoryLimitBytes)
  }

  /// Follows the limits of another configuration from now on. Whoever is in stays in.
  ///
  /// - Parameter places: those of all users who are in.
  func follow(_ configuration: ServerConfiguration, places: some Sequence<ConnectionCaps.Place>) {
    let maxima = Self.maxima(configuration)
    if maxima != caps.maxima { caps.setMaxima(maxima, places: places) }
    if memory?.limitBytes != configuration.memoryLimitBytes {
      limitMemory(configuration.memoryLimitBytes)
    }
  }

  private static func maxima(_ configuration: ServerConfiguration) -> ConnectionCaps.Maxima {
    var maxima = ConnectionCaps.Maxima()
    let limits = configuration.connectionLimits
    maxima.perNetwork = limits.perAddress
    maxima.perProxy = limits.perProxy
    maxima.perSession = limits.perClient
    maxima.total = limits.total ?? totalMax(configuration)
    return maxima
  }

  private func limitMemory(_ byteCount: Int?) {
    memory = byteCount.map { MemoryBudget(limitBytes: $0) }
    memoryGauge = byteCount == nil ? nil : MemoryGauge()
  }

  /// As many users as there are descriptors for, with some left for clients and files.
  private static func totalMax(_ configuration: ServerConfiguration) -> Int {
    let limit = HostSystem.descriptorLimit
    var reserve = min(limit / 4, RelayServerLimits.reservedDescriptorMax)
    // Whoever arrives is no user yet.
    let ports = [configuration.httpPort, configuration.httpsPort, configuration.httpConnectPort]
    if ports.contains(where: { $0 != nil }) || !configuration.trustedProxies.isEmpty {
      reserve += arrivalCountMax
    }
    // Without mux each user has a work connection with a socket of its own.
    return max(1, (limit - reserve) / (configuration.transport.isMultiplexed ? 1 : 2))
  }

  /// An eighth of the descriptors, at most.
  private static var arrivalCountMax: Int {
    min(RelayServerLimits.arrivalCountMax, HostSystem.descriptorLimit / 8)
  }

  // MARK: Strangers

  /// Peers on the bind port that have not logged in.
  var strangerCount: Int { strangers.count }

  /// What a peer on the bind port is before it has said anything.
  enum Standing {
    /// One of the work connections that a client there was asked for.
    case expected
    /// Anybody.
    case stranger(StrangerBook<InboundCarrier>.EntryID)
  }

  /// Lets a peer on the bind port in; `nil` when there is no memory for it.
  ///
  /// - Parameter requestedCount: how many work connections a client was asked for and has not
  ///   opened.
  /// - Returns: what it is, and who has to go for it.
  func admit(
    _ carrier: InboundCarrier, from network: PeerNetwork, requestedCount: (SessionID) -> Int
  ) -> (standing: Standing, evicted: [InboundCarrier])? {
    if let sessions = clients[network] {
      let requested = sessions.reduce(0) { $0 + requestedCount($1) }
      if expectedCounts[network, default: 0] < requested {
        countExpected(from: network, by: 1)
        return (.expected, [])
      }
    }
    var evicted: [InboundCarrier] = []
    if !hasMemory(for: .stranger) {
      // The oldest has had its time. Its memory is free once it is closed.
      guard let oldest = strangers.removeFirst() else {
        counters.peersWithoutMemory += 1
        return nil
      }
      evicted.append(oldest)
    }
    let (id, others) = strangers.admit(carrier, from: network)
    evicted += others
    counters.evictedPeers += evicted.count
    return (.stranger(id), evicted)
  }

  /// How the reads of a peer are paced: strangers from places where nobody has ever logged in from
  /// do not hold up the others.
  func pace(of standing: Standing, from network: PeerNetwork) -> StrangerPace {
    switch standing {
    case .expected: .unpaced
    case .stranger: pace(from: network)
    }
  }

  /// The same for somebody who is no client.
  func pace(from network: PeerNetwork) -> StrangerPace {
    known.contains(network) ? .known : .unknown
  }

  /// Counts a stranger that has come.
  ///
  /// - Returns: whether so many of its network have come in this turn that others are to wait.
  func isTurnFull(afterAnotherFrom network: PeerNetwork) -> Bool {
    if arrivalTurn != loop.turnCount {
      arrivalTurn = loop.turnCount
      arrivals.removeAll(keepingCapacity: true)
    }
    arrivals[network, default: 0] += 1
    return arrivals[network, default: 0] >= RelayServerLimits.strangersPerTurnMax
  }

  /// Somebody has logged in.
  func noteLogin(from network: PeerNetwork) {
    counters.acceptedLogins += 1
    known.insert(network)
  }

  /// A stranger begins to speak TLS.
  ///
  /// - Returns: its name among those who do, and who has to go for it.
  func admitTLS(_ carrier: InboundCarrier)
    -> (id: StrangerBook<InboundCarrier>.EntryID, evicted: [InboundCarrier])
  {
    let (id, evicted) = strangersWithTLS.admit(carrier, from: carrier.network)
    counters.evictedPeers += evicted.count
    return (id, evicted)
  }

  /// A stranger that spoke TLS has shown who it is, or has left.
  func releaseTLS(_ id: StrangerBook<InboundCarrier>.EntryID) {
    strangersWithTLS.remove(id)
  }

  /// A stranger has said something.
  func noteSpeech(of standing: Standing?) {
    if case .stranger(let id) = standing { strangers.noteSpeech(of: id) }
  }

  /// A peer has shown who it is, or has left.
  func release(_ standing: Standing, from network: PeerNetwork) {
    switch standing {
    case .stranger(let id): strangers.remove(id)
    case .expected: countExpected(from: network, by: -1)
    }
  }

  private func countExpected(from network: PeerNetwork, by step: Int) {
    let count = expectedCounts[network, default: 0] + step
    expectedCounts[network] = count > 0 ? count : nil
  }

  /// A client that opens a carrier for each work connection has logged in.
  func clientDidArrive(_ session: SessionID, from network: PeerNetwork) {
    clients[network, default: []].insert(session)
  }

  /// It has left.
  func clientDidLeave(_ session: SessionID, from network: PeerNetwork) {
    clients[network]?.remove(session)
    if clients[network]?.isEmpty == true { clients[network] = nil }
  }

  // MARK: Arrivals

  /// Users whose first bytes are awaited.
  var arrivalCount: Int { awaited.count }

  /// Notes a user whose first bytes are awaited; `nil` when there is no memory for him.
  ///
  /// - Returns: who has to go for him.
  func admit(_ arrival: Arrival) -> [Arrival]? {
    var evicted: [Arrival] = []
    if !hasMemory(for: .user) {
      guard let oldest = awaited.removeFirst() else {
        counters.usersWithoutMemory += 1
        return nil
      }
      evicted.append(oldest)
    }
    let (id, others) = awaited.admit(
      arrival, from: arrival.network, networkCountMax: RelayServerLimits.arrivalsPerNetworkMax)
    arrival.entryID = id
    evicted += others
    counters.evictedPeers += evicted.count
    for other in evicted { other.entryID = nil }
    return evicted
  }

  /// An arrival is from somewhere else than it seemed.
  func moveArrival(_ arrival: Arrival) {
    release(arrival)
    for other in admit(arrival) ?? [] { other.reject("it had to go for a newer one") }
  }

  /// An arrival has said something.
  func noteSpeech(of arrival: Arrival) {
    if let id = arrival.entryID { awaited.noteSpeech(of: id) }
  }

  /// TLS of an arrival is to end here.
  ///
  /// - Returns: who has to go for it.
  func admitTLS(_ arrival: Arrival) -> [Arrival] {
    let (id, evicted) = awaitedWithTLS.admit(
      arrival, from: arrival.network, networkCountMax: RelayServerLimits.arrivalsPerNetworkMax)
    arrival.secureID = id
    counters.evictedPeers += evicted.count
    for other in evicted { other.secureID = nil }
    return evicted
  }

  /// It is known what an arrival is for, or it has left.
  func release(_ arrival: Arrival) {
    if let id = arrival.secureID.take() { awaitedWithTLS.remove(id) }
    if let id = arrival.entryID.take() { awaited.remove(id) }
  }

  /// Ends all of them.
  func closeArrivals() {
    while let arrival = awaited.removeFirst() {
      arrival.entryID = nil
      arrival.close()
    }
  }

  // MARK: Users

  /// Lets a user in, or says why not; which of the names are `nil` is as in `ConnectionCaps.admit`.
  func admitUser(
    from network: PeerNetwork?, proxy: UInt64? = nil, session: UInt64? = nil,
    account: ConnectionCaps.AccountShare? = nil
  ) -> Result<ConnectionCaps.Place, UserRejection> {
    guard hasMemory(for: .user) else {
      counters.usersWithoutMemory += 1
      return .failure(UserRejection(description: "the memory limit is reached"))
    }
    switch caps.admit(from: network, proxy: proxy, session: session, account: account) {
    case .success(let place): return .success(place)
    case .failure(let refusal):
      count(refusal.cause)
      return .failure(UserRejection(description: refusal.cause.description))
    }
  }

  /// Whether there are as many users as there may be.
  var isFull: Bool { caps.isFull }

  /// A user is gone.
  func release(_ place: ConnectionCaps.Place) {
    caps.release(place)
  }

  private func count(_ cause: ConnectionCaps.Cause) {
    switch cause {
    case .network: counters.usersOverAddressMax += 1
    case .proxy: counters.usersOverProxyMax += 1
    case .session: counters.usersOverClientMax += 1
    case .account: counters.usersOverAccountMax += 1
    case .total: counters.usersOverTotalMax += 1
    }
  }

  // MARK: Memory

  private func hasMemory(for applicant: MemoryBudget.Applicant) -> Bool {
    guard memory != nil else { return true }
    let socketCount = loop.registrationCount
    if memory?.isSampleDue(now: loop.now) == true, let resident = memoryGauge?.residentBytes {
      memory?.note(residentBytes: resident, socketCount: socketCount, now: loop.now)
    }
    return memory?.mayAdmit(applicant, socketCount: socketCount) ?? true
  }
}

/// Why a user was not let in.
struct UserRejection: Error, CustomStringConvertible {
  let description: String
}

extension PeerNetwork {
  /// The network of a peer.
  init(_ address: SocketAddress) {
    let isIPv6 =
      switch address.family {
      case .ipv4: false
      case .ipv6: true
      }
    self.init(isIPv6: isIPv6, octets: address.octets)
  }
}
