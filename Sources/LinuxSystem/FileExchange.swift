internal import Glibc

extension HostSystem {
  /// Puts `content` in the place of a file, which keeps its owner, group and mode; one that was not
  /// there is its owner's alone. Links stay, and what they lead to is exchanged.
  ///
  /// Whoever opens the file sees the former content or the new one, and after a loss of power it is
  /// one of both. Where the folder does not allow that (a file that is mounted by itself, or that
  /// belongs to somebody else), the file is overwritten.
  ///
  /// - Throws: what open, write or rename said.
  public static func exchangeFile(_ path: String, with content: [UInt8]) throws(Errno) {
    let target = realPath(path) ?? path
    var former = stat()
    let isThere = stat(target, &former) == 0
    do throws(Errno) {
      try exchange(target, content, isThere ? former : nil)
    } catch {
      let refusals = [EACCES, EPERM, EBUSY, EROFS, EXDEV]
      guard isThere, refusals.contains(error.code) else { throw error }
      try overwrite(target, content)
    }
  }

  private static func exchange(
    _ path: String, _ content: [UInt8], _ former: stat?
  ) throws(Errno) {
    let draft = path + ".tmp"
    unlink(draft)
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let number = try throwing { open(draft, flags, 0o600) }
    let descriptor = FileDescriptor(owning: number)
    do throws(Errno) {
      try write(content, to: descriptor.rawValue)
      if let former { try giveAway(descriptor.rawValue, like: former) }
      try throwing { fdatasync(number) }
      try throwing { rename(draft, path) }
    } catch {
      unlink(draft)
      throw error
    }
  }

  private static func giveAway(_ number: CInt, like former: stat) throws(Errno) {
    var status = stat()
    try throwing { fstat(number, &status) }
    if status.st_uid != former.st_uid || status.st_gid != former.st_gid {
      try throwing { fchown(number, former.st_uid, former.st_gid) }
    }
    try throwing { fchmod(number, former.st_mode & 0o7777) }
  }

  private static func overwrite(_ path: String, _ content: [UInt8]) throws(Errno) {
    let number = try throwing { open(path, O_WRONLY | O_CLOEXEC) }
    let descriptor = FileDescriptor(owning: number)
    try write(content, to: descriptor.rawValue)
    try throwing { ftruncate(number, off_t(content.count)) }
    try throwing { fdatasync(number) }
  }

  static func write(_ content: [UInt8], to number: CInt) throws(Errno) {
    var rest = content[...]
    while !rest.isEmpty {
      let result = retryingTransfer {
        rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
      }
      switch result {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .wouldBlock: throw Errno(code: EAGAIN)
      case .failed(let error): throw error
      }
    }
  }
}
