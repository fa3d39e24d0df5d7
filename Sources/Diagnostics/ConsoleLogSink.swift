internal import Glibc
public import Logging

/// Writes lines to standard output or another open descriptor.
///
/// A reader that went away, or that takes nothing, costs lines and not the program: pieces are
/// written only when the descriptor takes them, and the one wait that a stalled reader gets is
/// `DiagnosticsLimits.consoleWaitMilliseconds`, once until it takes again.
public final class ConsoleLogSink: LogSink {
  private struct State {
    var hasStalled = false
    var isInsideLine = false
    var lostLineCount = 0
  }

  private let descriptor: CInt
  /// Whether lines are coloured.
  let hasColor: Bool
  private let state = SinkState(State())

  /// Makes a sink over a duplicate of `descriptor`, so that nobody else's file can take its number
  /// later.
  ///
  /// - Parameter hasColor: `nil` for colour when the descriptor is a terminal.
  public init(descriptor original: CInt, isColorDisabled: Bool, hasColor: Bool? = nil) {
    // Descriptors of the kernel's own kinds (epoll, signals) have no file type: one of them has
    // the number of a standard output that was closed before the program started.
    var status = stat()
    let isFile = fstat(original, &status) == 0 && status.st_mode & S_IFMT != 0
    descriptor = isFile ? fcntl(original, F_DUPFD_CLOEXEC, 3) : -1
    self.hasColor = !isColorDisabled && (hasColor ?? (isFile && isatty(original) == 1))
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// How many lines could not be written and have not been reported yet.
  public var lostLineCount: Int { state.withLock { $0.lostLineCount } }

  /// Writes one line.
  public func write(_ line: String, level: Logger.Level) {
    guard descriptor >= 0 else { return }
    let text = colored(line, level)
    state.withLock { state in
      if state.lostLineCount > 0 || state.isInsideLine {
        let report = state.isInsideLine ? "\n" : ""
        guard write(report + lossReport(state.lostLineCount), &state) else {
          state.lostLineCount += 1
          return
        }
        state.lostLineCount = 0
        state.isInsideLine = false
      }
      if !write(text, &state) { state.lostLineCount += 1 }
    }
  }

  private func lossReport(_ count: Int) -> String {
    count == 0 ? "" : "(\(count) log lines were lost: the output did not take them)\n"
  }

  private func colored(_ line: String, _ level: Logger.Level) -> String {
    guard hasColor, let code = Self.colorCode(of: level) else { return line + "\n" }
    return "\u{1B}[1;\(code)m\(line)\n\u{1B}[0m"
  }

  private static func colorCode(of level: Logger.Level) -> Int? {
    switch level {
    case .trace: nil
    case .debug: 36
    case .info, .notice: 34
    case .warning: 33
    case .error, .critical: 31
    }
  }

  /// Writes all of `text`, or marks in `state` where it stopped.
  private func write(_ text: String, _ state: inout State) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        guard isReady(&state) else { return false }
        let piece = UnsafeRawBufferPointer(
          rebasing: UnsafeRawBufferPointer(bytes)[offset...]
            .prefix(DiagnosticsLimits.consolePieceBytesMax))
        let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
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

  /// Whether the descriptor takes bytes now, after at most one wait for each stall.
  private func isReady(_ state: inout State) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let wait = state.hasStalled ? 0 : DiagnosticsLimits.consoleWaitMilliseconds
    let count = Glibc.poll(&poll, 1, CInt(wait))
    if count < 0, errno == EINTR { return isReady(&state) }
    // POLLERR: nobody reads any more, and a write would raise SIGPIPE.
    let isBroken = Int32(poll.revents) & (POLLERR | POLLNVAL) != 0
    let isReady = count > 0 && !isBroken && Int32(poll.revents) & POLLOUT != 0
    state.hasStalled = !isReady
    return isReady
  }
}
