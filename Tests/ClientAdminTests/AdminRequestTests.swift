import Configuration
import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import ClientAdmin

/// `frpc reload`, `status` and `stop` against a server of ours, and against what is none.
@Suite(.serialized) struct AdminRequestTests {
  private func configuration(_ settings: WebServerConfiguration?) -> ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.webServer = settings
    return configuration
  }

  private func run(
    _ request: AdminRequest, _ settings: WebServerConfiguration?,
    within limit: Interval = .seconds(10)
  ) -> AdminRequest.Outcome {
    request.run(configuration(settings), timeout: limit)
  }

  @Test func commandsWork() throws {
    let rig = try AdminRig()
    #expect(
      run(.reload(isStrict: true), rig.settings) == .init(text: "reload success", isSuccess: true))
    #expect(rig.notes.withLock(\.reloads) == [true])
    let status = run(.status, rig.settings)
    #expect(status.isSuccess && status.text.hasPrefix("Proxy Status...\n\nTCP\nName  Status"))
    #expect(run(.stop, rig.settings) == .init(text: "stop success", isSuccess: true))
    #expect(waitUntil { rig.notes.withLock(\.stopCount) == 1 })
    try rig.stop()
  }

  @Test func failuresAreClear() throws {
    #expect(
      run(.status, nil)
        == .init(
          text: "web server port should be set if you want to use this feature", isSuccess: false))
    let rig = try AdminRig()
    var wrong = rig.settings
    wrong.password = Secret("wrong")
    let refused = run(.status, wrong)
    #expect(refused.text.hasPrefix("api status code [401]\n") && !refused.isSuccess)
    #expect(refused.text.contains("user or password"))
    rig.notes.withLock { $0.refusal = "expected a port" }
    #expect(
      run(.reload(isStrict: false), rig.settings)
        == .init(
          text: "api status code [400]\ninvalid argument: f:3: expected a port", isSuccess: false))
    try rig.stop()
    let closed = run(.stop, rig.settings)
    #expect(!closed.isSuccess && closed.text.contains("connection refused"))
    #expect(closed.text.contains("is frpc running"))
  }

  @Test func whatIsNoAdminServerIsTold() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let echo = run(.status, WebServerConfiguration(port: service.port))
    #expect(!echo.isSuccess && echo.text.contains("is no HTTP"), "\(echo.text)")
    let deaf = try TestServer { socket in _ = try socket.receiveToEnd() }
    let silent = run(.status, WebServerConfiguration(port: deaf.port), within: .milliseconds(200))
    #expect(!silent.isSuccess && silent.text.contains("no answer within 0.2 s"), "\(silent.text)")
    deaf.stop()
  }

  @Test func tlsIsSpokenWhereTheServerDoes() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-admin-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = CertificateFiles(
      certificatePath: folder.appendingPathComponent("c.pem").path,
      keyPath: folder.appendingPathComponent("k.pem").path)
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    openssl.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
      "/CN=admin", "-days", "2", "-keyout", files.keyPath, "-out", files.certificatePath,
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    let rig = try AdminRig(certificate: files)
    let good = run(.status, rig.settings)
    #expect(good.isSuccess, "\(good.text)")
    var plain = rig.settings
    plain.certificate = nil
    #expect(!run(.status, plain).isSuccess)
    try rig.stop()
  }
}
