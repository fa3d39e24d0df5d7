internal import Glibc
public import LinuxSystem
internal import Synchronization
internal import Timekeeping

/// A TCP server on a free port of this machine; every connection has a thread that runs `serve`.
public final class TestServer: Sendable {
  private struct State {
    var sockets: [TestSocket] = []
    var isStopping = false
  }

  private final class Shared: Sendable {
    let state = Locked(State())
    let acceptCount = Atomic<Int>(0)
    let activeCount = Atomic<Int>(0)
    let serve: @Sendable (TestSocket) throws -> Void
    init(_ serve: @escaping @Sendable (TestSocket) throws -> Void) { self.serve = serve }
  }

  /// Where it listens.
  public let address: SocketAddress
  private let shared: Shared
  private let listener: TestSocket
  private let acceptor: OwnThread

  /// Listens. `serve` may block and throw; the connection is closed when it returns.
  public init(
    host: String = "127.0.0.1", port: UInt16 = 0, backlog: Int32 = 1024,
    _ serve: @escaping @Sendable (TestSocket) throws -> Void
  ) throws {
    guard let address = SocketAddress(host: host, port: port) else {
      throw Errno.invalidArgument
    }
    let listener = TestSocket(try Socket.listen(on: address, backlog: backlog))
    let shared = Shared(serve)
    self.address = listener.localAddress ?? address
    self.listener = listener
    self.shared = shared
    acceptor = OwnThread { Self.acceptAll(listener, shared) }
  }

  deinit {
    stop()
  }

  /// The port.
  public var port: UInt16 { address.port }

  /// How many connections were accepted so far.
  public var acceptCount: Int { shared.acceptCount.load(ordering: .acquiring) }

  /// How many connections are being served.
  public var activeCount: Int { shared.activeCount.load(ordering: .acquiring) }

  /// Stops listening, ends all connections, and waits for the threads.
  public func stop() {
    shared.state.withLock { $0.isStopping = true }
    listener.shutdownBoth()
    acceptor.join()
    listener.close()
    // Under the lock, as a thread closes its socket only after taking it out of the list.
    shared.state.withLock { state in
      for socket in state.sockets { socket.shutdownBoth() }
    }
    _ = waitUntil(within: .seconds(20)) { activeCount == 0 }
  }

  private static func acceptAll(_ listener: TestSocket, _ shared: Shared) {
    while !shared.state.withLock({ $0.isStopping }) {
      switch Socket.accept(listener.number) {
      case .connection(let descriptor, peer: _):
        Socket.setNoDelay(descriptor.rawValue)
        start(TestSocket(descriptor), shared)
      case .wouldBlock:
        // A listener that was shut down is readable, too.
        var entry = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, 1000)
      case .failed:
        // Shut down, or no descriptor is left for the moment.
        usleep(1000)
      }
    }
  }

  private static func start(_ socket: TestSocket, _ shared: Shared) {
    shared.acceptCount.add(1, ordering: .acquiringAndReleasing)
    shared.activeCount.add(1, ordering: .acquiringAndReleasing)
    shared.state.withLock { $0.sockets.append(socket) }
    // Not kept: a thread that has ended keeps its stack until it is joined.
    _ = OwnThread {
      // A server that fails closes its connection, which is what the test looks at.
      try? shared.serve(socket)
      shared.state.withLock { state in state.sockets.removeAll { $0 === socket } }
      socket.close()
      shared.activeCount.subtract(1, ordering: .acquiringAndReleasing)
    }
  }
}

/// Sends back what it receives; answers a FIN with a FIN once everything is sent.
public final class EchoServer: Sendable {
  /// The server behind it.
  public let server: TestServer

  /// Listens on a free port.
  public init(host: String = "127.0.0.1", port: UInt16 = 0) throws {
    server = try TestServer(host: host, port: port) { socket in
      while true {
        let bytes = try socket.receiveSome(within: .seconds(120))
        if bytes.isEmpty { return }
        try socket.send(bytes, within: .seconds(120))
      }
    }
  }

  /// The port.
  public var port: UInt16 { server.port }

  /// Ends all connections and waits for the threads.
  public func stop() { server.stop() }
}

/// Receives, counts and forgets.
public final class SinkServer: Sendable {
  private final class Counter: Sendable {
    let byteCount = Atomic<Int>(0)
    let endCount = Atomic<Int>(0)
  }

  /// The server behind it.
  public let server: TestServer
  private let counter: Counter

  /// Listens on a free port.
  public init(host: String = "127.0.0.1", port: UInt16 = 0) throws {
    let counter = Counter()
    self.counter = counter
    server = try TestServer(host: host, port: port) { socket in
      while true {
        let bytes = try socket.receiveSome(within: .seconds(120))
        if bytes.isEmpty { break }
        counter.byteCount.add(bytes.count, ordering: .relaxed)
      }
      counter.endCount.add(1, ordering: .acquiringAndReleasing)
    }
  }

  /// The port.
  public var port: UInt16 { server.port }

  /// How many bytes all connections have brought.
  public var byteCount: Int { counter.byteCount.load(ordering: .acquiring) }

  /// How many connections ended with a FIN.
  public var endCount: Int { counter.endCount.load(ordering: .acquiring) }

  /// Ends all connections and waits for the threads.
  public func stop() { server.stop() }
}
