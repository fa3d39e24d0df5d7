public import Logging

/// Takes finished lines. Used from several threads at once.
public protocol LogSink: Sendable {
  /// Writes one line, without the newline. Never fails: what cannot be written is counted and
  /// reported by a line of the sink's own, once it can.
  func write(_ line: String, level: Logger.Level)

  /// Whether lines still go where the sink's settings say.
  var isInPlace: Bool { get }
}

extension LogSink {
  /// True for sinks that nobody can move.
  public var isInPlace: Bool { true }
}

/// Renders frp's line format (cli.md 6):
/// `YYYY-MM-DD HH:MM:SS.mmm [L] [dir/file.ext:line] [prefix] … message`.
public struct LineLogHandler: LogHandler {
  /// The least severe lines that are written: those of the switch until set.
  public var logLevel: Logger.Level {
    get { ownLevel ?? levelSource?.level ?? .trace }
    set { ownLevel = newValue }
  }

  /// Behind the message as `key=value`.
  public var metadata: Logger.Metadata = [:]

  /// More of the same, made for each line.
  public var metadataProvider: Logger.MetadataProvider?

  /// The prefixes, in the order in which they are shown.
  public private(set) var prefixes: [String] = []

  private var prefixText = ""
  private var ownLevel: Logger.Level?
  private let levelSource: LogSwitch?
  private let sink: any LogSink
  private let clock: LogClock

  /// Makes a handler without prefixes.
  public init(sink: any LogSink, level: Logger.Level, clock: LogClock = .system) {
    self.sink = sink
    self.clock = clock
    levelSource = nil
    ownLevel = level
  }

  /// Makes a handler without prefixes whose level and sink are those of a switch, now and later.
  public init(_ logSwitch: LogSwitch, clock: LogClock = .system) {
    sink = logSwitch
    self.clock = clock
    levelSource = logSwitch
  }

  /// Adds a prefix behind those that are there; beyond `DiagnosticsLimits.prefixCountMax` it is
  /// left out.
  public mutating func addPrefix(_ prefix: String) {
    guard prefixes.count < DiagnosticsLimits.prefixCountMax else { return }
    let text = LogText.shortened(
      LogText.escaped(prefix), byteCountMax: DiagnosticsLimits.prefixBytesMax)
    prefixes.append(text)
    prefixText += "[\(text)] "
  }

  /// One member of `metadata`.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  public func log(event: LogEvent) {
    var line = clock.now().lineText
    line += " [\(Self.letter(of: event.level))] "
    line += "[\(Self.lastTwoParts(of: event.file)):\(event.line)] "
    line += prefixText
    line += LogText.escaped(event.message.description)
    if let error = event.error { line += ": " + LogText.escaped("\(error)") }
    appendMetadata(of: event, to: &line)
    sink.write(
      LogText.shortened(line, byteCountMax: DiagnosticsLimits.lineBytesMax), level: event.level)
  }

  private func appendMetadata(of event: LogEvent, to line: inout String) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let own = event.metadata { all.merge(own) { _, new in new } }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      line += " \(LogText.escaped(key))=\(LogText.escaped("\(value)"))"
    }
  }

  static func letter(of level: Logger.Level) -> String {
    switch level {
    case .trace: "T"
    case .debug: "D"
    case .info, .notice: "I"
    case .warning: "W"
    case .error, .critical: "E"
    }
  }

  private static func lastTwoParts(of path: String) -> Substring {
    guard let slash = path.lastIndex(of: "/") else { return path[...] }
    guard let before = path[..<slash].lastIndex(of: "/") else { return path[...] }
    return path[path.index(after: before)...]
  }
}

extension Logger {
  /// The same logger with one more `[value] ` behind its prefixes.
  public func prefixed(by value: String) -> Logger {
    guard var lineHandler = handler as? LineLogHandler else { return self }
    lineHandler.addPrefix(value)
    var logger = self
    logger.handler = lineHandler
    return logger
  }
}
