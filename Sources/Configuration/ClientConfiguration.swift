public import Timekeeping

/// Everything that frpc can be told.
public struct ClientConfiguration: Equatable, Sendable {
  /// The prefix of the proxies' names on the wire; empty for none.
  public var user = ""

  /// The relay's host.
  public var serverHost = "0.0.0.0"

  /// The relay's port.
  public var serverPort: UInt16 = 7000

  /// The name server to ask; `nil` for the system's.
  public var nameServer: HostAndPort?

  /// Whether the program ends when the first login fails.
  public var exitsWhenFirstLoginFails = true

  /// What the file includes: the paths or patterns that it names, then the files that were read.
  public var includedPaths: [String] = []

  /// The only proxies to run; empty for all. `proxies` holds no others.
  public var startedNames: [String] = []

  /// What the relay's plugins are told at login.
  public var metadata: [String: String] = [:]

  /// The most bytes of a datagram. Without effect until UDP proxies are built.
  public var udpPacketBytes = 1500

  /// How long running user connections may go on after a signal to stop.
  public var shutdownGrace = Interval.seconds(5)

  /// How the client proves who it is.
  public var authentication = AuthenticationConfiguration()

  /// How the relay is reached.
  public var transport = ClientTransportConfiguration()

  /// Where log lines go.
  public var log = LogConfiguration()

  /// What the program gives up once it runs.
  public var confinement = ConfinementConfiguration()

  /// The services to publish, in ascending order of their names.
  public var proxies: [ProxyConfiguration] = []

  /// The defaults.
  public init() {}
}

/// What carries the connections between client and relay.
public enum TransportKind: String, Sendable, CaseIterable {
  /// TCP.
  case tcp
}

/// How frpc reaches the relay.
public struct ClientTransportConfiguration: Equatable, Sendable {
  /// What carries the connections.
  public var kind = TransportKind.tcp

  /// How long connecting may take.
  public var dialTimeout = Interval.seconds(10)

  /// The pause before TCP probes an idle connection; `nil` for no probes.
  public var dialKeepalive: Interval? = .seconds(7200)

  /// The local address to connect from; `nil` for the system's choice.
  public var localAddress: String?

  /// The proxy to go through; `nil` for none.
  public var upstreamProxy: UpstreamProxy?

  /// How many work connections are opened in advance.
  public var poolCount = 1

  /// Whether all connections are streams of one.
  public var isMultiplexed = true

  /// After how long without anything from the other side it is asked whether it lives.
  public var muxKeepaliveInterval = Interval.seconds(5)

  /// The pause between heartbeats; `nil` for none.
  public var heartbeatInterval: Interval?

  /// After how long without an answer the relay is given up; `nil` for never.
  public var heartbeatTimeout: Interval?

  /// TLS.
  public var tls = ClientTLSConfiguration()

  /// The defaults.
  public init() {}
}

/// TLS as frpc speaks it.
public struct ClientTLSConfiguration: Equatable, Sendable {
  /// Whether TLS is spoken at all.
  public var isEnabled = true

  /// Whether the marker byte 0x17 goes first.
  public var sendsMarkerByte = false

  /// The certificate to show; `nil` for none.
  public var certificate: CertificateFiles?

  /// The authorities of which one must have signed the relay's certificate; `nil` when any
  /// certificate is taken.
  public var trustedAuthoritiesPath: String?

  /// The name to ask for and to verify; `nil` for the relay's host.
  public var serverName: String?

  /// The files that are named here.
  public var filePaths: [String] {
    (certificate?.paths ?? []) + (trustedAuthoritiesPath.map { [$0] } ?? [])
  }

  /// The defaults.
  public init() {}
}

/// The keys of frpc, gathered before rules across keys are applied.
struct ClientDraft {
  var configuration = ClientConfiguration()
  var shared = SharedDraft()
  /// `nil` when the key is not set: the default depends on `isMultiplexed`.
  var heartbeatIntervalSeconds: Int?
  var includes: [String] = []

  /// Applies the rules across keys.
  func finish(
    _ section: IniSection, _ document: IniDocument, environment: [String: String],
    _ issues: inout IssueCollector
  ) -> ClientConfiguration {
    var result = configuration
    result.authentication = shared.authentication
    result.log = shared.log
    result.confinement = shared.confinement
    result.shutdownGrace = .seconds(shared.shutdownGraceSeconds)
    result.transport.isMultiplexed = shared.isMultiplexed
    result.transport.muxKeepaliveInterval = .seconds(shared.muxKeepaliveSeconds)
    let interval = heartbeatIntervalSeconds ?? (shared.isMultiplexed ? -1 : 30)
    let timeout = shared.heartbeatTimeoutSeconds ?? (shared.isMultiplexed ? -1 : 90)
    if interval > 0, timeout > 0, timeout < interval {
      let entry = document.entry("heartbeat_timeout", in: section)
      let other = document.entry("heartbeat_interval", in: section)
      issues.add(
        .error, entry?.location ?? other?.location ?? section.location, key: "heartbeat_timeout",
        "expected at least the heartbeat_interval (\(interval) seconds), found \(timeout)")
    }
    result.transport.heartbeatInterval = intervalIfPositive(interval)
    result.transport.heartbeatTimeout = intervalIfPositive(timeout)
    finishTLS(&result.transport.tls, section, document, &issues)
    finishUpstreamProxy(&result.transport, section, environment, &issues)
    return result
  }

  private func finishTLS(
    _ tls: inout ClientTLSConfiguration, _ section: IniSection, _ document: IniDocument,
    _ issues: inout IssueCollector
  ) {
    tls.certificate = shared.certificateFiles(section, document, &issues)
    tls.trustedAuthoritiesPath =
      shared.trustedAuthoritiesPath.isEmpty ? nil : shared.trustedAuthoritiesPath
    guard !tls.isEnabled else { return }
    for key in ["tls_cert_file", "tls_key_file", "tls_trusted_ca_file"] {
      if let entry = section[key], !entry.value.isEmpty {
        issues.add(
          .warning, entry.location, key: key, "has no effect while tls_enable is false")
      }
    }
  }

  private func finishUpstreamProxy(
    _ transport: inout ClientTransportConfiguration, _ section: IniSection,
    _ environment: [String: String], _ issues: inout IssueCollector
  ) {
    guard section["http_proxy"]?.value ?? "" == "", let url = environment["http_proxy"],
      !url.isEmpty
    else { return }
    do throws(UpstreamProxy.Fault) {
      transport.upstreamProxy = try UpstreamProxy(parsing: url)
    } catch {
      issues.add(
        .error, SourceLocation(file: section.location.file, line: nil), key: "http_proxy",
        "the environment variable of this name holds no usable URL: \(error)")
    }
  }
}
