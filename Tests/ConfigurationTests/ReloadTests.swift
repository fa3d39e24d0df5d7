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
