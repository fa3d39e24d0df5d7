internal import Glibc
public import LinuxSystem
public import Timekeeping

/// What a program with NOTIFY_SOCKET talks to: a datagram socket with a path or an abstract name.
public final class SupervisorStandIn: Sendable {
  /// What belongs into NOTIFY_SOCKET.
  public let address: String
  private let descriptor: CInt

  /// Listens at a path, or at an abstract name when `address` begins with `@`.
  public init(_ address: String) throws(Errno) {
    self.address = address
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { throw .current }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(address.utf8)
    let isAbstract = bytes.first == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
    let prefix = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: name.sun_path)
    let length = socklen_t(prefix + bytes.count + (isAbstract ? 0 : 1))
    let result = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    if result != 0 { throw .current }
    // As systemd's: whoever the program has become may talk to it.
    if !isAbstract { chmod(address, 0o777) }
  }

  deinit {
    close(descriptor)
    if address.hasPrefix("/") { unlink(address) }
  }

  /// The next message; `nil` when none came in time.
  public func receive(within limit: Interval = .seconds(10)) -> String? {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, CInt(limit.nanoseconds / 1_000_000)) == 1 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Whether a message with that line comes; others are passed over.
  public func hears(_ line: String, within limit: Interval = .seconds(10)) -> Bool {
    let deadline = HostSystem.monotonicNanoseconds + limit.nanoseconds
    while true {
      let rest = Interval(nanoseconds: max(0, deadline - HostSystem.monotonicNanoseconds))
      guard let message = receive(within: rest) else { return false }
      if message.split(separator: "\n").contains(Substring(line)) { return true }
    }
  }
}
