/// The sizes that bound what reading one configuration may cost.
public enum ConfigurationLimits {
  /// The most bytes in one file.
  public static let fileBytesMax = 4 << 20

  /// The most bytes in one line, and in one value that spans lines.
  public static let lineBytesMax = 64 << 10

  /// The most bytes that the templates of one file may grow it to.
  public static let renderedBytesMax = 8 << 20

  /// The most sections in a file together with its includes, before ranges are expanded.
  public static let sectionCountMax = 65_536

  /// The most keys in one section.
  public static let sectionKeyCountMax = 4096

  /// The most `%(name)s` that are replaced in one value.
  public static let replacementCountMax = 99

  /// The most numbers in one range list such as `6000-6010,7000`.
  public static let rangeNumberCountMax = 65_535

  /// The most proxies of one client, ranges expanded.
  public static let proxyCountMax = 65_535

  /// The most users of a users file.
  public static let accountCountMax = 65_536

  /// The most bytes of a user's name.
  public static let accountNameBytesMax = 64

  /// The most groups with settings of their own.
  public static let namedGroupCountMax = 4096

  /// The most hosts whose certificates are named one by one.
  public static let certifiedHostCountMax = 1024

  /// The most files that `includes` may add.
  public static let includedFileCountMax = 1024

  /// The most values in the tree of one TOML, YAML or JSON file, aliases counted as what they
  /// stand for.
  public static let valueCountMax = 1 << 19

  /// The most tables and lists inside each other.
  public static let nestingMax = 32

  /// The most faults of syntax that are told of one TOML file.
  public static let syntaxFaultCountMax = 20

  /// The most actions that the templates of one file may carry out, and steps inside them.
  public static let templateStepCountMax = 1 << 19

  /// The most template actions inside each other.
  public static let templateNestingMax = 32

  /// The most bytes of one proxy's annotations.
  public static let annotationBytesMax = 256 << 10

  /// The most streams that a key may ask for.
  public static let streamCountMax = 1 << 30

  /// The most failures or retries that a key may ask for.
  public static let failureCountMax = 1_000_000

  /// The most errors kept, and the most warnings; one more says how many there were besides.
  public static let issueCountMax = 200

  /// The most characters of a value that an error or warning quotes.
  public static let quotedCharactersMax = 60

  /// The longest time that a key may ask for, in seconds (some thirty years).
  public static let secondsMax = 1_000_000_000

  /// The most work connections that a key may ask for.
  public static let poolCountMax = 65_535

  /// The most user connections that a key may allow.
  public static let connectionCountMax = 100_000_000

  /// The lowest memory limit, in bytes: what a relay needs for itself, with room for some clients.
  public static let memoryLimitMin = 16 << 20

  /// The highest memory limit, in bytes.
  public static let memoryLimitMax = 1 << 50

  /// The highest bandwidth limit, in bytes per second; a higher one becomes this.
  public static let bytesPerSecondMax = 1 << 40
}
