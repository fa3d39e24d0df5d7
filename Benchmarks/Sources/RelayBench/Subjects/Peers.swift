internal import Foundation

/// The programs that people use for the same.
enum Peers {
  /// Nothing in between.
  static var direct: Subject {
    Subject(name: "direct") { _, originPort in RunningSubject(port: originPort) }
  }

  /// Two chained instances that splice.
  static func haproxy(_ program: String) -> Subject {
    Subject(name: "haproxy ×2") { folder, originPort in
      let ports = [try Bench.freePort(), try Bench.freePort(), originPort]
      let children = try (0..<2).map { hop in
        let file = "\(folder)/haproxy\(hop).cfg"
        try Bench.write(
          """
          global
            nbthread 1
            maxconn 6000
          defaults
            mode tcp
            option splice-auto
            option splice-request
            option splice-response
            timeout connect 5s
            timeout client 60s
            timeout server 60s
          listen hop
            bind 127.0.0.1:\(ports[hop]) backlog 4096
            server next 127.0.0.1:\(ports[hop + 1])

          """, to: file)
        return try Child(program, ["-db", "-f", file], logFile: "\(folder)/haproxy\(hop).log")
      }
      return RunningSubject(port: ports[0], relay: [children[0]], client: [children[1]])
    }
  }

  /// Two chained stream proxies, plain or with TLS 1.3 between them.
  static func nginx(_ program: String, isTLS: Bool) -> Subject {
    Subject(name: isTLS ? "nginx ×2 TLS" : "nginx ×2") { folder, originPort in
      let ports = [try Bench.freePort(), try Bench.freePort(), originPort]
      if isTLS { try makeCertificate(folder) }
      let children = try (0..<2).map { hop in
        var server = "listen 127.0.0.1:\(ports[hop])"
        var settings = "proxy_pass 127.0.0.1:\(ports[hop + 1]);"
        if isTLS, hop == 0 {
          settings += " proxy_ssl on; proxy_ssl_protocols TLSv1.3; proxy_ssl_session_reuse on;"
        }
        if isTLS, hop == 1 {
          server += " ssl"
          settings += " ssl_certificate \(folder)/cert.pem; ssl_certificate_key \(folder)/key.pem;"
          settings +=
            " ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"
        }
        let module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        let load =
          FileManager.default.fileExists(atPath: module) ? "load_module \(module);" : ""
        let file = "\(folder)/nginx\(hop).conf"
        try Bench.write(
          """
          \(load)
          daemon off;
          worker_processes 1;
          worker_rlimit_nofile 20000;
          pid \(folder)/nginx\(hop).pid;
          error_log \(folder)/nginx\(hop).log;
          events { worker_connections 20000; }
          stream {
            tcp_nodelay on;
            proxy_buffer_size 64k;
            server { \(server) backlog=4096; \(settings) }
          }

          """, to: file)
        return try Child(
          program, ["-p", folder, "-c", file], logFile: "\(folder)/nginx\(hop).out")
      }
      return RunningSubject(port: ports[0], relay: [children[0]], client: [children[1]])
    }
  }

  /// Two chained reverse proxies of HTTP that keep their connections to what is behind them.
  static func nginxHTTP(_ program: String) -> Subject {
    Subject(name: "nginx http ×2") { folder, originPort in
      let ports = [try Bench.freePort(), try Bench.freePort(), originPort]
      let children = try (0..<2).map { hop in
        let file = "\(folder)/nginx\(hop).conf"
        try Bench.write(
          """
          daemon off;
          worker_processes 1;
          worker_rlimit_nofile 20000;
          pid \(folder)/nginx\(hop).pid;
          error_log \(folder)/nginx\(hop).log;
          events { worker_connections 20000; }
          http {
            access_log off;
            keepalive_requests 100000000;
            client_body_temp_path \(folder)/body\(hop);
            proxy_temp_path \(folder)/proxy\(hop);
            fastcgi_temp_path \(folder)/fastcgi\(hop);
            uwsgi_temp_path \(folder)/uwsgi\(hop);
            scgi_temp_path \(folder)/scgi\(hop);
            upstream next {
              server 127.0.0.1:\(ports[hop + 1]);
              keepalive 64;
              keepalive_requests 100000000;
            }
            server {
              listen 127.0.0.1:\(ports[hop]) backlog=4096;
              location / {
                proxy_pass http://next;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header Host $host;
              }
            }
          }

          """, to: file)
        return try Child(
          program, ["-p", folder, "-c", file], logFile: "\(folder)/nginx\(hop).out")
      }
      return RunningSubject(
        port: ports[0], greeting: .request, relay: [children[0]], client: [children[1]])
    }
  }

  private static func makeCertificate(_ folder: String) throws {
    guard let openssl = ProgramPaths.installed("openssl") else {
      throw BenchmarkError(description: "openssl is not installed")
    }
    let child = try Child(
      openssl,
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        "2", "-subj", "/CN=bench", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem",
      ], logFile: "\(folder)/openssl.log")
    child.join()
  }

  /// A reverse tunnel of OpenSSH, with a daemon of our own.
  static func ssh(_ daemon: String, _ client: String) -> Subject {
    Subject(name: "ssh -R") { folder, originPort in
      guard let keygen = ProgramPaths.installed("ssh-keygen") else {
        throw BenchmarkError(description: "ssh-keygen is not installed")
      }
      for key in ["host", "user"] {
        let child = try Child(
          keygen, ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(key)"],
          logFile: "\(folder)/keygen.log")
        child.join()
      }
      let bindPort = try Bench.freePort()
      let publicPort = try Bench.freePort()
      let file = "\(folder)/sshd.conf"
      try Bench.write(
        """
        ListenAddress 127.0.0.1:\(bindPort)
        HostKey \(folder)/host
        PidFile none
        AuthorizedKeysFile \(folder)/user.pub
        StrictModes no
        PermitRootLogin yes
        PasswordAuthentication no
        UsePAM no

        """, to: file)
      try? FileManager.default.createDirectory(
        atPath: "/run/sshd", withIntermediateDirectories: false)
      let relay = try Child(daemon, ["-D", "-e", "-f", file], logFile: "\(folder)/sshd.log")
      do {
        try Bench.awaitListening(bindPort, [relay])
        let tunnel = try Child(
          client,
          [
            "-N", "-F", "none", "-i", "\(folder)/user", "-p", "\(bindPort)",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "ExitOnForwardFailure=yes", "-c", "aes128-gcm@openssh.com",
            "-R", "127.0.0.1:\(publicPort):127.0.0.1:\(originPort)", "\(NSUserName())@127.0.0.1",
          ], logFile: "\(folder)/ssh.log")
        return RunningSubject(port: publicPort, relay: [relay], client: [tunnel])
      } catch {
        relay.stop()
        throw error
      }
    }
  }

  /// rathole over plain TCP.
  static func rathole(_ program: String) -> Subject {
    Subject(name: "rathole") { folder, originPort in
      let bindPort = try Bench.freePort()
      let publicPort = try Bench.freePort()
      try Bench.write(
        """
        [server]
        bind_addr = "127.0.0.1:\(bindPort)"
        default_token = "bench"
        [server.services.bench]
        bind_addr = "127.0.0.1:\(publicPort)"

        """, to: "\(folder)/server.toml")
      try Bench.write(
        """
        [client]
        remote_addr = "127.0.0.1:\(bindPort)"
        default_token = "bench"
        [client.services.bench]
        local_addr = "127.0.0.1:\(originPort)"

        """, to: "\(folder)/client.toml")
      let relay = try Child(
        program, ["--server", "\(folder)/server.toml"], logFile: "\(folder)/server.log")
      let client = try Child(
        program, ["--client", "\(folder)/client.toml"], logFile: "\(folder)/client.log")
      return RunningSubject(port: publicPort, relay: [relay], client: [client])
    }
  }
}
