import Configuration
import Foundation
import LinuxSystem
import TestKit
import Testing

@testable import ClientAdmin

/// Proxies and visitors that are made at run time (http-api.md 4).
@Suite(.serialized) struct StoreRoutesTests {
  private static let proxies = "/api/store/proxies"

  private func rig(_ more: String = "") throws -> AdminRig {
    let rig = try AdminRig(hasStore: true)
    try rig.write("store.path = \"store.json\"\n\(more)")
    return rig
  }

  private func message(_ text: String, _ code: Int) -> String {
    let text = text.replacing("\"", with: "\\\"")
    return "{\"Code\":\(code),\"Msg\":\"\(text)\"}\n"
  }

  private let ssh = #"{"name":"ssh","type":"tcp","tcp":{"localPort":22,"remotePort":6000}}"#

  @Test func proxiesAreMadeChangedAndRemoved() throws {
    let rig = try rig("[[proxies]]\nname = \"file\"\ntype = \"tcp\"\nlocalPort = 1\n")
    #expect(try rig.ask("GET \(Self.proxies)") == ("200", "{\"proxies\":[]}\n"))
    #expect(try rig.ask("GET /api/store/visitors") == ("200", "{\"visitors\":[]}\n"))

    let made = try rig.ask("POST \(Self.proxies)", body: ssh)
    let definition = #"""
      {"name":"ssh","type":"tcp","tcp":\#
      {"name":"ssh","type":"tcp","localPort":22,"remotePort":6000,\#
      "transport":{"bandwidthLimit":"","bandwidthLimitMode":""},"loadBalancer":{"group":""},\#
      "healthCheck":{"type":"","intervalSeconds":0},"plugin":null}}
      """#
    #expect(made == ("200", definition + "\n"))
    #expect(rig.notes.withLock(\.applied) == ["file ssh"])
    #expect(FileIdentity(rig.storeFile)?.permissions == 0o600)
    #expect(
      try String(contentsOfFile: rig.storeFile, encoding: .utf8) == """
        {
          "proxies": [
            {
              "name": "ssh",
              "type": "tcp",
              "localPort": 22,
              "remotePort": 6000
            }
          ]
        }

        """)
    #expect(try rig.ask("GET \(Self.proxies)/ssh") == ("200", definition + "\n"))
    #expect(try rig.ask("GET \(Self.proxies)").body == "{\"proxies\":[\(definition)]}\n")
    #expect(
      try rig.ask("POST \(Self.proxies)", body: ssh)
        == ("409", message("conflict: already exists: proxy \"ssh\"", 409)))

    let changed = try rig.ask(
      "PUT \(Self.proxies)/ssh", body: ssh.replacing("6000", with: "6001"))
    #expect(changed.status == "200" && changed.body.contains("6001"))
    #expect(try rig.ask("DELETE \(Self.proxies)/ssh") == ("200", ""))
    #expect(rig.notes.withLock(\.applied) == ["file ssh", "file ssh", "file"])
    for line in ["DELETE \(Self.proxies)/ssh", "PUT \(Self.proxies)/ssh"] {
      #expect(
        try rig.ask(line, body: line.hasPrefix("PUT") ? ssh : "")
          == ("404", message("not found: not found: proxy \"ssh\"", 404)))
    }
    #expect(
      try rig.ask("GET \(Self.proxies)/ssh") == ("404", message("not found: proxy \"ssh\"", 404)))
    try rig.stop()
  }

  @Test func requestsAreChecked() throws {
    let rig = try rig()
    let cases: [(String, String)] = [
      (#"{"type":"tcp","tcp":{}}"#, "proxy name is required"),
      (#"{"name":"  ","type":"tcp","tcp":{}}"#, "proxy name is required"),
      (#"{"name":"a","type":"ftp","tcp":{}}"#, "invalid proxy type: ftp"),
      (#"{"name":"a","type":"tcp"}"#, "exactly one proxy type block is required"),
      (
        #"{"name":"a","type":"tcp","tcp":{},"udp":{}}"#, "exactly one proxy type block is required"
      ),
      (
        #"{"name":"a","type":"tcp","udp":{}}"#,
        "proxy type block \"udp\" does not match type \"tcp\""
      ),
      (
        #"{"name":"a","type":"tcp","tcp":{"localPort":70000}}"#,
        "invalid argument: validation error: localPort: expected a port from 0 to 65535, "
          + "found 70000"
      ),
      (
        #"{"name":"a","type":"tcp","tcp":{"localPort":"x","enabled":false}}"#,
        "invalid argument: validation error: localPort: expected a number, found the text 'x'"
      ),
    ]
    for (body, text) in cases {
      let answer = try rig.ask("POST \(Self.proxies)", body: body)
      #expect(answer.status == "400", "\(body)")
      #expect(answer.body.hasPrefix("{\"Code\":400,\"Msg\":"), "\(answer.body)")
      let expected = message(text, 400).replacing("'x'", with: "\\\"x\\\"")
      #expect(
        answer.body == expected || answer.body == message(text, 400), "\(body): \(answer.body)")
    }
    let broken = try rig.ask("POST \(Self.proxies)", body: "{")
    #expect(broken.status == "400" && broken.body.contains("parse JSON error: "))
    #expect(
      try rig.ask("PUT \(Self.proxies)/other", body: ssh)
        == ("400", message("proxy name in URL must match name in body", 400)))
    #expect(try rig.ask("POST \(Self.proxies)", "", body: ssh).status == "401")
    #expect(HostSystem.realPath(rig.storeFile) == nil)
    try rig.stop()
  }

  /// Unknown members go, names inside the block are those outside, `{{` is no template.
  @Test func entriesAreTidied() throws {
    let rig = try rig()
    let made = try rig.ask(
      "POST \(Self.proxies)",
      body: """
        {"name":"a/b","type":"tcp","more":1,"tcp":{"NAME":"x","type":"udp","LocalPort":5,"odd":1,
        "metadatas":{"k":"{{ .Envs.HOME }}"},"enabled":false,"transport":{"odd":2}}}
        """)
    #expect(made.status == "200")
    #expect(made.body.contains(#""name":"a/b","type":"tcp","localPort":5,"metadatas":{"k":"{{"#))
    #expect(!made.body.contains("odd") && made.body.contains(#""enabled":false"#))
    // Switched off: the store has it, and it does not run.
    #expect(rig.notes.withLock(\.applied) == [""])
    #expect(try rig.ask("GET /api/proxy/a%2Fb/config").body == made.body)
    #expect(try rig.ask("DELETE \(Self.proxies)/a%2Fb").status == "200")
    try rig.stop()
  }

  /// What the rest of the configuration does not allow is not saved.
  @Test func nothingIsSavedThatCannotBeUsed() throws {
    let rig = try rig("serverPort = \"x\"\n")
    let refused = try rig.ask("POST \(Self.proxies)", body: ssh)
    #expect(refused.status == "500" && refused.body.contains("apply config failed: "))
    #expect(HostSystem.realPath(rig.storeFile) == nil)
    try "no store".write(toFile: rig.storeFile, atomically: true, encoding: .utf8)
    let unreadable = try rig.ask("GET \(Self.proxies)")
    #expect(unreadable.status == "500" && unreadable.body.contains("store.json: JSON: expected"))
    #expect(try rig.ask("POST \(Self.proxies)", body: ssh).status == "500")
    #expect(try String(contentsOfFile: rig.storeFile, encoding: .utf8) == "no store")
    try rig.stop()
  }
}
