import Testing
import Timekeeping

@testable import Configuration

/// What differs between the configuration that runs and a new one.
@Suite struct ReloadTests {
  private func proxy(_ name: String, _ port: UInt16) -> ProxyConfiguration {
    var proxy = ProxyConfiguration(
      name: name, service: .tcp(TCPProxyConfiguration(remotePort: 0)))
    proxy.localPort = port
    return proxy
  }

  @Test func proxiesAreComparedByName() {
    let changes = ProxyChanges(
      from: [proxy("a", 1), proxy("b", 2), proxy("c", 3)],
      to: [proxy("b", 2), proxy("c", 4), proxy("d", 5)])
    #expect(changes.added == [proxy("d", 5)] && changes.changed == [proxy("c", 4)])
    #expect(changes.removedNames == ["a"])
    #expect(
      ProxyChanges(from: [proxy("a", 1)], to: [proxy("a", 1)]) == ProxyChanges(from: [], to: []))
  }

  @Test func serverKeepsWhatItCannotChange() {
    let running = ServerConfiguration()
    var new = running
    new.bindPort = 1
    new.transport.isMultiplexed = false
    new.transport.tcpKeepalive = nil
    new.authentication.token = Secret("new")
    new.allowedPorts = PortRanges([1...2])
    let keys = new.keepFixedValues(of: running)
    #expect(keys == ["bind_port", "tcp_mux", "tcp_keepalive"])
    #expect(new.bindPort == running.bindPort && new.transport == running.transport)
    #expect(new.authentication.token == Secret("new") && new.allowedPorts == PortRanges([1...2]))
    #expect(new.keepFixedValues(of: running).isEmpty)
  }

  @Test func clientKeepsWhatItCannotChange() {
    let running = ClientConfiguration()
    var new = running
    new.user = "me"
    new.authentication.token = Secret("new")
    new.transport.tls.serverName = "name"
    new.shutdownGrace = .seconds(9)
    new.proxies = [proxy("a", 1)]
    let keys = new.keepFixedValues(of: running)
    #expect(keys == ["user", "token", "tls_server_name"])
    #expect(new.authentication == running.authentication && new.transport == running.transport)
    #expect(new.shutdownGrace == .seconds(9) && new.proxies == [proxy("a", 1)])
  }
}
