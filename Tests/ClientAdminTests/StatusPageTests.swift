import Configuration
import Foundation
import HTTPProtocol
import Testing
import TunnelClient

@testable import ClientAdmin

/// The status page as JSON and as `frpc status` prints it.
@Suite struct StatusPageTests {
  private static func proxy(
    _ name: String, _ kind: ProxyKind, _ phase: ProxyPhase, _ local: String, _ remote: String
  ) -> ProxyStatus {
    var error = ""
    if case .startError(let text) = phase { error = text }
    return ProxyStatus(
      name: name, kind: kind, phase: phase, error: error, localAddress: local,
      remoteAddress: remote)
  }

  private static var page: StatusPage {
    StatusPage([
      proxy(
        "web", .tcp, .startError("port already used"), "10.0.0.7:8080", "192.0.2.1:6001"),
      proxy("p2p", .xtcp, .waitStart, "", ""),
      proxy(
        "blog", .http, .running, "127.0.0.1:80", "a.example.com:8080,b.example.com:8080"),
      proxy("ssh", .tcp, .running, "127.0.0.1:22", "192.0.2.1:6000"),
    ])
  }

  @Test func tableIsPrintedByteForByte() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/status.txt")
    let golden = try String(contentsOf: file, encoding: .utf8)
    #expect(Self.page.table + "\n" == golden)
    #expect(StatusPage([]).table + "\n" == "Proxy Status...\n\n")
  }

  @Test func jsonIsThatOfTheReference() {
    var stored = Self.proxy("a<b", .udp, .new, "127.0.0.1:53", "")
    stored.isStored = true
    let text = String(
      decoding: StatusPage([stored, Self.proxy("t", .tcp, .running, "h:1", "r:2")]).json.bytes,
      as: UTF8.self)
    #expect(
      text == """
        {"tcp":[{"name":"t","type":"tcp","status":"running","err":"","local_addr":"h:1",\
        "plugin":"","remote_addr":"r:2"}],"udp":[{"name":"a\\u003cb","type":"udp","status":"new",\
        "err":"","local_addr":"127.0.0.1:53","plugin":"","remote_addr":"","source":"store"}]}
        """)
    #expect(StatusPage([]).json.bytes == Array("{}".utf8))
  }

  @Test func whatIsWrittenCanBeRead() {
    #expect(StatusPage(json: Self.page.json.bytes) == Self.page)
  }

  @Test func anythingElseIsNoStatusPage() {
    for text in ["", "[]", "{", "{\"tcp\":1}", "null", "<html>"] {
      #expect(StatusPage(json: Array(text.utf8)) == nil, "\(text)")
    }
    #expect(StatusPage(json: [0xff, 0xfe]) == nil)
    let odd = StatusPage(json: Array(#"{"new kind":[],"tcp":[1,{"name":"x","more":2}]}"#.utf8))
    #expect(odd?.entries[.tcp]?.map(\.name) == ["", "x"])
  }

  @Test func terminalsAreNotToldAnything() {
    let page = StatusPage([Self.proxy("a\u{1b}[2J\u{9b}", .tcp, .new, "\n", "")])
    #expect(!page.table.contains("\u{1b}") && !page.table.contains("\u{9b}"))
    #expect(page.table.split(separator: "\n").count == 4)
  }
}
