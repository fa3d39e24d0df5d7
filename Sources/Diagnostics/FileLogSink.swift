internal import CLinux
internal import Glibc
public import Logging

/// Writes lines to a file that begins anew every midnight (cli.md 6.2).
///
/// At the first line of a new day the file is renamed to `name.YYYYMMDD-HHMMSS.ext` and files of
/// such names that are too old are removed. When anything of that fails, lines go on into the file
/// that is open. Only plain files are renamed.
public final class FileLogSink: LogSink {
  private struct State {
    var descriptor: CInt
    var openedOn: LocalTime
    var isInsideLine = false
    var lostLineCount = 0
  }

  private let path: LogPath
  private let daysMax: Int?
  private let clock: LogClock
  private let state: SinkState<State>

  /// Opens the file, and makes it and its directories when they are missing.
  ///
  /// - Parameters:
  ///   - path: relative to the working directory.
  ///   - daysMax: for how many days old files are kept; `nil` for ever.
  ///   - clock: tells when a new day begins.
  /// - Throws: the path and the reason.
  public init(path: String, daysMax: Int?, clock: LogClock = .system) throws(LogError) {
    self.path = LogPath(path)
    self.daysMax = daysMax
    self.clock = clock
    try Self.makeDirectories(for: path)
    let descriptor = try Self.open(path)
    state = SinkState(State(descriptor: descriptor, openedOn: clock.now()))
  }

  deinit {
    state.withLock { state in
      close(state.descriptor)
      state.descriptor = -1
    }
  }

  /// How many lines could not be written and have not been reported yet.
  public var lostLineCount: Int { state.withLock { $0.lostLineCount } }

  /// Whether the path leads to the file that is open; a pipe or a device is never opened anew.
  public var isInPlace: Bool {
    let descriptor = state.withLock { $0.descriptor }
    var opened = stat()
    guard fstat(descriptor, &opened) == 0, opened.st_mode & S_IFMT == S_IFREG else { return true }
    var named = stat()
    return stat(path.text, &named) == 0 && named.st_dev == opened.st_dev
      && named.st_ino == opened.st_ino
  }

  /// Writes one line.
  public func write(_ line: String, level: Logger.Level) {
    state.withLock { state in
      // Read under the lock: an older time of another thread would turn the day back.
      let now = clock.now()
      if !now.isSameDay(as: state.openedOn) {
        state.openedOn = now
        rotate(&state, now)
      }
      var text = line + "\n"
      if state.isInsideLine || state.lostLineCount > 0 {
        let count = state.lostLineCount
        let report = count == 0 ? "" : "(\(count) log lines were lost: the file took no more)\n"
        text = (state.isInsideLine ? "\n" : "") + report + text
      }
      if append(text, &state) { state.lostLineCount = 0 } else { state.lostLineCount += 1 }
    }
  }

  private func append(_ text: String, _ state: inout State) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        let rest = UnsafeRawBufferPointer(
          rebasing: UnsafeRawBufferPointer(bytes)[offset...])
        let written = Glibc.write(state.descriptor, rest.baseAddress, rest.count)
        if written > 0 {
          offset += written
          state.isInsideLine = offset < bytes.count
        } else if written < 0, errno == EINTR {
          continue
        } else {
          return false
        }
      }
      return true
    }
  }

  // MARK: Rotation

  private func rotate(_ state: inout State, _ now: LocalTime) {
    var status = stat()
    guard fstat(state.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    let backup = path.backupPath(now)
    guard access(backup, F_OK) != 0, rename(path.text, backup) == 0 else { return }
    let mode = status.st_mode & 0o777
    let fresh = frp_open_append(path.text, mode)
    guard fresh >= 0 else { return }
    // The mode given to open passes the mask; the old file's has to stay.
    fchmod(fresh, mode)
    close(state.descriptor)
    state.descriptor = fresh
    state.isInsideLine = false
    removeOldBackups(now)
  }

  private func removeOldBackups(_ now: LocalTime) {
    guard let daysMax, let directory = opendir(path.directory) else { return }
    defer { closedir(directory) }
    var entryCount = 0
    while entryCount < DiagnosticsLimits.directoryEntryCountMax, let entry = readdir(directory) {
      entryCount += 1
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let time = path.backupTime(ofFileNamed: name) else { continue }
      let (age, overflow) = daysMax.multipliedReportingOverflow(by: 24 * 3600)
      if !overflow, now.wallSeconds - time.wallSeconds > age {
        unlink(path.directoryPrefix + name)
      }
    }
  }

  // MARK: Opening

  private static func open(_ path: String) throws(LogError) -> CInt {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO {
      // Opening a pipe waits for its reader.
      throw .fileNotOpened(path: path, reason: "it is a pipe")
    }
    let descriptor = frp_open_append(path, 0o600)
    guard descriptor >= 0 else {
      throw .fileNotOpened(path: path, reason: String(cString: strerror(errno)))
    }
    return descriptor
  }

  private static func makeDirectories(for path: String) throws(LogError) {
    var index = path.startIndex
    while let slash = path[index...].firstIndex(of: "/") {
      index = path.index(after: slash)
      let directory = String(path[..<slash])
      guard !directory.isEmpty, mkdir(directory, 0o755) != 0 else { continue }
      let failure = errno
      var status = stat()
      guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        throw .directoryNotMade(path: directory, reason: String(cString: strerror(failure)))
      }
    }
  }
}

/// The names of a log file and of its backups.
struct LogPath {
  let text: String
  /// Empty, or with a slash at its end.
  let directoryPrefix: String
  private let stem: String
  /// Empty, or with a dot at its start.
  private let fileExtension: String

  init(_ text: String) {
    self.text = text
    let nameStart = text.lastIndex(of: "/").map { text.index(after: $0) } ?? text.startIndex
    directoryPrefix = String(text[..<nameStart])
    let name = text[nameStart...]
    let dot = name.lastIndex(of: ".") ?? name.endIndex
    stem = String(name[..<dot])
    fileExtension = String(name[dot...])
  }

  var directory: String { directoryPrefix.isEmpty ? "." : directoryPrefix }

  func backupPath(_ time: LocalTime) -> String {
    "\(directoryPrefix)\(stem).\(time.fileNameText)\(fileExtension)"
  }

  /// The time in the name of one of our backups; `nil` for other files.
  func backupTime(ofFileNamed name: String) -> LocalTime? {
    let prefix = stem + "."
    guard name.hasPrefix(prefix), name.hasSuffix(fileExtension),
      name.utf8.count > prefix.utf8.count + fileExtension.utf8.count
    else { return nil }
    return LocalTime(
      fileNameText: name.dropFirst(prefix.count).dropLast(fileExtension.count))
  }
}
