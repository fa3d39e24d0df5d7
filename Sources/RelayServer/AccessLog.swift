internal import Configuration
internal import Diagnostics
internal import HTTPProtocol
internal import Logging
internal import Reactor
internal import Transports

/// The log with one line for each request. The lines of one turn are written at once.
final class AccessLog: FlushHandler {
  private let loop: EventLoop
  private let sink: FileLogSink
  private let form: AccessRecord.Form
  private var pending = ""
  private var isFlushDue = false

  /// Opens the file.
  init(
    _ loop: EventLoop, path: String, form: AccessLogConfiguration.Form, daysMax: Int?
  ) throws(LogError) {
    self.loop = loop
    sink = try FileLogSink(path: path, daysMax: daysMax)
    self.form =
      switch form {
      case .common: .common
      case .json: .json
      }
  }

  /// Adds a line.
  func write(_ record: AccessRecord) {
    if !pending.isEmpty { pending += "\n" }
    pending += record.line(form)
    guard !isFlushDue else { return }
    isFlushDue = true
    loop.scheduleFlush(self)
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
