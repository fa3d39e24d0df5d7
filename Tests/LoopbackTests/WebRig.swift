import Foundation
import TestKit
import Testing

/// What tests of `WebRig` need.
let webRigPeers: [WebPeer] = [.curl, .nginx, .openssl]

/// nginx as a local service, behind both of our programs, each of which is a process of its own.
final class WebRig {
  let folder: TemporaryFolder
  /// What nginx serves below `/files/`, and where it writes what is put below `/put/`.
  let root: String
  let nginx: RunningPeer
  let frps: Program
  let frpc: Program
  /// The ports of the virtual hosts.
  let http: UInt16
  let https: UInt16
  let mux: UInt16
  /// The ports of nginx: of HTTP, of TLS, and of HTTP behind a PROXY header.
  let plain: UInt16
  let secure: UInt16
  let fronted: UInt16

  /// The proxies of most tests.
  static func proxies(_ plain: UInt16) -> String {
    """
    [web]
    type = http
    local_port = \(plain)
    custom_domains = a.test

    """
  }

  /// Starts everything.
  ///
  /// - Parameters:
  ///   - folder: where its files are; it may have some already.
  ///   - server: further keys of frps.
  ///   - proxies: the proxies of frpc, made of the ports of nginx.
  init(
    in folder: TemporaryFolder? = nil, server: String = "",
    _ proxies: (_ plain: UInt16, _ secure: UInt16, _ fronted: UInt16) -> String = { plain, _, _ in
      WebRig.proxies(plain)
    }
  ) throws {
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    root = folder.path + "/root"
    let ports = try (0..<7).map { _ in try makeFreePort() }
    (plain, secure, fronted) = (ports[0], ports[1], ports[2])
    (http, https, mux) = (ports[3], ports[4], ports[5])
    let bind = ports[6]
    _ = try folder.write("root/files/hello.txt", "0123456789 hello\n")
    try WebRig.makeCertificate(folder.path + "/nginx", "s.test")
    nginx = try WebRig.startNginx(folder, plain: plain, secure: secure, fronted: fronted)
    let keys = """
      vhost_http_port = \(http)
      vhost_https_port = \(https)
      tcpmux_httpconnect_port = \(mux)
      subdomain_host = apps.test
      \(server)
      """
    frps = try Program("frps", ProgramTests.server(bind, keys))
    #expect(frps.waitForLog("frps started successfully"), "\(frps.log)")
    let proxies = proxies(plain, secure, fronted)
    frpc = try Program(
      "frpc",
      "[common]\nserver_addr = 127.0.0.1\nserver_port = \(bind)\ntoken = secret\n\n\(proxies)")
    for line in proxies.split(separator: "\n") where line.hasPrefix("[") {
      #expect(frpc.waitForLog("\(line) start proxy success"), "\(frpc.log)")
    }
  }

  /// Certificates in a folder of their own, and the key of frps that names it; `_` is for `*`.
  static func certificates(_ folder: TemporaryFolder, _ names: [String]) throws -> String {
    let path = folder.path + "/certs"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for name in names {
      try makeCertificate("\(path)/\(name)", name.replacing("_", with: "*"))
    }
    return "vhost_https_cert_dir = \(path)"
  }

  /// A certificate that signs itself, as `PATH.crt` and `PATH.key`.
  static func makeCertificate(_ path: String, _ name: String) throws {
    let made = try FinishedPeer(
      .openssl,
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout",
        "\(path).key", "-out", "\(path).crt",
      ])
    #expect(made.code == 0, "\(made.errors)")
  }

  private static func startNginx(
    _ folder: TemporaryFolder, plain: UInt16, secure: UInt16, fronted: UInt16
  ) throws -> RunningPeer {
    let path = folder.path
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map { "\($0)_temp_path \(path)/\($0);" }.joined(separator: "\n")
    let who = [
      "host", "request_uri", "http_x_forwarded_for", "http_x_forwarded_proto",
      "http_x_forwarded_host", "http_x_set", "connection", "connection_requests",
    ].map { "$\($0)" }.joined(separator: "|")
    let locations = """
      location = /who { return 200 "\(who)\\n"; }
      location /files/ { root \(path)/root; }
      location /packed/ {
        alias \(path)/root/files/;
        gzip on; gzip_min_length 1; gzip_types text/plain;
      }
      location /again/ {
        proxy_pass http://127.0.0.1:\(plain)/files/;
        proxy_http_version 1.1; proxy_set_header Connection "";
      }
      location /put/ { root \(path)/root; dav_methods PUT DELETE; create_full_put_path on; }
      location /small/ { root \(path)/root; dav_methods PUT; client_max_body_size 1k; }
      """
    let configuration = try folder.write(
      "nginx.conf",
      """
      daemon off; master_process off; pid \(path)/nginx.pid; error_log stderr warn;
      events { worker_connections 1024; }
      http {
        access_log off; default_type text/plain; client_max_body_size 0; sendfile on;
        keepalive_requests 1000000;
        log_format fronted "$proxy_protocol_addr $request";
        \(temporary)
        server { listen 127.0.0.1:\(plain); \(locations) }
        server {
          listen 127.0.0.1:\(secure) ssl http2; server_name s.test;
          ssl_protocols TLSv1.2 TLSv1.3;
          ssl_certificate \(path)/nginx.crt; ssl_certificate_key \(path)/nginx.key;
          location / { return 200 "$ssl_server_name $ssl_protocol $server_protocol\\n"; }
          location /files/ { root \(path)/root; }
        }
        server {
          listen 127.0.0.1:\(fronted) proxy_protocol; access_log \(path)/fronted.log fronted;
          \(locations)
        }
      }

      """)
    let nginx = try RunningPeer(.nginx, ["-p", path, "-c", configuration, "-e", "stderr"])
    #expect(nginx.waitForPort(plain) && nginx.waitForPort(fronted), "\(nginx.log)")
    return nginx
  }

  /// Runs curl, which finds every host at the ports of the virtual hosts.
  func curl(_ arguments: [String], input: String = "/dev/null") throws -> FinishedPeer {
    try FinishedPeer(.curl, ["-sS", "--http1.1"] + hosts + arguments, input: input)
  }

  /// For curl: where all hosts are.
  var hosts: [String] { ["--connect-to", "::127.0.0.1:"] }

  /// The address of a path at a host of HTTP.
  func page(_ path: String, at host: String = "a.test") -> String {
    "http://\(host):\(http)\(path)"
  }

  /// What nginx says about a request for `/who`.
  func who(_ host: String, _ arguments: [String] = []) throws -> Who {
    let run = try curl(arguments + [page("/who", at: host)])
    return try #require(Who(run.output), "\(run.output) \(run.errors)")
  }

  /// Makes a file below `/files/`.
  func write(_ name: String, byteCount: Int) throws -> URL {
    let url = URL(fileURLWithPath: "\(root)/files/\(name)")
    let pattern = Pattern(seed: UInt64(byteCount))
    var data = Data(capacity: byteCount)
    while data.count < byteCount {
      data += pattern.bytes(from: data.count, count: min(1 << 19, byteCount - data.count))
    }
    try data.write(to: url)
    return url
  }

  /// The SHA-256 of a file.
  static func sum(_ path: String) throws -> String {
    let run = try FinishedPeer(.openssl, ["dgst", "-sha256", "-r", path])
    #expect(run.code == 0, "\(run.errors)")
    return String(run.output.prefix(64))
  }

  /// A line of nginx about a request.
  struct Who: Equatable {
    let host: String
    let target: String
    let forwardedFor: String
    let forwardedProtocol: String
    let forwardedHost: String
    let field: String
    let connection: Int
    let requestNumber: Int

    init?(_ line: String) {
      let parts = line.trimmingCharacters(in: .newlines)
        .split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 8, let connection = Int(parts[6]), let number = Int(parts[7]) else {
        return nil
      }
      (host, target, forwardedFor) = (parts[0], parts[1], parts[2])
      (forwardedProtocol, forwardedHost, field) = (parts[3], parts[4], parts[5])
      (self.connection, requestNumber) = (connection, number)
    }
  }
}
