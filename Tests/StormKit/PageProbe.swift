internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// The local service of scenarios about HTTP: one page, whatever is asked for. It is served for as
/// long as the loop runs.
func listenForPages(_ context: TransportContext, port: UInt16) throws -> Listener {
  try Listener(context.loop, address: .loopback(port: port)) { descriptor, peer in
    let stream = try? SocketStream(context, owning: descriptor, peer: peer)
    stream?.receiver = PageConnection()
  }
}

enum PageBytes {
  /// What the page ends with, and nothing else in an answer.
  static let mark = Array("the page\n".utf8)
  static let answer =
    Array("HTTP/1.1 200 OK\r\nContent-Length: \(mark.count)\r\n\r\n".utf8) + mark
  static let request = Array("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
  static let lastRequest = Array(
    "GET / HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
  static let host = "storm.test"
}

/// One connection of it; kept alive by its stream.
private final class PageConnection: ByteStreamReceiver {
  /// How many bytes of an empty line behind a head have come.
  private var matchedCount = 0

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    let end: [UInt8] = [13, 10, 13, 10]
    for byte in bytes {
      matchedCount = byte == end[matchedCount] ? matchedCount + 1 : byte == end[0] ? 1 : 0
      guard matchedCount == end.count else { continue }
      matchedCount = 0
      stream.write(PageBytes.answer)
    }
  }

  func streamDidEnd(_ stream: any ByteStream) { stream.close() }
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}

/// A good user of HTTP, who asks for the page again and again, and measures how long each answer
/// takes.
final class PageProbe: ByteStreamReceiver {
  private static let patience = Interval.seconds(10)

  private let context: TransportContext
  private let target: SocketAddress
  private let source: SocketAddress
  private let isKept: Bool
  private let pause: Interval
  private var connector: Connector?
  private var stream: SocketStream?
  private var received: [UInt8] = []
  private var isAsking = false
  private var startedAt: Instant
  private var timer: TimerID?
  private var isStopped = false
  /// The times of the answers in seconds; infinite for one that did not come.
  private(set) var seconds: [Double] = []

  /// - Parameter isKept: whether one connection has all requests, or each one of its own.
  init(
    _ context: TransportContext, _ target: SocketAddress, from source: SocketAddress, isKept: Bool,
    pause: Interval
  ) {
    self.context = context
    self.target = target
    self.source = source
    self.isKept = isKept
    self.pause = pause
    startedAt = context.loop.now
  }

  func begin() { ask() }

  func stop() {
    isStopped = true
    cancelTimer()
    leave()
  }

  private func ask() {
    isAsking = true
    received = []
    startedAt = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
    timer = context.loop.schedule(after: Self.patience) { [weak self] in
      self?.timer = nil
      self?.conclude(isAnswered: false)
    }
    if let stream { return stream.write(PageBytes.request) }
    connector = Connector.connect(
      loop: context.loop, addresses: [target], localAddress: source, timeout: Self.patience
    ) { [weak self] outcome in
      guard let self else { return }
      connector = nil
      switch consume outcome {
      case .connected(let socket):
        let stream = SocketStream(context, owning: socket)
        self.stream = stream
        stream.receiver = self
        stream.write(isKept ? PageBytes.request : PageBytes.lastRequest)
      case .failed: conclude(isAnswered: false)
      }
    }
  }

  private func conclude(isAnswered: Bool) {
    guard isAsking, !isStopped else { return }
    isAsking = false
    let now = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
    seconds.append(isAnswered ? (now - startedAt).inSeconds : .infinity)
    if !isAnswered || !isKept { leave() }
    cancelTimer()
    timer = context.loop.schedule(after: pause) { [weak self] in
      self?.timer = nil
      self?.ask()
    }
  }

  private func cancelTimer() {
    if let timer { context.loop.cancel(timer) }
    timer = nil
  }

  private func leave() {
    connector?.cancel()
    connector = nil
    stream?.receiver = nil
    stream?.abort()
    stream = nil
  }

  // MARK: Stream

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    received += bytes
    if received.suffix(PageBytes.mark.count).elementsEqual(PageBytes.mark) {
      conclude(isAnswered: true)
    }
  }

  func streamDidEnd(_ stream: any ByteStream) { didLose() }
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { didLose() }

  private func didLose() {
    if isAsking { return conclude(isAnswered: false) }
    leave()
  }
}
