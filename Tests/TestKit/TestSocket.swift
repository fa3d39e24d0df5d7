internal import Glibc
public import LinuxSystem
internal import Synchronization
public import Timekeeping

/// What a test's socket met.
public enum TestSocketError: Error, Hashable {
  /// The call failed.
  case failed(String, Errno)
  /// Nothing came or went in time; so many bytes had moved before.
  case timedOut(String, byteCount: Int)
  /// The stream ended after so many bytes.
  case endOfStream(byteCount: Int)
  /// The peer sent more than the caller wants to see.
  case tooLong(byteCountMax: Int)
}

/// A TCP connection with calls that block, each with a deadline, for a test or a thread of it.
public final class TestSocket: Sendable {
  /// How long a call blocks unless told otherwise.
  public static let patience = Interval.seconds(20)

  private let descriptor: Atomic<CInt>

  /// Takes over a connected, non-blocking socket.
  public init(_ descriptor: consuming FileDescriptor) {
    self.descriptor = Atomic(descriptor.release())
  }

  /// Connects to a port of this machine.
  public static func connect(
    _ port: UInt16, host: String = "127.0.0.1", within limit: Interval = patience
  ) throws(TestSocketError) -> TestSocket {
    let address = SocketAddress(host: host, port: port) ?? .loopback(port: port)
    do throws(Errno) {
      let socket = TestSocket(try Socket.makeTCP(address.family))
      try Socket.connect(socket.number, to: address)
      Socket.setNoDelay(socket.number)
      guard socket.wait(for: POLLOUT, until: deadline(limit)) else {
        throw Errno.timedOut
      }
      if let error = Socket.pendingError(socket.number) { throw error }
      return socket
    } catch {
      throw .failed("connect to \(address)", error)
    }
  }

  deinit {
    close()
  }

  /// Our end.
  public var localAddress: SocketAddress? { Socket.localAddress(number) }

  /// The other end.
  public var peerAddress: SocketAddress? { Socket.peerAddress(number) }

  /// The descriptor's number; -1 when closed.
  public var number: CInt { descriptor.load(ordering: .acquiring) }

  /// Sends all of `bytes`.
  public func send(
    _ bytes: [UInt8], within limit: Interval = patience
  ) throws(TestSocketError) {
    let deadline = Self.deadline(limit)
    var sent = 0
    while sent < bytes.count {
      let result = bytes.withUnsafeBytes {
        Socket.send(number, UnsafeRawBufferPointer(rebasing: $0[sent...]))
      }
      switch result {
      case .bytes(let count): sent += count
      case .wouldBlock:
        if !wait(for: POLLOUT, until: deadline) { throw .timedOut("send", byteCount: sent) }
      case .failed(let error): throw .failed("send", error)
      }
    }
  }

  /// Sends the UTF-8 bytes of `text`.
  public func send(_ text: String, within limit: Interval = patience) throws(TestSocketError) {
    try send(Array(text.utf8), within: limit)
  }

  /// Receives what there is, at least one byte; none is the end of the stream.
  public func receiveSome(
    byteCountMax: Int = 65536, within limit: Interval = patience
  ) throws(TestSocketError) -> [UInt8] {
    let deadline = Self.deadline(limit)
    while true {
      var failure: TestSocketError?
      var isWaiting = false
      let bytes = [UInt8](unsafeUninitializedCapacity: byteCountMax) { buffer, count in
        switch Socket.receive(number, into: UnsafeMutableRawBufferPointer(buffer)) {
        case .bytes(let received): count = received
        case .wouldBlock: isWaiting = true
        case .failed(let error): failure = .failed("receive", error)
        }
      }
      if let failure { throw failure }
      if !isWaiting { return bytes }
      if !wait(for: POLLIN, until: deadline) { throw .timedOut("receive", byteCount: 0) }
    }
  }

  /// Receives exactly so many bytes.
  public func receive(
    exactly byteCount: Int, within limit: Interval = patience
  ) throws(TestSocketError) -> [UInt8] {
    let deadline = Self.deadline(limit)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    while bytes.count < byteCount {
      let rest = Interval(nanoseconds: deadline - HostSystem.monotonicNanoseconds)
      let part: [UInt8]
      do throws(TestSocketError) {
        part = try receiveSome(byteCountMax: min(byteCount - bytes.count, 1 << 20), within: rest)
      } catch {
        if case .timedOut = error { throw .timedOut("receive", byteCount: bytes.count) }
        throw error
      }
      if part.isEmpty { throw .endOfStream(byteCount: bytes.count) }
      bytes += part
    }
    return bytes
  }

  /// Receives until the peer ends its direction.
  public func receiveToEnd(
    byteCountMax: Int = 1 << 30, within limit: Interval = patience
  ) throws(TestSocketError) -> [UInt8] {
    let deadline = Self.deadline(limit)
    var bytes: [UInt8] = []
    while true {
      let rest = Interval(nanoseconds: deadline - HostSystem.monotonicNanoseconds)
      let part = try receiveSome(within: rest)
      if part.isEmpty { return bytes }
      bytes += part
      if bytes.count > byteCountMax { throw .tooLong(byteCountMax: byteCountMax) }
    }
  }

  /// Whether the peer has reset the connection, seen within `limit`.
  public func isReset(within limit: Interval = patience) -> Bool {
    do throws(TestSocketError) {
      while try !receiveSome(within: limit).isEmpty {}
      return false
    } catch {
      return error == .failed("receive", .connectionReset)
    }
  }

  /// Whether the connection has ended, in whatever way, within `limit`: a kernel whose program was
  /// killed says FIN, or resets when there are bytes that the program had not read.
  public func isOver(within limit: Interval = patience) -> Bool {
    do throws(TestSocketError) {
      while try !receiveSome(within: limit).isEmpty {}
      return true
    } catch {
      return error == .failed("receive", .connectionReset)
    }
  }

  /// Makes the kernel's buffers small, so that backpressure is soon felt.
  public func shrinkBuffers(byteCount: Int = 4096) {
    try? Socket.setOption(number, SOL_SOCKET, SO_RCVBUF, CInt(byteCount))
    try? Socket.setOption(number, SOL_SOCKET, SO_SNDBUF, CInt(byteCount))
  }

  /// Sends a FIN.
  public func shutdownWriting() {
    Socket.shutdownWriting(number)
  }

  /// Ends both directions without closing: whoever blocks in a call on this socket returns.
  public func shutdownBoth() {
    _ = shutdown(number, CInt(SHUT_RDWR))
  }

  /// Sends a RST and closes.
  public func abort() {
    Socket.resetOnClose(number)
    close()
  }

  /// Closes; the second call does nothing.
  public func close() {
    let number = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
    if number >= 0 { _ = Glibc.close(number) }
  }

  private static func deadline(_ limit: Interval) -> Int64 {
    HostSystem.monotonicNanoseconds + limit.nanoseconds
  }

  private func wait(for events: CInt, until deadline: Int64) -> Bool {
    while true {
      let rest = (deadline - HostSystem.monotonicNanoseconds + 999_999) / 1_000_000
      var entry = pollfd(fd: number, events: Int16(events), revents: 0)
      let count = poll(&entry, 1, CInt(clamping: max(0, rest)))
      if count > 0 { return true }
      if count == 0 || Errno.current.code != EINTR { return false }
    }
  }
}
