internal import ArgumentParser
internal import Glibc
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// The services behind the relay, in one process and on one port: the first byte of a connection
/// says which one it wants.
///
/// `S`, or a ClientHello, takes everything; `D` sends until the connection ends; `E` sends everything back; an HTTP
/// request begins with `G` and is answered with `httpBody`.
struct OriginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "origin", abstract: "Serve what the loads ask for; prints the port.")

  func run() throws {
    HostSystem.ignoreBrokenPipeSignal()
    HostSystem.raiseDescriptorLimit()
    let loop = try EventLoop()
    let context = TransportContext(loop)
    let origin = Origin(context)
    let listener = try Listener(loop, address: .loopback(port: 0)) { descriptor, peer in
      origin.accept(descriptor, peer)
    }
    say("\(listener.address.port)")
    exitWithParent(loop)
    loop.run()
    listener.close()
  }
}

/// Writes one line to whoever started this process, at once.
func say(_ line: String) {
  Console.writeLine(line)
  fflush(nil)
}

/// A process of the harness must not outlive it, however that ends.
func exitWithParent(_ loop: EventLoop) {
  let parent = getppid()
  loop.schedule(after: .seconds(1)) {
    if getppid() != parent { exit(1) }
    exitWithParent(loop)
  }
}

final class Origin {
  static let httpBodyByteCount = 512
  static let httpHead = "HTTP/1.1 200 OK\r\nContent-Length: \(httpBodyByteCount)\r\n\r\n"
  static let httpAnswer =
    Array(httpHead.utf8) + [UInt8](repeating: 0x78, count: httpBodyByteCount)

  private let context: TransportContext

  init(_ context: TransportContext) { self.context = context }

  func accept(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
    guard let stream = try? SocketStream(context, owning: descriptor, peer: peer) else { return }
    stream.receiver = OriginConnection(context)
  }
}

/// One connection of the origin; kept alive by its stream.
private final class OriginConnection: ByteStreamReceiver {
  private enum Service {
    case undecided, sink, source, echo, http
  }

  private static let block = [UInt8](repeating: 0x5a, count: 256 * 1024)
  private static let requestEnd = Array("\r\n\r\n".utf8)

  private var service = Service.undecided
  private let context: TransportContext
  private var isPaused = false
  private var hasEnded = false
  private var request: [UInt8] = []

  init(_ context: TransportContext) { self.context = context }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    var bytes = bytes
    if service == .undecided {
      switch bytes[0] {
      case UInt8(ascii: "S"), ClientHello.bytes[0]: service = .sink
      case UInt8(ascii: "D"): service = .source
      case UInt8(ascii: "E"): service = .echo
      default: service = .http
      }
      if service == .source { fill(stream) }
      if service == .echo { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) }
    }
    switch service {
    case .undecided, .sink, .source: break
    case .echo: echo(stream, bytes)
    case .http: answer(stream, bytes)
    }
  }

  private func echo(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    stream.write(bytes)
    if stream.unsentByteCount > 0, !isPaused {
      isPaused = true
      stream.pauseReading()
    }
  }

  private func fill(_ stream: any ByteStream) {
    // A few blocks a turn: others are served too, and a dead stream takes everything.
    for _ in 0..<4 where stream.unsentByteCount == 0 {
      Self.block.withUnsafeBytes { stream.write($0) }
    }
    guard stream.unsentByteCount == 0, !hasEnded else { return }
    context.loop.schedule(at: context.loop.now) { [self] in fill(stream) }
  }

  private func answer(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    request.append(contentsOf: bytes)
    guard request.count >= 4, request.suffix(4).elementsEqual(Self.requestEnd) else { return }
    let isLast = request.contains(UInt8(ascii: "!"))
    request.removeAll(keepingCapacity: true)
    Origin.httpAnswer.withUnsafeBytes { stream.write($0) }
    if isLast { stream.close() }
  }

  func streamDidEnd(_ stream: any ByteStream) {
    hasEnded = true
    stream.close()
  }

  func streamDidProgress(_ stream: any ByteStream) {
    if service == .source { fill(stream) }
    if isPaused, stream.unsentByteCount == 0 {
      isPaused = false
      stream.resumeReading()
    }
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { hasEnded = true }
}
