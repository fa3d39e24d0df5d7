internal import CLinux
internal import Glibc

/// The supervisor that started this process, systemd for example: it is told how the process is
/// (sd_notify(3)), and may have passed a socket (sd_listen_fds(3)).
public final class Supervisor {
  /// Whether this process is a service: somebody starts it again and reads what it says.
  public let isPresent: Bool

  /// After how long without `WATCHDOG=1` the supervisor restarts the process; `nil` when it does
  /// not.
  public let watchdogNanoseconds: Int64?

  /// The names of the sockets that were passed, in the order of their numbers.
  public let inheritedNames: [String]

  /// What is wrong with the address in NOTIFY_SOCKET; `nil` when nothing is.
  public let notificationError: Errno?

  private let notification: FileDescriptor?
  private var isListenerTaken = false

  /// The variables that belong to this process and not to those that it starts.
  private static let variables = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS",
    "LISTEN_FDNAMES",
  ]

  /// Reads the environment, and removes what was read.
  public static func fromEnvironment() -> Supervisor {
    let supervisor = Supervisor(environment: Console.environment, processID: getpid())
    for name in variables { unsetenv(name) }
    return supervisor
  }

  /// Reads `environment` as that of the process `processID`.
  public init(environment: [String: String], processID: Int32) {
    let isOurs = { (name: String) in
      environment[name].map { Int32($0) == processID }
    }
    // The variables of a service are inherited by all that its processes start, a desktop's
    // terminals among them; SYSTEMD_EXEC_PID says who was meant (systemd 248 and newer).
    let isInvoked = environment["INVOCATION_ID"] != nil && isOurs("SYSTEMD_EXEC_PID") != false
    isPresent = environment["NOTIFY_SOCKET"] != nil || isInvoked
    var watchdog: Int64?
    if let text = environment["WATCHDOG_USEC"], isOurs("WATCHDOG_PID") != false,
      let microseconds = Int64(text), microseconds > 0
    {
      watchdog =
        max(
          min(microseconds, Int64.max / 1000), LinuxSystemLimits.watchdogMicrosecondsMin) * 1000
    }
    watchdogNanoseconds = watchdog
    inheritedNames = Self.inheritedNames(environment, isOurs: isOurs("LISTEN_PID") == true)
    do throws(Errno) {
      notification = try environment["NOTIFY_SOCKET"].map(Self.open) ?? nil
      notificationError = nil
    } catch {
      notification = nil
      notificationError = error
    }
  }

  private static func inheritedNames(_ environment: [String: String], isOurs: Bool) -> [String] {
    guard isOurs, let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), count > 0 else {
      return []
    }
    let names = (environment["LISTEN_FDNAMES"] ?? "").split(
      separator: ":", omittingEmptySubsequences: false)
    return (0..<min(count, LinuxSystemLimits.inheritedSocketCountMax)).map {
      $0 < names.count && !names[$0].isEmpty ? String(names[$0]) : "unknown"
    }
  }

  // MARK: Messages

  /// Sends assignments such as `READY=1`, one a line.
  ///
  /// - Returns: `false` when the supervisor takes nothing now and it is worth trying again.
  @discardableResult
  public func notify(_ assignments: [String]) -> Bool {
    guard let number = notificationNumber else { return true }
    let lines = assignments.map { text in
      String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) })
    }
    let bytes = Array(lines.joined(separator: "\n").utf8)
    guard bytes.count <= LinuxSystemLimits.supervisorMessageBytesMax else { return true }
    let result = bytes.withUnsafeBytes { bytes in
      retryingTransfer {
        Glibc.send(number, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
      }
    }
    return result != .wouldBlock
  }

  private var notificationNumber: CInt? {
    switch notification {
    case .some(let open): open.rawValue
    case .none: nil
    }
  }

  // Connected at the start: later the path may be out of reach, since the process gives up rights.
  private static func open(_ path: String) throws(Errno) -> FileDescriptor {
    var bytes = Array(path.utf8)
    var address = sockaddr_un()
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count >= 2, bytes.count < capacity, let first = bytes.first,
      first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), !bytes.contains(0)
    else { throw .invalidArgument }
    // An abstract name begins with a zero byte and is as long as the address says.
    if first == UInt8(ascii: "@") { bytes[0] = 0 }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let prefix = MemoryLayout<sockaddr_un>.size - capacity
    let length = socklen_t(prefix + bytes.count + (bytes[0] == 0 ? 0 : 1))
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let number = try throwing { socket(AF_UNIX, type, 0) }
    let descriptor = FileDescriptor(owning: number)
    try throwing {
      withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(number, $0, length)
        }
      }
    }
    return descriptor
  }

  // MARK: Sockets

  /// The number of the first socket that is passed (SD_LISTEN_FDS_START).
  public static let firstInherited: Int32 = 3

  /// Takes the listening TCP socket that the supervisor passed; `nil` when it passed nothing.
  ///
  /// - Parameter firstNumber: the number of the first socket, another one only in tests.
  /// - Throws: when it passed anything else. What was passed stays open then.
  public func takeListener(
    firstNumber: Int32 = Supervisor.firstInherited
  ) throws(InheritedSocketError) -> FileDescriptor? {
    guard !inheritedNames.isEmpty, !isListenerTaken else { return nil }
    guard inheritedNames.count == 1 else { throw .tooMany(inheritedNames.count) }
    let name = inheritedNames[0]
    guard Socket.localAddress(firstNumber) != nil,
      option(firstNumber, SOL_SOCKET, SO_TYPE) == CInt(SOCK_STREAM.rawValue),
      option(firstNumber, SOL_SOCKET, SO_PROTOCOL) == CInt(IPPROTO_TCP)
    else { throw .notTCP(name) }
    guard option(firstNumber, SOL_SOCKET, SO_ACCEPTCONN) == 1 else {
      throw .notListening(name)
    }
    isListenerTaken = true
    frp_adopt(firstNumber)
    return FileDescriptor(owning: firstNumber)
  }
}

@available(*, unavailable)
extension Supervisor: Sendable {}

/// What a supervisor passed cannot be used.
public enum InheritedSocketError: Error, Equatable, Sendable, CustomStringConvertible {
  /// More than one.
  case tooMany(Int)
  /// No TCP socket.
  case notTCP(String)
  /// A TCP socket that does not listen.
  case notListening(String)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .tooMany(let count):
      "socket activation: expected one listening TCP socket, found \(count) sockets"
    case .notTCP(let name):
      "socket activation: expected a listening TCP socket, but [\(name)] is none"
    case .notListening(let name):
      "socket activation: the TCP socket [\(name)] does not listen"
    }
  }
}

private func option(_ descriptor: CInt, _ level: CInt, _ name: CInt) -> CInt? {
  var value: CInt = 0
  var length = socklen_t(MemoryLayout<CInt>.size)
  return getsockopt(descriptor, level, name, &value, &length) == 0 ? value : nil
}
