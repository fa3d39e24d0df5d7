#if DEBUG
  import ByteBuffers
  import Glibc
  import LinuxSystem
  import Reactor
  import SimulationKit
  import Timekeeping

  /// Bytes that tell where in which stream they belong.
  enum Pattern {
    private static let period = 65_521
    static let pieceMax = 16_384

    private static let table: [UInt8] = {
      var stream = RandomStream(seed: 4711)
      var bytes: [UInt8] = []
      for _ in 0..<period { bytes.append(UInt8(truncatingIfNeeded: stream.next())) }
      return bytes + bytes.prefix(pieceMax)
    }()

    /// Lends the bytes of stream `id` from `offset` on, `pieceMax` at most.
    static func with<R>(
      _ id: Int, at offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> R
    ) -> R {
      let start = (id * 7919 + offset) % period
      return table.withUnsafeBytes {
        body(UnsafeRawBufferPointer(rebasing: $0[start..<(start + min(count, pieceMax))]))
      }
    }

    static func matches(_ bytes: UnsafeRawBufferPointer, _ id: Int, at offset: Int) -> Bool {
      var done = 0
      while done < bytes.count {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(pieceMax))
        let isSame = with(id, at: offset + done, piece.count) {
          memcmp($0.baseAddress!, piece.baseAddress!, piece.count) == 0
        }
        if !isSame { return false }
        done += piece.count
      }
      return true
    }
  }

  /// How a stream ended, as one end saw it.
  enum StreamEnd: Equatable {
    case open
    case fin
    case failed(Errno)
    /// By ourselves.
    case abandoned
  }

  /// One end of a conversation, at a user or at the local service: sends a header and pattern
  /// bytes, checks what it receives, and notes how it ended.
  final class Party: ReadinessHandler {
    /// What follows the last byte.
    enum Ending {
      case fin
      case reset
    }

    let loop: EventLoop
    private var descriptor: FileDescriptor?
    private var registration: RegistrationID?
    private var isReadable = false
    private var isWritable = false
    private var isPaused = false
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: 64 * 1024, alignment: 16)

    // Sending.
    var header: [UInt8] = []
    private(set) var sentHeaderCount = 0
    var sentStream = 0
    /// How many pattern bytes may be sent now, and whether that is all.
    var allowedCount = 0
    var isAllowanceFinal = false
    /// All is sent only when so many bytes have come back.
    var awaitedCount: Int?
    private(set) var sentCount = 0
    var ending = Ending.fin
    private(set) var hasEndedSending = false

    // Receiving.
    var receivedStream = 0
    /// The header is awaited before anything else.
    var onHeader: ((Party, [UInt8]) -> Void)?
    private var headerBytes: [UInt8] = []
    /// What is received may be sent back.
    var isEcho = false
    private(set) var receivedCount = 0
    private(set) var end = StreamEnd.open
    private(set) var isWrong = false
    private(set) var isConnected = false
    /// Called once, when nothing more happens here.
    var onOver: (() -> Void)?

    static let headerByteCount = 16

    /// Takes over a descriptor that is connected or connecting.
    init(_ loop: EventLoop, _ descriptor: consuming FileDescriptor) {
      self.loop = loop
      let number = descriptor.rawValue
      self.descriptor = consume descriptor
      registration = try? loop.register(number, .stream, self)
    }

    deinit { buffer.deallocate() }

    var isOver: Bool { registration == nil }

    /// What moved so far.
    var progress: Int { sentCount + sentHeaderCount + receivedCount }

    private var number: CInt {
      switch descriptor {
      case .some(let open): open.rawValue
      case .none: -1
      }
    }

    func handleReadiness(_ readiness: Readiness) {
      if !readiness.isDisjoint(with: [.readable, .readHangup, .hangup, .error]) {
        isReadable = true
      }
      if !readiness.isDisjoint(with: [.writable, .hangup, .error]) { isWritable = true }
      if !isConnected, !readiness.contains(.error) { isConnected = true }
      pump()
    }

    func pump() {
      var before = -1
      while before != progress {
        before = progress
        read()
        write()
      }
    }

    /// Reads nothing for a while.
    func pause(for time: Interval) {
      isPaused = true
      loop.schedule(after: time) { [self] in
        isPaused = false
        pump()
      }
    }

    private func read() {
      while isReadable, !isPaused, !isOver, end == .open {
        // An echo that is not taken is not made longer.
        if isEcho, receivedCount - sentCount > 64 * 1024 { return }
        switch Socket.receive(number, into: buffer) {
        case .bytes(0):
          end = .fin
          // Whatever was awaited does not come any more.
          isAllowanceFinal = true
        case .bytes(let count):
          receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        case .wouldBlock: isReadable = false
        case .failed(let error): conclude(.failed(error))
        }
      }
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) {
      var bytes = bytes
      if let onHeader {
        let count = min(Self.headerByteCount - headerBytes.count, bytes.count)
        headerBytes += bytes[..<count]
        bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
        if headerBytes.count < Self.headerByteCount { return }
        self.onHeader = nil
        onHeader(self, headerBytes)
      }
      if !Pattern.matches(bytes, receivedStream, at: receivedCount) { isWrong = true }
      receivedCount += bytes.count
      if isEcho { allowedCount = receivedCount }
      if let awaitedCount, receivedCount >= awaitedCount { isAllowanceFinal = true }
    }

    private func write() {
      while isWritable, !isOver, !hasEndedSending {
        let result: IOResult
        if sentHeaderCount < header.count {
          result = header.withUnsafeBytes {
            Socket.send(number, UnsafeRawBufferPointer(rebasing: $0[sentHeaderCount...]))
          }
        } else if sentCount < allowedCount {
          result = Pattern.with(sentStream, at: sentCount, allowedCount - sentCount) {
            Socket.send(number, $0)
          }
        } else {
          if isAllowanceFinal { endSending() }
          break
        }
        switch result {
        case .bytes(let count):
          if sentHeaderCount < header.count { sentHeaderCount += count } else { sentCount += count }
        case .wouldBlock: isWritable = false
        case .failed(let error): return conclude(.failed(error))
        }
      }
      if hasEndedSending, end == .fin { conclude(.fin) }
    }

    private func endSending() {
      hasEndedSending = true
      switch ending {
      case .fin: Socket.shutdownWriting(number)
      case .reset: abort()
      }
    }

    /// Resets the connection.
    func abort() {
      guard !isOver else { return }
      Socket.resetOnClose(number)
      conclude(.abandoned)
    }

    private func conclude(_ end: StreamEnd) {
      guard let registration else { return }
      self.end = end
      loop.deregister(registration, isClosing: true)
      self.registration = nil
      descriptor = nil
      let onOver = self.onOver
      self.onOver = nil
      onOver?()
    }
  }
#endif
