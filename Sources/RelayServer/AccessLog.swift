internal import Configuration
internal import Diagnostics
internal import HTTPProtocol
internal import Logging
internal import Reactor
internal import Transports

/// The log with one line for each request. The lines of one turn are written at once.
final class AccessLog: FlushHandler {
  private let loop: EventLoop
  private let path: String
  private let form: AccessRecord.Form
  private var daysMax: Int?
  private var sink: FileLogSink
  private var offset = LocalOffset()
  private var pending = ""
  private var isFlushDue = false

  /// Opens the file.
  init(
    _ loop: EventLoop, path: String, form: AccessLogConfiguration.Form, daysMax: Int?
  ) throws(LogError) {
    self.loop = loop
    self.path = path
    self.daysMax = daysMax
    sink = try FileLogSink(path: path, daysMax: daysMax)
    self.form =
      switch form {
      case .common: .common
      case .json: .json
      }
  }

  /// Adds a line.
  func write(_ record: AccessRecord) {
    var record = record
    record.offsetSeconds = offset.seconds(at: record.secondsSinceEpoch)
    if !pending.isEmpty { pending += "\n" }
    pending += record.line(form)
    guard !isFlushDue else { return }
    isFlushDue = true
    loop.scheduleFlush(self)
  }

  /// Opens the file anew if its path leads elsewhere by now, as after another program has moved
  /// the file away, or if old files are kept for another time.
  ///
  /// - Throws: why it cannot be opened. Lines go where they went before.
  func reopen(daysMax: Int?) throws(LogError) {
    close()
    guard daysMax != self.daysMax || !sink.isInPlace else { return }
    sink = try FileLogSink(path: path, daysMax: daysMax)
    self.daysMax = daysMax
  }

  /// Writes the lines of this turn.
  func flush() {
    isFlushDue = false
    close()
  }

  /// Writes what is left.
  func close() {
    guard !pending.isEmpty else { return }
    sink.write(pending, level: .info)
    pending.removeAll(keepingCapacity: pending.utf8.count <= RelayServerLimits.keptLogByteCount)
  }
}

extension RelayServer {
  /// Answers HTTP requests from now on, if there is a port for them.
  ///
  /// - Throws: the log of requests that cannot be opened.
  func openHTTP() throws(RelayServerError) {
    guard configuration.httpPort != nil else { return }
    var log: AccessLog?
    if let path = configuration.accessLog.path {
      do throws(LogError) {
        log = try AccessLog(
          context.loop, path: path, form: configuration.accessLog.form,
          daysMax: configuration.log.daysMax)
      } catch {
        throw RelayServerError(description: "access_log: \(error.text)")
      }
    }
    httpFront = RequestFront(self, log)
  }
}
