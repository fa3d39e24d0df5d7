#if DEBUG
  import Glibc
  import LinuxSystem
  import SimulationKit
  import TestKit
  import Testing
  import Timekeeping

  /// The simulated kernel beside the real one: the same random steps on both ends of a connection
  /// give the same results and the same events.
  @Suite struct NetworkTests {
    private struct NotConnected: Error {}

    /// Both ends of a connection, each watched edge-triggered.
    private final class Pair {
      private var near: FileDescriptor?
      private var far: FileDescriptor?
      private let poller: Epoll
      private let settle: () -> Void

      init(_ settle: @escaping () -> Void) throws {
        let listener = try Socket.listen(on: .loopback(port: 0))
        let address = Socket.localAddress(listener.rawValue) ?? .loopback(port: 0)
        let client = try Socket.makeTCP(.ipv4)
        try Socket.connect(client.rawValue, to: address)
        settle()
        guard case .connection(let child, _) = Socket.accept(listener.rawValue) else {
          throw NotConnected()
        }
        poller = try Epoll(eventCountMax: 8)
        try poller.add(client.rawValue, .stream, userData: 0)
        try poller.add(child.rawValue, .stream, userData: 1)
        near = consume client
        far = consume child
        self.settle = settle
      }

      private func number(_ end: Int) -> CInt? {
        end == 0 ? Self.number(near) : Self.number(far)
      }

      private static func number(_ descriptor: borrowing FileDescriptor?) -> CInt? {
        switch descriptor {
        case .some(let open): open.rawValue
        case .none: nil
        }
      }

      private func close(_ end: Int) {
        if end == 0 { near = nil } else { far = nil }
      }

      /// Takes one step, and says what came of it.
      func step(_ stream: inout RandomStream) -> String {
        let end = stream.number(below: 2)
        let action = stream.number(below: 12)
        let count = stream.number(in: 1...3000)
        guard let number = number(end) else { return "\(end) is closed" }
        var text: String
        switch action {
        case 0...3: text = "send \(send(number, count))"
        case 4...7: text = "receive \(receive(number, count))"
        case 8: text = "error \(Socket.pendingError(number).map { "\($0)" } ?? "none")"
        case 9:
          Socket.shutdownWriting(number)
          text = "shutdown"
        case 10:
          close(end)
          text = "close"
        default:
          Socket.resetOnClose(number)
          close(end)
          text = "reset"
        }
        settle()
        return "\(end) \(text), events \(events())"
      }

      private func send(_ number: CInt, _ count: Int) -> IOResult {
        [UInt8](repeating: 7, count: count).withUnsafeBytes { Socket.send(number, $0) }
      }

      private func receive(_ number: CInt, _ count: Int) -> IOResult {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) {
          Socket.receive(number, into: $0)
        }
      }

      private func events() -> [String] {
        (0..<poller.wait(milliseconds: 0)).map { poller.event(at: $0) }
          .map { "\($0.userData): \($0.readiness.rawValue)" }.sorted()
      }
    }

    private static func script(_ seed: UInt64, _ settle: @escaping () -> Void) throws -> [String] {
      var stream = RandomStream(seed: seed)
      let pair = try Pair(settle)
      return (0..<14).map { _ in pair.step(&stream) }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func bothKernelsAgree(_ seed: UInt64) async throws {
      let seen = try await onOwnThread {
        let network = SimulatedNetwork(seed: 1)
        let host = network.addHost("host", SimulationRun.address(10, 0, 0, 1))
        let simulated = try network.run {
          let process = try network.start("process", on: host)
          defer { process.finish() }
          return try process.perform { _ in
            try Self.script(seed) { _ = network.run(until: network.now + .milliseconds(300)) }
          }
        }
        let expected = simulated ?? []
        // Longer than an acknowledgement may be put off (tcp(7), TCP_QUICKACK). On a busy machine
        // the real kernel's timers are late, and it is asked again, more slowly.
        var real: [String] = []
        for microseconds: UInt32 in [60_000, 200_000, 500_000] where real != expected {
          real = try Self.script(seed) { usleep(microseconds) }
        }
        return (real, expected)
      }
      #expect(seen.0 == seen.1)
    }
  }
#endif
