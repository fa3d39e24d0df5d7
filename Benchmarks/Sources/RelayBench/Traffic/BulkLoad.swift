internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// Streams that send, or receive, as much as they can.
final class BulkLoad: Load, ByteStreamReceiver {
  /// Half of it text, half of it without any order, as the compressed lane meets it in life.
  private static let block: [UInt8] = {
    var block: [UInt8] = []
    var state: UInt64 = 88_172_645_463_325_252
    while block.count < 256 * 1024 {
      for _ in 0..<256 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        withUnsafeBytes(of: state) { block.append(contentsOf: $0) }
      }
      while block.count % 4096 != 0 {
        block += "line \(block.count) of a file, \(state % 1000) of it\n".utf8.prefix(
          4096 - block.count % 4096)
      }
    }
    return block
  }()

  private let context: TransportContext
  private let target: SocketAddress
  private let streamCount: Int
  private let isUpload: Bool
  private let greeting: [UInt8]
  private var crowd: Crowd?
  private var streams: [SocketStream] = []
  private var byteCount = 0
  private var hasFailed = false

  init(
    _ context: TransportContext, _ target: SocketAddress, streamCount: Int, isUpload: Bool,
    greeting: [UInt8]? = nil
  ) {
    self.greeting = greeting ?? Array((isUpload ? "S" : "D").utf8)
    self.context = context
    self.target = target
    self.streamCount = streamCount
    self.isUpload = isUpload
  }

  var result: LoadResult { LoadResult(bytes: Double(byteCount), failures: hasFailed ? 1 : 0) }
  var state: String { "\(streams.count) of \(streamCount) streams, \(byteCount) bytes" }

  func reset() { byteCount = 0 }

  func begin(_ onWarm: @escaping () -> Void) {
    let crowd = Crowd(context, target, count: streamCount) { [self] stream in
      streams.append(stream)
      stream.receiver = self
      stream.write(greeting)
      if isUpload { fill(stream) }
      if streams.count == streamCount {
        context.loop.schedule(after: .milliseconds(400), onWarm)
      }
    }
    self.crowd = crowd
    crowd.connectAll()
  }

  private func fill(_ stream: any ByteStream) {
    // A few blocks a turn, so that all streams get theirs.
    for _ in 0..<4 where stream.unsentByteCount == 0 {
      Self.block.withUnsafeBytes { stream.write($0) }
      byteCount += Self.block.count
    }
    if stream.unsentByteCount == 0, !hasFailed {
      context.loop.schedule(at: context.loop.now) { [self] in fill(stream) }
    }
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    byteCount += bytes.count
  }

  func streamDidProgress(_ stream: any ByteStream) {
    if isUpload, stream.unsentByteCount == 0 { fill(stream) }
  }

  func streamDidEnd(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { hasFailed = true }
}
