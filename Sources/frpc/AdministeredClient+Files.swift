internal import ClientAdmin
internal import Configuration
internal import Daemon
internal import TunnelClient

extension AdministeredClient {
  /// A client of this process, for its admin server.
  ///
  /// - Parameter willStop: called before the client is told to stop.
  init(
    _ source: ClientSource, _ configuration: ClientConfiguration, _ client: TunnelClient,
    _ reloader: Reloader<ClientConfiguration>, willStop: @escaping () -> Void
  ) {
    let files = source.files
    func reload(_ cause: String, isStrict: Bool) -> [ConfigurationIssue] {
      reloader.reload(cause) { files?.read(isStrict: isStrict) ?? source.read() }
    }
    self.init(file: source.path) {
      client.status
    } reload: { isStrict in
      reload("the admin server was asked to", isStrict: isStrict)
    } loaded: {
      files?.reload(isStrict: false).loaded
    } stop: {
      willStop()
      client.stop()
    }
    guard let files, let path = files.storePath(of: configuration) else { return }
    store = ClientStore(path: path) { content in
      files.reload(isStrict: false, replacing: .init(path: path, content: content)).issues
    } apply: {
      reload("the store has changed", isStrict: false)
    }
  }
}
