import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// A relay host, a LAN box with two ways to it, and a visitor, each in a namespace of its own.
///
/// ```
/// lan  l0 10.231.1.2 ── 10.231.1.1 r0 ┐
///      l1 10.231.2.2 ── 10.231.2.1 r1 ┤ relay 10.231.0.1 ├ rv 10.231.9.1 ── 10.231.9.2 v0  visitor
/// ```
///
/// The client reaches the relay by its default route, which leads over l0 at first.
final class NetworkRig {
  static let relayHost = "10.231.0.1"
  static let relayHost6 = "fd31:231::1"
  static let publicPort: UInt16 = 6000

  let relay: Namespace
  let lan: Namespace
  let visitor: Namespace
  /// What lies between l0 and r0 where that is no veth pair.
  let delayBox: DelayBox?
  private let echo: EchoServer
  private(set) var server: NamespaceProgram
  private(set) var client: NamespaceProgram?
  private let isMux: Bool
  private let isIPv6: Bool
  /// How long the visitor waits for an answer before he gives a connection up.
  private let patience: Interval

  /// Makes the network and starts the server. With a `path` there are tun devices and a delay box
  /// between l0 and r0; `seed` decides what that loses.
  init(
    server origin: NamespaceProgram.Origin = .ours, isMux: Bool = true, isIPv6: Bool = false,
    path: PathQuality? = nil, seed: UInt64 = 1
  ) throws {
    self.isMux = isMux
    self.isIPv6 = isIPv6
    patience = .milliseconds(400) + (path?.delay ?? .zero) * 20
    relay = try Namespace("relay")
    lan = try Namespace("lan")
    visitor = try Namespace("visitor")
    for (own, other, box) in [("l0", "r0", lan), ("l1", "r1", lan), ("v0", "rv", visitor)]
    where path == nil || own != "l0" {
      try relay.ip("link add \(other) type veth peer name \(own) netns \(box.name)")
    }
    let boxEnds = (DelayBox.End(lan, "l0"), DelayBox.End(relay, "r0"))
    delayBox = try path.map { try DelayBox(boxEnds.0, boxEnds.1, $0, seed: seed) }
    try relay.ip(
      """
      address add \(Self.relayHost)/32 dev lo
      address add \(Self.relayHost6)/128 dev lo
      address add fd31:231:1::1/64 dev r0 nodad
      address add 10.231.1.1/24 dev r0
      address add 10.231.2.1/24 dev r1
      address add 10.231.9.1/24 dev rv
      link set r0 up
      link set r1 up
      link set rv up
      """)
    try lan.ip(
      """
      address add fd31:231:1::2/64 dev l0 nodad
      address add 10.231.1.2/24 dev l0
      link set l0 up
      link set l1 up
      """)
    try visitor.ip(
      """
      address add 10.231.9.2/24 dev v0
      link set v0 up
      route add default via 10.231.9.1
      """)
    if isIPv6 {
      // Neighbours are asked from link-local addresses, which a fresh link tries out first.
      for (box, interface) in [(relay, "r0"), (lan, "l0")] {
        let question = [
          "ip", "-n", box.name, "-6", "address", "show", "dev", interface, "tentative",
        ]
        _ = try waitUntil { try runCommand(question).isEmpty }
      }
    }
    echo = try lan.inside { try EchoServer() }
    server = try NamespaceProgram(
      "frps", origin, in: relay,
      """
      [common]
      bind_addr = \(isIPv6 ? "::" : "0.0.0.0")
      bind_port = 7000
      token = rig-token
      tcp_mux = \(isMux)

      """)
  }

  deinit {
    client = nil
    delayBox?.stop()
    let echo = echo
    try? lan.inside { echo.stop() }
  }

  /// Gives the LAN box its first way to the relay.
  func connectLAN() throws {
    try lan.ip(
      """
      route replace default via 10.231.1.1 dev l0
      route replace default via fd31:231:1::1 dev l0
      """)
  }

  /// Starts the client and waits until the visitor is served.
  func startClient(
    _ origin: NamespaceProgram.Origin = .ours, isLoginRepeated: Bool = true,
    isServed: Bool = true
  ) throws {
    #expect(server.waitForLog("started successfully"))
    client = try NamespaceProgram(
      "frpc", origin, in: lan,
      """
      [common]
      server_addr = \(isIPv6 ? Self.relayHost6 : Self.relayHost)
      server_port = 7000
      token = rig-token
      tcp_mux = \(isMux)
      login_fail_exit = \(!isLoginRepeated)

      [web]
      type = tcp
      local_ip = 127.0.0.1
      local_port = \(echo.port)
      remote_port = \(Self.publicPort)

      """)
    if isServed { _ = try timeUntilServed(within: .seconds(30)) }
  }

  var clientLog: String { client?.log ?? "" }

  // MARK: The visitor

  /// How long it takes until a new connection of the visitor is answered by the local service.
  /// One is begun every 20 ms, whatever became of those before, and a few are waited for at once.
  func timeUntilServed(
    since start: Int64 = HostSystem.monotonicNanoseconds, within limit: Interval
  ) throws -> Interval {
    do {
      return try timeUntilVisitorIsServed(start, limit)
    } catch {
      report("\(error)\nclient:\n\(clientLog)\nserver:\n\(server.log)")
      throw error
    }
  }

  private func timeUntilVisitorIsServed(
    _ start: Int64, _ limit: Interval
  ) throws -> Interval {
    let patience = patience
    return try visitor.inside {
      let served = Locked<Int64?>(nil)
      let deadline = start + limit.nanoseconds
      var threads: [OwnThread] = []
      var nextStart = HostSystem.monotonicNanoseconds
      _ = waitUntil(within: Interval(nanoseconds: deadline - nextStart)) {
        if served.withLock({ $0 }) != nil { return true }
        let now = HostSystem.monotonicNanoseconds
        if now < nextStart { return false }
        nextStart = now + Interval.milliseconds(20).nanoseconds
        threads.append(
          OwnThread {
            guard Self.isAnswered(within: patience) else { return }
            let now = HostSystem.monotonicNanoseconds
            served.withLock { if $0 == nil { $0 = now } }
          })
        return false
      }
      for thread in threads { thread.join() }
      guard let end = served.withLock({ $0 }) else {
        throw CommandFailure(description: "no connection was served within \(limit.inSeconds) s")
      }
      return Interval(nanoseconds: end - start)
    }
  }

  private static func isAnswered(within patience: Interval) -> Bool {
    do {
      let socket = try TestSocket.connect(publicPort, host: relayHost, within: patience)
      try socket.send("ping", within: patience)
      return try socket.receive(exactly: 4, within: patience) == Array("ping".utf8)
    } catch {
      return false
    }
  }

  /// A connection of the visitor that stays.
  func openVisitor() throws -> TestSocket {
    try visitor.inside {
      try TestSocket.connect(Self.publicPort, host: Self.relayHost)
    }
  }

  // MARK: Disasters

  /// Drops, without a word, what passes between relay and LAN box over these of its interfaces.
  func blackhole(_ interfaces: [String]) throws {
    var script = "table inet hole\ndelete table inet hole\n"
    if !interfaces.isEmpty {
      let set = interfaces.map { "\"\($0)\"" }.joined(separator: ", ")
      script += """
        table inet hole {
          chain in { type filter hook prerouting priority -300; iifname { \(set) } drop; }
          chain out { type filter hook output priority 0; oifname { \(set) } drop; }
        }

        """
    }
    try relay.run(["nft", "-f", "-"], input: script)
  }
}

/// What is held against the figures of `docs/reliability.md`: everything when the cases run alone
/// to be measured (`NAMESPACE_ROUNDS` or `NAMESPACE_HOLE_SECONDS`); beside the other tests, which
/// keep the machine busy, a few seconds more.
func limit(_ seconds: Int) -> Interval {
  let environment = ProcessInfo.processInfo.environment
  let isMeasured =
    environment["NAMESPACE_ROUNDS"] != nil || environment["NAMESPACE_HOLE_SECONDS"] != nil
  return .seconds(isMeasured ? seconds : seconds + 4)
}

/// How often a case is repeated: `NAMESPACE_ROUNDS`, or twice.
let roundCount =
  ProcessInfo.processInfo.environment["NAMESPACE_ROUNDS"].flatMap { Int($0) } ?? 2

/// How long a path is dead in the case of the black hole: `NAMESPACE_HOLE_SECONDS`, or 20.
let holeSeconds =
  ProcessInfo.processInfo.environment["NAMESPACE_HOLE_SECONDS"].flatMap { Int($0) } ?? 20

/// Whose servers there are to try.
let servers: [NamespaceProgram.Origin] = NamespaceProgram.Origin.allCases.filter {
  $0.folder != nil
}

/// Shows a measured row.
func report(_ text: String) {
  FileHandle.standardError.write(Data("namespace rig: \(text)\n".utf8))
}
