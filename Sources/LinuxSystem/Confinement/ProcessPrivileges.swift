internal import CLinux
internal import Glibc

/// A user of this machine.
public struct SystemUser: Equatable, Sendable {
  /// The name.
  public let name: String
  /// The user's number; 0 is root.
  public let userID: UInt32
  /// The number of the user's own group.
  public let groupID: UInt32

  /// Looks a user up. Call it before there are other threads.
  ///
  /// - Returns: `nil` when there is no such user.
  public static func named(_ name: String) -> SystemUser? {
    var user: UInt32 = 0
    var group: UInt32 = 0
    guard frp_find_user(name, &user, &group) == 0 else { return nil }
    return SystemUser(name: name, userID: user, groupID: group)
  }
}

/// Single rights of root (capabilities(7)).
public struct Capabilities: OptionSet, Sendable {
  /// The bits as in `linux/capability.h`.
  public let rawValue: UInt64

  /// Wraps bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// CAP_DAC_READ_SEARCH: reads every file.
  public static let readFiles = Capabilities(rawValue: 1 << 2)
  /// CAP_NET_BIND_SERVICE: listens on ports below 1024.
  public static let bindLowPorts = Capabilities(rawValue: 1 << 10)
}

/// What this process may do beyond others.
public enum ProcessPrivileges {
  /// Whether it runs as root.
  public static var isRoot: Bool { geteuid() == 0 }

  /// Whether a sanitizer is built in, which needs what a confined process may not do.
  public static var isSanitized: Bool { frp_is_sanitized() != 0 }

  /// Forbids that a program started from here, set-user-ID for example, has more rights.
  public static func forbidNew() throws(Errno) {
    try throwing { frp_forbid_new_privileges() }
  }

  /// Makes root another user for ever, without supplementary groups.
  ///
  /// `kept` are those capabilities that the process has afterwards, if it had them. Call it while
  /// there is one thread only.
  public static func become(_ user: SystemUser, keeping kept: Capabilities) throws(Errno) {
    let permitted = kept.rawValue & frp_permitted_capabilities()
    frp_drop_bounding_capabilities(permitted)
    try throwing { frp_become(user.userID, user.groupID) }
    try throwing { frp_set_capabilities(permitted, permitted) }
  }

  /// Gives capabilities up that `become` has kept.
  public static func reduce(to kept: Capabilities) throws(Errno) {
    let permitted = kept.rawValue & frp_permitted_capabilities()
    try throwing { frp_set_capabilities(permitted, permitted) }
  }

  /// Whether a file can be opened without `Capabilities.readFiles`, which the process may have.
  public static func canRead(_ path: String) throws(Errno) -> Bool {
    let permitted = frp_permitted_capabilities()
    try throwing { frp_set_capabilities(permitted, permitted & ~Capabilities.readFiles.rawValue) }
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    let failure = Errno.current
    if number >= 0 { close(number) }
    try throwing { frp_set_capabilities(permitted, permitted) }
    return number >= 0 || failure.code != EACCES
  }
}
