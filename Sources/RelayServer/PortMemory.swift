internal import LinuxSystem
internal import Logging
internal import Reactor
internal import Timekeeping

/// A file with the public ports that proxies have, so that a relay that was killed keeps them for
/// their owners when it comes back.
///
/// A line a proxy: the port, a space, the name. The file is replaced as a whole, a while after
/// something has changed, and is small: writing it takes less than a turn of the loop may.
final class PortMemory {
  private let loop: EventLoop
  private let path: String
  private let logger: Logger
  private var timer: TimerID?
  private var ports: (() -> [(name: String, port: UInt16)])?
  private var hasFailed = false

  init(_ loop: EventLoop, path: String, _ logger: Logger) {
    self.loop = loop
    self.path = path
    self.logger = logger
  }

  /// What the file says; nothing when there is none. Lines that make no sense are passed over.
  func load() -> [(name: String, port: UInt16)] {
    let content: [UInt8]
    do throws(Errno) {
      content = try HostSystem.readFile(
        path, byteCountMax: RelayServerLimits.portMemoryByteCountMax)
    } catch {
      if error != .noSuchFile { logger.warning("port_memory_file: cannot read \(path): \(error)") }
      return []
    }
    return content.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let space = line.firstIndex(of: UInt8(ascii: " ")),
        let port = UInt16(String(decoding: line[..<space], as: UTF8.self)), port > 0,
        let name = String(validating: line[line.index(after: space)...], as: UTF8.self)
      else { return nil }
      return (name, port)
    }
  }

  /// Writes the file soon; `ports` is asked then.
  func noteChange(_ ports: @escaping () -> [(name: String, port: UInt16)]) {
    self.ports = ports
    guard timer == nil else { return }
    timer = loop.schedule(after: RelayServerLimits.portMemoryDelay) { [unowned self] in
      // Cancelled in `close`.
      timer = nil
      writeIfChanged()
    }
  }

  /// Writes what has changed, and nothing any more.
  func close() {
    if let timer { loop.cancel(timer) }
    timer = nil
    writeIfChanged()
  }

  private func writeIfChanged() {
    guard let ports = ports.take() else { return }
    write(ports())
  }

  private func write(_ ports: [(name: String, port: UInt16)]) {
    var content: [UInt8] = []
    for (name, port) in ports where !name.utf8.contains(UInt8(ascii: "\n")) {
      content += Array("\(port) \(name)\n".utf8)
      if content.count > RelayServerLimits.portMemoryByteCountMax / 2 { break }
    }
    do throws(Errno) {
      try HostSystem.replaceFile(path, with: content)
      hasFailed = false
    } catch {
      if !hasFailed { logger.warning("port_memory_file: cannot write \(path): \(error)") }
      hasFailed = true
    }
  }
}
