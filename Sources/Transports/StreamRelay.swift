internal import ByteBuffers
internal import Reactor
internal import StreamCoding
internal import Timekeeping

/// What a relayed pair moved, and why it ended.
public struct RelaySummary: Sendable {
  /// Bytes from the near stream towards the far one, without coding.
  public var forwardByteCount: UInt64
  /// Bytes from the far stream towards the near one, without coding.
  public var backwardByteCount: UInt64
  /// `nil`: both directions ended in order.
  public var failure: CloseReason?
  /// Whether the far side ended or failed before the near one did either.
  public var isFarFirst = false
}

/// Joins two byte streams until both directions have ended.
///
/// The near stream is the user's (on the relay) or the local service's (on the client); the far one
/// is the work connection, where payload may be coded. FIN is passed on as FIN and reset as reset.
/// Reading from one side stops while the other has something unsent, and credit is given only for
/// what was sent on.
public final class StreamRelay: ByteStreamReceiver, HalfClosedPair {
  private struct Direction {
    var byteCount: UInt64 = 0
    /// Delivered bytes that have not been given back as credit.
    var owed = 0
    var isPaused = false
    var hasEnded = false
  }

  let context: TransportContext
  private let near: any ByteStream
  private let far: any ByteStream
  private var codec: PayloadCodec?
  private let isHalfCloseKept: Bool
  private var forward = Direction()
  private var backward = Direction()
  private(set) var isOver = false
  var idleTimer: TimerID?
  private var isFarFirst = false
  private var onAnswer: (() -> Void)?
  private var onClose: ((RelaySummary) -> Void)?

  /// Joins the two; bytes flow from the next turn on.
  ///
  /// - Parameters:
  ///   - codec: how payload is coded on the far stream; `nil` for plain.
  ///   - isHalfCloseKept: whether the program behind the far stream keeps the other direction open
  ///     after a FIN. frp does not: there a FIN is the end of both.
  ///   - onAnswer: called once, with the first byte of the far stream.
  ///   - onClose: called once at the end.
  public init(
    _ context: TransportContext, near: any ByteStream, far: any ByteStream, codec: PayloadCodec?,
    isHalfCloseKept: Bool, onAnswer: (() -> Void)? = nil,
    onClose: @escaping (RelaySummary) -> Void
  ) {
    self.context = context
    self.onAnswer = onAnswer
    self.near = near
    self.far = far
    self.codec = codec
    self.isHalfCloseKept = isHalfCloseKept
    self.onClose = onClose
    near.receiver = self
    far.receiver = self
    // Payload that nobody looks at goes straight from the near socket into frames.
    if codec == nil, let socket = near as? SocketStream, let stream = far as? MuxStream {
      stream.attach(socket)
    }
    near.resumeReading()
    far.resumeReading()
  }

  private var forwardByteCount: UInt64 {
    forward.byteCount + ((near as? SocketStream)?.drainedByteCount ?? 0)
  }

  /// Aborts both sides.
  public func abort() {
    finish(with: .reset)
  }

  /// Ends both sides behind what was accepted.
  public func close() {
    guard !isOver else { return }
    near.close()
    far.close()
    conclude(nil)
  }

  // MARK: Bytes

  /// Passes bytes on.
  public func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard !isOver else { return }
    if stream === near {
      receiveFromNear(bytes)
    } else {
      receiveFromFar(bytes)
    }
  }

  /// Passes on bytes of the far stream that came before the relay existed.
  ///
  /// - Parameter isCreditDue: whether nobody has called `consume` for them yet.
  public func injectFromFar(_ bytes: [UInt8], isCreditDue: Bool) {
    guard !bytes.isEmpty, !isOver else { return }
    if !isCreditDue { backward.owed -= bytes.count }
    bytes.withUnsafeBytes { receiveFromFar($0) }
  }

  /// Passes on bytes of the near stream that came before the relay existed.
  public func injectFromNear(_ bytes: [UInt8]) {
    guard !bytes.isEmpty, !isOver else { return }
    bytes.withUnsafeBytes { receiveFromNear($0) }
  }

  private func receiveFromNear(_ bytes: UnsafeRawBufferPointer) {
    forward.byteCount += UInt64(bytes.count)
    forward.owed += bytes.count
    if let codec {
      codec.encode(bytes) { far.write($0) }
    } else {
      far.write(bytes)
    }
    settle(&forward, from: near, to: far)
  }

  private func receiveFromFar(_ bytes: UnsafeRawBufferPointer) {
    backward.owed += bytes.count
    if let onAnswer {
      self.onAnswer = nil
      onAnswer()
    }
    if let codec {
      var plainCount = 0
      do throws(StreamCodingError) {
        try codec.decode(bytes) {
          plainCount += $0.count
          near.write($0)
        }
      } catch {
        finish(with: .codingFailed("\(error)"))
        return
      }
      backward.byteCount += UInt64(plainCount)
    } else {
      backward.byteCount += UInt64(bytes.count)
      near.write(bytes)
    }
    settle(&backward, from: far, to: near)
  }

  /// Gives credit for what was sent, and reads on or stops.
  private func settle(
    _ direction: inout Direction, from source: any ByteStream, to destination: any ByteStream
  ) {
    let unsent = destination.unsentByteCount
    if direction.owed > unsent {
      source.consume(direction.owed - unsent)
      direction.owed = unsent
    }
    if unsent > 0, !direction.isPaused {
      direction.isPaused = true
      source.pauseReading()
    } else if unsent == 0, direction.isPaused {
      direction.isPaused = false
      source.resumeReading()
    }
  }

  /// Reads on from the other side.
  public func streamDidProgress(_ stream: any ByteStream) {
    guard !isOver else { return }
    if stream === near {
      settle(&backward, from: far, to: near)
    } else {
      settle(&forward, from: near, to: far)
    }
  }

  // MARK: Ends

  /// Passes a FIN on.
  public func streamDidEnd(_ stream: any ByteStream) {
    guard !isOver else { return }
    if stream === near {
      forward.hasEnded = true
      far.finish()
    } else {
      if let codec, !codec.isAtBoundary { return finish(with: .reset) }
      isFarFirst = !forward.hasEnded
      backward.hasEnded = true
      near.finish()
    }
    if forward.hasEnded && backward.hasEnded || stream === far && !isHalfCloseKept {
      close()
    } else {
      watchHalfClosed()
    }
  }

  /// Passes a reset on, unless the stream had ended in order before.
  public func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    guard !isOver else { return }
    let other = stream === near ? far : near
    if stream !== near, !forward.hasEnded { isFarFirst = true }
    if stream === near ? forward.hasEnded : backward.hasEnded {
      other.close()
    } else {
      other.abort()
    }
    conclude(reason)
  }

  private func finish(with reason: CloseReason) {
    guard !isOver else { return }
    near.abort()
    far.abort()
    conclude(reason)
  }

  private func conclude(_ reason: CloseReason?) {
    isOver = true
    if let idleTimer { context.loop.cancel(idleTimer) }
    idleTimer = nil
    codec = nil
    let summary = RelaySummary(
      forwardByteCount: forwardByteCount, backwardByteCount: backward.byteCount, failure: reason,
      isFarFirst: isFarFirst)
    onAnswer = nil
    let onClose = self.onClose
    self.onClose = nil
    onClose?(summary)
  }

  var movedByteCount: UInt64 { forwardByteCount + backward.byteCount }

  func idleTimeDidPass() { finish(with: .drainTimedOut) }
}
