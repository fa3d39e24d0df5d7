import Foundation
import LinuxSystem
import TestKit
import Testing

/// What we ship for systemd and fail2ban, as these programs read it.
@Suite struct ServiceFileTests {
  private static let config = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("config")
  private static let units = ["frps.service", "frpc.service", "frpc@.service", "frps.socket"]

  private static func isInstalled(_ program: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)")
  }

  /// Runs a program to its end; what it wrote, and its exit code.
  private static func run(_ words: [String]) throws -> (output: String, code: Int32) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (String(decoding: bytes, as: UTF8.self), process.terminationStatus)
  }

  // MARK: systemd

  private static let withoutSystemd: Comment = "systemd-analyze is not installed"

  @Test(.enabled(if: isInstalled("systemd-analyze"), withoutSystemd))
  func unitsAreWithoutMistakes() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for unit in Self.units {
      let text = try String(
        contentsOf: Self.config.appendingPathComponent("systemd/\(unit)"), encoding: .utf8)
      #expect(unit.hasSuffix(".socket") || text.contains("ExecStart=/usr/bin/frp"))
      try text.replacing("/usr/bin/", with: "\(Program.folder.path)/")
        .write(to: folder.appendingPathComponent(unit), atomically: true, encoding: .utf8)
    }
    for unit in Self.units {
      let path = folder.appendingPathComponent(unit).path
      let result = try Self.run(["systemd-analyze", "verify", "--man=no", path])
      let ours = result.output.split(separator: "\n").filter { $0.contains("frp") }
      #expect(result.code == 0 && ours.isEmpty, "\(unit): \(result.output)")
    }
  }

  @Test(.enabled(if: isInstalled("systemd-analyze"), withoutSystemd), arguments: units)
  func unitsAreHardened(unit: String) throws {
    guard unit.hasSuffix(".service") else { return }
    let path = Self.config.appendingPathComponent("systemd/\(unit)").path
    let result = try Self.run([
      "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", path,
    ])
    #expect(result.code == 0, "\(unit): \(result.output.suffix(200))")
  }

  // MARK: fail2ban

  /// The lines that the filter takes, of a file or of a single line.
  private static func matches(_ log: String) throws -> [String] {
    let filter = config.appendingPathComponent("fail2ban/filter.d/frps.conf").path
    let result = try run(["fail2ban-regex", "--print-all-matched", log, filter])
    guard let start = result.output.range(of: "|- Matched line(s):\n") else { return [] }
    return result.output[start.upperBound...].split(separator: "\n")
      .prefix { $0.hasPrefix("|  ") }.map { String($0.dropFirst(3)) }
  }

  private static func addresses(_ log: String) throws -> [String] {
    let filter = config.appendingPathComponent("fail2ban/filter.d/frps.conf").path
    return try run(["fail2ban-regex", "--out", "ip", log, filter]).output
      .split(separator: "\n").map(String.init)
  }

  private static let withoutFail2ban: Comment = "fail2ban-regex is not installed"

  @Test(.enabled(if: isInstalled("fail2ban-regex"), withoutFail2ban))
  func filterTakesFailedLoginsOfARunningRelay() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("frps.log")
    let bind = try makeFreePort()
    let common = "[common]\nbind_addr = ::\nbind_port = \(bind)\ntoken = secret\n"
    let frps = try Program("frps", common + "log_file = \(file.path)\nlog_level = trace\n")
    let log = { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
    #expect(waitUntil { log().contains("frps started successfully") })
    // Two failures, by IPv4 and IPv6, among a good client and a stranger that says nothing useful.
    for host in ["127.0.0.1", "::1"] {
      let text = ProgramTests.client(bind, local: 1, remote: 2, token: "wrong")
        .replacing("server_addr = 127.0.0.1", with: "server_addr = \(host)")
      let thief = try Program("frpc", text)
      #expect(thief.waitForExit() == 1)
    }
    let good = try Program(
      "frpc", ProgramTests.client(bind, local: 1, remote: try makeFreePort()))
    #expect(good.waitForLog("[web] start proxy success"))
    let stranger = try TestSocket.connect(bind)
    try stranger.send("GET / HTTP/1.1\r\n\r\n")
    stranger.close()
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
    let failures = log().split(separator: "\n").filter { $0.contains("register control error") }
    #expect(failures.count == 2)
    #expect(try Self.matches(file.path) == failures.map(String.init))
    #expect(try Self.addresses(file.path).sorted() == ["127.0.0.1", "::1"])
    // The same lines as the journal and syslog show them.
    for prefix in ["relay frps[4711]: ", "Nov 26 13:36:46 relay frps[4711]: ", "frps: "] {
      #expect(try Self.matches(prefix + failures[0]).count == 1, "\(prefix)")
    }
  }

  @Test(
    .enabled(if: isInstalled("fail2ban-regex"), withoutFail2ban),
    arguments: [
      ("[W] [a/B.swift:1] anything rude, client [192.0.2.1:5]", true),
      ("[W] [a/B.swift:1] [run] [web] anything rude, client [[2001:db8::1]:5]", true),
      ("[E] [a/B.swift:1] anything broken, client [192.0.2.1:5]", true),
      ("[I] [a/B.swift:1] client login info: ip [192.0.2.1:5], client [192.0.2.1:5]", false),
      ("[W] [a/B.swift:1] client [192.0.2.1:5] sent a name", false),
      ("[W] [a/B.swift:1] proxy [client [192.0.2.1:5]] already exists", false),
      ("[W] [a/B.swift:1] somebody, client [192.0.2.1]", false),
    ])
  func filterTakesWarningsThatEndInAPeer(line: String, isTaken: Bool) throws {
    #expect(try Self.matches("2026-01-02 03:04:05.678 \(line)").count == (isTaken ? 1 : 0))
  }
}
