internal import ArgumentParser
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// A load of a known size, for counting what it costs: ends when everything has come back.
struct FixedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixed", abstract: "Move a fixed amount through one port.")

  @Option var port: UInt16
  @Option(help: "Bytes that each of two streams sends and gets back.") var bytes = 0
  @Option(help: "Requests, one after the other on each of four connections.") var requests = 0
  @Flag(help: "A connection for each request.") var close = false

  func run() throws {
    HostSystem.ignoreBrokenPipeSignal()
    let loop = try EventLoop()
    let context = TransportContext(loop)
    let load = FixedLoad(context, .loopback(port: port), self)
    exitWithParent(loop)
    loop.schedule(after: .seconds(90)) {
      say("failed: \(load.state)")
      loop.stop()
    }
    load.begin {
      say("done")
      loop.stop()
    }
    loop.run()
  }
}

private final class FixedLoad {
  private static let streamCount = 2
  private static let connectionCount = 4

  private let context: TransportContext
  private let settings: FixedCommand
  private let target: SocketAddress
  private var crowd: Crowd?
  private var openCount = 0
  private var requestsLeft: Int
  private var onEnd: (() -> Void)?

  init(_ context: TransportContext, _ target: SocketAddress, _ settings: FixedCommand) {
    self.context = context
    self.settings = settings
    self.target = target
    requestsLeft = settings.requests
  }

  var state: String { "\(openCount) open, \(requestsLeft) requests left" }

  func begin(_ onEnd: @escaping () -> Void) {
    self.onEnd = onEnd
    let count = settings.bytes > 0 ? Self.streamCount : Self.connectionCount
    openCount = count
    let crowd = Crowd(context, target, count: count) { [self] stream in
      if settings.bytes > 0 {
        stream.receiver = FixedStream(byteCount: settings.bytes, stream) { [self] in didEnd() }
      } else {
        stream.receiver = FixedClient(stream, isReused: !settings.close) { [self] stream in
          next(on: stream)
        }
      }
    }
    self.crowd = crowd
    crowd.connectAll()
  }

  /// - Returns: whether the connection is to ask again.
  private func next(on stream: SocketStream) -> Bool {
    requestsLeft -= 1
    guard requestsLeft >= Self.connectionCount else {
      stream.close()
      didEnd()
      return false
    }
    if settings.close {
      stream.close()
      crowd?.connectOnce()
    }
    return !settings.close
  }

  private func didEnd() {
    openCount -= 1
    // The last FINs are part of what is counted.
    if openCount == 0, let onEnd {
      context.loop.schedule(after: .milliseconds(100), onEnd)
    }
  }
}

/// Sends so many bytes to the echo service and takes them back.
private final class FixedStream: ByteStreamReceiver {
  private static let block = [UInt8](repeating: 0x33, count: 64 * 1024)

  private var unsent: Int
  private var missing: Int
  private let onEnd: () -> Void

  init(byteCount: Int, _ stream: SocketStream, _ onEnd: @escaping () -> Void) {
    unsent = byteCount
    missing = byteCount
    self.onEnd = onEnd
    stream.write(Array("E".utf8))
    fill(stream)
  }

  private func fill(_ stream: any ByteStream) {
    while unsent > 0, stream.unsentByteCount == 0 {
      let count = min(unsent, Self.block.count)
      Self.block.withUnsafeBytes { stream.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      unsent -= count
    }
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    missing -= bytes.count
    if missing == 0 {
      stream.close()
      onEnd()
    }
  }

  func streamDidProgress(_ stream: any ByteStream) { fill(stream) }
  func streamDidEnd(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}

/// Asks, waits for the answer, and asks again if told so.
private final class FixedClient: ByteStreamReceiver {
  private let isReused: Bool
  private let onAnswer: (SocketStream) -> Bool
  private unowned let stream: SocketStream
  private var missing = 0

  init(_ stream: SocketStream, isReused: Bool, _ onAnswer: @escaping (SocketStream) -> Bool) {
    self.stream = stream
    self.isReused = isReused
    self.onAnswer = onAnswer
    ask()
  }

  private func ask() {
    missing = Origin.httpAnswer.count
    stream.write(HTTPLoad.request(isReused: isReused))
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    missing -= bytes.count
    if missing == 0, isReused, onAnswer(self.stream) { ask() }
  }

  func streamDidEnd(_ stream: any ByteStream) {
    if missing == 0, !isReused { _ = onAnswer(self.stream) }
  }

  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}
