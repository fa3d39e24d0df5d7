internal import LinuxSystem
internal import Logging
internal import Reactor
internal import Timekeeping

/// The operator's page for hosts that nobody serves. The file is read again after a while, so that
/// a changed page is shown, and not once for every user who asks.
final class NotFoundPage {
  /// The file; `nil` for no page of the operator's.
  var path: String? {
    didSet { if path != oldValue { readAt = nil } }
  }

  private let loop: EventLoop
  private let logger: Logger
  private var bytes: [UInt8]?
  private var readAt: Instant?

  init(_ loop: EventLoop, path: String?, _ logger: Logger) {
    self.loop = loop
    self.path = path
    self.logger = logger
  }

  /// The page; `nil` when there is none, or it cannot be read.
  var content: [UInt8]? {
    guard let path else { return nil }
    let now = loop.now
    if let readAt, now - readAt < RelayServerLimits.notFoundPageMemory { return bytes }
    readAt = now
    do throws(Errno) {
      bytes = try HostSystem.readFile(
        path, byteCountMax: RelayServerLimits.notFoundPageByteCountMax)
    } catch {
      bytes = nil
      logger.warning("custom_404_page: cannot read \(path): \(error)")
    }
    return bytes
  }
}
