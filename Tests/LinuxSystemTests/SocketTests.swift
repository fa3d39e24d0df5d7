import Glibc
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@Suite struct SocketTests {
  /// A connected pair on the loopback: the connecting and the accepted end.
  private func pair(host: String = "127.0.0.1") throws -> (TestSocket, TestSocket) {
    let address = try #require(SocketAddress(host: host, port: 0))
    let listener = try Socket.listen(on: address)
    let port = try #require(Socket.localAddress(listener.rawValue)).port
    let client = try TestSocket.connect(port, host: host)
    switch Socket.accept(listener.rawValue) {
    case .connection(let descriptor, peer: let peer):
      #expect(peer == client.localAddress)
      return (client, TestSocket(descriptor))
    case .wouldBlock: throw WaitError.timedOut(seconds: 0)
    case .failed(let error): throw error
    }
  }

  private func flags(_ number: CInt) -> (isNonblocking: Bool, isClosedOnExec: Bool) {
    // fcntl is variadic; what /proc shows is the same.
    let text = (try? HostSystem.readFile("/proc/self/fdinfo/\(number)", byteCountMax: 4096)) ?? []
    let line = String(decoding: text, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("flags:") }
    let bits = CInt(line?.split(separator: "\t").last ?? "", radix: 8) ?? 0
    return (bits & O_NONBLOCK != 0, bits & O_CLOEXEC != 0)
  }

  @Test(arguments: ["127.0.0.1", "::1"]) func bytesTravelBothWays(_ host: String) throws {
    let (client, server) = try pair(host: host)
    try client.send("ping")
    #expect(try server.receive(exactly: 4) == Array("ping".utf8))
    try server.send("pong")
    #expect(try client.receive(exactly: 4) == Array("pong".utf8))
    client.shutdownWriting()
    #expect(try server.receiveToEnd() == [])
    #expect(client.peerAddress == server.localAddress)
  }

  @Test func everySocketIsNonblockingAndClosedOnExec() throws {
    let (client, server) = try pair()
    let listener = try Socket.listen(on: .loopback(port: 0))
    for number in [client.number, server.number, listener.rawValue] {
      #expect(flags(number) == (true, true))
    }
    withExtendedLifetime((client, server)) {}
    withExtendedLifetime(listener) {}
  }

  @Test func nothingToTakeIsAValueAndNoError() throws {
    let (client, server) = try pair()
    defer { server.close() }
    var room = [UInt8](repeating: 0, count: 8)
    let result = room.withUnsafeMutableBytes { Socket.receive(client.number, into: $0) }
    #expect(result == .wouldBlock)
    let listener = try Socket.listen(on: .loopback(port: 0))
    let isEmpty =
      switch Socket.accept(listener.rawValue) {
      case .connection: false
      case .wouldBlock: true
      case .failed: false
      }
    #expect(isEmpty)
  }

  @Test func aFullKernelBufferIsAValueAndNoError() throws {
    let (client, server) = try pair()
    defer { server.close() }
    let block = [UInt8](repeating: 7, count: 1 << 20)
    var last = IOResult.bytes(0)
    for _ in 0..<64 {
      last = block.withUnsafeBytes { Socket.send(client.number, $0) }
      if case .bytes = last { continue }
      break
    }
    #expect(last == .wouldBlock)
  }

  @Test func twoBlocksGoOutWithOneCall() throws {
    let (client, server) = try pair()
    let result = Array("hello, ".utf8).withUnsafeBytes { first in
      Array("world".utf8).withUnsafeBytes { Socket.send(client.number, first, $0) }
    }
    #expect(result == .bytes(12))
    #expect(try server.receive(exactly: 12) == Array("hello, world".utf8))
  }

  @Test func writingBehindTheEndIsBrokenPipeAndNoSignal() throws {
    let (client, server) = try pair()
    client.shutdownWriting()
    let result = Array("x".utf8).withUnsafeBytes { Socket.send(client.number, $0) }
    #expect(result == .failed(.brokenPipe))
    let both = Array("x".utf8).withUnsafeBytes { Socket.send(client.number, $0, $0) }
    #expect(both == .failed(.brokenPipe))
    server.close()
  }

  @Test func resetOnCloseIsSeenAsReset() throws {
    let (client, server) = try pair()
    client.abort()
    #expect(server.isReset())
  }

  @Test func aTakenPortIsNamed() throws {
    let listener = try Socket.listen(on: .loopback(port: 0))
    let address = try #require(Socket.localAddress(listener.rawValue))
    #expect(throws: Errno.addressInUse) { _ = try Socket.listen(on: address) }
    withExtendedLifetime(listener) {}
    #expect(Errno.addressInUse.description == "address already in use")
  }

  @Test func connectingToNobodyIsRefused() throws {
    // Bound and not listening: nobody else can get this port meanwhile.
    let holder = try Socket.makeTCP(.ipv4)
    try Socket.bindLocal(holder.rawValue, to: .loopback(port: 0))
    let port = try #require(Socket.localAddress(holder.rawValue)).port
    #expect {
      try TestSocket.connect(port)
    } throws: {
      $0 as? TestSocketError == .failed("connect to 127.0.0.1:\(port)", .connectionRefused)
    }
    withExtendedLifetime(holder) {}
  }

  @Test func optionsReachTheKernel() throws {
    let (client, _) = try pair()
    Socket.setNoDelay(client.number)
    Socket.setKeepalive(client.number, KeepaliveTiming(idleSeconds: 11))
    Socket.setUserTimeout(client.number, milliseconds: 13_000)
    let tcp = CInt(IPPROTO_TCP)
    #expect(option(client.number, tcp, TCP_NODELAY) != 0)
    #expect(option(client.number, SOL_SOCKET, SO_KEEPALIVE) != 0)
    #expect(option(client.number, tcp, TCP_KEEPIDLE) == 11)
    #expect(option(client.number, tcp, TCP_USER_TIMEOUT) == 13_000)
    #expect(throws: Errno.self) { try Socket.setOption(-1, tcp, TCP_NODELAY, 1) }
  }

  // Listeners rely on it: no call is made for each accepted socket.
  @Test func acceptedSocketsInheritOptions() throws {
    let listener = try Socket.listen(on: .loopback(port: 0))
    Socket.setNoDelay(listener.rawValue)
    Socket.setKeepalive(listener.rawValue, KeepaliveTiming(idleSeconds: 77))
    let port = try #require(Socket.localAddress(listener.rawValue)?.port)
    let client = try TestSocket.connect(port)
    var accepted: TestSocket?
    let isAccepted = waitUntil {
      if case .connection(let socket, _) = Socket.accept(listener.rawValue) {
        accepted = TestSocket(socket)
      }
      return accepted != nil
    }
    #expect(isAccepted)
    let number = try #require(accepted).number
    #expect(option(number, CInt(IPPROTO_TCP), TCP_NODELAY) != 0)
    #expect(option(number, SOL_SOCKET, SO_KEEPALIVE) != 0)
    #expect(option(number, CInt(IPPROTO_TCP), TCP_KEEPIDLE) == 77)
    client.close()
    accepted?.close()
  }

  private func option(_ number: CInt, _ level: CInt, _ name: CInt) -> CInt {
    var value: CInt = -1
    var length = socklen_t(MemoryLayout<CInt>.size)
    getsockopt(number, level, name, &value, &length)
    return value
  }
}
