/// The version of both programs; the protocol's version is another matter.
public enum ProductVersion {
  /// What `--version` prints.
  public static var text: String { productVersion }

  /// When the pages of this version were first written.
  static let date = "2026-11-26"
}

private let productVersion = "0.1.0"
