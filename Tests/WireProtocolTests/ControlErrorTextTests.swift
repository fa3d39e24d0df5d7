import Testing
import WireProtocol

/// The texts word by word, as clients show them and scripts look for them.
@Suite struct ControlErrorTextTests {
  @Test func firstMessages() {
    check(
      generic: "register control error",
      [
        (.loginTokenMismatch(), "token in login doesn't match token from configuration"),
        (.loginOIDCTokenInvalid(cause: "expired"), "invalid OIDC token in login: expired"),
        (
          .clientAlreadyOnline(clientID: "c", user: "u"),
          "client_id [c] for user [u] is already online"
        ),
        (.serverFull(), "the server has as many clients as it may"),
        (.cryptoNegotiationMissing(), "missing v2 crypto negotiation"),
      ])
    check(
      generic: "invalid NewWorkConn",
      [
        (.workConnectionRunIDUnknown("r"), "no client control found for run id [r]"),
        (
          .workConnectionTokenMismatch(),
          "token in NewWorkConn doesn't match token from configuration"
        ),
        (.workConnectionPoolFull(), "work connection pool is full, discarding"),
      ])
    check(
      generic: "register visitor conn error",
      [
        (.visitorProxyUnknown("p"), "custom listener for [p] doesn't exist"),
        (.visitorKeyMismatch("p"), "visitor connection of [p] auth failed"),
        (.visitorUserNotAllowed("p", user: "u"), "visitor connection of [p] user [u] not allowed"),
        (.visitorRunIDUnknown("r"), "no client control found for run id [r]"),
      ])
    check(
      generic: "invalid ping",
      [(.pingTokenMismatch(), "token in heartbeat doesn't match token from configuration")])
  }

  @Test func ports() {
    check(
      generic: "new proxy [p] error",
      [
        (.portNotAllowed("p"), "port not allowed"),
        (.portAlreadyUsed("p"), "port already used"),
        (.portUnavailable("p"), "port unavailable"),
        (.noAvailablePort("p"), "no available port"),
        (.portNotAllowed("p", udpPort: 53), "acquire port 53 error: port not allowed"),
        (.portAlreadyUsed("p", udpPort: 53), "acquire port 53 error: port already used"),
        (.portUnavailable("p", udpPort: 53), "acquire port 53 error: port unavailable"),
        (.noAvailablePort("p", udpPort: 0), "acquire port 0 error: no available port"),
        (.tooManyPorts("p"), "exceed the max_ports_per_client"),
      ])
  }

  @Test func proxies() {
    check(
      generic: "new proxy [p] error",
      [
        (.proxyAlreadyExists("p"), "proxy [p] already exists"),
        (.proxyTypeUnknown("p", type: "t"), "unknown proxy type: t"),
        (
          .virtualHostPortNotSet("p", type: "https"),
          "type [https] not supported when vhost https port is not set"
        ),
        (
          .connectMultiplexerNotEnabled("p"),
          "tcpmux with multiplexer httpconnect not supported because this feature is not enabled "
            + "in server"
        ),
        (
          .subdomainNotEnabled("p"),
          "subdomain is not supported because this feature is not enabled in server"
        ),
        (
          .customDomainUnderSubdomainHost("p", domain: "d", host: "h"),
          "custom domain [d] should not belong to subdomain host [h]"
        ),
        (.routeConflict("p"), "router config conflict"),
        (.groupKeyMismatch("p"), "group auth failed"),
        (.groupParametersDiffer("p"), "group params invalid"),
        (.groupPortDiffers("p"), "group should have same remote port"),
        (.groupProxyRepeated("p"), "group proxy repeated"),
        (.natHoleNotSupported("p"), "xtcp is not supported in frps"),
      ])
  }

  private func check(generic: String, _ texts: [(ControlErrorText, String)]) {
    for (text, detailed) in texts {
      #expect(text.text(isDetailed: true) == detailed)
      #expect(text.text(isDetailed: false) == generic)
      #expect(text.detailed == detailed && text.generic == generic)
    }
  }
}
