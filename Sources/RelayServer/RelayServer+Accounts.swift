internal import Admission
internal import Configuration
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

extension RelayServer {
  /// Why a client with the right token is not let in all the same.
  func accountRefusal(_ credential: Credential, _ login: Login) -> LoginVerdict? {
    guard let account = credential.account else { return nil }
    guard account.isValid(at: HostSystem.unixSeconds) else {
      return .refused(.userNotValid(account.name), at: context.loop.now)
    }
    guard let most = account.clientCountMax else { return nil }
    // The one that this login replaces makes room.
    let replaced = graph.session(ofRunID: login.runID)
    let others = credential.sessions.subtracting(replaced.map { [$0] } ?? [])
    guard others.count >= most, let oldest = others.min(by: { $0.rawValue < $1.rawValue }) else {
      return nil
    }
    // It may be what a client left behind that was started anew.
    return .contested(by: oldest, .tooManyClients(user: account.name))
  }

  /// Why a session may not have a proxy, whatever others have; `nil` when it may.
  func accountRefusal(of request: NewProxy, from session: ControlSession) -> ControlErrorText? {
    let name = request.proxyName
    guard let account = session.credential.account else {
      return accounts.isOfAccount(name) ? .proxyNameNotAllowed(name) : nil
    }
    let prefix = account.name + "."
    guard name.hasPrefix(prefix), account.proxyNames.allow(String(name.dropFirst(prefix.count)))
    else { return .proxyNameNotAllowed(name) }
    if let kinds = account.proxyKinds {
      // A kind that nobody knows gets the graph's answer.
      let type = request.proxyType.isEmpty ? ProxyKind.tcp.rawValue : request.proxyType
      if let kind = ProxyKind(rawValue: type), !kinds.contains(kind) {
        return .proxyTypeNotAllowed(name, type: type)
      }
    }
    if let most = account.portCountMax {
      let count = session.credential.sessions.reduce(0) { $0 + graph.portCount(of: $1) }
      if count >= most { return .tooManyPortsOfUser(name) }
    }
    return nil
  }

  /// The run ID that a login may claim: one of another account's session counts as none.
  func claimedRunID(_ login: Login, _ credential: Credential) -> String {
    guard let id = graph.session(ofRunID: login.runID), let owner = sessions[id] else {
      return login.runID
    }
    return owner.credential.account?.name == credential.account?.name ? login.runID : ""
  }

  /// Ends sessions, and the user connections of their proxies.
  func end(_ ended: some Collection<ControlSession>, _ reason: String) {
    guard !ended.isEmpty else { return }
    let ids = Set(ended.map(\.id))
    for relay in relays.values where ids.contains(relay.session) { relay.abort() }
    for session in ended {
      session.close()
      sessionDidEnd(session, reason, isLost: false)
    }
  }

  /// Ends the sessions of accounts that are not valid any more, now and whenever one expires.
  func watchExpiry() {
    if let expiryTimer { context.loop.cancel(expiryTimer) }
    expiryTimer = nil
    let now = HostSystem.unixSeconds
    end(
      sessions.values.filter { $0.credential.account?.isValid(at: now) == false },
      "its user has expired")
    guard let next = accounts.nextExpiry(after: now) else { return }
    let delay = min(.seconds(Int(next - now)), RelayServerLimits.expiryCheckInterval)
    expiryTimer = context.loop.schedule(after: delay) { [unowned self] in
      // Cancelled in `conclude`.
      expiryTimer = nil
      watchExpiry()
    }
  }
}
