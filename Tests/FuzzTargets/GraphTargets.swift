import ProxyGraph
import Timekeeping
import WireProtocol

extension FuzzTarget {
  static let graphs = [
    FuzzTarget("relay-graph", byteCountMax: 1024) { (input) throws(FuzzFinding) in
      var world = GraphWorld(input.byte())
      while !input.isEmpty { try world.step(&input) }
      return world.joinedCount
    }
  ]
}

/// A graph, and what a server would know beside it: every user and work connection that went in
/// comes out in exactly one action, or is still inside.
struct GraphWorld: ~Copyable {
  private var graph: RelayGraph
  private let policy: RelayPolicy
  private var now = Instant(nanoseconds: 1_000_000_000)
  private var sessions: [(id: SessionID, runID: String)] = []
  private var listening: [RouteID] = []
  private var open: [ProxyID] = []
  private var probed: [SessionID] = []
  private var waiting: Set<UserConnectionID> = []
  private var pooled: Set<WorkConnectionID> = []
  private var nextNumber: UInt64 = 0
  private(set) var joinedCount = 0

  init(_ choice: UInt8) {
    var policy = RelayPolicy()
    policy.allowedPorts = choice & 1 == 0 ? [6000...6007] : [1...1, 6000...6001, 65_535...65_535]
    policy.portsPerSessionMax = choice & 2 == 0 ? 0 : 3
    policy.poolCountMax = Int(choice >> 4)
    policy.portMemory = .seconds(choice & 4 == 0 ? 5 : 3600)
    policy.hostPorts = choice & 8 == 0 ? [:] : [.http: 80, .https: 443, .tcpmux: 1337]
    policy.subdomainHost = "sub.test"
    policy.groups.settings.failureCountMax = 2
    self.policy = policy
    graph = RelayGraph(policy: policy)
  }

  private static let numbers = [0, 1, 5, 6000, 6001, 65_535, 65_536, -1, .max, .min]

  mutating func step(_ input: inout FuzzInput) throws(FuzzFinding) {
    let operation = input.byte()
    let choice = Int(input.byte())
    let session = sessions.isEmpty ? nil : sessions[choice % sessions.count]
    switch operation & 15 {
    case 0, 1: try openSession(operation, session?.runID, choice)
    case 2:
      guard let session else { break }
      close(session.id, isLost: operation & 16 != 0)
    case 3, 4:
      guard let session else { break }
      graph.requestProxy(
        session: session.id, request(operation, choice, &input), now: now,
        random: UInt64(choice) << 33)
    case 5:
      if let session { graph.closeProxy(session: session.id, name: "p\(operation >> 5)", now: now) }
    case 6, 7, 8:
      if choice & 1 == 0, !open.isEmpty { connectUser(to: open[choice % open.count]) }
      if choice & 1 == 1 { routeUser(choice) }
    case 9, 10, 11:
      nextNumber += 1
      let work = WorkConnectionID(rawValue: nextNumber)
      pooled.insert(work)
      graph.workConnectionArrived(
        work, runID: session?.runID ?? "nobody", isWelcome: operation & 0xf0 != 0xf0)
    case 12:
      if let user = waiting.min(by: { "\($0)" < "\($1)" }) {
        graph.userClosed(user)
        waiting.remove(user)
      }
    case 13:
      if let work = pooled.min(by: { "\($0)" < "\($1)" }) {
        graph.workConnectionLost(work)
        pooled.remove(work)
      }
    case 14:
      guard !probed.isEmpty else { break }
      let id = probed.removeFirst()
      if choice & 1 == 0 { graph.sessionDidAnswer(id) } else { close(id, isLost: true) }
    default:
      now = now + .milliseconds(choice * 40)
      graph.handleDeadline(now: now)
    }
    try settle(&input)
    let faults = graph.findInconsistencies()
    try require(faults.isEmpty, faults.joined(separator: ", "))
    try require(graph.waitingUserCount == waiting.count, "a waiting user is lost")
    try require(graph.sessionCount == sessions.count, "a session is lost")
    try require(probed.count <= 4096, "\(probed.count) probes")
    if let deadline = graph.nextDeadline {
      try require(deadline <= now + policy.userWaitLimit, "a deadline that is far away")
    }
  }

  private static let types = ["", "tcp", "http", "https", "tcpmux", "udp"]
  private static let domains = ["a.test", "*.a.test", "*", "b.sub.test", "", "A.test."]

  private func request(
    _ operation: UInt8, _ choice: Int, _ input: inout FuzzInput
  ) -> NewProxy {
    let kind = Int(input.byte())
    var request = NewProxy(
      proxyName: "p\(operation >> 5)", proxyType: Self.types[kind % Self.types.count],
      remotePort: Self.numbers[choice % Self.numbers.count])
    request.multiplexer = choice == 255 ? "" : "httpconnect"
    let details = Int(input.byte())
    if details & 1 != 0 {
      request.group = "g\(details >> 6)"
      request.groupKey = details & 2 == 0 ? "k" : "l"
    }
    request.customDomains = (0...(details >> 2 & 1)).map {
      Self.domains[(details >> 3 + $0) % Self.domains.count]
    }
    if details & 32 != 0 { request.subdomain = details & 4 == 0 ? "s" : "s.s" }
    request.locations = kind & 64 == 0 ? [] : ["/", "/a"]
    request.routeByHTTPUser = kind & 128 == 0 ? "" : "u"
    return request
  }

  /// A user who says a host, or comes to a port.
  private mutating func routeUser(_ choice: Int) {
    let hosts = ["a.test", "x.a.test", "s.sub.test", "c"]
    var route: RouteID?
    if choice & 2 == 0, !listening.isEmpty {
      route = listening[choice % listening.count]
    } else {
      let kinds = VirtualHostKind.allCases
      route = graph.route(
        kinds[choice >> 2 % kinds.count], host: hosts[choice >> 4 & 3],
        user: choice & 128 == 0 ? "" : "u")
    }
    let random = UInt64(choice)
    guard let route, let proxy = graph.chooseProxy(of: route, source: [], random: random, now: now)
    else { return }
    switch choice & 12 {
    case 0: graph.connectionFailed(proxy, now: now)
    case 4: graph.connectionSucceeded(proxy, now: now)
    default: break
    }
    if choice & 16 == 0 { graph.connectionEnded(proxy) }
    connectUser(to: proxy)
  }

  private mutating func openSession(
    _ operation: UInt8, _ runID: String?, _ choice: Int
  ) throws(FuzzFinding) {
    nextNumber += 1
    let decision = graph.openSession(
      runID: operation & 16 == 0 ? "" : runID ?? "", freshRunID: "run\(nextNumber)",
      user: operation & 32 == 0 ? "" : "u", clientID: operation & 64 == 0 ? "" : "c",
      host: operation & 128 == 0 ? "192.0.2.1" : "192.0.2.2",
      poolCount: Self.numbers[choice % Self.numbers.count], now: now)
    switch decision {
    case .accepted(let id, let runID):
      sessions.removeAll { $0.runID == runID }
      sessions.append((id, runID))
    case .contested(let other, _):
      try require(sessions.contains { $0.id == other }, "contested by nobody")
      probed.append(other)
    case .refused: break
    }
  }

  private mutating func close(_ id: SessionID, isLost: Bool) {
    graph.closeSession(id, isLost: isLost, now: now)
    sessions.removeAll { $0.id == id }
  }

  private mutating func connectUser(to proxy: ProxyID) {
    nextNumber += 1
    let user = UserConnectionID(rawValue: nextNumber)
    waiting.insert(user)
    graph.userConnected(user, to: proxy, now: now)
  }

  /// Executes actions as the server does; whether listening succeeds is in the input.
  private mutating func settle(_ input: inout FuzzInput) throws(FuzzFinding) {
    var requestCount = 0
    while let action = graph.nextAction() {
      switch action {
      case .listen(let route, let port):
        try require(policy.allowedPorts.contains { $0.contains(port) }, "port \(port)")
        if input.byte() & 1 == 0 {
          graph.listenSucceeded(route)
          listening.append(route)
        } else {
          graph.listenFailed(route, now: now)
        }
      case .stopListening(let route): listening.removeAll { $0 == route }
      case .openProxy(let proxy, _): open.append(proxy)
      case .closeProxy(let proxy): open.removeAll { $0 == proxy }
      case .join(let user, let work, let proxy):
        try require(waiting.remove(user) != nil, "a user is joined who does not wait")
        try require(pooled.remove(work) != nil, "a work connection is joined that is not there")
        try require(open.contains(proxy), "a user is joined to a proxy that is not open")
        joinedCount += 1
      case .closeUser(let user, _):
        try require(waiting.remove(user) != nil, "a user is closed who does not wait")
      case .closeWork(let work), .refuseWork(let work, _):
        try require(pooled.remove(work) != nil, "a work connection is closed that is not there")
      case .requestWorkConnection:
        requestCount += 1
        try require(requestCount <= policy.poolCountMax + 16, "\(requestCount) requests at once")
      case .probeSession(let id): probed.append(id)
      case .replyProxyRefused, .closeSession: break
      }
    }
  }
}
