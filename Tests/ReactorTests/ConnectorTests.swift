import Glibc
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

/// A port on which a connect neither succeeds nor fails: the kernel's queue of a listener is full.
private final class BlackHole {
  let listener: TestSocket
  let address: SocketAddress
  private var fillers: [TestSocket] = []

  init(host: String = "127.0.0.1") throws {
    let any = try #require(SocketAddress(host: host, port: 0))
    listener = TestSocket(try Socket.listen(on: any, backlog: 0))
    address = try #require(listener.localAddress)
    // A queue of 0 holds one connection; the second handshake is left hanging.
    for _ in 0..<2 {
      let filler = TestSocket(try Socket.makeTCP(any.family))
      try Socket.connect(filler.number, to: address)
      fillers.append(filler)
    }
  }

  /// The local ports of what keeps the queue full.
  var fillerPorts: [UInt16] { fillers.compactMap { $0.localAddress?.port } }

  /// Also keeps it until the end of a test, where an optimiser would let it go earlier.
  func close() {
    listener.close()
    for filler in fillers { filler.close() }
  }
}

/// A port that nobody listens on and nobody else can get.
private final class RefusingPort {
  let holder: TestSocket
  let address: SocketAddress

  init(host: String = "127.0.0.1") throws {
    let any = try #require(SocketAddress(host: host, port: 0))
    holder = TestSocket(try Socket.makeTCP(any.family))
    try Socket.bindLocal(holder.number, to: any)
    address = try #require(holder.localAddress)
  }

  /// Also keeps it until the end of a test, where an optimiser would let it go earlier.
  func close() { holder.close() }
}

/// What became of a connect, with the socket in a form that tests can keep.
private enum Seen {
  case connected(TestSocket, SocketAddress)
  case failed(ConnectError)

  init(_ outcome: consuming ConnectOutcome) {
    switch consume outcome {
    case .connected(let socket):
      let peer = socket.peer
      self = .connected(TestSocket(socket.takeDescriptor()), peer)
    case .failed(let error): self = .failed(error)
    }
  }

  var socket: TestSocket? {
    if case .connected(let socket, _) = self { socket } else { nil }
  }

  var address: SocketAddress? {
    if case .connected(_, let address) = self { address } else { nil }
  }

  var error: ConnectError? {
    if case .failed(let error) = self { error } else { nil }
  }
}

private final class SeenList {
  var seen: [Seen] = []
}

@Suite struct ConnectorTests {
  /// Connects on a loop of its own, and checks that nothing but the result is left of it.
  private func connect(
    _ addresses: [SocketAddress], from localAddress: SocketAddress? = nil,
    timeout: Interval = .seconds(15), isUrgent: Bool = false
  ) throws -> Seen {
    let loop = try EventLoop()
    let list = SeenList()
    Connector.connect(
      loop: loop, addresses: addresses, localAddress: localAddress, timeout: timeout,
      isUrgent: isUrgent
    ) { list.seen.append(Seen($0)) }
    #expect(list.seen.isEmpty, "answered from within the call")
    return try finish(loop, list)
  }

  private func finish(_ loop: EventLoop, _ list: SeenList) throws -> Seen {
    let start = loop.now
    while list.seen.isEmpty, loop.now - start < .seconds(30) { loop.turn(sleepMax: .seconds(1)) }
    loop.turn(sleepMax: .zero)
    #expect(list.seen.count == 1)
    let seen = try #require(list.seen.first)
    // The loop's own, and that of the socket that was given away.
    #expect(loop.registrationCount == (seen.socket == nil ? 1 : 2))
    #expect(loop.timerCount == 0)
    return seen
  }

  private func address(_ host: String, _ port: UInt16) throws -> SocketAddress {
    try #require(SocketAddress(host: host, port: port))
  }

  @Test(arguments: ["127.0.0.1", "::1"]) func aListenerIsReached(_ host: String) throws {
    let server = try EchoServer(host: host)
    defer { server.stop() }
    let seen = try connect([server.server.address])
    #expect(seen.address == server.server.address)
    let socket = try #require(seen.socket)
    try socket.send("hello")
    #expect(try socket.receive(exactly: 5) == Array("hello".utf8))
    var isOn: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    getsockopt(socket.number, CInt(IPPROTO_TCP), TCP_NODELAY, &isOn, &length)
    #expect(isOn != 0)
  }

  /// Goal: an urgent connect repeats what is not answered, and gives up what is refused.
  @Test func anUrgentConnectTriesARefusedAddressOnce() throws {
    let port = try RefusingPort()
    defer { port.close() }
    let error = try #require(try connect([port.address], isUrgent: true).error)
    #expect(error == .failed([ConnectFailure(address: port.address, error: .connectionRefused)]))
  }

  @Test func everyAddressThatFailedIsNamedInOneLine() throws {
    let four = try RefusingPort()
    defer { four.close() }
    let six = try RefusingPort(host: "::1")
    defer { six.close() }
    let (first, second) = (four.address, six.address)
    let error = try #require(try connect([first, second]).error)
    #expect(
      error
        == .failed([
          ConnectFailure(address: first, error: .connectionRefused),
          ConnectFailure(address: second, error: .connectionRefused),
        ]))
    #expect(
      error.description
        == "127.0.0.1:\(first.port): connection refused; [::1]:\(second.port): connection refused")
  }

  @Test func familiesTakeTurns() throws {
    let six = try RefusingPort(host: "::1")
    defer { six.close() }
    let fours = try [RefusingPort(), RefusingPort()]
    defer { for four in fours { four.close() } }
    let sixes = [six.address, try address("::1", six.address.port)]
    let error = try #require(try connect(sixes + fours.map(\.address)).error)
    guard case .failed(let failures) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(failures.map(\.address.family) == [.ipv6, .ipv4, .ipv6, .ipv4])
  }

  @Test func theNextAddressIsTriedAtOnceUponFailure() throws {
    let server = try EchoServer()
    defer { server.stop() }
    let refusing = try RefusingPort()
    defer { refusing.close() }
    let addresses = [SocketAddress](repeating: refusing.address, count: 20)
    let start = HostSystem.monotonicNanoseconds
    let seen = try connect(addresses + [server.server.address])
    #expect(seen.address == server.server.address)
    // With a wait after each the twenty would take five seconds.
    let taken = HostSystem.monotonicNanoseconds - start
    #expect(taken < 10 * ReactorLimits.connectAttemptDelay.nanoseconds)
  }

  @Test func aSilentAddressIsOvertakenAndClosed() throws {
    let hole = try BlackHole()
    defer { hole.close() }
    let server = try EchoServer()
    defer { server.stop() }
    let start = HostSystem.monotonicNanoseconds
    let seen = try connect([hole.address, server.server.address])
    let taken = HostSystem.monotonicNanoseconds - start
    #expect(seen.address == server.server.address)
    #expect(taken >= ReactorLimits.connectAttemptDelay.nanoseconds)
  }

  /// The attempts run side by side, the first that answers wins, and the losers' sockets go.
  @Test func losersAreClosed() throws {
    let holes = try [BlackHole(), BlackHole()]
    defer { for hole in holes { hole.close() } }
    let server = try SinkServer()
    defer { server.stop() }
    let ports = Set(holes.map(\.address.port))
    let fillers = Set(holes.flatMap(\.fillerPorts))
    let loop = try EventLoop()
    let list = SeenList()
    Connector.connect(
      loop: loop, addresses: holes.map(\.address) + [server.server.address], timeout: .seconds(15)
    ) { list.seen.append(Seen($0)) }
    let areBothConnecting = waitUntil {
      loop.turn(sleepMax: .milliseconds(10))
      return loop.registrationCount == 3
    }
    #expect(areBothConnecting)
    #expect(connectingCount(to: ports, notFrom: fillers) == 2)
    #expect(try finish(loop, list).address == server.server.address)
    #expect(connectingCount(to: ports, notFrom: fillers) == 0)
  }

  /// How many sockets of this machine have sent a SYN to these ports and no more (proc(5): the
  /// second and third column are addresses, the fourth is the state, 02 is SYN_SENT).
  private func connectingCount(to ports: Set<UInt16>, notFrom fillers: Set<UInt16>) -> Int {
    let table = (try? HostSystem.readFile("/proc/net/tcp", byteCountMax: 1 << 24)) ?? []
    return String(decoding: table, as: UTF8.self).split(separator: "\n").filter { line in
      let columns = line.split(separator: " ")
      guard columns.count > 3, columns[3] == "02" else { return false }
      return ports.contains(UInt16(columns[2].suffix(4), radix: 16) ?? 0)
        && !fillers.contains(UInt16(columns[1].suffix(4), radix: 16) ?? 0)
    }.count
  }

  @Test func theTimeLimitEndsAllAttempts() throws {
    let hole = try BlackHole()
    defer { hole.close() }
    let limit = Interval.milliseconds(60)
    let error = try #require(try connect([hole.address], timeout: limit).error)
    #expect(
      error == .timedOut(after: limit, [ConnectFailure(address: hole.address, error: .timedOut)]))
    #expect(error.description == "\(hole.address): connection timed out")
  }

  @Test func aFailureBeforeTheTimeLimitIsStillNamed() throws {
    let hole = try BlackHole()
    defer { hole.close() }
    let refusing = try RefusingPort()
    defer { refusing.close() }
    let limit = Interval.milliseconds(60)
    let refused = refusing.address
    let error = try #require(try connect([refused, hole.address], timeout: limit).error)
    #expect(
      error.description
        == "\(refused): connection refused; \(hole.address): connection timed out")
  }

  @Test func aCancelledConnectorIsSilentAndLeavesNothing() throws {
    let hole = try BlackHole()
    defer { hole.close() }
    let server = try SinkServer()
    defer { server.stop() }
    let loop = try EventLoop()
    var count = 0
    // One before its answer can be seen, one that gets none.
    let early = Connector.connect(
      loop: loop, addresses: [server.server.address], timeout: .seconds(10)
    ) { _ in count += 1 }
    early.cancel()
    let middle = Connector.connect(loop: loop, addresses: [hole.address], timeout: .seconds(10)) {
      _ in count += 1
    }
    loop.turn(sleepMax: .zero)
    #expect(loop.registrationCount == 2)
    middle.cancel()
    middle.cancel()
    loop.turn(sleepMax: .zero)
    #expect(count == 0)
    #expect(loop.registrationCount == 1)
    #expect(loop.timerCount == 0)
  }

  @Test func nothingToTryIsAnError() throws {
    #expect(try connect([]).error == .noAddresses)
  }

  @Test func moreAddressesThanTheLimitAreNotTried() throws {
    let refusing = try RefusingPort()
    defer { refusing.close() }
    let count = ReactorLimits.connectAddressCountMax
    let error = try connect([SocketAddress](repeating: refusing.address, count: count + 5)).error
    guard case .failed(let failures) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(failures.count == count)
  }

  @Test func theLocalAddressIsUsed() throws {
    let server = try EchoServer()
    defer { server.stop() }
    let local = try address("127.0.0.2", 0)
    let socket = try #require(try connect([server.server.address], from: local).socket)
    #expect(socket.localAddress?.host == "127.0.0.2")
  }

  @Test func addressesOfAnotherFamilyThanTheLocalOneFail() throws {
    let server = try EchoServer()
    defer { server.stop() }
    let six = try address("::1", server.port)
    let local = try address("127.0.0.2", 0)
    let seen = try connect([six, server.server.address], from: local)
    #expect(seen.address == server.server.address)
    let error = try #require(try connect([six], from: local).error)
    #expect(error == .failed([ConnectFailure(address: six, error: .addressFamilyNotSupported)]))
  }

  /// A socket that connects to the port that it has itself meets itself, though nobody listens.
  @Test func aSocketThatMeetsItselfIsNoConnection() throws {
    let refusing = try RefusingPort()
    let own = refusing.address
    refusing.close()
    let error = try connect([own], from: own).error
    #expect(error == .failed([ConnectFailure(address: own, error: .connectionRefused)]))
  }

  // MARK: By name

  private func connect(
    _ host: String, _ port: UInt16, servers: [String] = [], timeout: Interval = .seconds(15)
  ) throws -> Seen {
    let loop = try EventLoop()
    let resolver = try Resolver(loop, servers: servers)
    let list = SeenList()
    Connector.connect(loop: loop, resolver: resolver, host: host, port: port, timeout: timeout) {
      list.seen.append(Seen($0))
      resolver.close()
    }
    #expect(list.seen.isEmpty)
    return try finish(loop, list)
  }

  @Test func aNameIsResolvedAndReachedOnWhicheverFamilyAnswers() throws {
    let server = try EchoServer()
    defer { server.stop() }
    // Nobody listens on ::1, which comes first.
    #expect(try connect("localhost", server.port).address == server.server.address)
    let names = try FakeNameServer { _ in .addresses(["127.0.0.1"]) }
    defer { names.stop() }
    let seen = try connect("relay.example.com", server.port, servers: ["\(names.address)"])
    #expect(seen.address == server.server.address)
  }

  @Test func aNameThatDoesNotExistIsNamed() throws {
    let names = try FakeNameServer { _ in .noSuchName }
    defer { names.stop() }
    let error = try connect("absent.example.com", 80, servers: ["\(names.address)"]).error
    #expect(error == .unresolved(.notFound("absent.example.com")))
    #expect(error?.description == "absent.example.com: no such host")
  }

  @Test func theTimeLimitCoversTheName() throws {
    let names = try FakeNameServer { _ in .silence }
    defer { names.stop() }
    let limit = Interval.milliseconds(80)
    let error = try connect(
      "slow.example.com", 80, servers: ["\(names.address)"], timeout: limit
    ).error
    #expect(error == .unresolved(.timedOut("slow.example.com", after: limit)))
  }

  @Test func aConnectorIsCancelledWhileItResolves() throws {
    let names = try FakeNameServer { _ in .silence }
    defer { names.stop() }
    let loop = try EventLoop()
    let resolver = try Resolver(loop, servers: ["\(names.address)"])
    var count = 0
    let connector = Connector.connect(
      loop: loop, resolver: resolver, host: "slow.example.com", port: 80, timeout: .seconds(9)
    ) { _ in count += 1 }
    loop.turn(sleepMax: .zero)
    connector.cancel()
    resolver.close()
    loop.turn(sleepMax: .zero)
    #expect(count == 0)
    #expect(loop.timerCount == 0)
    #expect(loop.registrationCount == 1)
  }
}
