import ProxyGraph
import Timekeeping

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
  private var listening: [ProxyID] = []
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
        session: session.id, name: "p\(operation >> 5)", type: choice == 255 ? "udp" : "",
        remotePort: Self.numbers[choice % Self.numbers.count], now: now,
        random: UInt64(choice) << 33)
    case 5:
      if let session { graph.closeProxy(session: session.id, name: "p\(operation >> 5)", now: now) }
    case 6, 7, 8:
      if !listening.isEmpty { connectUser(to: listening[choice % listening.count]) }
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
      case .listen(let proxy, let port):
        try require(policy.allowedPorts.contains { $0.contains(port) }, "port \(port)")
        let outcome = input.byte()
        // One who is quicker than the answer to `listen`.
        if outcome & 2 != 0 { connectUser(to: proxy) }
        if outcome & 1 == 0 {
          graph.listenSucceeded(proxy)
          listening.append(proxy)
        } else {
          graph.listenFailed(proxy, now: now)
        }
      case .stopListening(let proxy): listening.removeAll { $0 == proxy }
      case .join(let user, let work, let proxy):
        try require(waiting.remove(user) != nil, "a user is joined who does not wait")
        try require(pooled.remove(work) != nil, "a work connection is joined that is not there")
        try require(listening.contains(proxy), "a user is joined to a proxy that is not open")
        joinedCount += 1
      case .closeUser(let user, _):
        try require(waiting.remove(user) != nil, "a user is closed who does not wait")
      case .closeWork(let work), .refuseWork(let work, _):
        try require(pooled.remove(work) != nil, "a work connection is closed that is not there")
      case .requestWorkConnection:
        requestCount += 1
        try require(requestCount <= policy.poolCountMax + 16, "\(requestCount) requests at once")
      case .probeSession(let id): probed.append(id)
      case .replyProxyStarted, .replyProxyRefused, .closeSession: break
      }
    }
  }
}
