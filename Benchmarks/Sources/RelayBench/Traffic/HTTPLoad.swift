internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// Requests one after the other on each of so many connections, or a connection for each.
final class HTTPLoad: Load {
  private let context: TransportContext
  private let connectionCount: Int
  private let isReused: Bool
  private let target: SocketAddress
  private var crowd: Crowd?
  private var liveCount = 0
  fileprivate var requestCount = 0
  fileprivate var failureCount = 0
  fileprivate let request: [UInt8]

  init(
    _ context: TransportContext, _ target: SocketAddress, connectionCount: Int, isReused: Bool
  ) {
    self.context = context
    self.target = target
    self.connectionCount = connectionCount
    self.isReused = isReused
    request = Self.request(isReused: isReused)
  }

  static func request(isReused: Bool) -> [UInt8] {
    let header = isReused ? "" : "Connection: close\r\nX-Last: !\r\n"
    return Array("GET / HTTP/1.1\r\nHost: \(Bench.hostName)\r\n\(header)\r\n".utf8)
  }

  var result: LoadResult {
    LoadResult(requests: Double(requestCount), failures: Double(failureCount))
  }
  var state: String { "\(liveCount) of \(connectionCount) connections, \(requestCount) requests" }

  func reset() {
    requestCount = 0
    failureCount = 0
  }

  func begin(_ onWarm: @escaping () -> Void) {
    let crowd = Crowd(context, target, count: connectionCount) { [self] stream in
      liveCount += 1
      HTTPClient(self, stream).ask()
    }
    self.crowd = crowd
    crowd.connectAll()
    context.loop.schedule(after: .milliseconds(400), onWarm)
  }

  fileprivate func didFinish(_ client: HTTPClient, _ stream: any ByteStream, isGood: Bool) {
    if isGood { requestCount += 1 } else { failureCount += 1 }
    if isGood, isReused {
      client.ask()
    } else {
      stream.close()
      crowd?.connectOnce()
    }
  }

  fileprivate var answersEnd: Bool { !isReused }
}

/// How far an answer has come: a head, which a proxy may have changed, and the origin's body.
struct AnswerProgress {
  private static let headEnd = Array("\r\n\r\n".utf8)

  // How much of `headEnd` has just come.
  private var matchedCount = 0
  private var missingBodyByteCount = Origin.httpBodyByteCount

  /// Whether all of it has come, and nothing else.
  var isComplete: Bool { missingBodyByteCount == 0 }
  /// Whether more has come than there is.
  var isTooLong: Bool { missingBodyByteCount < 0 }

  mutating func take(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    while matchedCount < Self.headEnd.count, index < bytes.count {
      if bytes[index] == Self.headEnd[matchedCount] {
        matchedCount += 1
      } else {
        matchedCount = bytes[index] == Self.headEnd[0] ? 1 : 0
      }
      index += 1
    }
    missingBodyByteCount -= bytes.count - index
  }
}

/// One connection of the load.
private final class HTTPClient: ByteStreamReceiver {
  private let load: HTTPLoad
  private unowned let stream: SocketStream
  private var progress = AnswerProgress()

  init(_ load: HTTPLoad, _ stream: SocketStream) {
    self.load = load
    self.stream = stream
    stream.receiver = self
  }

  func ask() {
    progress = AnswerProgress()
    stream.write(load.request)
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    progress.take(bytes)
    guard !load.answersEnd, progress.isComplete || progress.isTooLong else { return }
    load.didFinish(self, stream, isGood: progress.isComplete)
  }

  func streamDidEnd(_ stream: any ByteStream) {
    load.didFinish(self, stream, isGood: progress.isComplete && load.answersEnd)
  }

  func streamDidProgress(_ stream: any ByteStream) {}

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    load.didFinish(self, stream, isGood: false)
  }
}
