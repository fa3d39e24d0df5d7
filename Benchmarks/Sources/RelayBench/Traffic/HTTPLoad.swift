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
    return Array("GET / HTTP/1.1\r\nHost: bench\r\n\(header)\r\n".utf8)
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

/// One connection of the load.
private final class HTTPClient: ByteStreamReceiver {
  private let load: HTTPLoad
  private unowned let stream: SocketStream
  private var missing = 0

  init(_ load: HTTPLoad, _ stream: SocketStream) {
    self.load = load
    self.stream = stream
    stream.receiver = self
  }

  func ask() {
    missing = Origin.httpAnswer.count
    stream.write(load.request)
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    missing -= bytes.count
    if missing <= 0, !load.answersEnd { load.didFinish(self, stream, isGood: missing == 0) }
  }

  func streamDidEnd(_ stream: any ByteStream) {
    load.didFinish(self, stream, isGood: missing == 0 && load.answersEnd)
  }

  func streamDidProgress(_ stream: any ByteStream) {}

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    load.didFinish(self, stream, isGood: false)
  }
}
