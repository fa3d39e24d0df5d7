internal import Configuration
internal import HTTPProtocol
internal import Reactor
internal import Timekeeping
internal import Transports

/// One check of a local service: a connection, or a GET whose answer counts (behaviour.md 8).
final class HealthProbe {
  private let context: TransportContext
  private let resolver: Resolver
  private let deadline: Instant
  private let host: String
  private let headers: [NamedValue]
  private var connector: Connector?
  private var exchange: HTTPExchange?
  private var redirectCount = 0
  private var completion: ((_ failure: String?) -> Void)?

  /// Begins. `completion` comes once, later, unless `cancel()` comes before; its argument is `nil`
  /// when all is well.
  init(
    _ context: TransportContext, resolver: Resolver, host: String, port: UInt16,
    _ check: HealthCheckConfiguration, completion: @escaping (_ failure: String?) -> Void
  ) {
    self.context = context
    self.resolver = resolver
    self.completion = completion
    self.host = host
    deadline = context.loop.now + check.timeout
    switch check.probe {
    case .tcp:
      headers = []
      connect(host, port, check.timeout)
    case .http(let path, let headers):
      self.headers = headers
      let authority = host.contains(":") ? "[\(host)]" : host
      get(WebAddress(isTLS: false, host: host, port: port, target: path), "\(authority):\(port)")
    }
  }

  func cancel() {
    completion = nil
    release()
  }

  private func conclude(_ failure: String?) {
    release()
    let completion = self.completion
    self.completion = nil
    completion?(failure)
  }

  private func release() {
    connector?.cancel()
    connector = nil
    exchange?.cancel()
    exchange = nil
  }

  // MARK: Connections

  private func connect(_ host: String, _ port: UInt16, _ timeout: Interval) {
    connector = Connector.connect(
      loop: context.loop, resolver: resolver, host: host, port: port, timeout: timeout
    ) { [unowned self] outcome in
      // Cancelled in `release`.
      connector = nil
      switch consume outcome {
      case .connected(let socket):
        // Orderly, so that the service has nothing to complain about.
        SocketStream(context, owning: socket).close()
        conclude(nil)
      case .failed(let error): conclude("\(error)")
      }
    }
  }

  // MARK: Requests

  private func get(_ address: WebAddress, _ authority: String) {
    var request = OutgoingRequest(.get, target: address.target, host: authority)
    // They may hold a password, which is not for others to whom the service leads.
    for header in headers where address.host == host {
      if header.name.lowercased() == "host" {
        if redirectCount == 0 { request.host = header.value }
      } else {
        request.fields.append(header.name, header.value)
      }
    }
    var settings = CarrierSettings(host: address.host, port: address.port)
    if address.isTLS {
      do throws(TLSError) {
        // Whether somebody is there is asked, not who.
        settings.tls = try TLSContext(.client, TLSSettings())
        settings.serverName = address.host
      } catch {
        return conclude("\(error)")
      }
    }
    exchange = HTTPExchange(
      context, resolver: resolver, settings: settings, request: request, bodyByteCountMax: nil,
      timeout: max(.zero, deadline - context.loop.now)
    ) { [unowned self] result in
      // Cancelled in `release`.
      exchange = nil
      switch result {
      case .failure(let error): conclude("\(error)")
      case .success(let reply): handle(reply, to: address)
      }
    }
  }

  private func handle(_ reply: HTTPReply, to address: WebAddress) {
    switch reply.status.code {
    case 200..<300: conclude(nil)
    case 301, 302, 303, 307, 308:
      guard let location = reply.location, let next = address.followed(to: location) else {
        return conclude("status \(reply.status.code) without a usable Location")
      }
      redirectCount += 1
      guard redirectCount <= TunnelClientLimits.healthRedirectCountMax else {
        return conclude("more than \(TunnelClientLimits.healthRedirectCountMax) redirections")
      }
      get(next, next.authority)
    case let code: conclude("status \(code)")
    }
  }
}

/// Where a GET goes.
struct WebAddress: Equatable {
  var isTLS: Bool
  var host: String
  var port: UInt16
  /// The path with its query.
  var target: String

  /// The host with its port, as a request names it.
  var authority: String {
    let host = self.host.contains(":") ? "[\(self.host)]" : self.host
    return port == (isTLS ? 443 : 80) ? host : "\(host):\(port)"
  }

  /// Where `Location` leads from here; `nil` when it is no address of HTTP.
  func followed(to location: String) -> WebAddress? {
    let text = location.prefix { $0 != "#" }
    var next = self
    if text.hasPrefix("//") {
      return Self(isTLS: isTLS, text.dropFirst(2))
    } else if text.lowercased().hasPrefix("http://") {
      return Self(isTLS: false, text.dropFirst("http://".count))
    } else if text.lowercased().hasPrefix("https://") {
      return Self(isTLS: true, text.dropFirst("https://".count))
    } else if text.hasPrefix("/") {
      next.target = String(text)
    } else if text.prefix(while: { !"/?".contains($0) }).contains(":") {
      // Another scheme.
      return nil
    } else if text.hasPrefix("?") {
      next.target = String(target.prefix { $0 != "?" }) + text
    } else {
      let path = target.prefix { $0 != "?" }
      next.target = String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) + text
    }
    return next
  }

  init(isTLS: Bool, host: String, port: UInt16, target: String) {
    self.isTLS = isTLS
    self.host = host
    self.port = port
    self.target = target
  }

  /// Reads `host[:port][/path]`.
  private init?(isTLS: Bool, _ text: Substring) {
    let authority = text.prefix { !"/?".contains($0) }
    let rest = text.dropFirst(authority.count)
    var defaultPort = UInt16(80)
    if isTLS { defaultPort = 443 }
    guard let place = HostAndPort(parsing: String(authority), defaultPort: defaultPort) else {
      return nil
    }
    let target = rest.hasPrefix("/") ? String(rest) : "/\(rest)"
    self.init(isTLS: isTLS, host: place.host, port: place.port, target: target)
  }
}
