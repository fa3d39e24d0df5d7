public import Logging
internal import Synchronization

/// A sink whose target and level are changed while loggers go on using it.
///
/// Every logger made over it follows, with whatever prefixes it was copied: the loggers hold the
/// switch, and the switch holds the sink of the moment. A line that is being written during a
/// change goes to one of the two sinks, whole.
public final class LogSwitch: LogSink {
  private struct State {
    var settings: LogSettings
    var sink: any LogSink
  }

  private static let levels = Logger.Level.allCases

  private let clock: LogClock
  private let state: SinkState<State>
  // Beside the state, so that a line that is not written costs one load.
  private let levelIndex: Atomic<Int>

  /// Opens what the settings ask for.
  ///
  /// - Throws: the path and the reason, when a log file cannot be opened.
  public init(_ settings: LogSettings, clock: LogClock = .system) throws(LogError) {
    self.clock = clock
    let sink = try Logs.makeSink(settings, clock: clock)
    state = SinkState(State(settings: settings, sink: sink))
    levelIndex = Atomic(Self.index(of: settings.level))
  }

  /// The least severe lines that are written now.
  public var level: Logger.Level {
    Self.levels[levelIndex.load(ordering: .relaxed)]
  }

  /// Takes new settings. A log file is opened anew if its path leads elsewhere by now, as after
  /// another program has moved the file away.
  ///
  /// - Throws: why the new file cannot be opened. The level is the new one then, and lines go
  ///   where they went before.
  public func change(to settings: LogSettings) throws(LogError) {
    levelIndex.store(Self.index(of: settings.level), ordering: .relaxed)
    let isSame = state.withLock { state in
      state.settings.level = settings.level
      return state.settings == settings && state.sink.isInPlace
    }
    if isSame { return }
    let sink = try Logs.makeSink(settings, clock: clock)
    // Closed by the last one who writes to it.
    state.withLock { $0 = State(settings: settings, sink: sink) }
  }

  /// Writes one line to the sink of the moment.
  public func write(_ line: String, level: Logger.Level) {
    state.withLock { $0.sink }.write(line, level: level)
  }

  private static func index(of level: Logger.Level) -> Int {
    levels.firstIndex(of: level) ?? 0
  }
}
