import HTTPProtocol
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping
import Transports

@testable import HTTPGateway

/// A gateway on a loop of its own, whose local services are ports of this machine.
final class GatewayRig: Sendable {
  let thread: LoopThread
  let host: LoopConfined<PortHost>
  let port: UInt16
  private let isStopped = Locked(false)

  /// - Parameters:
  ///   - services: the port of each host's local service.
  ///   - settings: changes the host before the first connection.
  init(
    _ services: [String: UInt16], times: GatewayTimes = GatewayTimes(),
    rules: @escaping @Sendable () -> GatewayRules = { GatewayRules() },
    settings: @escaping @Sendable (PortHost) -> Void = { _ in }
  ) throws {
    thread = try LoopThread()
    host = try thread.make { loop in
      let host = try PortHost(loop, services, times, rules())
      settings(host)
      return host
    }
    let confined = host
    port = try thread.run { confined.on($0).port }
  }

  /// A rig with one local service for `a.test`.
  convenience init(
    _ stub: StubService, times: GatewayTimes = GatewayTimes(),
    rules: @escaping @Sendable () -> GatewayRules = { GatewayRules() },
    settings: @escaping @Sendable (PortHost) -> Void = { _ in }
  ) throws {
    try self.init(["a.test": stub.port], times: times, rules: rules, settings: settings)
  }

  /// Asks the host something, on its loop.
  func ask<Value: Sendable>(_ body: @escaping @Sendable (PortHost) -> Value) throws -> Value {
    let host = self.host
    return try thread.run { body(host.on($0)) }
  }

  /// Sends `text` and returns all that comes until the gateway closes.
  func exchange(_ text: String, within limit: Interval = TestSocket.patience) throws -> String {
    let socket = try TestSocket.connect(port)
    try socket.send(text)
    return String(decoding: try socket.receiveToEnd(within: limit), as: UTF8.self)
  }

  /// Ends the gateway; the second call does nothing.
  func stop() throws {
    let isFirst = isStopped.withLock { isStopped in
      defer { isStopped = true }
      return !isStopped
    }
    guard isFirst else { return }
    try thread.run { [host] in host.on($0).close() }
    thread.stop()
  }

  deinit {
    try? stop()
  }
}

/// Finds services by the name of the host, and dials their ports.
final class PortHost: GatewayHost {
  let loop: EventLoop
  let context: TransportContext
  var rules: [String: GatewayRules] = [:]
  private(set) var services: [String: GatewayService] = [:]
  private var ports: [UInt64: UInt16] = [:]
  private var listener: Listener?
  private(set) var gateway: Gateway?
  private var dials: [UInt64: Connector] = [:]
  private var dialCount: UInt64 = 0
  var records: [AccessRecord] = []
  var outcomes: [ServiceOutcome] = []
  var notFoundPage: [UInt8]?
  var isAccessLogged = true
  var responseTimeout = Interval.seconds(60)
  var secondsSinceEpoch: Int { 1_700_000_000 }
  /// Streams are given before `requestStream` returns, from sockets that were connected before.
  var spares: [ServiceConnection] = []
  var isRefusing = false
  var visitor: SocketAddress?

  init(
    _ loop: EventLoop, _ services: [String: UInt16], _ times: GatewayTimes, _ rules: GatewayRules
  ) throws {
    self.loop = loop
    context = TransportContext(loop)
    for (tag, (name, port)) in services.enumerated() {
      self.services[name] = GatewayService(loop, name: name, tag: UInt64(tag), times: times)
      self.rules[name] = rules
      ports[UInt64(tag)] = port
    }
    let gateway = Gateway(context, host: self, times: times)
    self.gateway = gateway
    listener = try Listener(loop, address: .loopback(port: 0)) {
      [unowned self] descriptor, peer in
      guard let stream = try? SocketStream(context, owning: descriptor, peer: peer) else { return }
      gateway.serve(
        stream,
        from: VisitorOrigin(address: visitor ?? peer, destination: stream.localAddress))
    }
  }

  var port: UInt16 { listener?.address.port ?? 0 }

  var dialledCount: Int { Int(dialCount) }

  func close() {
    listener?.close()
    gateway?.close()
    for service in services.values { service.close() }
    for dial in dials.values { dial.cancel() }
    dials = [:]
  }

  func route(of head: RequestHead, from origin: VisitorOrigin) -> GatewayRoute? {
    guard let service = services[head.routingHost], let rules = rules[head.routingHost] else {
      return nil
    }
    return GatewayRoute(to: service, rules)
  }

  func isMisdirected(_ head: RequestHead) -> Bool { false }

  func requestStream(
    to service: GatewayService, for origin: VisitorOrigin,
    completion: @escaping (ServiceConnection?) -> Void
  ) -> UInt64 {
    dialCount += 1
    let number = dialCount
    if isRefusing {
      completion(nil)
      return number
    }
    if let spare = spares.popLast() {
      completion(spare)
      return number
    }
    let context = self.context
    dials[number] = Connector.connect(
      loop: loop, addresses: [.loopback(port: ports[service.tag] ?? 0)], timeout: .seconds(10)
    ) { [unowned self] outcome in
      dials[number] = nil
      switch consume outcome {
      case .connected(let socket):
        completion(
          ServiceConnection(SocketStream(context, owning: socket), isHalfCloseKept: true))
      case .failed: completion(nil)
      }
    }
    return number
  }

  func cancelStream(_ request: UInt64) {
    dials.removeValue(forKey: request)?.cancel()
  }

  func requestDidEnd(
    on service: GatewayService, _ outcome: ServiceOutcome, hasAskedForStream: Bool
  ) {
    outcomes.append(outcome)
  }

  func write(_ record: AccessRecord) { records.append(record) }
}
