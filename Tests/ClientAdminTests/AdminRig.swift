import ClientAdmin
import Configuration
import Foundation
import LinuxSystem
import Logging
import Reactor
import TestKit
import TunnelClient

/// An admin server on a loop of its own, over files in a folder of its own, for a client that only
/// takes notes.
final class AdminRig: Sendable {
  /// What the client was asked to do.
  struct Notes: Sendable {
    var reloads: [Bool] = []
    var stopCount = 0
    var applied: [String] = []
    var refusal: String?
  }

  let folder: URL
  let notes = Locked(Notes())
  let port: UInt16
  let settings: WebServerConfiguration
  private let thread: LoopThread
  private let server: LoopConfined<AdminServer>

  var file: String { folder.appendingPathComponent("frpc.toml").path }
  var storeFile: String { folder.appendingPathComponent("store.json").path }

  init(
    user: String = "admin", password: String = "secret", certificate: CertificateFiles? = nil,
    hasFile: Bool = true, hasStore: Bool = false,
    change: (inout WebServerConfiguration) -> Void = { _ in }
  ) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-admin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var settings = WebServerConfiguration(port: 0)
    settings.user = user
    settings.password = Secret(password)
    settings.certificate = certificate
    change(&settings)
    thread = try LoopThread()
    let (folder, notes, configuration) = (folder, notes, settings)
    server = try thread.make { loop in
      let client = AdminRig.makeClient(folder, notes, hasFile: hasFile, hasStore: hasStore)
      let logger = Logger(label: "rig") { _ in SwiftLogNoOpLogHandler() }
      guard let server = try AdminServer.open(loop, configuration, client, logger: logger) else {
        throw CancellationError()
      }
      return server
    }
    let confined = server
    port = try thread.run { confined.on($0).boundAddress?.port ?? 0 }
    settings.port = port
    self.settings = settings
  }

  private static func makeClient(
    _ folder: URL, _ notes: Locked<Notes>, hasFile: Bool, hasStore: Bool
  ) -> AdministeredClient {
    let file = folder.appendingPathComponent("frpc.toml").path
    let store = folder.appendingPathComponent("store.json").path
    @Sendable func load(_ content: [UInt8]? = nil) -> LoadedConfiguration<ClientConfiguration> {
      let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
      return ConfigurationLoader.loadClient(
        text: text, file: file,
        includes: IncludeReader(fileNames: { _ in nil }) { path in
          content ?? (try? HostSystem.readFile(path, byteCountMax: 1 << 20))
        })
    }
    func issues(_ text: String?) -> [ConfigurationIssue] {
      text.map { [ConfigurationIssue(severity: .error, file: "f", line: 3, message: $0)] } ?? []
    }
    var client = AdministeredClient(file: hasFile ? file : nil) {
      [
        ProxyStatus(
          name: "ssh", kind: .tcp, phase: .running, error: "", localAddress: "127.0.0.1:22",
          remoteAddress: "192.0.2.1:6000")
      ]
    } reload: { isStrict in
      notes.withLock {
        $0.reloads.append(isStrict)
        return issues($0.refusal)
      }
    } loaded: {
      load()
    } stop: {
      notes.withLock { $0.stopCount += 1 }
    }
    if hasStore {
      client.store = ClientStore(path: store) { content in
        load(content).issues
      } apply: {
        let names = load().value?.proxies.map(\.name) ?? ["broken"]
        return notes.withLock {
          $0.applied.append(names.joined(separator: " "))
          return issues($0.refusal)
        }
      }
    }
    return client
  }

  /// `admin:secret` in base64.
  static let credentials = "Authorization: Basic YWRtaW46c2VjcmV0\r\n"

  /// What the server answers: status line and body.
  func ask(
    _ line: String, _ fields: String = credentials, body: String = ""
  ) throws -> (status: String, body: String) {
    let socket = try TestSocket.connect(port)
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    let head = "\(line) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(fields)\(length)"
    try socket.send("\(head)Connection: close\r\n\r\n\(body)")
    let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
    let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    let status = answer.split(separator: " ").dropFirst().first ?? ""
    return (String(status), parts.count > 1 ? String(parts[1]) : "")
  }

  func write(_ text: String) throws {
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  func stop() throws {
    let server = server
    try thread.run { server.on($0).close() }
    thread.stop()
    try FileManager.default.removeItem(at: folder)
  }
}
