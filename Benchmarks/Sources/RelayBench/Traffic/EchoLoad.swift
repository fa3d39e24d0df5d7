internal import CTimer
internal import Glibc
internal import Histogram
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// One byte there and back at a fixed rate, whatever became of the earlier ones: the time counts
/// from the moment at which it was to be sent.
final class EchoLoad: Load, ReadinessHandler {
  private let context: TransportContext
  private let target: SocketAddress
  private let connectionCount: Int
  private let rate: Int
  private let timer: FileDescriptor
  private var registration: RegistrationID?
  private var crowd: Crowd?
  private var clients: [EchoClient] = []
  private var readyCount = 0
  private var sentCount: Int64 = 0
  private var startNanoseconds: Int64 = 0
  private var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
  private var onWarm: (() -> Void)?

  init(
    _ context: TransportContext, _ target: SocketAddress, connectionCount: Int, rate: Int
  ) throws {
    self.context = context
    self.target = target
    self.connectionCount = connectionCount
    self.rate = rate
    let number = timerfd_create(
      CLOCK_MONOTONIC, CInt(TFD_NONBLOCK) | CInt(TFD_CLOEXEC))
    timer = FileDescriptor(owning: number)
  }

  var result: LoadResult {
    // What has not come back by now has taken this long at least.
    var histogram = histogram
    let now = HostSystem.monotonicNanoseconds
    for due in clients.flatMap(\.unanswered) { histogram.record(UInt64(max(0, now - due))) }
    return LoadResult(
      requests: Double(histogram.totalCount),
      p50: Double(histogram.valueAtPercentile(50)) / 1e3,
      p99: Double(histogram.valueAtPercentile(99)) / 1e3,
      p999: Double(histogram.valueAtPercentile(99.9)) / 1e3)
  }
  var state: String { "\(readyCount) of \(connectionCount) connections, \(sentCount) sent" }

  func reset() { histogram.reset() }

  func begin(_ onWarm: @escaping () -> Void) {
    self.onWarm = onWarm
    let crowd = Crowd(context, target, count: connectionCount) { [self] stream in
      clients.append(EchoClient(self, stream))
    }
    self.crowd = crowd
    crowd.connectAll()
  }

  /// A client has got its first answer: the way is open.
  fileprivate func isReady() {
    readyCount += 1
    guard readyCount == connectionCount, let onWarm else { return }
    startNanoseconds = HostSystem.monotonicNanoseconds
    let period = 1_000_000_000 / rate
    var setting = itimerspec()
    setting.it_interval.tv_nsec = period
    setting.it_value.tv_nsec = period
    timerfd_settime(timer.rawValue, 0, &setting, nil)
    registration = try? context.loop.register(
      timer.rawValue, [.readable, .edgeTriggered], self)
    context.loop.schedule(after: .milliseconds(400), onWarm)
  }

  func handleReadiness(_ readiness: Readiness) {
    var expirations: UInt64 = 0
    guard read(timer.rawValue, &expirations, 8) == 8 else { return }
    for _ in 0..<min(expirations, 10_000) {
      sentCount += 1
      let due = startNanoseconds + sentCount * Int64(1_000_000_000 / rate)
      clients[Int(sentCount) % clients.count].send(due: due)
    }
  }

  fileprivate func didReturn(due: Int64) {
    histogram.record(UInt64(max(0, HostSystem.monotonicNanoseconds - due)))
  }
}

/// One connection; answers come in the order of the questions.
private final class EchoClient: ByteStreamReceiver {
  private unowned let load: EchoLoad
  private let stream: SocketStream
  private var isReady = false
  private(set) var unanswered: ArraySlice<Int64> = []

  init(_ load: EchoLoad, _ stream: SocketStream) {
    self.load = load
    self.stream = stream
    stream.receiver = self
    stream.write(Array("Ex".utf8))
  }

  func send(due: Int64) {
    unanswered.append(due)
    stream.write([0x78])
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    var count = bytes.count
    if !isReady {
      isReady = true
      count -= 1
      load.isReady()
    }
    for _ in 0..<count {
      if let due = unanswered.popFirst() { load.didReturn(due: due) }
    }
  }

  func streamDidEnd(_ stream: any ByteStream) {}
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}

/// Interactive connections beside one that sends all it can and one that never reads.
final class FairnessLoad: Load {
  private let echo: EchoLoad
  private let bulk: BulkLoad
  private let context: TransportContext
  private let target: SocketAddress
  private var crowd: Crowd?
  private var stalled: SocketStream?

  init(
    _ context: TransportContext, _ target: SocketAddress, connectionCount: Int, rate: Int
  ) throws {
    self.context = context
    self.target = target
    echo = try EchoLoad(context, target, connectionCount: connectionCount, rate: rate)
    bulk = BulkLoad(context, target, streamCount: 1, isUpload: true)
  }

  var result: LoadResult {
    var result = echo.result
    result.bytes = bulk.result.bytes
    return result
  }
  var state: String { "\(echo.state); \(bulk.state)" }

  func reset() {
    echo.reset()
    bulk.reset()
  }

  func begin(_ onWarm: @escaping () -> Void) {
    let crowd = Crowd(context, target, count: 1) { [self] stream in
      stalled = stream
      stream.pauseReading()
      stream.write(Array("D".utf8))
      bulk.begin { [self] in echo.begin(onWarm) }
    }
    self.crowd = crowd
    crowd.connectAll()
  }
}

/// Connections that have worked once and are silent then.
final class IdleLoad: Load, ByteStreamReceiver {
  private let context: TransportContext
  private let target: SocketAddress
  private let connectionCount: Int
  private var crowd: Crowd?
  private var streams: [SocketStream] = []
  private var answeredCount = 0
  private var onWarm: (() -> Void)?

  init(_ context: TransportContext, _ target: SocketAddress, connectionCount: Int) {
    self.context = context
    self.target = target
    self.connectionCount = connectionCount
  }

  var result: LoadResult { LoadResult(requests: Double(answeredCount)) }
  var state: String { "\(answeredCount) of \(connectionCount) connections answered" }

  func reset() {}

  func begin(_ onWarm: @escaping () -> Void) {
    self.onWarm = onWarm
    let crowd = Crowd(context, target, count: connectionCount) { [self] stream in
      streams.append(stream)
      stream.receiver = self
      stream.write(Array("Ex".utf8))
    }
    self.crowd = crowd
    crowd.connectAll()
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    answeredCount += 1
    if answeredCount == connectionCount, let onWarm {
      context.loop.schedule(after: .milliseconds(500), onWarm)
    }
  }

  func streamDidEnd(_ stream: any ByteStream) {}
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}
