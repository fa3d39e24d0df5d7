internal import CLinux
internal import Glibc

/// Which files a process may still open, enforced by the kernel (landlock(7)).
///
/// Made in three steps, since the paths may be out of reach once other rights were given up: open,
/// allow, restrict. What is open already stays usable, and sockets are not touched.
public struct Landlock: ~Copyable {
  /// What may be done at and below a path.
  public enum Access: Sendable {
    /// Files are read, folders listed.
    case read
    /// Files are read, made, written, renamed and removed, inside one folder.
    case write
  }

  // LANDLOCK_ACCESS_FS_…; what a kernel knows more of is not asked for.
  private enum Right {
    static let writeFile: UInt64 = 1 << 1
    static let readFile: UInt64 = 1 << 2
    static let readFolder: UInt64 = 1 << 3
    static let removeFile: UInt64 = 1 << 5
    static let makeFile: UInt64 = 1 << 8
    static let truncate: UInt64 = 1 << 14
  }

  private let ruleSet: FileDescriptor
  private let handled: UInt64

  /// The version of the kernel's interface; `nil` when the kernel has none, or it is switched off.
  public static var version: Int? {
    let version = frp_landlock_abi()
    return version > 0 ? Int(version) : nil
  }

  /// Opens a rule set that forbids everything about files that the kernel can forbid.
  public init() throws(Errno) {
    // The rights of each version are those before it and one more, but for version 4, which is
    // about ports.
    let rightCount =
      switch Self.version ?? 0 {
      case ...1: 13
      case 2: 14
      case 3, 4: 15
      default: 16
      }
    let rights = UInt64(1) << rightCount - 1
    let number = try throwing { frp_landlock_create(rights) }
    handled = rights
    ruleSet = FileDescriptor(owning: number)
  }

  /// Allows `access` to a file or folder; one that is not there is left out.
  ///
  /// A rule holds for what the kernel keeps of the folder. It makes a folder of `/proc` anew when
  /// it has forgotten it for want of memory, and the rule is lost; so such a path stays open.
  public func allow(_ access: Access, at path: String) throws(Errno) {
    let number = frp_open_path(path)
    guard number >= 0 else { return }
    let file = FileDescriptor(owning: number)
    var status = stat()
    guard fstat(number, &status) == 0 else { return }
    var rights: UInt64 =
      switch access {
      case .read: Right.readFile | Right.readFolder
      case .write:
        Right.readFile | Right.readFolder | Right.writeFile | Right.removeFile | Right.makeFile
          | Right.truncate
      }
    if status.st_mode & S_IFMT != S_IFDIR {
      rights &= Right.readFile | Right.writeFile | Right.truncate
    }
    let (ruleSet, allowed) = (ruleSet.rawValue, rights & handled)
    try throwing { frp_landlock_allow(ruleSet, number, allowed) }
    if path.hasPrefix("/proc/") { _ = file.release() }
  }

  /// Puts the rules into force, for ever, for this thread and those that it starts.
  ///
  /// Needs `ProcessPrivileges.forbidNew()` before it.
  public consuming func restrict() throws(Errno) {
    let number = ruleSet.rawValue
    try throwing { frp_landlock_restrict(number) }
  }
}
