internal import Glibc
internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// The local service of the scenarios: sends everything back, and ends when the other end does. It
/// is served for as long as the loop runs.
func listenForEcho(_ context: TransportContext, port: UInt16) throws -> Listener {
  try Listener(context.loop, address: .loopback(port: port)) { descriptor, peer in
    let stream = try? SocketStream(context, owning: descriptor, peer: peer)
    stream?.receiver = EchoConnection()
  }
}

/// Serves an echo on a port for as long as the process that started this one lives.
public func serveEcho(port: UInt16) throws {
  Descriptors.raiseLimit()
  HostSystem.ignoreBrokenPipeSignal()
  let loop = try EventLoop()
  let listener = try listenForEcho(TransportContext(loop), port: port)
  let parent = getppid()
  func look() {
    if getppid() != parent { return loop.stop() }
    loop.schedule(after: .seconds(1), look)
  }
  look()
  loop.run()
  listener.close()
}

/// One connection of it; kept alive by its stream.
private final class EchoConnection: ByteStreamReceiver {
  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    stream.write(bytes)
    if stream.unsentByteCount > 0 { stream.pauseReading() }
  }

  func streamDidEnd(_ stream: any ByteStream) { stream.close() }

  func streamDidProgress(_ stream: any ByteStream) {
    if stream.unsentByteCount == 0 { stream.resumeReading() }
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}

/// How a user of the echo behaves.
struct UserPlan {
  /// Bytes to send in all; `nil` for no end.
  var byteCount: Int?
  /// The most bytes of one write.
  var pieceByteCount: Int
  /// The most bytes under way.
  var windowByteCount: Int
  /// The pause between two writes.
  var pause = Interval.zero
  /// The pause before each read; zero for a user who reads at once.
  var readPause = Interval.zero
}

/// A user of the echo, who checks every byte that comes back.
final class EchoUser: ByteStreamReceiver {
  /// How it went.
  enum Outcome: Equatable {
    /// Everything came back, then the end.
    case complete
    /// Closed by us before.
    case closed
    /// The connection broke.
    case broken(String)
    /// A byte was wrong, or bytes came that nobody had sent.
    case wrong(String)
  }

  private static let roundTripCountMax = 10_000

  private let context: TransportContext
  private let plan: UserPlan
  private let pattern: Pattern
  private var stream: SocketStream?
  private var connector: Connector?
  private var timer: TimerID?
  private var readTimer: TimerID?
  private var onOutcome: ((Outcome) -> Void)?
  /// Called when the first byte has come back.
  var onAnswer: (() -> Void)?
  private(set) var sentCount = 0
  private(set) var receivedCount = 0
  private var sentAt = Instant(nanoseconds: 0)
  /// When the connection was asked for.
  let begunAt: Instant
  /// When the last byte came or went, or the connection was made.
  private(set) var movedAt: Instant
  /// How long pieces were under way, in seconds, whenever nothing else was.
  private(set) var roundTrips: [Double] = []

  init(
    _ context: TransportContext, to target: SocketAddress, from source: SocketAddress? = nil,
    _ plan: UserPlan, _ pattern: Pattern, onOutcome: @escaping (Outcome) -> Void
  ) {
    self.context = context
    self.plan = plan
    self.pattern = pattern
    self.onOutcome = onOutcome
    begunAt = context.loop.now
    movedAt = context.loop.now
    connector = Connector.connect(
      loop: context.loop, addresses: [target], localAddress: source, timeout: .seconds(20)
    ) { [weak self] outcome in
      guard let self else { return }
      connector = nil
      switch consume outcome {
      case .connected(let socket): begin(SocketStream(context, owning: socket))
      case .failed(let error): conclude(.broken("\(error)"))
      }
    }
  }

  /// Leaves before the end.
  func close() { conclude(.closed) }

  /// Forgets the round trips so far.
  func forgetRoundTrips() { roundTrips = [] }

  private func begin(_ stream: SocketStream) {
    self.stream = stream
    movedAt = context.loop.now
    stream.receiver = self
    send()
  }

  private func send() {
    guard timer == nil, let stream, stream.unsentByteCount == 0 else { return }
    let end = plan.byteCount ?? .max
    let room = min(plan.windowByteCount - (sentCount - receivedCount), end - sentCount)
    guard room > 0 else {
      if sentCount == end { stream.finish() }
      return
    }
    let count = min(room, plan.pieceByteCount)
    let bytes = pattern.bytes(from: sentCount, count: count)
    sentCount += count
    sentAt = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
    stream.write(bytes)
    guard plan.pause > .zero else {
      if stream.unsentByteCount == 0 { sendLater(.zero) }
      return
    }
    sendLater(plan.pause)
  }

  private func sendLater(_ pause: Interval) {
    timer = context.loop.schedule(after: pause) { [weak self] in
      self?.timer = nil
      self?.send()
    }
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard pattern.matches(bytes, at: receivedCount), receivedCount + bytes.count <= sentCount else {
      return conclude(.wrong("behind byte \(receivedCount)"))
    }
    receivedCount += bytes.count
    movedAt = context.loop.now
    let onAnswer = onAnswer
    self.onAnswer = nil
    onAnswer?()
    if receivedCount == sentCount, roundTrips.count < Self.roundTripCountMax {
      let now = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
      roundTrips.append((now - sentAt).inSeconds)
    }
    if plan.readPause > .zero, readTimer == nil {
      stream.pauseReading()
      readTimer = context.loop.schedule(after: plan.readPause) { [weak self] in
        self?.readTimer = nil
        self?.stream?.resumeReading()
      }
    }
    send()
  }

  func streamDidEnd(_ stream: any ByteStream) {
    let isComplete = receivedCount == plan.byteCount
    conclude(isComplete ? .complete : .broken("ended behind byte \(receivedCount)"))
  }

  func streamDidProgress(_ stream: any ByteStream) {
    if plan.pause == .zero { send() }
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    conclude(.broken("\(reason) behind byte \(receivedCount)"))
  }

  private func conclude(_ outcome: Outcome) {
    guard let onOutcome else { return }
    self.onOutcome = nil
    onAnswer = nil
    for timer in [timer, readTimer] {
      if let timer { context.loop.cancel(timer) }
    }
    connector?.cancel()
    connector = nil
    stream?.close()
    stream = nil
    onOutcome(outcome)
  }
}
