/// What became of a new configuration that a running program was given.
public struct ReloadOutcome: Equatable, Sendable {
  /// Keys that differ and need a restart: their former values stay in force.
  public var restartKeys: [String] = []

  /// What could not be used, each with the reason: the former state of it stays in force.
  public var problems: [String] = []

  /// Everything is in force.
  public init() {}
}

extension ServerConfiguration {
  /// Puts the values of a running relay in the place of those that it cannot change.
  ///
  /// - Returns: the keys that differed.
  public mutating func keepFixedValues(of running: ServerConfiguration) -> [String] {
    ComparedKey.keepFixedValues(
      ComparedKey.server, of: running, in: &self, iniNames: ServerSchema.iniNames)
  }
}

extension ClientConfiguration {
  /// Puts the values of a running client in the place of those that it cannot change; proxies are
  /// none of them.
  ///
  /// - Returns: the keys that differed.
  public mutating func keepFixedValues(of running: ClientConfiguration) -> [String] {
    ComparedKey.keepFixedValues(
      ComparedKey.client, of: running, in: &self, iniNames: ClientSchema.iniNames)
  }
}
