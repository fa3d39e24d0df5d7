public import Logging

/// What is logged, and where.
public struct LogSettings: Equatable, Sendable {
  /// Where lines go.
  public enum Target: Equatable, Sendable {
    /// Standard output.
    case console
    /// A file, relative to the working directory; a new one begins every midnight.
    case file(path: String)
  }

  /// Where lines go.
  public var target: Target

  /// The least severe lines that are written.
  public var level: Logger.Level

  /// For how many days old files are kept; `nil` for ever.
  public var daysMax: Int?

  /// Whether the console shows no colour even on a terminal.
  public var isColorDisabled: Bool

  /// The defaults are frp's.
  public init(
    target: Target = .console, level: Logger.Level = .info, daysMax: Int? = 3,
    isColorDisabled: Bool = false
  ) {
    self.target = target
    self.level = level
    self.daysMax = daysMax
    self.isColorDisabled = isColorDisabled
  }
}

/// Why a log cannot be opened.
public enum LogError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A parent directory cannot be made.
  case directoryNotMade(path: String, reason: String)

  /// The file cannot be opened for appending.
  case fileNotOpened(path: String, reason: String)

  /// What is wrong, in words.
  public var description: String { "log_file: \(text)" }

  /// The same without the key.
  public var text: String {
    switch self {
    case .directoryNotMade(let path, let reason):
      "the directory \(LogText.escaped(path)) cannot be made: \(reason)"
    case .fileNotOpened(let path, let reason):
      "\(LogText.escaped(path)) cannot be opened for writing: \(reason)"
    }
  }
}

/// Makes loggers.
public enum Logs {
  /// Makes a logger that writes frp's line format.
  ///
  /// - Parameters:
  ///   - settings: what is logged, and where.
  ///   - label: the name of the program.
  /// - Throws: the path and the reason, when a log file cannot be opened.
  public static func makeLogger(_ settings: LogSettings, label: String = "frp") throws(LogError)
    -> Logger
  {
    makeLogger(
      sink: try makeSink(settings, clock: .system), level: settings.level, clock: .system,
      label: label)
  }

  /// Makes a logger whose target and level are those of a switch.
  public static func makeLogger(
    _ logSwitch: LogSwitch, clock: LogClock = .system, label: String = "frp"
  ) -> Logger {
    Logger(label: label, factory: { _ in LineLogHandler(logSwitch, clock: clock) })
  }

  /// Makes a logger over any sink and clock.
  public static func makeLogger(
    sink: any LogSink, level: Logger.Level, clock: LogClock = .system, label: String = "frp"
  ) -> Logger {
    Logger(label: label, factory: { _ in LineLogHandler(sink: sink, level: level, clock: clock) })
  }

  static func makeSink(_ settings: LogSettings, clock: LogClock) throws(LogError) -> any LogSink {
    switch settings.target {
    case .console:
      ConsoleLogSink(descriptor: 1, isColorDisabled: settings.isColorDisabled)
    case .file(let path):
      try FileLogSink(path: path, daysMax: settings.daysMax, clock: clock)
    }
  }
}
