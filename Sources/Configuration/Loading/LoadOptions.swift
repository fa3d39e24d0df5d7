/// What whoever loads a configuration allows.
public struct LoadOptions: Sendable {
  /// Whether unknown keys of TOML, YAML and JSON files are errors; else they are warnings.
  public var isStrict = true

  /// Whether `exec` may stand in a token source, which makes the program run another one.
  public var allowsTokenPrograms = false

  /// Whether the store file is left alone, as `verify` does.
  public var ignoresStore = false

  /// Whether keys of features that this version has not are taken as if it had them.
  var ignoresMissingFeatures = false

  /// What the programs do unless told otherwise.
  public init() {}
}
