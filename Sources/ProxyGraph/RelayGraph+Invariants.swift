extension RelayGraph {
  /// What does not fit together; empty when all does. For tests and debug builds.
  public func findInconsistencies() -> [String] {
    var found: [String] = []
    let open = Set(proxies.values.map(\.port))
    if open != ports.takenPorts { found.append("taken ports are not those of the proxies") }
    if open.count != proxies.count { found.append("two proxies share a port") }
    if proxiesByName.count != proxies.count { found.append("names and proxies differ") }
    if sessionsByRunID.count != sessions.count { found.append("run IDs and sessions differ") }
    for (id, session) in sessions {
      if session.idleCount != works.values.count(where: { $0 == id }) {
        found.append("idle count of \(id)")
      }
      if session.waitingCount != users.values.count(where: { $0.session == id }) {
        found.append("waiting count of \(id)")
      }
      if session.idleCount > 0, session.waitingCount > 0 {
        found.append("somebody waits beside an idle work connection in \(id)")
      }
      if session.idleCount > session.poolTarget + ProxyGraphLimits.poolReserve {
        found.append("pool of \(id) is too large")
      }
      if session.portCount != session.proxies.count { found.append("port count of \(id)") }
      for proxy in session.proxies where proxies[proxy]?.session != id {
        found.append("\(proxy) is not of \(id)")
      }
    }
    for (user, waiting) in users {
      let proxy = proxies[waiting.proxy]
      if proxy?.session != waiting.session || proxy?.isOpen != true {
        found.append("\(user) waits for a proxy that is not open")
      }
    }
    return found
  }
}
