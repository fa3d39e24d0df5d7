public import LinuxSystem
internal import Timekeeping

/// Reports on a loop that files have changed: written anew, replaced by others, made or removed.
///
/// Folders are watched, not files, so that editors that replace a file are seen, and links that
/// lead elsewhere than before. An event comes when nothing has happened for
/// `ReactorLimits.fileSettleTime`, and only if one of the files is another one than at the last
/// report.
public final class FileWatcher: ReadinessHandler {
  private let loop: EventLoop
  private let monitor: FolderMonitor
  private var registration: RegistrationID?
  private var timer: TimerID?
  // When the first thing happened of those that are waited out.
  private var unsettledSince: Instant?
  private var files: [String] = []
  private var folders: [String] = []
  // Those that the kernel has taken once: a program that has given up rights meanwhile may not name
  // them again, and hears of them all the same.
  private var takenFolders: Set<String> = []
  private var identities: [String: FileIdentity] = [:]
  private let onChange: () -> Void

  /// Calls `onChange` from the loop until `close()`.
  ///
  /// - Throws: what the kernel said.
  public init(_ loop: EventLoop, onChange: @escaping () -> Void) throws(Errno) {
    self.loop = loop
    self.onChange = onChange
    monitor = try FolderMonitor()
    registration = try loop.register(monitor.rawValue, .readable, self)
  }

  /// Watches these files and all plain files of these folders, as they are now, and no others.
  /// What is beyond `ReactorLimits.watchedFileCountMax` is not watched.
  ///
  /// - Returns: the folders that cannot be watched, each with the reason.
  @discardableResult
  public func watch(files: [String], folders: [String] = []) -> [String] {
    self.files = files
    self.folders = folders
    identities = look()
    return watchFolders()
  }

  private func watchFolders() -> [String] {
    var failures: [String] = []
    for folder in Set(files.flatMap(HostSystem.folders(of:)) + folders).sorted() {
      do throws(Errno) {
        try monitor.watch(folder)
        takenFolders.insert(folder)
      } catch {
        if !takenFolders.contains(folder) { failures.append("\(folder): \(error)") }
      }
    }
    return failures
  }

  private func look() -> [String: FileIdentity] {
    var found: [String: FileIdentity] = [:]
    for file in files { found[file] = FileIdentity(file) }
    for folder in folders {
      for name in Console.fileNames(in: folder) ?? [] {
        guard found.count < ReactorLimits.watchedFileCountMax else { return found }
        let path = "\(folder)/\(name)"
        found[path] = FileIdentity(path)
      }
    }
    return found
  }

  /// Notes that something has happened, and waits until it is over.
  public func handleReadiness(_ readiness: Readiness) {
    guard monitor.takeEvents() else { return }
    if let timer { loop.cancel(timer) }
    let start = unsettledSince ?? loop.now
    unsettledSince = start
    let settled = min(
      loop.now + ReactorLimits.fileSettleTime, start + ReactorLimits.fileSettleTimeMax)
    timer = loop.schedule(at: settled) { [unowned self] in
      // Cancelled in `close`.
      timer = nil
      unsettledSince = nil
      check()
    }
  }

  private func check() {
    let now = look()
    guard now != identities else { return }
    identities = now
    // A link may lead elsewhere by now.
    _ = watchFolders()
    onChange()
  }

  /// Stops watching.
  public func close() {
    if let registration { loop.deregister(registration) }
    registration = nil
    if let timer { loop.cancel(timer) }
    timer = nil
  }
}
