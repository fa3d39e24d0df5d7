internal import Glibc

/// Tells how much memory this process has, without opening a file each time.
public final class MemoryGauge {
  private let descriptor: FileDescriptor
  private let pageBytes = sysconf(CInt(_SC_PAGESIZE))

  /// Opens /proc/self/statm (proc(5)); `nil` when there is none.
  public init?() {
    let number = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return nil }
    descriptor = FileDescriptor(owning: number)
  }

  /// Bytes of memory in use: the resident set.
  public var residentBytes: Int? {
    let number = descriptor.rawValue
    return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { room in
      let count = pread(number, room.baseAddress, room.count, 0)
      guard count > 0 else { return nil }
      let words = room[..<count].split(separator: UInt8(ascii: " "))
      guard words.count > 1, let pages = Int(String(decoding: words[1], as: UTF8.self)) else {
        return nil
      }
      return pages * pageBytes
    }
  }
}
