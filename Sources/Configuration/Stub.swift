public import Timekeeping
public struct Secret: Equatable, Sendable { public var value: String; public init(_ v: String) { value = v } }
public struct PortRanges: Equatable, Sendable { public var ranges: [ClosedRange<UInt16>] = [] ; public init() {} }
public struct ServerConfiguration: Equatable, Sendable {
  public struct Auth: Equatable, Sendable { public var token = Secret(""); public var authenticatesHeartbeats = false; public var authenticatesNewWorkConnections = false }
  public struct TLS: Equatable, Sendable { public var isForced = false; public var certificateFile = ""; public var keyFile = ""; public var trustedCAFile = "" }
  public struct Transport: Equatable, Sendable { public var isMultiplexed = true; public var muxKeepaliveInterval: Interval? = .seconds(30); public var tcpKeepalive: Interval? = .seconds(7200); public var maxPoolCount = 5; public var heartbeatTimeout: Interval?; public var tls = TLS() }
  public var bindAddress = "0.0.0.0"; public var bindPort = 7000; public var proxyBindAddress = "0.0.0.0"
  public var userConnectionTimeout = Interval.seconds(10); public var hasDetailedErrors = true; public var maxPortsPerClient = 0; public var allowedPorts = PortRanges()
  public var auth = Auth(); public var transport = Transport(); public var shutdownGrace = Interval.seconds(5)
  public init() {}
}
public enum ProxyKind: String, Sendable { case tcp }
public enum ProxyProtocolVersion: Sendable { case v1, v2 }
public struct ProxyConfiguration: Equatable, Sendable {
  public var name = "", kind = ProxyKind.tcp, localIP = "127.0.0.1", localPort = 0, remotePort = 0, usesEncryption = false, usesCompression = false
  public var proxyProtocolVersion: ProxyProtocolVersion?; public var metadata: [String: String] = [:]
  public init() {}
}
public struct ClientConfiguration: Equatable, Sendable {
  public struct Auth: Equatable, Sendable { public var token = Secret(""); public var authenticatesHeartbeats = false; public var authenticatesNewWorkConnections = false }
  public struct TLS: Equatable, Sendable { public var isEnabled = true; public var isCustomFirstByteDisabled = true; public var certificateFile = ""; public var keyFile = ""; public var trustedCAFile = ""; public var serverName = "" }
  public struct Transport: Equatable, Sendable { public var isMultiplexed = true; public var muxKeepaliveInterval: Interval? = .seconds(30); public var poolCount = 1; public var heartbeatInterval: Interval?; public var heartbeatTimeout: Interval?; public var tls = TLS(); public var dialServerTimeout = Interval.seconds(10); public var dialServerKeepalive: Interval? = .seconds(7200); public var connectServerLocalIP = ""; public var proxy: Int? }
  public var user = "", serverAddress = "127.0.0.1", serverPort = 7000, dnsServer = "", loginFailExit = true, metadata: [String: String] = [:]
  public var auth = Auth(); public var transport = Transport(); public var shutdownGrace = Interval.seconds(5); public var proxies: [ProxyConfiguration] = []
  public init() {}
}
