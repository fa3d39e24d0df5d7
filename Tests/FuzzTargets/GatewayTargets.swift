import ByteBuffers
import HTTP2Protocol
import HTTPGateway
import HTTPProtocol
import LinuxSystem
import Reactor
import TestKit
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
    },
    FuzzTarget("http2-gateway", byteCountMax: 8192, dictionary: FuzzTarget.frameWords) {
      (input) throws(FuzzFinding) in
      guard let loop = try? EventLoop() else { return 0 }
      let yard = GatewayYard(loop, inHTTP2: true)
      while !input.isEmpty { try yard.step(&input) }
      return try yard.end()
    },
    FuzzTarget("http2-sessions", byteCountMax: 8192, dictionary: FuzzTarget.frameWords) {
      (input) throws(FuzzFinding) in
      let choice = input.byte()
      return try SessionYard(choice & 1 == 0 ? .server : .client).run(
        pieces(of: input.rest(), plan: choice >> 1))
    },
  ]

  fileprivate static let frameWords = [
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\u{4}\0\0\0\0\0", ":method", ":path",
    ":authority", ":status", "content-length", "application/grpc", "te", "trailers", "host",
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

  private let isInHTTP2: Bool
  private var requestCount: UInt32 = 0

  init(_ loop: EventLoop, inHTTP2 isInHTTP2: Bool = false) {
    self.loop = loop
    self.isInHTTP2 = isInHTTP2
    service = GatewayService(loop, name: "p", tag: 1)
    gateway.serve(visitor, from: VisitorOrigin(address: nil, destination: nil))
    if isInHTTP2 { visitor.deliver(HTTP2Frame.preface + HTTP2Frame(.settings).bytes) }
  }

  // MARK: Steps

  func step(_ input: inout FuzzInput) throws(FuzzFinding) {
    let choice = input.byte()
    let stream = streams.isEmpty ? nil : streams[Int(choice >> 4) % streams.count]
    switch choice & 15 {
    case 0, 1, 2:
      if isInHTTP2, choice & 15 > 0 {
        visitor.deliver(frame(choice >> 4, &input))
      } else {
        visitor.deliver(input.take(Int(input.byte())))
      }
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
    if isInHTTP2 { loop.turn(sleepMax: .zero) }
    try check()
  }

  /// A frame that the gateway may have to do with.
  private func frame(_ choice: UInt8, _ input: inout FuzzInput) -> [UInt8] {
    let number = UInt32(input.byte())
    let bytes = input.take(Int(input.byte()))
    let stream = requestCount > 0 ? 2 * (number % requestCount) + 1 : 1
    switch choice {
    case 0...7:
      requestCount += 1
      let value = String(decoding: bytes, as: UTF8.self)
      let field = [("te", "trailers"), ("x", value), ("content-length", value), ("host", value)]
      let type = [("content-type", choice & 4 == 0 ? "application/grpc" : "text/plain")]
      return HTTP2Frame.request(
        2 * requestCount - 1, type + [field[Int(number) % field.count]],
        method: choice & 2 == 0 ? "POST" : "GET", host: "a",
        flags: HTTP2Frame.endFields | (choice & 1)
      ).bytes
    case 8, 9, 10: return HTTP2Frame(.data, stream, bytes).bytes
    case 11: return HTTP2Frame(.data, flags: HTTP2Frame.end, stream, bytes).bytes
    case 12: return HTTP2Frame(.reset, stream, HTTP2Frame.word(8)).bytes
    case 13: return HTTP2Frame(.windowUpdate, stream, HTTP2Frame.word(number + 1)).bytes
    case 14:
      return HTTP2Frame(
        .headers, flags: HTTP2Frame.end | HTTP2Frame.endFields, stream,
        HTTP2Frame.block([("x", String(decoding: bytes, as: UTF8.self))])
      ).bytes
    default: return HTTP2Frame(.ping, 0, [UInt8](repeating: 0, count: 8)).bytes
    }
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
      if stream.isForHTTP2 {
        try stream.far.take(stream.unread)
        stream.unread = []
        continue
      }
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
    let countMax = isInHTTP2 ? HTTP2Limits.streamCountMax : 1
    try require(wishes.count <= countMax, "\(wishes.count) streams are asked for")
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
  /// The other end, if it is a service of HTTP/2.
  let far = SessionYard(.server)
  private(set) var unsentByteCount = 0
  private(set) var isOver = false
  private var isStalled = false
  private var isPaused = false
  private var hasEnded = false
  private var waiting: [UInt8] = []

  /// Whether the gateway speaks HTTP/2 here.
  var isForHTTP2: Bool { far.hasBegun || unread.starts(with: HTTP2Frame.preface.prefix(4)) }

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

/// One end of HTTP/2 that is fed by the fuzzer, or by a gateway.
private final class SessionYard {
  private let session: HTTP2Session
  private var readers: [ObjectIdentifier: RequestReader] = [:]
  private var texts: [ObjectIdentifier: [UInt8]] = [:]
  private var streams: [HTTP2Stream] = []
  private(set) var hasBegun = false

  init(_ role: HTTP2Session.Role) { session = HTTP2Session(role) }

  /// Takes bytes of a peer that may send anything.
  func run(_ pieces: [[UInt8]]) throws(FuzzFinding) -> Int {
    if session.role == .client {
      let stream = session.makeStream()
      streams.append(stream)
      Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8).withUnsafeBytes { stream.write($0) }
    }
    for piece in pieces {
      guard receive(piece) else { break }
      try look(isStrict: false)
    }
    session.connectionDidEnd()
    try require(session.streamCount == 0, "a stream is left")
    return streams.count
  }

  /// Takes bytes of ours, which keep all rules.
  func take(_ bytes: [UInt8]) throws(FuzzFinding) {
    guard !bytes.isEmpty else { return }
    hasBegun = true
    try require(receive(bytes), "a local service got bytes that are not HTTP/2")
    try look(isStrict: true)
  }

  private func receive(_ bytes: [UInt8]) -> Bool {
    let isTaken = bytes.withUnsafeBytes { bytes in
      do throws(HTTP2Fault) {
        try session.receive(bytes)
        return true
      } catch {
        return false
      }
    }
    var queue = ByteQueue()
    do throws(HTTP2Fault) {
      try session.write(into: &queue, upTo: 1 << 16)
    } catch {
      return false
    }
    return isTaken
  }

  private func look(isStrict: Bool) throws(FuzzFinding) {
    for stream in session.takeTouched() {
      if stream.takeNews() { streams.append(stream) }
      let text = stream.takeIncoming()
      stream.consume(text.count)
      guard isStrict else { continue }
      let id = ObjectIdentifier(stream)
      texts[id, default: []] += Array(text.readableBytes)
      try read(id)
    }
  }

  private func read(_ id: ObjectIdentifier) throws(FuzzFinding) {
    var reader = readers[id] ?? RequestReader()
    var text = texts[id] ?? []
    while true {
      let step: RequestReader.Step
      do throws(HTTPFault) {
        step = try reader.next(text.span.bytes)
      } catch {
        throw FuzzFinding(description: "a local service got a request with the fault \(error)")
      }
      text.removeFirst(step.consumedByteCount)
      if step.event == nil, step.consumedByteCount == 0 { break }
    }
    texts[id] = text
    readers[id] = reader
  }
}
