import Glibc
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@Suite struct ListenerTests {
  /// Keeps what a listener accepted.
  private final class Guests {
    var sockets: [TestSocket] = []
    var peers: [SocketAddress] = []
    func admit(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
      sockets.append(TestSocket(descriptor))
      peers.append(peer)
    }
  }

  @Test(arguments: ["127.0.0.1", "::1"]) func connectionsComeWithTheirPeers(_ host: String) throws {
    let thread = try LoopThread()
    defer { thread.stop() }
    let guests = try thread.make { _ in Guests() }
    let listener = try thread.make { loop in
      let address = try #require(SocketAddress(host: host, port: 0))
      let guests = guests.on(loop)
      return try Listener(loop, address: address) { guests.admit($0, $1) }
    }
    let port = try thread.run { listener.on($0).address.port }
    #expect(port != 0)
    let clients = try (0..<10).map { _ in try TestSocket.connect(port, host: host) }
    #expect(try waitUntil { try thread.run { guests.on($0).peers.count } == 10 })
    let peers = try thread.run { guests.on($0).peers }
    #expect(Set(peers) == Set(clients.compactMap(\.localAddress)))
    try thread.run { listener.on($0).close() }
    #expect(throws: TestSocketError.self) { try TestSocket.connect(port, host: host) }
  }

  @Test func oneTurnAcceptsALimitedNumber() throws {
    let loop = try EventLoop()
    let guests = Guests()
    let listener = try Listener(loop, address: .loopback(port: 0)) { guests.admit($0, $1) }
    let count = ReactorLimits.acceptsPerTurnMax + 10
    let clients = try (0..<count).map { _ in try TestSocket.connect(listener.address.port) }
    loop.turn(sleepMax: .seconds(10))
    #expect(guests.sockets.count == ReactorLimits.acceptsPerTurnMax)
    loop.turn(sleepMax: .seconds(10))
    #expect(guests.sockets.count == count)
    #expect(clients.count == count)
    listener.close()
    listener.close()
    #expect(loop.registrationCount == 1)
  }

  @Test func aListenerMayBeClosedByTheConnectionThatItAccepts() throws {
    let loop = try EventLoop()
    var listener: Listener?
    var count = 0
    listener = try Listener(loop, address: .loopback(port: 0)) { _, _ in
      count += 1
      listener?.close()
    }
    let port = try #require(listener).address.port
    let clients = try (0..<3).map { _ in try TestSocket.connect(port) }
    loop.turn(sleepMax: .seconds(10))
    #expect(count == 1)
    #expect(clients.count == 3)
    #expect(loop.registrationCount == 1)
    listener = nil
  }

  /// In a child process, as it takes every descriptor: the listener must stop asking the kernel,
  /// turn seldom, and take the waiting connections once there are descriptors again.
  @Test func acceptingPausesWithoutDescriptorsAndRecovers() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      let guests = Guests()
      let listener = try Listener(loop, address: .loopback(port: 0)) { guests.admit($0, $1) }
      let clients = try (0..<3).map { _ in try TestSocket.connect(listener.address.port) }
      // The child may have come with descriptors of its parent's: some that it can close first.
      var fillers = (0..<10).map { _ in dup(0) }
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = rlim_t(try #require(fillers.max())) + 1
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      while case let filler = dup(0), filler >= 0 { fillers.append(filler) }
      try #require(Errno.current == .tooManyOpenFiles)

      let start = HostSystem.monotonicNanoseconds
      var turns = 0
      let hasPaused = waitUntil {
        loop.turn(sleepMax: .seconds(1))
        turns += 1
        return listener.pauseCount >= 3
      }
      try #require(hasPaused)
      try #require(guests.sockets.isEmpty)
      // Two pauses lie between the three.
      let pauses = HostSystem.monotonicNanoseconds - start
      try #require(pauses >= 2 * ReactorLimits.acceptPause.nanoseconds)
      // One that spins turns thousands of times.
      try #require(turns <= 30)

      for filler in fillers { _ = close(filler) }
      let hasRecovered = waitUntil {
        loop.turn(sleepMax: .seconds(1))
        return guests.sockets.count == 3
      }
      try #require(hasRecovered)
      for client in clients { try client.send("x") }
      for guest in guests.sockets {
        try #require(try guest.receive(exactly: 1) == Array("x".utf8))
      }
      let later = try TestSocket.connect(listener.address.port)
      loop.turn(sleepMax: .seconds(10))
      try #require(guests.sockets.count == 4)
      later.close()
      listener.close()
      try #require(loop.timerCount == 0)
    }
  }
}
