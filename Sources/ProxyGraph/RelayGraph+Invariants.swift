extension RelayGraph {
  /// What does not fit together; empty when all does. For tests and debug builds.
  public func findInconsistencies() -> [String] {
    var found: [String] = []
    found += findInconsistentRoutes()
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
      if session.portCount != session.proxies.count(where: { proxies[$0]?.isPort == true }) {
        found.append("port count of \(id)")
      }
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

  private func findInconsistentRoutes() -> [String] {
    var found: [String] = []
    let numbers = routes.values.compactMap(\.port?.number)
    if Set(numbers) != ports.takenPorts { found.append("taken ports are not those of the routes") }
    if Set(numbers).count != numbers.count { found.append("two routes share a port") }
    if groups.count != routes.values.count(where: { $0.groupKey != nil }) {
      found.append("groups and routes differ")
    }
    let hostCount = hosts.values.reduce(0) { $0 + $1.routeCount }
    if hostCount != routes.count - numbers.count { found.append("tables and routes differ") }
    if routes.values.reduce(0, { $0 + $1.members.count }) != proxies.count {
      found.append("proxies and members differ")
    }
    for (id, route) in routes {
      if route.members.isEmpty { found.append("\(id) leads to nobody") }
      if let group = route.group, group.memberIDs != route.members {
        found.append("members of \(id)")
      }
      if route.group == nil, route.members.count > 1 { found.append("\(id) is no group") }
      for member in route.members where proxies[member]?.route != id {
        found.append("\(member) is not of \(id)")
      }
    }
    return found
  }
}
