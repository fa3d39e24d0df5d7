public import Configuration
internal import HTTPProtocol
internal import LinuxSystem
internal import Reactor
public import Timekeeping
internal import Transports

/// What `frpc` asks of one that runs already (cli.md 5.3, 5.4).
public enum AdminRequest: Equatable, Sendable {
  /// To read its files again.
  case reload(isStrict: Bool)
  /// How its proxies are.
  case status
  /// To stop.
  case stop

  /// What there is to print, and how the program ends.
  public struct Outcome: Equatable, Sendable {
    /// The lines, without the end of the last one.
    public var text: String
    /// Whether the client did what it was asked to do.
    public var isSuccess: Bool
  }

  /// Asks the client that runs with this configuration, and waits for its answer.
  public func run(_ configuration: ClientConfiguration, timeout: Interval) -> Outcome {
    guard let webServer = configuration.webServer else {
      return Outcome(
        text: "web server port should be set if you want to use this feature", isSuccess: false)
    }
    switch Self.exchange(request(webServer), webServer, timeout) {
    case .failure(let error): return Outcome(text: error.text, isSuccess: false)
    case .success(let reply):
      guard reply.status == .ok else {
        return Outcome(text: refusal(reply), isSuccess: false)
      }
      return outcome(reply)
    }
  }

  private func outcome(_ reply: HTTPReply) -> Outcome {
    switch self {
    case .reload: return Outcome(text: "reload success", isSuccess: true)
    case .stop: return Outcome(text: "stop success", isSuccess: true)
    case .status:
      guard let page = StatusPage(json: reply.body) else {
        return Outcome(text: "the answer is no status page", isSuccess: false)
      }
      return Outcome(text: page.table, isSuccess: true)
    }
  }

  /// The line that frp prints, and then what it does not: what the client said.
  private func refusal(_ reply: HTTPReply) -> String {
    let line = "api status code [\(reply.status.code)]"
    switch reply.status {
    case .unauthorized:
      return line + "\nuser or password are not those of the running client; "
        + "compare webServer.user and webServer.password, or admin_user and admin_pwd"
    case _:
      guard let message = try? JSONReader.read(reply.body).member("Msg")?.text, !message.isEmpty
      else { return line }
      return "\(line)\n\(message)"
    }
  }

  // MARK: The request

  private func request(_ webServer: WebServerConfiguration) -> OutgoingRequest {
    let (method, target): (HTTPMethod, String) =
      switch self {
      case .reload(let isStrict): (.get, "/api/reload?strictConfig=\(isStrict)")
      case .status: (.get, "/api/status")
      case .stop: (.post, "/api/stop")
      }
    let host = Self.host(webServer)
    let authority = host.contains(":") ? "[\(host)]" : host
    var request = OutgoingRequest(method, target: target, host: "\(authority):\(webServer.port)")
    if !webServer.user.isEmpty || !webServer.password.value.isEmpty {
      let credentials = BasicCredentials(
        user: webServer.user, password: webServer.password.value)
      request.fields.append("Authorization", credentials.fieldValue)
    }
    return request
  }

  /// All addresses of the machine are reached by the one that stays in it.
  private static func host(_ webServer: WebServerConfiguration) -> String {
    switch webServer.address {
    case "0.0.0.0": "127.0.0.1"
    case "::", "[::]": "::1"
    case let address: address
    }
  }

  private struct Failure: Error {
    var text: String
  }

  private static func exchange(
    _ request: OutgoingRequest, _ webServer: WebServerConfiguration, _ timeout: Interval
  ) -> Result<HTTPReply, Failure> {
    do {
      HostSystem.ignoreBrokenPipeSignal()
      let loop = try EventLoop()
      let resolver = try Resolver(loop)
      defer { resolver.close() }
      var settings = CarrierSettings(host: host(webServer), port: webServer.port)
      // The server is one of this machine: nobody is verified.
      if webServer.certificate != nil { settings.tls = try TLSContext(.client, TLSSettings()) }
      var result: Result<HTTPReply, HTTPExchangeError>?
      let exchange = HTTPExchange(
        TransportContext(loop), resolver: resolver, settings: settings, request: request,
        bodyByteCountMax: ClientAdminLimits.answerByteCountMax, timeout: timeout
      ) {
        result = $0
        loop.stop()
      }
      loop.run()
      exchange.cancel()
      return result?.mapError { Failure(text: text($0, request.host)) }
        ?? .failure(Failure(text: "no answer"))
    } catch {
      return .failure(Failure(text: "\(error)"))
    }
  }

  private static func text(_ error: HTTPExchangeError, _ host: String) -> String {
    switch error {
    case .unreachable(let reason):
      "\(reason); is frpc running with this file, and admin_port the same?"
    case .requestInvalid, .cut, .malformed, .bodyTooLong, .timedOut: "\(host): \(error)"
    }
  }
}
