#if DEBUG
  internal import Glibc

  /// How often calls go wrong, and how badly. Shares are of 1; the rest of the calls is left alone.
  public struct FaultRates: Sendable {
    /// Transfers that say EAGAIN although they could move bytes; accepts, too.
    public var wouldBlock = 0.0
    /// Transfers that move a random part of what they could.
    public var short = 0.0
    /// Calls that are interrupted a few times before they do anything.
    public var interrupted = 0.0
    /// What a short transfer moves at most.
    public var shortByteCountMax = Int.max

    /// Nothing goes wrong.
    public init() {}

    /// A bit of everything.
    public static let mixed: FaultRates = {
      var rates = FaultRates()
      rates.wouldBlock = 0.2
      rates.short = 0.4
      rates.interrupted = 0.1
      rates.shortByteCountMax = 3000
      return rates
    }()

    /// Every transfer moves one byte.
    public static let singleBytes: FaultRates = {
      var rates = FaultRates()
      rates.short = 1
      rates.shortByteCountMax = 1
      return rates
    }()
  }

  /// Makes the calls of one loop behave as the kernel may at its worst, in an order that a seed
  /// decides. Used on the loop's thread only. Debug builds alone have it.
  ///
  /// Whoever gets less than it asked for may wait for the next edge, which does not come, as the
  /// kernel has nothing new to say: `onReadinessOwed` has to make up for it.
  public final class FaultPlan {
    /// Called with a socket that was told less than the truth, and what it is still ready for.
    public var onReadinessOwed: ((_ descriptor: CInt, _ readiness: Readiness) -> Void)?
    /// How many calls went wrong.
    public private(set) var faultCount = 0

    private let rates: FaultRates
    private var state: UInt64

    /// A plan that the same seed makes again.
    public init(seed: UInt64, rates: FaultRates) {
      state = seed
      self.rates = rates
    }

    // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
    private func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }

    private func happens(_ share: Double) -> Bool {
      Double(next() >> 11) / Double(1 << 53) < share
    }

    // MARK: Transfers

    private func transfer(
      _ socket: CInt, _ readiness: Readiness, upTo byteCount: Int, _ call: (Int) -> Int
    ) -> IOResult {
      if happens(rates.wouldBlock) {
        owe(socket, readiness)
        return .wouldBlock
      }
      var allowed = byteCount
      if byteCount > 1, happens(rates.short) {
        let byteCountMax = min(byteCount - 1, rates.shortByteCountMax)
        allowed = 1 + Int(next() % UInt64(byteCountMax))
      }
      var interruptions = happens(rates.interrupted) ? 1 + Int(next() % 3) : 0
      let result = retryingTransfer {
        if interruptions > 0 {
          interruptions -= 1
          errno = EINTR
          return -1
        }
        return call(allowed)
      }
      // Who got all that was allowed could have got more.
      if allowed < byteCount, result == .bytes(allowed) { owe(socket, readiness) }
      return result
    }

    private func owe(_ socket: CInt, _ readiness: Readiness) {
      faultCount += 1
      onReadinessOwed?(socket, readiness)
    }

    func receive(_ socket: CInt, into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
      transfer(socket, .readable, upTo: buffer.count) { recv(socket, buffer.baseAddress, $0, 0) }
    }

    func send(
      _ socket: CInt, _ bytes: UnsafeRawBufferPointer, isMoreComing: Bool
    ) -> IOResult {
      let flags = CInt(MSG_NOSIGNAL) | (isMoreComing ? CInt(MSG_MORE) : 0)
      return transfer(socket, .writable, upTo: bytes.count) {
        Glibc.send(socket, bytes.baseAddress, $0, flags)
      }
    }

    func send(
      _ socket: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> IOResult {
      transfer(socket, .writable, upTo: first.count + second.count) { count in
        var vectors = [
          iovec(
            iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress),
            iov_len: min(first.count, count)),
          iovec(
            iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress),
            iov_len: max(0, count - first.count)),
        ]
        return vectors.withUnsafeMutableBufferPointer { vectors in
          var message = msghdr()
          message.msg_iov = vectors.baseAddress
          message.msg_iovlen = 2
          return sendmsg(socket, &message, CInt(MSG_NOSIGNAL))
        }
      }
    }

    func splice(fromSocket socket: CInt, toPipe pipe: CInt, byteCount: Int) -> IOResult {
      transfer(socket, .readable, upTo: byteCount) { rawSplice(socket, pipe, $0) }
    }

    func splice(fromPipe pipe: CInt, toSocket socket: CInt, byteCount: Int) -> IOResult {
      transfer(socket, .writable, upTo: byteCount) { rawSplice(pipe, socket, $0) }
    }

    // MARK: Connections

    // Listeners are watched for their state, so no readiness is owed.
    func accept(_ listener: CInt) -> Socket.Accepted {
      if happens(rates.wouldBlock) {
        faultCount += 1
        return .wouldBlock
      }
      return Socket.accept(listener)
    }

    func connect(_ descriptor: CInt, to address: SocketAddress) throws(Errno) {
      guard happens(rates.interrupted) else {
        return try Socket.connect(descriptor, to: address)
      }
      faultCount += 1
      // An interrupted connect goes on by itself, and the repeated call says so (connect(2)).
      try Socket.connect(descriptor, to: address)
      try Socket.connect(descriptor, to: address)
    }
  }
#endif
