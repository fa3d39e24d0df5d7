extension DoctorFault {
  /// The one thing to do next.
  public var advice: String {
    switch self {
    case .nameNotFound: "Correct server_addr, or make the name at whoever keeps your domain."
    case .nameServersFailed:
      "Look whether this machine is online and what is in /etc/resolv.conf; "
        + "dns_server names another name server."
    case .refused:
      "Start frps on the relay, and compare server_port here with bind_port there."
    case .filtered:
      "Open the port for TCP in every firewall before the relay, that of its provider too."
    case .unreachable: "Look at this machine's network: `ip route get` with the relay's address."
    case .upstreamProxy:
      "Look at http_proxy (transport.proxyURL): address, user and password, and what the proxy "
        + "allows."
    case .certificateName:
      "Set tls_server_name (transport.tls.serverName) to a name in the relay's certificate."
    case .certificateUntrusted:
      "Set tls_trusted_ca_file (transport.tls.trustedCaFile) to the file of the authority that "
        + "signed the relay's certificate."
    case .certificateExpired:
      "Renew the relay's certificate, if the clock of this machine is right."
    case .certificateWanted:
      "Set tls_cert_file and tls_key_file (transport.tls.certFile, keyFile) to a pair that the "
        + "relay's authority has signed."
    case .clock: "Set the clock of this machine: `timedatectl set-ntp true`."
    case .notFrps:
      "Look what listens on that port of the relay, and correct server_addr and server_port."
    case .muxMismatch: "Set tcp_mux (transport.tcpMux) to the same value in both files."
    case .tlsRequired: "Set tls_enable = true (transport.tls.enable): the relay takes TLS only."
    case .tlsNotSpoken:
      "Look what stands before the relay and ends TLS; without it, tls_enable = false here."
    case .muxAndTLSMismatch:
      "Set tcp_mux (transport.tcpMux) and tls_enable (transport.tls.enable) as the relay has them."
    case .silent: "Look at the log of frps; something on the way may hold the bytes back."
    case .wrongToken: "Make token (auth.token) the same in both files."
    case .version: "Install the newest version on the side that is older."
    case .relayFull:
      "Look at the limits of frps, and at who is logged in there: perhaps this client already."
    case .account: "Ask whoever keeps the relay's users file."
    case .refusedLogin: "Look at the log of frps at this moment: it has the cause."
    case .portConflict: "Choose another remote_port (remotePort)."
    case .localServiceRefuses:
      "Start the local service, or correct local_ip and local_port (localIP, localPort)."
    case .localServiceSilent:
      "Look whether that machine is on, and whether its firewall lets this one in."
    case .localServiceName: "Correct local_ip (localIP)."
    case .localServiceNotSet: "Set local_port (localPort)."
    case .timeOver: "Give it more time: --timeout."
    }
  }
}
