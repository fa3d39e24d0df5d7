internal import CLinux
internal import Glibc

/// Tells that something in some folders has changed: a file was written and closed, made, renamed
/// or removed (inotify(7)). What it was is for the reader to find out.
public struct FolderMonitor: ~Copyable {
  private let descriptor: FileDescriptor

  /// What one read may bring; events carry names, which nobody looks at.
  private static let bufferByteCount = 16 * 1024

  /// Opens a monitor of no folder.
  public init() throws(Errno) {
    let flags = CInt(IN_NONBLOCK) | CInt(IN_CLOEXEC)
    descriptor = FileDescriptor(owning: try throwing { inotify_init1(flags) })
  }

  /// The number, for polling.
  public var rawValue: CInt { descriptor.rawValue }

  /// Watches a folder, too. One that is watched already stays so.
  public func watch(_ folder: String) throws(Errno) {
    let events = UInt32(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
    try throwing { inotify_add_watch(descriptor.rawValue, folder, events | UInt32(IN_ONLYDIR)) }
  }

  /// Takes what has happened.
  ///
  /// - Returns: whether anything has.
  public func takeEvents() -> Bool {
    var buffer = [UInt8](repeating: 0, count: Self.bufferByteCount)
    var hasEvents = false
    while true {
      let result = retryingTransfer { read(descriptor.rawValue, &buffer, buffer.count) }
      switch result {
      case .bytes(let count) where count > 0: hasEvents = true
      case .bytes, .wouldBlock, .failed: return hasEvents
      }
    }
  }
}

/// Which file a path leads to and when it was written last: two that are the same have the same
/// content, unless somebody writes into a file twice within the clock's resolution.
public struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64
  private let size: Int64
  private let seconds: Int64
  private let nanoseconds: Int64
  /// The permissions, as in chmod(2).
  public let permissions: UInt32
  /// Whether it is a plain file.
  public let isPlainFile: Bool

  /// When the content was changed last, in seconds since 1970.
  public var changedAt: Int64 { seconds }

  /// Looks at a path; `nil` when it leads nowhere.
  public init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
    size = Int64(status.st_size)
    seconds = Int64(status.st_mtim.tv_sec)
    nanoseconds = Int64(status.st_mtim.tv_nsec)
    permissions = UInt32(status.st_mode) & 0o7777
    isPlainFile = status.st_mode & S_IFMT == S_IFREG
  }
}

extension HostSystem {
  /// The folder of a path, and the one to which links lead; `.` for a name alone.
  public static func folders(of path: String) -> [String] {
    var paths = [path]
    if let real = realpath(path, nil) {
      paths.append(String(cString: real))
      free(real)
    }
    return paths.map { path in
      guard let slash = path.lastIndex(of: "/") else { return "." }
      return slash == path.startIndex ? "/" : String(path[..<slash])
    }
  }
}
