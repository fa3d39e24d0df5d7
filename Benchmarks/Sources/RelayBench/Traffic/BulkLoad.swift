internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// Streams that send, or receive, as much as they can.
final class BulkLoad: Load, ByteStreamReceiver {
  private static let block = [UInt8](repeating: 0xa5, count: 256 * 1024)

  private let context: TransportContext
  private let target: SocketAddress
  private let streamCount: Int
  private let isUpload: Bool
  private var crowd: Crowd?
  private var streams: [SocketStream] = []
  private var byteCount = 0

  init(
    _ context: TransportContext, _ target: SocketAddress, streamCount: Int, isUpload: Bool
  ) {
    self.context = context
    self.target = target
    self.streamCount = streamCount
    self.isUpload = isUpload
  }

  var result: LoadResult { LoadResult(bytes: Double(byteCount)) }
  var state: String { "\(streams.count) of \(streamCount) streams, \(byteCount) bytes" }

  func reset() { byteCount = 0 }

  func begin(_ onWarm: @escaping () -> Void) {
    let crowd = Crowd(context, target, count: streamCount) { [self] stream in
      streams.append(stream)
      stream.receiver = self
      stream.write(Array((isUpload ? "S" : "D").utf8))
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
    if stream.unsentByteCount == 0 {
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
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}
