import HTTPGateway
import HTTPProtocol
import LinuxSystem
import Reactor
import Timekeeping
import Transports

extension FuzzTarget {
  static let gateways = [
    FuzzTarget("http-gateway", byteCountMax: 8192, dictionary: FuzzTarget.httpWords) {
      (input) throws(FuzzFinding) in
      guard let loop = try? EventLoop() else { return 0 }
      let yard = GatewayYard(loop)
      while !input.isEmpty { try yard.step(&input) }
      return try yard.end()
    }
  ]
}

/// One visitor, a gateway, and local services, all of them in memory.
private final class GatewayYard: GatewayHost {
  private let loop: EventLoop
  private let service: GatewayService
  private let rules = GatewayRules(responseFields: [("X-Set", "1")])
  private let visitor = MemoryStream()
  private var streams: [MemoryStream] = []
  private var wishes: [(id: UInt64, completion: (ServiceConnection?) -> Void)] = []
  private var wishCount: UInt64 = 0
  private var routeCount = 0
  private var endCount = 0
  private lazy var gateway = Gateway(TransportContext(loop), host: self)

  let notFoundPage: [UInt8]? = nil
  let isAccessLogged = true
  let secondsSinceEpoch = 0
  let responseTimeout = Interval.seconds(60)

  init(_ loop: EventLoop) {
    self.loop = loop
    service = GatewayService(loop, name: "p", tag: 1)
    gateway.serve(visitor, from: VisitorOrigin(address: nil, destination: nil))
  }

  // MARK: Steps

  func step(_ input: inout FuzzInput) throws(FuzzFinding) {
    let choice = input.byte()
    let stream = streams.isEmpty ? nil : streams[Int(choice >> 4) % streams.count]
    switch choice & 15 {
    case 0, 1, 2: visitor.deliver(input.take(Int(input.byte())))
    case 3, 4, 5: stream?.deliver(input.take(Int(input.byte())))
    case 6, 7, 8: grant(true)
    case 9: grant(false)
    case 10: visitor.stall()
    case 11: visitor.resume()
    case 12: stream?.stall()
    case 13: stream?.resume()
    case 14: stream?.deliverEnd(isFailure: choice >> 7 == 1)
    default: visitor.deliverEnd(isFailure: choice >> 7 == 1)
    }
    try check()
  }

  private func grant(_ isGranted: Bool) {
    guard !wishes.isEmpty else { return }
    let wish = wishes.removeFirst()
    guard isGranted else { return wish.completion(nil) }
    let stream = MemoryStream()
    streams.append(stream)
    wish.completion(ServiceConnection(stream, isHalfCloseKept: true))
  }

  /// What goes to a local service keeps all rules, whatever the visitor sent.
  private func check() throws(FuzzFinding) {
    for stream in streams {
      while true {
        let step: RequestReader.Step
        do throws(HTTPFault) {
          step = try stream.reader.next(stream.unread.span.bytes)
        } catch {
          throw FuzzFinding(description: "a local service got a request with the fault \(error)")
        }
        stream.unread.removeFirst(step.consumedByteCount)
        if step.event == nil, step.consumedByteCount == 0 { break }
      }
    }
    try require(wishes.count <= 1, "\(wishes.count) streams are asked for")
    try require(endCount <= routeCount, "a request ended twice")
  }

  /// Ends everything; returns how many requests found a route.
  func end() throws(FuzzFinding) -> Int {
    gateway.close()
    service.close()
    loop.turn(sleepMax: .zero)
    try require(gateway.connectionCount == 0, "a connection is left")
    try require(wishes.isEmpty, "a wish is left")
    try require(endCount == routeCount, "\(routeCount) requests began and \(endCount) ended")
    try require(visitor.isOver, "the visitor's connection is open")
    try require(streams.allSatisfy(\.isOver), "a stream is open")
    return routeCount
  }

  // MARK: Host

  func route(of head: RequestHead, from origin: VisitorOrigin) -> GatewayRoute? {
    guard head.routingHost == "a" else { return nil }
    routeCount += 1
    return GatewayRoute(to: service, rules)
  }

  func isMisdirected(_ head: RequestHead) -> Bool { false }

  func requestStream(
    to service: GatewayService, for origin: VisitorOrigin,
    completion: @escaping (ServiceConnection?) -> Void
  ) -> UInt64 {
    wishCount += 1
    wishes.append((wishCount, completion))
    return wishCount
  }

  func cancelStream(_ request: UInt64) { wishes.removeAll { $0.id == request } }

  func requestDidEnd(
    on service: GatewayService, _ outcome: ServiceOutcome, hasAskedForStream: Bool
  ) {
    endCount += 1
  }

  func write(_ record: AccessRecord) {}
}

/// A stream whose other end is the fuzzer.
private final class MemoryStream: ByteStream {
  var receiver: (any ByteStreamReceiver)?
  var reader = RequestReader()
  /// What was written and not looked at.
  var unread: [UInt8] = []
  private(set) var unsentByteCount = 0
  private(set) var isOver = false
  private var isStalled = false
  private var isPaused = false
  private var hasEnded = false
  private var waiting: [UInt8] = []

  var localAddress: SocketAddress? { nil }
  var peerAddress: SocketAddress? { nil }

  // MARK: The fuzzer's end

  func deliver(_ bytes: [UInt8]) {
    guard !isOver, !hasEnded, !bytes.isEmpty else { return }
    guard !isPaused else {
      waiting += bytes
      return
    }
    bytes.withUnsafeBytes { receiver?.streamDidReceive(self, $0) }
  }

  func deliverEnd(isFailure: Bool) {
    guard !isOver, !hasEnded else { return }
    hasEnded = true
    guard isFailure else {
      receiver?.streamDidEnd(self)
      return
    }
    isOver = true
    let receiver = self.receiver
    self.receiver = nil
    receiver?.streamDidFail(self, .reset)
  }

  func stall() { isStalled = true }

  func resume() {
    isStalled = false
    guard unsentByteCount > 0 else { return }
    unsentByteCount = 0
    receiver?.streamDidProgress(self)
    let bytes = waiting
    waiting = []
    deliver(bytes)
  }

  // MARK: The gateway's end

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard !isOver else { return }
    unread.append(contentsOf: bytes)
    if isStalled { unsentByteCount += bytes.count }
  }

  func finish() {}

  func close() { leave() }

  func abort() { leave() }

  private func leave() {
    isOver = true
    receiver = nil
  }

  func pauseReading() { isPaused = true }

  func resumeReading() { isPaused = false }

  func consume(_ byteCount: Int) {}
}
