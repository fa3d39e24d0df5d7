/// The graph's refusals in frp's words (wire-protocol.md 3.7 and 11.2).
enum RefusalText {
  static let noAvailablePort = "no available port"
  static let portNotAllowed = "port not allowed"
  static let portAlreadyUsed = "port already used"
  static let portUnavailable = "port unavailable"
  static let exceedMaxPorts = "exceed the max_ports_per_client"
  static let tooManyProxies = "the client has as many proxies as it may"
  static let poolFull = "work connection pool is full, discarding"
  static let genericWork = "invalid NewWorkConn"

  static func unknownType(_ type: String) -> String { "unknown proxy type: \(type)" }
  static func proxyExists(_ name: String) -> String { "proxy [\(name)] already exists" }
  static func generic(_ name: String) -> String { "new proxy [\(name)] error" }
  static func noControl(_ runID: String) -> String {
    "no client control found for run id [\(runID)]"
  }
}
