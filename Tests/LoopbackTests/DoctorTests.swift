import Configuration
import Foundation
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient

/// The doctor before relays that are well and relays that are not, on real sockets.
@Suite(.serialized) struct DoctorTests {
  private static let patience = DoctorTimes()

  /// What the doctor finds with the usual configuration as `change` leaves it.
  private func findings(
    _ port: UInt16, _ stack: Stack = Stack(), local: UInt16? = nil, fileTime: Int64? = nil,
    times: DoctorTimes = patience,
    _ change: @Sendable (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> [DoctorFinding] {
    var configuration = Rig.clientConfiguration(stack, bindPort: port, localPort: local ?? 9)
    if local == nil { configuration.proxies = [] }
    change(&configuration)
    let settings = configuration
    let thread = try LoopThread()
    defer { thread.stop() }
    let outcome = Promised<[DoctorFinding]>()
    let doctor = try thread.make { loop in
      let doctor = try ClientDoctor(
        loop, configuration: settings, configurationTime: fileTime, times: times,
        onEnd: { outcome.fulfill($0) })
      doctor.start()
      return doctor
    }
    let result = try outcome.wait(seconds: 40)
    // The doctor lives as long as its loop works for it.
    try thread.run { _ = doctor.on($0) }
    return result
  }

  private func faults(
    _ port: UInt16, _ stack: Stack = Stack(), times: DoctorTimes = patience,
    _ change: @Sendable (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> [DoctorFault] {
    try findings(port, stack, times: times, change).compactMap(\.fault)
  }

  @Test(arguments: Stack.transports)
  func allIsWellWithoutPublishingAnything(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(stack)
    let result = try findings(server.port, stack, local: service.port)
    #expect(result.map(\.subject) == ["connection", "login", "web"])
    #expect(result.allSatisfy { $0.verdict == .good }, "\(result)")
    #expect(result[1].text.contains("swift-frp"))
    #expect(try server.publicPort("web") == nil)
    #expect(try waitUntil { try server.sessionCount() == 0 })
    try server.stop()
  }

  // MARK: The way

  @Test func namesThatDoNotExistAndServersThatDoNotAnswer() throws {
    #expect(
      try faults(7000) { $0.serverHost = "no-such-host.invalid" }.allSatisfy {
        $0 == .nameNotFound || $0 == .nameServersFailed
      })
    // A name server that is not there: nobody has this port.
    let port = try makeFreePort()
    var times = Self.patience
    times.name = .milliseconds(500)
    #expect(
      try faults(7000, times: times) { configuration in
        configuration.serverHost = "relay.example"
        configuration.nameServer = HostAndPort(parsing: "127.0.0.1:\(port)", defaultPort: 53)
      } == [.nameServersFailed])
    #expect(try faults(7000) { $0.serverHost = "not a name" } == [.nameNotFound])
  }

  @Test func nobodyListens() throws {
    let port = try makeFreePort()
    #expect(try faults(port) == [.refused])
  }

  /// A listener whose queue is full does not answer, as a firewall that drops packets.
  @Test func packetsAreDropped() throws {
    let full = try FullListener()
    var times = Self.patience
    times.connect = .milliseconds(300)
    #expect(try faults(full.port, times: times) == [.filtered])
  }

  @Test func whoTakesConnectionsAndSaysNothing() throws {
    let silent = try TestServer { socket in _ = try? socket.receiveToEnd() }
    defer { silent.stop() }
    var times = Self.patience
    times.login = .milliseconds(200)
    times.otherLogin = .milliseconds(200)
    #expect(try faults(silent.port, Stack(isTLS: false), times: times) == [.silent])
    #expect(try faults(silent.port, times: times) == [.silent])
  }

  @Test func theDeadlineHoldsWhateverThePeerDoes() throws {
    let silent = try TestServer { socket in _ = try? socket.receiveToEnd() }
    defer { silent.stop() }
    var times = Self.patience
    times.total = .milliseconds(400)
    let begin = HostSystem.monotonicNanoseconds
    #expect(try faults(silent.port, times: times) == [.timeOver])
    #expect(HostSystem.monotonicNanoseconds - begin < 3_000_000_000)
  }

  // MARK: Strangers

  @Test(arguments: [
    ("HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1"), ("\u{1}\u{2}x\n", "..x"),
  ])
  func whoIsNoFrps(_ words: String, _ shown: String) throws {
    let stranger = try TestServer { socket in
      if words.hasPrefix("HTTP") { _ = try socket.receiveSome() }
      try socket.send(words)
      _ = try? socket.receiveToEnd()
    }
    defer { stranger.stop() }
    // Some of them are waited for, since what they say may be the beginning of something.
    var times = Self.patience
    times.login = .milliseconds(300)
    times.otherLogin = .milliseconds(300)
    for stack in Stack.transports {
      let result = try findings(stranger.port, stack, times: times)
      #expect(result.compactMap(\.fault) == [.notFrps], "\(stack.testDescription)")
      #expect(result.last?.text.contains("\"\(shown)\"") == true, "\(result)")
    }
  }

  @Test func whoHangsUp() throws {
    let stranger = try TestServer { _ in }
    defer { stranger.stop() }
    #expect(try faults(stranger.port) == [.notFrps])
  }

  // MARK: What the two sides disagree about

  @Test(arguments: [true, false])
  func muxOnOneSideOnly(isMux: Bool) throws {
    let server = try LoneServer(Stack(isMux: !isMux))
    for isTLS in [true, false] {
      #expect(try faults(server.port, Stack(isTLS: isTLS, isMux: isMux)) == [.muxMismatch])
    }
    try server.stop()
  }

  @Test(arguments: [true, false])
  func tlsIsRequired(isMux: Bool) throws {
    let server = try LoneServer(Stack(isMux: isMux)) { $0.transport.tls.isRequired = true }
    #expect(try faults(server.port, Stack(isTLS: false, isMux: isMux)) == [.tlsRequired])
    #expect(try faults(server.port, Stack(isTLS: false, isMux: !isMux)) == [.muxAndTLSMismatch])
    try server.stop()
  }

  /// The token is not proved in the clear where the configuration wants TLS.
  @Test func tlsEndsBeforeTheRelay() throws {
    let server = try LoneServer(Stack())
    let port = server.port
    // Takes plain connections only: hangs up on a ClientHello.
    let plain = try TestServer { socket in
      let first = try socket.receiveSome()
      guard first.first != 0x16 else { return }
      let relay = try TestSocket.connect(port)
      try relay.send(first)
      let back = OwnThread {
        while let bytes = try? relay.receiveSome(), !bytes.isEmpty { try? socket.send(bytes) }
      }
      while let bytes = try? socket.receiveSome(), !bytes.isEmpty { try? relay.send(bytes) }
      relay.shutdownBoth()
      back.join()
      relay.close()
    }
    #expect(try faults(plain.port) == [.tlsNotSpoken])
    plain.stop()
    try server.stop()
  }

  @Test func tokensAndOtherRefusals() throws {
    let server = try LoneServer(Stack())
    #expect(
      try faults(server.port) { $0.authentication.token = Secret("another") } == [.wrongToken])
    try server.stop()
    for (text, fault) in [
      ("client version should be newer", DoctorFault.version),
      ("the server has as many clients as it may", .relayFull),
      ("user [a] is not let in any more", .account), ("register control error", .refusedLogin),
    ] {
      let refusing = try TestServer { socket in
        _ = try socket.receiveSome()
        try socket.send(LoginRefusal.bytes(text))
        _ = try? socket.receiveToEnd()
      }
      defer { refusing.stop() }
      #expect(try faults(refusing.port, Stack(isTLS: false, isMux: false)) == [fault])
    }
  }

  // MARK: Certificates and clocks

  @Test func certificates() throws {
    let authority = try SecurityTests.Authority()
    defer { authority.remove() }
    let (path, pair, clientPair) = (
      authority.path("ca.pem"), authority.pair("relay"), authority.pair("client")
    )
    let server = try LoneServer(Stack()) { configuration in
      configuration.transport.tls.certificate = pair
      configuration.transport.tls.trustedAuthoritiesPath = path
    }
    func result(
      _ change: @escaping @Sendable (inout ClientTLSConfiguration) -> Void
    ) throws -> [DoctorFault] {
      try faults(server.port) { change(&$0.transport.tls) }
    }
    #expect(
      try result {
        $0.certificate = clientPair
        $0.trustedAuthoritiesPath = path
        $0.serverName = "relay.test"
      } == [])
    #expect(
      try result {
        $0.certificate = clientPair
        $0.trustedAuthoritiesPath = path
        $0.serverName = "other.test"
      } == [.certificateName])
    #expect(
      try result {
        $0.certificate = clientPair
        $0.trustedAuthoritiesPath = path
      } == [.certificateName], "127.0.0.1 is no name of it")
    #expect(try result { $0.sendsMarkerByte = false } == [.certificateWanted])
    #expect(try result { $0.isEnabled = false } == [.certificateWanted])
    try server.stop()
    let other = try LoneServer(Stack())
    #expect(
      try faults(other.port) { $0.transport.tls.trustedAuthoritiesPath = path }
        == [.certificateUntrusted])
    try other.stop()
  }

  @Test func aClockThatIsBehind() throws {
    let authority = try SecurityTests.Authority()
    defer { authority.remove() }
    try authority.replaceRelayCertificate(from: "20900101000000Z", to: "20990101000000Z")
    let (path, pair) = (authority.path("ca.pem"), authority.pair("relay"))
    let server = try LoneServer(Stack()) { $0.transport.tls.certificate = pair }
    // Seen without verifying, and as the reason for a refusal.
    #expect(try faults(server.port) == [.clock])
    #expect(
      try faults(server.port) {
        $0.transport.tls.trustedAuthoritiesPath = path
        $0.transport.tls.serverName = "relay.test"
      } == [.clock])
    try server.stop()
    let plain = try LoneServer(Stack())
    let now = HostSystem.unixSeconds
    #expect(try findings(plain.port, fileTime: now + 7200).compactMap(\.fault) == [.clock])
    #expect(try findings(plain.port, fileTime: now).compactMap(\.fault) == [])
    try plain.stop()
  }

  @Test func aCertificateThatHasRunOut() throws {
    let authority = try SecurityTests.Authority()
    defer { authority.remove() }
    try authority.replaceRelayCertificate(from: "20200101000000Z", to: "20200102000000Z")
    let (path, pair) = (authority.path("ca.pem"), authority.pair("relay"))
    let server = try LoneServer(Stack()) { $0.transport.tls.certificate = pair }
    #expect(
      try faults(server.port) {
        $0.transport.tls.trustedAuthoritiesPath = path
        $0.transport.tls.serverName = "relay.test"
      } == [.certificateExpired])
    try server.stop()
  }

  // MARK: Proxies

  @Test func localServicesAndPorts() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(Stack())
    let (gone, bind, taken) = (try makeFreePort(), server.port, service.port)
    let full = try FullListener()
    var times = Self.patience
    times.service = .milliseconds(300)
    let result = try findings(server.port, local: service.port, times: times) { configuration in
      func proxy(_ name: String, _ host: String, _ port: UInt16, remote: UInt16 = 0) {
        var proxy = ProxyConfiguration(
          name: name, service: .tcp(TCPProxyConfiguration(remotePort: remote)))
        proxy.localHost = host
        proxy.localPort = port
        configuration.proxies.append(proxy)
      }
      proxy("down", "127.0.0.1", gone, remote: taken)
      proxy("silent", "127.0.0.1", full.port, remote: 5)
      proxy("nameless", "not a name", 80, remote: 5)
      proxy("unset", "127.0.0.1", 0, remote: bind)
      var datagrams = ProxyConfiguration(
        name: "udp", service: .udp(UDPProxyConfiguration(remotePort: 0)))
      datagrams.localPort = 53
      configuration.proxies.append(datagrams)
    }
    func verdicts(_ name: String) -> [DoctorFinding.Verdict] {
      result.filter { $0.subject == name }.map(\.verdict)
    }
    #expect(verdicts("web") == [.good])
    // Somebody answers on the port that this one asks for.
    #expect(verdicts("down") == [.note, .fault(.localServiceRefuses)])
    #expect(verdicts("silent") == [.fault(.localServiceSilent)])
    #expect(verdicts("nameless") == [.fault(.localServiceName), .fault(.portConflict)])
    #expect(verdicts("unset") == [.fault(.localServiceNotSet), .fault(.portConflict)])
    #expect(verdicts("udp") == [.note])
    try server.stop()
  }

  @Test func hundredsOfServicesAreAskedSomeAtATime() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(Stack())
    let port = service.port
    let result = try findings(server.port, local: port) { configuration in
      for number in 0..<300 {
        configuration.proxies.append(configuration.proxies[0])
        configuration.proxies[number + 1].name = "web\(number)"
      }
    }
    #expect(result.count { $0.verdict == .good } == 303)
    try server.stop()
  }

  // MARK: The program

  @Test func theProgramSaysWhatToDo() throws {
    let folder = try TemporaryFolder()
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(Stack())
    let text = ProgramTests.client(
      server.port, local: service.port, remote: 0, token: Rig.token)
    let good = try FinishedProgram(
      "frpc", ["doctor", "-c", try folder.write("frpc.ini", text)])
    #expect(good.code == 0)
    #expect(good.output.contains("  ok     login       the relay lets this client in"))
    #expect(good.output.hasSuffix("\n\nAll is well.\n"))
    let bad = try FinishedProgram(
      "frpc",
      [
        "doctor", "--timeout=5", "-c",
        try folder.write("bad.ini", text.replacingOccurrences(of: Rig.token, with: "wrong")),
      ])
    #expect(bad.code == 1)
    #expect(bad.output.contains("FAULT  login       the relay refuses: token in login"))
    #expect(bad.output.contains("→ Make token (auth.token) the same in both files."))
    #expect(bad.output.hasSuffix("\nOne thing is wrong.\n"))
    #expect(!bad.output.contains("wrong\n") || !bad.output.contains("token = "))
    let zero = try FinishedProgram("frpc", ["doctor", "--timeout", "0"])
    #expect(zero.code == 1)
    try server.stop()
  }

  @Test func everyFaultHasItsOwnAdvice() {
    let advice = DoctorFault.allCases.map(\.advice)
    #expect(Set(advice).count == advice.count)
    #expect(advice.allSatisfy { $0.hasSuffix(".") })
  }
}

/// A listener that accepts nobody and whose queue is full: further packets get no answer.
private final class FullListener: Sendable {
  let port: UInt16
  private let listener: TestSocket
  private let waiting: [TestSocket]

  init() throws {
    let address = SocketAddress.loopback(port: 0)
    listener = TestSocket(try Socket.listen(on: address, backlog: 1))
    let port = listener.localAddress?.port ?? 0
    self.port = port
    var waiting: [TestSocket] = []
    // The kernel takes one more than the backlog, and begins what it does not finish.
    var isFull = false
    while !isFull, waiting.count < 16 {
      if let socket = try? TestSocket.connect(port, within: .milliseconds(200)) {
        waiting.append(socket)
      } else {
        isFull = waiting.count >= 2
      }
    }
    self.waiting = waiting
  }
}
