internal import Benchmark
internal import LinuxSystem
internal import Reactor

/// A listener on a loop, and a client that comes and goes.
private final class AcceptBench {
  private let loop: EventLoop
  private var listener: Listener?
  private var acceptedCount = 0

  init() throws {
    loop = try EventLoop()
    listener = try Listener(loop, address: .loopback(port: 0)) { [unowned self] connection, _ in
      acceptedCount += 1
      // Both ends are closed by a reset, so that no port is left waiting.
      Socket.resetOnClose(connection.rawValue)
    }
  }

  func acceptAndClose() throws {
    guard let address = listener?.address else { throw Broken("no listener") }
    let client = try Socket.makeTCP(address.family)
    // The handshake on the loopback interface is complete when this returns.
    if let failure = Self.connect(client.rawValue, to: address) { throw failure }
    let before = acceptedCount
    while acceptedCount == before { loop.turn() }
  }

  private static func connect(_ descriptor: CInt, to address: SocketAddress) -> Errno? {
    do throws(Errno) {
      try Socket.connect(descriptor, to: address)
      return nil
    } catch {
      return error == .inProgress ? nil : error
    }
  }
}

func measureAccepting() {
  measure("connect, accept, close (loopback)", { try AcceptBench() }) {
    try $0.acceptAndClose()
  }
}
