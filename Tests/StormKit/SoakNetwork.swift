internal import Foundation
internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// Where the soak takes place: two namespaces with two ways between them, or the loopback
/// interface.
///
/// ```
/// lan  l0 10.232.1.x ── 10.232.1.1 r0 ┐
///      l1 10.232.2.x ── 10.232.2.1 r1 ┤ relay 10.232.0.1, with the users
/// ```
final class SoakNetwork {
  private let programs: String
  private let relayNamespace: Namespace?
  private let lanNamespace: Namespace?
  private let bindPort: UInt16
  let publicPort: UInt16
  private let localPort: UInt16
  let userThread: LoopThread
  private let originThread: LoopThread
  private var host = 10
  private var isOnSecondWay = false

  init(programs: String, hasNamespaces: Bool) throws {
    self.programs = programs
    userThread = try LoopThread()
    originThread = try LoopThread()
    guard hasNamespaces else {
      relayNamespace = nil
      lanNamespace = nil
      bindPort = try makeFreePorts(3)
      publicPort = bindPort + 1
      localPort = bindPort + 2
      try serve()
      return
    }
    (bindPort, publicPort, localPort) = (7000, 6000, 8000)
    let relay = try Namespace("soak-relay")
    let lan = try Namespace("soak-lan")
    relayNamespace = relay
    lanNamespace = lan
    for way in 0...1 {
      try relay.ip("link add r\(way) type veth peer name l\(way) netns \(lan.name)")
      try relay.ip("address add 10.232.\(way + 1).1/24 dev r\(way)\nlink set r\(way) up")
      try lan.ip("link set l\(way) up")
    }
    try relay.ip("address add 10.232.0.1/32 dev lo")
    // The threads' sockets lie inside from here on.
    try userThread.run { _ in try relay.enter() }
    try originThread.run { _ in try lan.enter() }
    try takeWay()
    try serve()
  }

  deinit {
    userThread.stop()
    originThread.stop()
  }

  var hasNamespaces: Bool { lanNamespace != nil }

  private func serve() throws {
    let port = localPort
    _ = try originThread.make { try listenForEcho(TransportContext($0), port: port) }
  }

  func startRelay() throws -> Daemon {
    let relay = try Daemon(
      "frps", programs: programs,
      relayConfiguration(bindPort: bindPort, host: hasNamespaces ? "0.0.0.0" : "127.0.0.1"),
      in: relayNamespace)
    return relay
  }

  func startClient() throws -> Daemon {
    try Daemon(
      "frpc", programs: programs,
      clientConfiguration(
        host: hasNamespaces ? "10.232.0.1" : "127.0.0.1", bindPort: bindPort, localPort: localPort,
        remotePort: publicPort), in: lanNamespace)
  }

  /// The relay's bind port, for peers that mean no good.
  var bindAddress: SocketAddress { .loopback(port: bindPort) }

  // MARK: What changes

  /// Gives the LAN box another address on the way that it uses.
  func replaceAddress() throws {
    host = host % 200 + 10
    try takeWay()
  }

  /// Moves the LAN box to the other way.
  func moveRoute() throws {
    isOnSecondWay.toggle()
    try takeWay()
  }

  private func takeWay() throws {
    let way = isOnSecondWay ? 1 : 0
    try lanNamespace?.ip(
      """
      address flush dev l\(way)
      address add 10.232.\(way + 1).\(host)/24 dev l\(way)
      route replace default via 10.232.\(way + 1).1 dev l\(way)
      """)
  }

  /// Drops, without a word, what passes between the two, or stops doing so. Each side drops what
  /// comes in: where what goes out is dropped the kernel knows, and with TCP_USER_TIMEOUT it may
  /// give a connection up at once.
  func setHole(_ isOpen: Bool) throws {
    var script = "table inet hole\ndelete table inet hole\n"
    if isOpen {
      script += """
        table inet hole {
          chain in {
            type filter hook prerouting priority -300
            iifname { "r0", "r1", "l0", "l1" } drop
          }
        }

        """
    }
    for namespace in [relayNamespace, lanNamespace] {
      try namespace?.run(["nft", "-f", "-"], input: script)
    }
  }
}
