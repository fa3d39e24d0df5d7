import Configuration
import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping
import Transports

@testable import RelayServer

/// Hosts whose TLS ends at the relay: certificates by name, and what is inside for the HTTP driver.
@Suite struct HostCertificateTests {
  /// A folder with certificates that sign themselves.
  private struct Folder {
    let url: URL

    init() throws {
      url = FileManager.default.temporaryDirectory
        .appendingPathComponent("frp-hosts-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    var path: String { url.path }

    func file(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// The pair that `make` makes.
    func pair(_ name: String) -> CertificateFiles {
      CertificateFiles(certificatePath: file("\(name).crt"), keyPath: file("\(name).key"))
    }

    /// Makes `name.crt` and `name.key`, for a host of another name if need be.
    func make(_ name: String, for host: String? = nil) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", "/CN=\(name)", "-addext",
        "subjectAltName=DNS:\((host ?? name).replacingOccurrences(of: "_", with: "*"))",
        "-keyout", file("\(name).key"), "-out", file("\(name).crt"),
      ]
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }

    /// Puts a file in the place of another one, at once.
    func move(_ name: String, to other: String) throws {
      guard rename(file(name), file(other)) == 0 else { throw Errno.current }
    }

    func remove() { try? FileManager.default.removeItem(at: url) }
  }

  /// A TLS client on a loop.
  private final class Visitor: ByteStreamReceiver {
    var bytes: [UInt8] = []
    var isOver = false
    var failure = ""
    private let stream: SocketStream

    /// - Parameter authority: what has to have signed the certificate, for that name.
    init(
      _ context: TransportContext, _ port: UInt16, _ name: String, authority: String,
      _ request: String
    ) throws {
      let descriptor = try Socket.makeTCP(.ipv4)
      try Socket.connect(descriptor.rawValue, to: .loopback(port: port))
      stream = try SocketStream(context, owning: descriptor)
      let tls = try TLSContext(.client, TLSSettings(trustedAuthoritiesPath: authority))
      stream.receiver = self
      stream.startTLS(
        try tls.makeSession(serverName: name),
        received: UnsafeRawBufferPointer(start: nil, count: 0))
      stream.write(Array(request.utf8))
    }

    func close() { stream.abort() }

    func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
      self.bytes += bytes
    }
    func streamDidEnd(_ stream: any ByteStream) { isOver = true }
    func streamDidProgress(_ stream: any ByteStream) {}
    func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
      isOver = true
      failure = "\(reason)"
    }
  }

  private static let request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"

  /// What a visitor gets, or why nothing.
  private func ask(
    _ thread: LoopThread, _ port: UInt16, _ name: String, authority: String
  ) throws -> (text: String, failure: String) {
    let visitor = try thread.make { loop in
      try Visitor(
        TransportContext(loop), port, name, authority: authority, Self.request)
    }
    #expect(try waitUntil { try thread.run { visitor.on($0).isOver } })
    return try thread.run { loop in
      let visitor = visitor.on(loop)
      visitor.close()
      return (String(decoding: visitor.bytes, as: UTF8.self), visitor.failure)
    }
  }

  private func rig(
    _ folder: Folder, isShared: Bool, certificates: [HostCertificateConfiguration] = []
  ) throws -> Rig {
    let path = folder.path
    let port = try makeFreePort()
    let rig = try Rig(
      Stack(isTLS: false), localPort: 9,
      server: {
        $0.hostCertificateFolder = path
        $0.hostCertificates = certificates
        $0.httpsPort = isShared ? port : 0
        if isShared { $0.bindPort = port }
      },
      client: { $0.proxies = [Rig.https("through", ["through.test"], localPort: 9)] })
    let server = rig.server
    try rig.serverThread.run { server.on($0).httpFront = EchoFront() }
    try rig.expectRunning(1)
    return rig
  }

  @Test(arguments: [false, true])
  func requestsInsideGoToTheDriver(_ isShared: Bool) throws {
    let folder = try Folder()
    defer { folder.remove() }
    for name in ["a.test", "_.wild.test", "through.test"] { try folder.make(name) }
    let rig = try rig(folder, isShared: isShared)
    let port = try rig.hostPort(.https)
    let thread = try LoopThread()
    defer { thread.stop() }
    for (name, file) in [("a.test", "a.test"), ("x.wild.test", "_.wild.test")] {
      let answer = try ask(thread, port, name, authority: folder.file("\(file).crt"))
      #expect(answer.text.hasPrefix("secure front 127.0.0.1:"), "\(answer)")
      #expect(answer.text.hasSuffix(" " + Self.request))
    }
    // A wildcard stands for one label; an https proxy comes first; others are unknown.
    for name in ["x.y.wild.test", "wild.test", "b.test"] {
      let answer = try ask(thread, port, name, authority: folder.file("a.test.crt"))
      #expect(answer.text.isEmpty && answer.failure.contains("unrecognized name"), "\(answer)")
    }
    let through = try ask(thread, port, "through.test", authority: folder.file("through.test.crt"))
    #expect(through.text.isEmpty, "the local service is not there")
    #expect(try waitUntil { try rig.arrivalCount() == 0 && rig.userCount() == 0 })
    try rig.stop()
  }

  // Through the driver, to a service that shows the head of the request.
  @Test func servicesAreToldThatTheRequestWasSecure() throws {
    let folder = try Folder()
    defer { folder.remove() }
    try folder.make("a.test")
    let service = try TestServer { socket in
      var head = ""
      while !head.hasSuffix("\r\n\r\n") {
        head += String(decoding: try socket.receiveSome(), as: UTF8.self)
      }
      let length = "Content-Length: \(head.utf8.count)\r\nConnection: close\r\n"
      try socket.send("HTTP/1.1 200 OK\r\n\(length)\r\n\(head)")
    }
    defer { service.stop() }
    let path = folder.path
    var proxy = ProxyConfiguration(
      name: "web",
      service: .http(HTTPProxyConfiguration(domains: ProxyDomains(custom: ["a.test"]))))
    proxy.localPort = service.port
    let rig = try Rig.hosts(
      [proxy],
      server: {
        $0.httpPort = 0
        $0.hostCertificateFolder = path
      })
    let thread = try LoopThread()
    defer { thread.stop() }
    let answer = try ask(
      thread, try rig.hostPort(.https), "a.test", authority: folder.file("a.test.crt"))
    #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
    #expect(answer.text.contains("X-Forwarded-Proto: https\r\n"), "\(answer)")
    #expect(answer.text.contains("X-Forwarded-For: 127.0.0.1\r\n"))
    try rig.stop()
  }

  @Test func certificatesAreExchangedByAReload() throws {
    let folder = try Folder()
    defer { folder.remove() }
    try folder.make("a.test")
    let rig = try rig(folder, isShared: false)
    let port = try rig.hostPort(.https)
    let thread = try LoopThread()
    defer { thread.stop() }
    let old = folder.file("old.pem")
    try FileManager.default.copyItem(atPath: folder.file("a.test.crt"), toPath: old)
    func reload() throws -> [String] {
      let server = rig.server
      let path = folder.path
      return try rig.serverThread.run { loop in
        var configuration = Rig.serverConfiguration(Stack())
        configuration.httpsPort = 0
        configuration.hostCertificateFolder = path
        return server.on(loop).reload(configuration).problems
      }
    }
    // Half a pair changes nothing.
    try folder.make("b.test")
    try FileManager.default.removeItem(atPath: folder.file("b.test.key"))
    try "nonsense".write(toFile: folder.file("a.test.crt"), atomically: true, encoding: .utf8)
    let problems = try reload()
    #expect(problems.count == 2 && problems.allSatisfy { $0.contains(".test.") }, "\(problems)")
    #expect(try ask(thread, port, "a.test", authority: old).text.hasPrefix("secure front"))
    try folder.make("a.test")
    try folder.make("b.test")
    #expect(try reload().isEmpty)
    for name in ["a.test", "b.test"] {
      let answer = try ask(thread, port, name, authority: folder.file("\(name).crt"))
      #expect(answer.text.hasPrefix("secure front"), "\(answer)")
    }
    #expect(try ask(thread, port, "a.test", authority: old).text.isEmpty)
    try rig.stop()
  }

  // MARK: Certificates that are named

  @Test func namedCertificatesStandBeforeThoseOfTheFolder() throws {
    let (folder, others) = (try Folder(), try Folder())
    defer { for folder in [folder, others] { folder.remove() } }
    for name in ["a.test", "b.test", "_.c.test", "x.c.test"] { try folder.make(name) }
    try others.make("one", for: "a.test")
    try others.make("two", for: "*.c.test")
    // Not the folder's business: it is not even read.
    try "nonsense".write(toFile: folder.file("a.test.key"), atomically: true, encoding: .utf8)
    let rig = try rig(
      folder, isShared: false,
      certificates: [
        HostCertificateConfiguration(hosts: ["a.test"], files: others.pair("one")),
        HostCertificateConfiguration(hosts: ["*.c.test", "c.test"], files: others.pair("two")),
      ])
    let port = try rig.hostPort(.https)
    let thread = try LoopThread()
    defer { thread.stop() }
    for (name, authority) in [
      ("a.test", others.file("one.crt")), ("b.test", folder.file("b.test.crt")),
      ("y.c.test", others.file("two.crt")), ("x.c.test", folder.file("x.c.test.crt")),
    ] {
      let answer = try ask(thread, port, name, authority: authority)
      #expect(answer.text.hasPrefix("secure front"), "\(name) \(answer)")
    }
    // It is shown, although it is none for that name.
    let odd = try ask(thread, port, "c.test", authority: others.file("two.crt"))
    #expect(odd.failure.contains("certificate"), "\(odd)")
    try rig.stop()
  }

  @Test func namedCertificatesAreExchangedByAReload() throws {
    let (folder, others) = (try Folder(), try Folder())
    defer { for folder in [folder, others] { folder.remove() } }
    for name in ["a.test", "b.test"] { try others.make(name) }
    let rig = try rig(folder, isShared: false)
    let port = try rig.hostPort(.https)
    let thread = try LoopThread()
    defer { thread.stop() }
    func reload(_ hosts: [String]) throws -> [String] {
      let server = rig.server
      let path = folder.path
      let certificates = hosts.map {
        HostCertificateConfiguration(hosts: [$0], files: others.pair($0))
      }
      return try rig.serverThread.run { loop in
        var configuration = Rig.serverConfiguration(Stack())
        configuration.httpsPort = 0
        configuration.hostCertificateFolder = path
        configuration.hostCertificates = certificates
        return server.on(loop).reload(configuration).problems
      }
    }
    func isServed(_ name: String, by authority: String) throws -> Bool {
      try ask(thread, port, name, authority: authority).text.hasPrefix("secure front")
    }
    let authority = others.file("a.test.crt")
    #expect(try !isServed("a.test", by: authority))
    #expect(try reload(["a.test", "b.test"]).isEmpty)
    #expect(try isServed("a.test", by: authority))
    #expect(try isServed("b.test", by: others.file("b.test.crt")))
    // Half of a new pair: the former one stays, and the other host is not concerned.
    let old = others.file("old.pem")
    try FileManager.default.copyItem(atPath: authority, toPath: old)
    try others.make("next", for: "a.test")
    try others.move("next.crt", to: "a.test.crt")
    let problems = try reload(["a.test", "b.test"])
    #expect(
      problems == [
        "certificate of a.test: key \(others.file("a.test.key")) does not belong to certificate "
          + "\(authority): key values mismatch; the former one stays in force"
      ])
    #expect(try isServed("a.test", by: old))
    #expect(try isServed("b.test", by: others.file("b.test.crt")))
    try FileManager.default.removeItem(atPath: others.file("a.test.key"))
    #expect(
      try reload(["a.test"]) == [
        "certificate of a.test: cannot use key file \(others.file("a.test.key")): no such file or "
          + "directory; the former one stays in force"
      ])
    #expect(try isServed("a.test", by: old))
    #expect(try !isServed("b.test", by: others.file("b.test.crt")), "it is not named any more")
    try others.move("next.key", to: "a.test.key")
    #expect(try reload(["a.test"]).isEmpty)
    #expect(try isServed("a.test", by: authority))
    #expect(try !isServed("a.test", by: old))
    #expect(try reload([]).isEmpty)
    #expect(try !isServed("a.test", by: authority))
    try rig.stop()
  }

  /// As operators have it: a file, files that change while the program is confined, `verify`.
  @Test func filesThatChangeAreSeen() throws {
    let folder = try Folder()
    defer { folder.remove() }
    try folder.make("a.test")
    let (bind, https) = (try makeFreePort(), try makeFreePort())
    let text = """
      [common]
      bind_addr = 127.0.0.1
      bind_port = \(bind)
      token = secret
      reload_on_change = true
      vhost_http_port = \(https)
      vhost_https_port = \(https)

      [host.a.test]
      tls_cert_file = \(folder.file("a.test.crt"))
      tls_key_file = \(folder.file("a.test.key"))

      """
    let frps = try Program("frps", text)
    #expect(frps.waitForLog("frps started successfully"))
    if !ProcessPrivileges.isSanitized {
      #expect(waitUntil { frps.log.contains("confined: ") || frps.log.contains("not confined") })
    }
    let thread = try LoopThread()
    defer { thread.stop() }
    let old = folder.file("old.pem")
    try FileManager.default.copyItem(atPath: folder.file("a.test.crt"), toPath: old)
    func isServed(by authority: String) throws -> Bool {
      try ask(thread, https, "a.test", authority: authority).text.hasPrefix("HTTP/1.1 404")
    }
    #expect(try isServed(by: old))
    // The key comes long after the certificate.
    try folder.make("next", for: "a.test")
    try folder.move("next.crt", to: "a.test.crt")
    #expect(frps.waitForLog("key values mismatch; the former one stays in force"))
    #expect(try isServed(by: old))
    let verified = try FinishedProgram("frps", ["verify", "-c", frps.configurationFile.path])
    #expect(verified.code == 1)
    #expect(
      verified.output.contains(
        "frps.ini: certificate of a.test: key \(folder.file("a.test.key")) does not belong to "
          + "certificate \(folder.file("a.test.crt")): key values mismatch\n"))
    try folder.move("next.key", to: "a.test.key")
    #expect(try waitUntil { try isServed(by: folder.file("a.test.crt")) })
    let good = try FinishedProgram("frps", ["verify", "-c", frps.configurationFile.path])
    #expect(good.code == 0 && good.output.hasSuffix("syntax is ok\n"), "\(good)")
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
  }

  // One that cannot be spoken with ends at once, one that asks for nothing in time.
  @Test func handshakesThatLeadNowhereEnd() throws {
    let folder = try Folder()
    defer { folder.remove() }
    try folder.make("a.test")
    let rig = try rig(folder, isShared: false)
    let port = try rig.hostPort(.https)
    let poor = try TestSocket.connect(port)
    try poor.send(HandMadeHello.make("a.test"))
    #expect(try poor.receive(exactly: 2) == [21, 3], "an alert")
    #expect(try waitUntil { try rig.arrivalCount() == 0 })
    let thread = try LoopThread()
    defer { thread.stop() }
    let authority = folder.file("a.test.crt")
    let idle = try thread.make { loop in
      try Visitor(TransportContext(loop), port, "a.test", authority: authority, "")
    }
    #expect(
      try waitUntil(within: .seconds(20)) { try thread.run { idle.on($0).isOver } })
    #expect(try rig.counters().latePeers == 1)
    #expect(try rig.arrivalCount() == 0)
    try rig.stop()
  }
}
