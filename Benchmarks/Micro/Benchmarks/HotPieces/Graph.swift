internal import Benchmark
internal import ProxyGraph
internal import Timekeeping
internal import WireProtocol

/// A relay's graph with one client and one proxy.
private final class GraphBench {
  private static let now = Instant(nanoseconds: 1_000_000_000)

  private var graph = RelayGraph(policy: RelayPolicy())
  private let proxy: ProxyID
  private var lastNumber: UInt64 = 0

  init() throws {
    let decision = graph.openSession(
      runID: "", freshRunID: "0123456789abcdef", user: "", clientID: "", host: "192.0.2.1",
      poolCount: 1, now: Self.now)
    guard case .accepted(let session, _) = decision else { throw Broken("no session") }
    graph.requestProxy(
      session: session, NewProxy(proxyName: "web", proxyType: "tcp", remotePort: 8_080),
      now: Self.now, random: 1)
    var opened: ProxyID?
    while let action = graph.nextAction() {
      switch action {
      case .listen(let route, _): graph.listenSucceeded(route)
      case .openProxy(let id, _): opened = id
      case _: break
      }
    }
    guard let opened else { throw Broken("no proxy") }
    proxy = opened
  }

  private func takeActions() throws {
    var joinedCount = 0
    while let action = graph.nextAction() {
      if case .join = action { joinedCount += 1 }
    }
    guard joinedCount == 1 else { throw Broken("\(joinedCount) pairs were joined") }
  }

  /// A user takes the pooled work connection, and its successor arrives.
  func joinPooled() throws {
    lastNumber += 1
    graph.workConnectionArrived(
      WorkConnectionID(rawValue: lastNumber), runID: "0123456789abcdef")
    graph.userConnected(UserConnectionID(rawValue: lastNumber), to: proxy, now: Self.now)
    try takeActions()
  }

  /// A user comes first, and waits for his work connection.
  func joinWaiting() throws {
    lastNumber += 1
    graph.userConnected(UserConnectionID(rawValue: lastNumber), to: proxy, now: Self.now)
    graph.workConnectionArrived(
      WorkConnectionID(rawValue: lastNumber), runID: "0123456789abcdef")
    try takeActions()
  }
}

func measureGraph() {
  measure("proxy graph, user joined from the pool", { try GraphBench() }) { try $0.joinPooled() }
  measure("proxy graph, user waits and is joined", { try GraphBench() }) { try $0.joinWaiting() }
}
