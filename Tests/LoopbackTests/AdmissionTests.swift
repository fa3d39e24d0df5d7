import ByteBuffers
import Configuration
import Foundation
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// Who is let in, who is slowed, and who has to go, on real sockets.
@Suite(.serialized) struct AdmissionTests {
  private static let bare = RudePeerTests.bare
  private static let muxOnly = Stack(isTLS: false, isMux: true)

  // MARK: Failed logins

  /// After ten failures the source gets at most one answer a second; the right credential is let
  /// in at once meanwhile.
  @Test func failedLoginsAreSlowedAndTheRightTokenIsNot() throws {
    let server = try LoneServer(Self.bare)
    func fail() throws -> String {
      let peer = try RawPeer(server.port)
      defer { peer.socket.close() }
      return try peer.logIn(RawPeer.login(token: "wrong")).error
    }
    for _ in 0..<10 { #expect(try fail().contains("token")) }
    _ = try fail()
    let started = HostSystem.monotonicNanoseconds
    #expect(try fail().contains("token"))
    #expect(try fail().contains("token"))
    let lasted = Interval(nanoseconds: HostSystem.monotonicNanoseconds - started)
    #expect(lasted >= .milliseconds(1900), "two answers took \(lasted.inSeconds) s")
    // Others of the same address wait for their refusals; the good one does not.
    let waiting = try (0..<5).map { _ in
      let peer = try RawPeer(server.port)
      try peer.send(.login(RawPeer.login(token: "wrong")))
      return peer
    }
    let before = HostSystem.monotonicNanoseconds
    let good = try RawPeer(server.port)
    #expect(try good.logIn().error.isEmpty)
    #expect(HostSystem.monotonicNanoseconds - before < 500_000_000)
    #expect(try server.counters().slowedLogins >= 2)
    for peer in waiting { peer.socket.close() }
    // Another address is not slowed.
    let other = try RawPeer(server.port, from: "127.0.0.2")
    let asked = HostSystem.monotonicNanoseconds
    #expect(try !other.logIn(RawPeer.login(token: "wrong")).error.isEmpty)
    #expect(HostSystem.monotonicNanoseconds - asked < 500_000_000)
    good.socket.close()
    try server.stop()
  }

  @Test func tooManyFailuresAtOnceGetNoAnswer() throws {
    let server = try LoneServer(Self.bare)
    let peers = try (0..<60).map { _ in
      let peer = try RawPeer(server.port)
      try peer.send(.login(RawPeer.login(token: "wrong")))
      return peer
    }
    #expect(try waitUntil { try server.counters().refusedLogins == 60 })
    #expect(try server.counters().droppedLogins >= 35)
    for peer in peers { peer.socket.close() }
    try server.stop()
  }

  // MARK: Strangers

  @Test func oneAddressHasAtMostSixtyFourStrangers() throws {
    let server = try LoneServer(Self.bare)
    let silent = try (0..<100).map { _ in try TestSocket.connect(server.port) }
    #expect(try waitUntil { try server.counters().evictedPeers == 36 })
    #expect(try server.strangerCount() == 64)
    // The oldest went, by a reset.
    for socket in silent[..<36] { #expect(socket.isReset(within: .seconds(5))) }
    // A newcomer of the same address and of another one is served.
    for source in [nil, "127.0.0.2"] {
      let good = try RawPeer(server.port, from: source)
      #expect(try good.logIn().error.isEmpty)
      good.socket.close()
    }
    for socket in silent { socket.close() }
    #expect(try waitUntil { try server.strangerCount() == 0 })
    try server.stop()
  }

  /// Without mux each work connection is a stranger until it has said what it is: a burst of users
  /// must not make a client's connections evict each other.
  @Test func burstOfWorkConnectionsIsNoFlood() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(Stack(isTLS: true, isMux: false), localPort: service.port)
    let port = try rig.publicPort()
    let users = try (0..<300).map { _ in
      let user = try TestSocket.connect(port)
      try user.send("x")
      return user
    }
    for user in users { #expect(try user.receive(exactly: 1) == Array("x".utf8)) }
    let counters = try rig.counters()
    #expect(counters.evictedPeers == 0)
    for user in users { user.close() }
    try rig.stop()
  }

  @Test func strangersMaySendSixtyFourKibibytes() throws {
    let server = try LoneServer(Self.muxOnly)
    let rude = try TestSocket.connect(server.port)
    // Pings, which are answered and count for nothing.
    let ping: [UInt8] = [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    let reader = OwnThread {
      while let bytes = try? rude.receiveSome(within: .seconds(20)), !bytes.isEmpty {}
    }
    var sentByteCount = 0
    for _ in 0..<10_000 {
      guard (try? rude.send(ping)) != nil else { break }
      sentByteCount += ping.count
    }
    reader.join()
    #expect(sentByteCount >= 60_000 && sentByteCount < 120_000)
    #expect(try waitUntil { try server.counters().rudePeers == 1 })
    #expect(try server.strangerCount() == 0)
    rude.close()
    try server.stop()
  }

  @Test func strangersMayOpenFourStreams() throws {
    let server = try LoneServer(Self.muxOnly)
    let rude = try TestSocket.connect(server.port)
    // Opened and reset again and again, so that there is never more than one.
    for number in 0..<4 as Range<UInt8> {
      try rude.send([0, 1, 0, 1, 0, 0, 0, number * 2 + 1, 0, 0, 0, 0])
      try rude.send([0, 1, 0, 8, 0, 0, 0, number * 2 + 1, 0, 0, 0, 0])
    }
    #expect(try waitUntil { try server.strangerCount() == 1 })
    #expect(try server.counters().rudePeers == 0)
    try rude.send([0, 1, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0])
    #expect(rude.isReset())
    #expect(try waitUntil { try server.counters().rudePeers == 1 })
    try server.stop()
  }

  // MARK: Users

  @Test func capsOnUsersAreKeptAndCounted() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(
      Stack(), localPort: service.port,
      server: {
        $0.connectionLimits.perAddress = 3
        $0.connectionLimits.total = 5
      })
    let port = try rig.publicPort()
    func connect(from source: String) throws -> TestSocket? {
      let descriptor = try Socket.makeTCP(.ipv4)
      let address = try #require(SocketAddress(host: source, port: 0))
      try Socket.bindLocal(descriptor.rawValue, to: address)
      try Socket.connect(descriptor.rawValue, to: .loopback(port: port))
      let user = TestSocket(descriptor)
      // Refused or not, `send` or `receive` says so.
      guard (try? user.send("x")) != nil, (try? user.receive(exactly: 1)) != nil else {
        user.close()
        return nil
      }
      return user
    }
    var users = try (0..<3).map { _ in try #require(try connect(from: "127.0.0.1")) }
    #expect(try connect(from: "127.0.0.1") == nil)
    #expect(try rig.counters().usersOverAddressMax == 1)
    users += try (0..<2).map { _ in try #require(try connect(from: "127.0.0.2")) }
    #expect(try connect(from: "127.0.0.3") == nil)
    #expect(try rig.counters().usersOverTotalMax == 1)
    // A place that is given back is free.
    users.removeFirst().close()
    #expect(try waitUntil { try rig.userCount() == 4 })
    let again = try #require(try connect(from: "127.0.0.1"))
    again.close()
    for user in users { user.close() }
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  @Test(arguments: [true, false])
  func capsOfProxyAndClientAreKept(_ isOfProxy: Bool) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(
      Stack(), localPort: service.port,
      server: {
        if isOfProxy {
          $0.connectionLimits.perProxy = 1
        } else {
          $0.connectionLimits.perClient = 1
        }
      })
    let port = try rig.publicPort()
    let first = try TestSocket.connect(port)
    try first.send("x")
    #expect(try first.receive(exactly: 1) == Array("x".utf8))
    // The reset may come before the connect is seen to have succeeded.
    if let second = try? TestSocket.connect(port) { #expect(second.isReset()) }
    #expect(try waitUntil { try rig.counters().refusedUsers == 1 })
    let counters = try rig.counters()
    #expect(counters.usersOverProxyMax == (isOfProxy ? 1 : 0))
    #expect(counters.usersOverClientMax == (isOfProxy ? 0 : 1))
    first.close()
    try rig.stop()
  }

  /// The whole test process is above the limit already: users are refused and counted, those who
  /// are in go on, and a client may still come in the place of the oldest stranger.
  @Test func usersAreRefusedAboveTheMemoryLimit() throws {
    let server = try LoneServer(Self.bare) { $0.memoryLimitBytes = 16 << 20 }
    if let refused = try? TestSocket.connect(server.port) { #expect(refused.isReset()) }
    #expect(try waitUntil { try server.counters().peersWithoutMemory == 1 })
    try server.stop()
  }

  // MARK: Ports

  /// A relay that comes back keeps the ports for those who had them.
  @Test func portsOutliveTheRelay() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-ports-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("ports").path
    func announce(_ peer: RawPeer, _ name: String, _ port: Int) throws -> NewProxyResponse {
      try peer.send(
        .newProxy(NewProxy(proxyName: name, proxyType: "tcp", remotePort: port)))
      guard case .newProxyResponse(let answer) = try peer.receiveAnswer() else {
        throw RawPeerError.unexpected
      }
      return answer
    }
    let first = try LoneServer(Self.bare) { $0.portMemoryPath = path }
    let owner = try RawPeer(first.port)
    try owner.logIn()
    let granted = try announce(owner, "web", 0)
    let port = try #require(Int(granted.remoteAddress.dropFirst()))
    let isWritten = waitUntil {
      (try? String(contentsOfFile: path, encoding: .utf8)) == "\(port) web\n"
    }
    #expect(isWritten)
    owner.socket.close()
    try first.stop()
    let second = try LoneServer(Self.bare) { $0.portMemoryPath = path }
    let other = try RawPeer(second.port)
    try other.logIn()
    #expect(try announce(other, "other", port).error == "port already used")
    let back = try RawPeer(second.port)
    try back.logIn()
    #expect(try announce(back, "web", 0).remoteAddress == granted.remoteAddress)
    other.socket.close()
    back.socket.close()
    try second.stop()
  }

  // MARK: Hand-over

  /// A restarted client whose former self is dead to the world gets its proxy within two seconds;
  /// while the former one lives, it does not.
  @Test(arguments: [true, false])
  func proxyOfASilentSessionIsHandedOver(_ isFormerAlive: Bool) throws {
    let server = try LoneServer(Self.muxOnly)
    let opened = Promised<(port: Int, socket: TestSocket)>()
    let serverPort = server.port
    let former = OwnThread {
      guard let peer = try? RawPeer(serverPort, isMux: true),
        (try? peer.logIn(RawPeer.login(user: "u"))) != nil,
        (try? peer.send(.newProxy(NewProxy(proxyName: "u.web", proxyType: "tcp")))) != nil,
        case .newProxyResponse(let granted) = try? peer.receiveAnswer()
      else { return }
      // It answers pings or does not; its kernel acknowledges either way.
      peer.answersPings = isFormerAlive
      opened.fulfill((Int(granted.remoteAddress.dropFirst()) ?? 0, peer.socket))
      while (try? peer.receive(within: .seconds(10))) != nil {}
    }
    let (port, formerSocket) = try opened.wait()
    let heir = try RawPeer(server.port, isMux: true)
    try heir.logIn(RawPeer.login(user: "u"))
    let started = HostSystem.monotonicNanoseconds
    try heir.send(
      .newProxy(NewProxy(proxyName: "u.web", proxyType: "tcp", remotePort: port)))
    guard case .newProxyResponse(let answer) = try heir.receiveAnswer() else {
      Issue.record("no answer")
      return
    }
    let lasted = HostSystem.monotonicNanoseconds - started
    #expect(lasted < 2_000_000_000)
    #expect(answer.error.isEmpty == !isFormerAlive, "\(answer.error)")
    #expect(try server.counters().handedOverSessions == (isFormerAlive ? 0 : 1))
    #expect(try server.sessionCount() == (isFormerAlive ? 2 : 1))
    heir.socket.close()
    formerSocket.shutdownBoth()
    former.join()
    try server.stop()
  }
}
