public import LinuxSystem
internal import StreamCoding

/// A work connection whose user is code of ours: bytes go in and come out as the local service
/// takes and sends them, whatever coding the proxy has.
///
/// States: made; started (bytes are delivered); over.
public final class WorkStream: ByteStream, ByteStreamReceiver {
  /// Who gets bytes and events; to be set before `start`.
  public var receiver: (any ByteStreamReceiver)?

  private let base: any ByteStream
  private let codec: PayloadCodec?
  private var early: [UInt8]
  // What of the bytes to be given back as credit was given back already.
  private var prepaidByteCount: Int
  // Delivered and not consumed, as delivered and as it came.
  private var owedByteCount = 0
  private var owedCodedByteCount = 0
  private var hasReceived = false
  private var hasEndedEmpty = false
  private var isOver = false
  private let onAnswer: (() -> Void)?
  private var onEnd: ((_ isFailure: Bool) -> Void)?

  /// Takes a work connection over.
  ///
  /// - Parameters:
  ///   - greeting: goes to the client before anything else, uncoded.
  ///   - early: bytes of the client that came before; `creditedCount` of them were given back as
  ///     credit.
  ///   - codec: how payload is coded; `nil` for plain.
  ///   - onAnswer: called once, with the first byte of the local service.
  ///   - onEnd: called once, when the connection is given up or lost; a failure is one that was
  ///     lost or ended before its first byte.
  public init(
    over base: any ByteStream, greeting: [UInt8], early: [UInt8], creditedCount: Int,
    codec: PayloadCodec?, onAnswer: (() -> Void)?, onEnd: @escaping (_ isFailure: Bool) -> Void
  ) {
    self.base = base
    self.codec = codec
    self.early = early
    prepaidByteCount = creditedCount
    self.onAnswer = onAnswer
    self.onEnd = onEnd
    base.receiver = self
    base.write(greeting)
  }

  /// The stream for its user: within the limit of the proxy, if there is one.
  public func limited(
    by limiter: BandwidthLimiter?, _ context: TransportContext
  ) -> any ByteStream {
    limiter.map { LimitedStream(context, over: self, $0) } ?? self
  }

  /// Delivers what has come and what comes.
  public func start() {
    let early = self.early
    self.early = []
    early.withUnsafeBytes { if $0.count > 0 { streamDidReceive(base, $0) } }
    if !isOver { base.resumeReading() }
  }

  // MARK: Stream

  /// Bytes that the work connection has not taken yet, coded.
  public var unsentByteCount: Int { base.unsentByteCount }

  /// Our end of the carrier.
  public var localAddress: SocketAddress? { base.localAddress }

  /// The client's end of the carrier.
  public var peerAddress: SocketAddress? { base.peerAddress }

  /// Codes and sends.
  public func write(_ bytes: UnsafeRawBufferPointer) {
    guard !isOver, bytes.count > 0 else { return }
    guard let codec else { return base.write(bytes) }
    codec.encode(bytes) { base.write($0) }
  }

  /// Ends our direction behind everything written.
  public func finish() { if !isOver { base.finish() } }

  /// Stops delivering, except what was read already.
  public func pauseReading() { if !isOver { base.pauseReading() } }

  /// Goes on delivering.
  public func resumeReading() { if !isOver { base.resumeReading() } }

  /// Gives the client credit for what the bytes came in.
  public func consume(_ byteCount: Int) {
    guard !isOver, byteCount > 0, owedByteCount > 0 else { return }
    let isAll = byteCount >= owedByteCount
    // In proportion; what is left of the division comes with the last byte.
    let coded = isAll ? owedCodedByteCount : owedCodedByteCount * byteCount / owedByteCount
    owedByteCount -= min(byteCount, owedByteCount)
    pay(coded)
  }

  private func pay(_ byteCount: Int) {
    owedCodedByteCount -= byteCount
    let prepaid = min(prepaidByteCount, byteCount)
    prepaidByteCount -= prepaid
    if byteCount > prepaid { base.consume(byteCount - prepaid) }
  }

  /// Writes out what was accepted, then ends both directions.
  public func close() {
    guard !isOver else { return }
    base.close()
    conclude(isFailure: hasEndedEmpty)
  }

  /// Ends both directions at once.
  public func abort() {
    guard !isOver else { return }
    base.abort()
    conclude(isFailure: hasEndedEmpty)
  }

  private func conclude(isFailure: Bool) {
    isOver = true
    receiver = nil
    let onEnd = self.onEnd
    self.onEnd = nil
    onEnd?(isFailure)
  }

  // MARK: From the work connection

  /// Decodes and delivers.
  public func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard !isOver, bytes.count > 0 else { return }
    if !hasReceived {
      hasReceived = true
      onAnswer?()
    }
    owedCodedByteCount += bytes.count
    guard let codec else {
      owedByteCount += bytes.count
      receiver?.streamDidReceive(self, bytes)
      return
    }
    // Not lent while the receiver has it: what he writes is coded in the same place.
    var plain: [UInt8] = []
    do throws(StreamCodingError) {
      try codec.decode(bytes) { plain.append(contentsOf: $0) }
    } catch {
      return fail(.codingFailed("\(error)"))
    }
    owedByteCount += plain.count
    if owedByteCount == 0 { pay(owedCodedByteCount) }
    if !plain.isEmpty { plain.withUnsafeBytes { receiver?.streamDidReceive(self, $0) } }
  }

  /// Passes the end on, unless it cut a coded piece.
  public func streamDidEnd(_ stream: any ByteStream) {
    guard !isOver else { return }
    if let codec, !codec.isAtBoundary { return fail(.reset) }
    hasEndedEmpty = !hasReceived
    receiver?.streamDidEnd(self)
  }

  /// Passes the news on.
  public func streamDidProgress(_ stream: any ByteStream) {
    if !isOver { receiver?.streamDidProgress(self) }
  }

  /// Passes the end on.
  public func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    guard !isOver else { return }
    let receiver = self.receiver
    conclude(isFailure: !hasReceived)
    receiver?.streamDidFail(self, reason)
  }

  private func fail(_ reason: CloseReason) {
    base.abort()
    streamDidFail(base, reason)
  }
}
