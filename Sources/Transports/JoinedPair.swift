/// A joined pair, in the lane that suits it.
public final class JoinedPair {
  private enum Lane {
    case spliced(SpliceRelay)
    case framed(StreamRelay)
  }

  private let lane: Lane
  private let limitedFar: LimitedStream?

  /// Joins two streams: by splice(2) when both are plain sockets with nothing queued and no coding,
  /// through this process otherwise. The lane is chosen here, once.
  ///
  /// - Parameters:
  ///   - near: the user's stream (on the relay) or the local service's (on the client).
  ///   - far: the work connection.
  ///   - greeting: goes to the work connection before anything else, uncoded.
  ///   - nearEarly: bytes of the near stream that came before; they go first.
  ///   - early: bytes of the work connection that came before; `creditedCount` of them were
  ///     given back as credit.
  ///   - codec: how payload is coded on the work connection; `nil` for plain.
  ///   - nearLimiter: what the near stream's bytes, without coding, share; such a pair is framed.
  ///   - farLimiter: what the far stream's bytes, coded, share; such a pair is framed.
  ///   - isHalfCloseKept: as for `StreamRelay`.
  ///   - onAnswer: called once, with the first byte of the work connection.
  ///   - onClose: called once at the end; before this returns only when `early` cannot be
  ///     decoded, so look at `isOver`.
  public init(
    _ context: TransportContext, near: any ByteStream, far: any ByteStream,
    greeting: [UInt8] = [], nearEarly: [UInt8] = [], early: [UInt8],
    creditedCount: Int, codec: PayloadCodec?, nearLimiter: BandwidthLimiter? = nil,
    farLimiter: BandwidthLimiter? = nil, isHalfCloseKept: Bool, onAnswer: (() -> Void)? = nil,
    onClose: @escaping (RelaySummary) -> Void
  ) {
    var early = early
    if codec == nil, nearLimiter == nil, farLimiter == nil, let nearSocket = near as? SocketStream,
      let farSocket = far as? SocketStream,
      nearSocket.isSpliceable, farSocket.isSpliceable
    {
      // Sockets have no credit to give back. What does not go out now keeps the pair framed.
      near.write(early)
      early = []
      if nearSocket.isSpliceable, let left = nearSocket.surrender(),
        let right = farSocket.surrender()
      {
        limitedFar = nil
        lane = .spliced(
          SpliceRelay(
            context, near: left, far: right, greeting: greeting, early: nearEarly,
            isHalfCloseKept: isHalfCloseKept, onAnswer: onAnswer, onClose: onClose))
        return
      }
    }
    far.write(greeting)
    limitedFar = farLimiter.map { LimitedStream(context, over: far, $0) }
    let limitedNear = nearLimiter.map { LimitedStream(context, over: near, $0) }
    let relay = StreamRelay(
      context, near: limitedNear ?? near, far: limitedFar ?? far, codec: codec,
      isHalfCloseKept: isHalfCloseKept, onAnswer: onAnswer, onClose: onClose)
    lane = .framed(relay)
    // Sockets have no credit that could be given back twice.
    if let limitedNear {
      limitedNear.inject(nearEarly, prepaid: 0)
    } else {
      relay.injectFromNear(nearEarly)
    }
    if let limitedFar {
      limitedFar.inject(early, prepaid: creditedCount)
      return
    }
    relay.injectFromFar(Array(early.prefix(creditedCount)), isCreditDue: false)
    relay.injectFromFar(Array(early.dropFirst(creditedCount)), isCreditDue: true)
  }

  /// Whether the pair has ended.
  public var isOver: Bool {
    switch lane {
    case .spliced(let relay): relay.isOver
    case .framed(let relay): relay.isOver
    }
  }

  /// Aborts both sides.
  public func abort() {
    switch lane {
    case .spliced(let relay): relay.abort()
    case .framed(let relay): relay.abort()
    }
  }

  /// The peer behind the work connection had ended before the two were joined.
  public func farDidEnd(_ far: any ByteStream) {
    switch lane {
    // A spliced pair reads the end itself.
    case .spliced: break
    case .framed(let relay):
      if let limitedFar { limitedFar.streamDidEnd(far) } else { relay.streamDidEnd(far) }
    }
  }
}
