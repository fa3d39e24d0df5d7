import Configuration
import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// Certificates, authorities, names; proxies on the way; what the local service is told.
@Suite(.serialized) struct SecurityTests {
  /// A throw-away authority with one certificate for the relay and one for a client.
  struct Authority {
    let folder: URL

    init() throws {
      folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("frp-ca-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
      try run("\(make) -subj /CN=ca -keyout ca.key -out ca.pem")
      for name in ["relay", "client"] {
        try run(
          "\(make) -subj /CN=\(name) -addext subjectAltName=DNS:\(name).test "
            + "-addext basicConstraints=critical,CA:FALSE "
            + "-CA ca.pem -CAkey ca.key -keyout \(name).key -out \(name).pem")
      }
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func pair(_ name: String) -> CertificateFiles {
      CertificateFiles(certificatePath: path("\(name).pem"), keyPath: path("\(name).key"))
    }

    /// Gives the relay a certificate that holds at another time, `YYYYMMDDhhmmssZ`.
    func replaceRelayCertificate(from beginning: String, to end: String) throws {
      let settings = """
        [ca]
        default_ca = own
        [own]
        database = index.txt
        new_certs_dir = .
        certificate = ca.pem
        private_key = ca.key
        default_md = sha256
        rand_serial = yes
        policy = any
        [any]
        commonName = supplied
        """
      for (name, text) in [
        ("ca.cnf", settings), ("index.txt", ""), ("names", "subjectAltName=DNS:relay.test"),
      ] {
        try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
      }
      try run("req -new -key relay.key -subj /CN=relay -out relay.csr")
      try run(
        "ca -batch -config ca.cnf -in relay.csr -out relay.pem -notext -extfile names "
          + "-startdate \(beginning) -enddate \(end)")
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    // OpenSSL 3.0 (Debian 12) has `req -CA`; the arguments hold no spaces of their own.
    private func run(_ arguments: String) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
      process.currentDirectoryURL = folder
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }
  }

  private func logsIn(
    _ server: LoneServer, _ change: @escaping @Sendable (inout ClientTLSConfiguration) -> Void
  ) throws -> Bool {
    let client = try Rig.Client(Stack(), bindPort: server.port) { change(&$0.transport.tls) }
    defer { try? client.stop() }
    return try waitUntil(within: .seconds(1)) { try client.isLoggedIn() }
  }

  @Test func certificatesAreVerifiedOnBothSides() throws {
    let authority = try Authority()
    defer { authority.remove() }
    let (authorityPath, relayPair) = (authority.path("ca.pem"), authority.pair("relay"))
    let clientPair = authority.pair("client")
    let server = try LoneServer(Stack()) { configuration in
      configuration.transport.tls.certificate = relayPair
      configuration.transport.tls.trustedAuthoritiesPath = authorityPath
    }
    // Everything right.
    #expect(
      try logsIn(server) { tls in
        tls.certificate = clientPair
        tls.trustedAuthoritiesPath = authorityPath
        tls.serverName = "relay.test"
      })
    // No certificate of the client's.
    #expect(try !logsIn(server) { $0.trustedAuthoritiesPath = authorityPath })
    // The name is another one.
    #expect(
      try !logsIn(server) { tls in
        tls.certificate = clientPair
        tls.trustedAuthoritiesPath = authorityPath
        tls.serverName = "other.test"
      })
    // No TLS at all.
    #expect(try !logsIn(server) { $0.isEnabled = false })
    try server.stop()
  }

  @Test func generatedCertificateIsNotTrustedByAnAuthority() throws {
    let authority = try Authority()
    defer { authority.remove() }
    let path = authority.path("ca.pem")
    let server = try LoneServer(Stack())
    #expect(try logsIn(server) { $0.sendsMarkerByte = true })
    #expect(try !logsIn(server) { $0.trustedAuthoritiesPath = path })
    try server.stop()
  }

  @Test func unusableCertificateFilesAreNamed() throws {
    let files = CertificateFiles(certificatePath: "/nonexistent/a.pem", keyPath: "/nonexistent/b")
    do {
      _ = try LoneServer(Stack()) { $0.transport.tls.certificate = files }
      Issue.record("started with files that do not exist")
    } catch {
      #expect("\(error)".contains("/nonexistent/a.pem"))
    }
  }

  // Through a proxy that speaks HTTP CONNECT, or SOCKS 5, made of the test's own threads.
  @Test(arguments: ["http", "socks5"], Stack.transports)
  func serverIsReachedThroughAProxy(_ kind: String, _ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let gate = try TestServer { socket in
      let target: UInt16
      if kind == "http" {
        var head = ""
        while !head.hasSuffix("\r\n\r\n") {
          head += String(decoding: try socket.receive(exactly: 1), as: UTF8.self)
        }
        target = UInt16(head.split(separator: " ")[1].split(separator: ":")[1]) ?? 0
        try socket.send("HTTP/1.1 200 OK\r\n\r\n")
      } else {
        _ = try socket.receive(exactly: 3)
        try socket.send([5, 0])
        let request = try socket.receive(exactly: 10)
        target = UInt16(request[8]) << 8 | UInt16(request[9])
        try socket.send([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
      }
      let onward = try TestSocket.connect(target)
      let back = OwnThread {
        while let bytes = try? onward.receiveSome(within: .seconds(60)), !bytes.isEmpty {
          try? socket.send(bytes)
        }
        socket.shutdownBoth()
      }
      while let bytes = try? socket.receiveSome(within: .seconds(60)), !bytes.isEmpty {
        try? onward.send(bytes)
      }
      onward.shutdownBoth()
      back.join()
      onward.close()
    }
    defer { gate.stop() }
    let proxy = try UpstreamProxy(parsing: "\(kind)://127.0.0.1:\(gate.port)")
    let rig = try Rig(
      stack, localPort: service.port, client: { $0.transport.upstreamProxy = proxy })
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send("through the gate")
    #expect(try user.receive(exactly: 16) == Array("through the gate".utf8))
    user.close()
    try rig.stop()
  }

  @Test(arguments: [ProxyProtocolVersion.v1, .v2])
  func localServiceLearnsTheUsersAddress(_ version: ProxyProtocolVersion) throws {
    let seen = Promised<[UInt8]>()
    let service = try TestServer { socket in seen.fulfill(try socket.receiveToEnd()) }
    defer { service.stop() }
    let rig = try Rig(
      Stack(), localPort: service.port, client: { $0.proxies[0].proxyProtocolVersion = version })
    let port = try rig.publicPort()
    let user = try TestSocket.connect(port)
    let own = user.localAddress?.port ?? 0
    try user.send("hello")
    user.shutdownWriting()
    let bytes = try seen.wait()
    switch version {
    case .v1:
      let line = "PROXY TCP4 127.0.0.1 127.0.0.1 \(own) \(port)\r\nhello"
      #expect(String(decoding: bytes, as: UTF8.self) == line)
    case .v2:
      #expect(bytes.count == 28 + 5)
      #expect(bytes[12...15].elementsEqual([0x21, 0x11, 0, 12]))
      #expect(bytes[24] == UInt8(own >> 8) && bytes[25] == UInt8(truncatingIfNeeded: own))
    }
    user.close()
    try rig.stop()
  }
}
