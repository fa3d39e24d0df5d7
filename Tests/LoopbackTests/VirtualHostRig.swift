import Configuration
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient

/// Shorthands of tests about virtual hosts.
extension Rig {
  /// A proxy of type https for these hosts.
  static func https(
    _ name: String, _ hosts: [String], localPort: UInt16, group: String = ""
  ) -> ProxyConfiguration {
    proxy(
      name, .https(HTTPSProxyConfiguration(domains: ProxyDomains(custom: hosts))), localPort, group)
  }

  /// A proxy of type tcpmux for these hosts.
  static func tcpmux(
    _ name: String, _ hosts: [String], localPort: UInt16, user: String = "",
    password: String = "", routeByUser: String = "", group: String = ""
  ) -> ProxyConfiguration {
    var service = TCPMuxProxyConfiguration(domains: ProxyDomains(custom: hosts))
    service.user = user
    service.password = Secret(password)
    service.routeByUser = routeByUser
    return proxy(name, .tcpmux(service), localPort, group)
  }

  static func proxy(
    _ name: String, _ service: ProxyConfiguration.Service, _ localPort: UInt16, _ group: String
  ) -> ProxyConfiguration {
    var proxy = ProxyConfiguration(name: name, service: service)
    proxy.localPort = localPort
    if !group.isEmpty { proxy.loadBalancing = LoadBalancingConfiguration(group: group) }
    return proxy
  }

  /// A relay with virtual hosts of https and tcpmux on ports of their own, and a client with these
  /// proxies, once all of them run.
  static func hosts(
    over stack: Stack = Stack(), _ proxies: [ProxyConfiguration],
    server change: @escaping @Sendable (inout ServerConfiguration) -> Void = { _ in },
    client changeClient: @escaping @Sendable (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> Rig {
    let rig = try Rig(
      stack, localPort: 9,
      server: {
        $0.httpsPort = 0
        $0.httpConnectPort = 0
        change(&$0)
      },
      client: {
        $0.proxies = proxies
        changeClient(&$0)
      })
    try rig.expectRunning(proxies.count)
    return rig
  }

  func expectRunning(_ count: Int) throws {
    let client = self.client
    let isRunning = try waitUntil {
      try clientThread.run { loop in
        client.on(loop).status.count { $0.phase == .running } == count
      }
    }
    #expect(isRunning)
  }

  /// The port of the virtual hosts of a kind.
  func hostPort(_ kind: ProxyKind) throws -> UInt16 {
    let server = self.server
    return try #require(try serverThread.run { server.on($0).publicPort(ofHosts: kind) })
  }

  /// Connections of visitors of HTTP.
  func visitorCount() throws -> Int {
    let server = self.server
    return try serverThread.run { server.on($0).visitorCount }
  }

  /// Users whose first bytes are awaited.
  func arrivalCount() throws -> Int {
    let server = self.server
    return try serverThread.run { server.on($0).arrivalCount }
  }
}

/// A TLS client's first message, by hand.
enum HandMadeHello {
  /// - Parameters:
  ///   - name: the server's name; `nil` for none.
  ///   - padding: bytes of an extension that nobody knows.
  ///   - recordByteCountMax: the most bytes of one record's payload.
  static func make(
    _ name: String?, padding: Int = 0, recordByteCountMax: Int = 16384
  ) -> [UInt8] {
    var extensions: [UInt8] = []
    if let name {
      let bytes = Array(name.utf8)
      extensions += [0, 0] + vector(vector([0] + vector(bytes)))
    }
    if padding > 0 { extensions += [0xfa, 0xfa] + vector([UInt8](repeating: 7, count: padding)) }
    let body =
      [3, 3] + [UInt8](repeating: 0x42, count: 32) + [0] + vector([0x13, 0x01]) + [1, 0]
      + vector(extensions)
    let message = [1, 0] + vector(body)
    var records: [UInt8] = []
    var rest = message[...]
    while !rest.isEmpty {
      let payload = rest.prefix(recordByteCountMax)
      records += [22, 3, 1] + vector(Array(payload))
      rest = rest.dropFirst(payload.count)
    }
    return records
  }

  private static func vector(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
  }
}
