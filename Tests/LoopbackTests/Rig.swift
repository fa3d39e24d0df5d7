import Configuration
import LinuxSystem
import Logging
import Reactor
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient

/// One combination of transports and payload coding.
struct Stack: CustomTestStringConvertible, Sendable, CaseIterable {
  var isTLS = true
  var isMux = true
  var isEncrypted = false
  var isCompressed = false

  var testDescription: String {
    let parts = [
      isTLS ? "tls" : "plain", isMux ? "mux" : "nomux", isEncrypted ? "encrypted" : nil,
      isCompressed ? "compressed" : nil,
    ]
    return parts.compactMap { $0 }.joined(separator: "+")
  }

  /// {tls} × {mux}, with plain payload.
  static let transports: [Stack] = allCases.filter { !$0.isEncrypted && !$0.isCompressed }

  static let allCases: [Stack] = [true, false].flatMap { tls in
    [true, false].flatMap { mux in
      [(false, false), (true, false), (false, true), (true, true)].map { encrypted, compressed in
        Stack(isTLS: tls, isMux: mux, isEncrypted: encrypted, isCompressed: compressed)
      }
    }
  }
}

/// What a rig could not do.
enum RigError: Error {
  /// The proxy's public port did not open in time.
  case proxyNotOpen(String)
}

/// A relay and a client, each on a loop of its own, with one proxy called `web`.
final class Rig: Sendable {
  static let token = "rig-token"

  let serverThread: LoopThread
  let clientThread: LoopThread
  let server: LoopConfined<RelayServer>
  let client: LoopConfined<TunnelClient>
  let bindPort: UInt16

  /// Starts both; the proxy leads to 127.0.0.1:`localPort`. `prepare` is run on each loop before.
  init(
    _ stack: Stack = Stack(), localPort: UInt16,
    server changeServer: @Sendable (inout ServerConfiguration) -> Void = { _ in },
    client changeClient: @Sendable (inout ClientConfiguration) -> Void = { _ in },
    loops prepare: @escaping @Sendable (EventLoop) -> Void = { _ in }
  ) throws {
    // As the programs do: splice(2) has no MSG_NOSIGNAL.
    HostSystem.ignoreBrokenPipeSignal()
    var serverConfiguration = Rig.serverConfiguration(stack)
    changeServer(&serverConfiguration)
    let serverSettings = serverConfiguration
    serverThread = try LoopThread()
    server = try serverThread.make { loop in
      prepare(loop)
      let server = try RelayServer(loop, configuration: serverSettings, logger: Rig.logger)
      try server.start()
      return server
    }
    let confined = server
    let port = try serverThread.run { confined.on($0).boundAddress?.port ?? 0 }
    bindPort = port
    var clientConfiguration = Rig.clientConfiguration(stack, bindPort: port, localPort: localPort)
    changeClient(&clientConfiguration)
    let clientSettings = clientConfiguration
    clientThread = try LoopThread()
    client = try clientThread.make { loop in
      prepare(loop)
      let client = try TunnelClient(loop, configuration: clientSettings, logger: Rig.logger)
      client.start()
      return client
    }
  }

  static var logger: Logger { Logger(label: "rig") { _ in SwiftLogNoOpLogHandler() } }

  static func serverConfiguration(_ stack: Stack) -> ServerConfiguration {
    var configuration = ServerConfiguration()
    configuration.bindAddress = "127.0.0.1"
    configuration.proxyBindAddress = "127.0.0.1"
    configuration.bindPort = 0
    configuration.authentication.token = Secret(token)
    configuration.transport.isMultiplexed = stack.isMux
    configuration.transport.heartbeatTimeout = stack.isMux ? nil : .seconds(90)
    return configuration
  }

  static func clientConfiguration(
    _ stack: Stack, bindPort: UInt16, localPort: UInt16
  ) -> ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.serverHost = "127.0.0.1"
    configuration.serverPort = bindPort
    configuration.authentication.token = Secret(token)
    configuration.exitsWhenFirstLoginFails = false
    configuration.transport.isMultiplexed = stack.isMux
    configuration.transport.tls.isEnabled = stack.isTLS
    configuration.transport.heartbeatInterval = stack.isMux ? nil : .seconds(30)
    configuration.transport.heartbeatTimeout = stack.isMux ? nil : .seconds(90)
    var proxy = ProxyConfiguration(
      name: "web", service: .tcp(TCPProxyConfiguration(remotePort: 0)))
    proxy.localPort = localPort
    proxy.usesEncryption = stack.isEncrypted
    proxy.usesCompression = stack.isCompressed
    configuration.proxies = [proxy]
    return configuration
  }

  /// The proxy's public port, as soon as it is open.
  func publicPort(_ name: String = "web") throws -> UInt16 {
    let server = self.server
    var port: UInt16?
    let isOpen = try waitUntil {
      port = try serverThread.run { server.on($0).publicAddress(ofProxy: name)?.port }
      return port != nil
    }
    guard isOpen, let port else { throw RigError.proxyNotOpen(name) }
    return port
  }

  /// The run ID of the client's session.
  func runID() throws -> String {
    let client = self.client
    return try clientThread.run { client.on($0).runID }
  }

  /// The number of joined or waiting users on the relay.
  func userCount() throws -> Int {
    let server = self.server
    return try serverThread.run { server.on($0).userConnectionCount }
  }

  /// What the relay has refused.
  func counters() throws -> RelayCounters {
    let server = self.server
    return try serverThread.run { server.on($0).counters }
  }

  /// Ends both programs at once, and their loops.
  func stop() throws {
    let server = self.server
    let client = self.client
    try clientThread.run { loop in
      client.on(loop).stop()
      client.on(loop).stop()
    }
    try serverThread.run { loop in
      server.on(loop).stop()
      server.on(loop).stop()
    }
    clientThread.stop()
    serverThread.stop()
  }
}

extension Rig {
  /// A client alone.
  final class Client: Sendable {
    let thread: LoopThread
    let client: LoopConfined<TunnelClient>

    init(
      _ stack: Stack, bindPort: UInt16, localPort: UInt16 = 9,
      _ change: @Sendable (inout ClientConfiguration) -> Void = { _ in }
    ) throws {
      var configuration = Rig.clientConfiguration(stack, bindPort: bindPort, localPort: localPort)
      change(&configuration)
      let settings = configuration
      thread = try LoopThread()
      client = try thread.make { loop in
        var backoff = ReconnectBackoff()
        backoff.quickRepeatsMax = .max
        let client = try TunnelClient(
          loop, configuration: settings, logger: Rig.logger, backoff: backoff)
        client.start()
        return client
      }
    }

    func isLoggedIn() throws -> Bool {
      let client = self.client
      return try thread.run { client.on($0).isLoggedIn }
    }

    func stop() throws {
      let client = self.client
      try thread.run { loop in
        client.on(loop).stop()
        client.on(loop).stop()
      }
      thread.stop()
    }
  }
}
