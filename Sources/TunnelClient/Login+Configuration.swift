internal import Configuration
internal import LinuxSystem
internal import StreamCoding
internal import WireProtocol

extension Login {
  /// Says who a client is, at this moment.
  ///
  /// - Parameter isSecretShown: whether the token is proved.
  init(of configuration: ClientConfiguration, isSecretShown: Bool = true) {
    self.init()
    version = ProtocolVersion.current
    hostname = HostSystem.hostName
    os = "linux"
    arch = HostSystem.architecture
    user = configuration.user
    timestamp = HostSystem.unixSeconds
    privilegeKey = Credentials.privilegeKey(
      secret: isSecretShown ? configuration.authentication.token.value : "", timestamp: timestamp)
    metas = configuration.metadata
  }
}
