public import Configuration
internal import LinuxSystem
internal import Logging
internal import Reactor

/// What reading the files of a configuration gave.
public struct ConfigurationReading<Value> {
  /// The configuration; `nil` when it cannot be used.
  public var value: Value?

  /// What there is to say about it.
  public var issues: [ConfigurationIssue]

  /// Puts both together.
  public init(value: Value?, issues: [ConfigurationIssue]) {
    self.value = value
    self.issues = issues
  }
}

/// The files whose change makes a program read its configuration again.
public struct WatchedFiles {
  /// Files, there or not.
  public var files: [String] = []

  /// Folders of which every file counts.
  public var folders: [String] = []

  /// Puts both together.
  public init(files: [String], folders: [String] = []) {
    self.files = files
    self.folders = folders
  }
}

/// Reads a program's configuration again, on demand or when its files change, and hands it on if it
/// can be used. One that cannot be used changes nothing.
public final class Reloader<Value> {
  private let process: ServiceProcess
  private let read: () -> ConfigurationReading<Value>
  private let apply: (Value) -> Void
  private let watched: (Value) -> WatchedFiles?
  private var watcher: FileWatcher?

  /// Begins to watch, if the program's configuration asks for it.
  ///
  /// - Parameters:
  ///   - current: the configuration that the program runs with.
  ///   - watched: the files to watch; `nil` for none.
  ///   - read: reads all of them.
  ///   - apply: gives the program what was read.
  public init(
    _ process: ServiceProcess, current: Value, watched: @escaping (Value) -> WatchedFiles?,
    read: @escaping () -> ConfigurationReading<Value>, apply: @escaping (Value) -> Void
  ) {
    self.process = process
    self.read = read
    self.apply = apply
    self.watched = watched
    watch(current)
  }

  /// Reads the files, and hands on what they say.
  ///
  /// - Parameter read: reads them in another way than as a rule.
  /// - Returns: what there is to say about them; no error when they are in force.
  @discardableResult
  public func reload(
    _ cause: String, reading read: (() -> ConfigurationReading<Value>)? = nil
  ) -> [ConfigurationIssue] {
    process.logger.info("reading the configuration again: \(cause)")
    process.reports.reloading()
    defer { process.reports.reloaded() }
    let reading = (read ?? self.read)()
    for issue in reading.issues {
      process.logger.log(level: issue.severity == .error ? .error : .warning, "\(issue)")
    }
    guard let value = reading.value else {
      process.logger.error("the configuration was not reloaded: the former one stays in force")
      return reading.issues
    }
    apply(value)
    watch(value)
    return reading.issues
  }

  /// Stops watching.
  public func close() {
    watcher?.close()
    watcher = nil
  }

  private func watch(_ value: Value) {
    guard let files = watched(value) else { return close() }
    do throws(Errno) {
      if watcher == nil { watcher = try makeWatcher() }
      for failure in watcher?.watch(files: files.files, folders: files.folders) ?? [] {
        process.logger.warning("changes of files are not seen in \(failure)")
      }
    } catch {
      process.logger.warning("changes of files are not seen: \(error)")
    }
  }

  private func makeWatcher() throws(Errno) -> FileWatcher {
    try FileWatcher(process.loop) { [unowned self] in
      // Closed in `close`, which whoever has us calls.
      reload("files have changed")
    }
  }
}

@available(*, unavailable)
extension Reloader: Sendable {}
