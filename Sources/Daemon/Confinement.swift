public import Configuration
public import LinuxSystem
public import Logging

/// What a program gives up once it runs: root, files that it needs not, system calls that it needs
/// not.
///
/// What the machine has not is left out; what fails is a warning, and the program goes on.
public struct Confinement: Sendable {
  /// Files that are read again while the program runs: the configuration, certificates.
  public var readFiles: [String] = []

  /// Folders whose files are read while the program runs.
  public var readFolders: [String] = []

  /// Files that are written or replaced while the program runs.
  public var writtenFiles: [String] = []

  /// The log file, which begins anew every midnight.
  public var logFile: String?

  private let isEnabled: Bool
  /// Whom to become; `nil` for nobody else.
  private let user: SystemUser?
  private let kept: Capabilities

  /// What everybody needs: name servers, hosts, time zones, authorities, and what the kernel says
  /// about this process and the network.
  private static let systemFolders = [
    "/etc", "/usr/share/zoneinfo", "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates", "/proc/self", "/proc/sys/net",
  ]

  // Behind the link /etc/resolv.conf, whose end may not exist yet when the program starts.
  private static let nameServerFolders = [
    "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
  ]

  /// Prepares a confinement.
  ///
  /// - Parameters:
  ///   - settings: what the configuration says.
  ///   - kept: what the program may do beyond other users, if it was started as root.
  /// - Throws: the user does not exist.
  public init(
    _ settings: ConfinementConfiguration, keeping kept: Capabilities
  ) throws(ConfinementError) {
    isEnabled = settings.isEnabled
    self.kept = kept
    guard isEnabled else {
      user = nil
      return
    }
    if let name = settings.userName {
      guard let found = SystemUser.named(name) else { throw .unknownUser(name) }
      user = found
    } else {
      user = SystemUser.named("frp") ?? SystemUser.named("nobody")
    }
  }

  /// Puts everything into force, for ever. Call it while there is one thread only.
  public func apply(_ logger: Logger) {
    guard isEnabled else { return logger.debug("not confined: `sandbox` is false") }
    // Sanitizers start processes and read what no program needs.
    if ProcessPrivileges.isSanitized {
      return logger.debug("not confined: a sanitizer is built in")
    }
    var results: [String] = []
    var landlock = openLandlock(logger)
    // Other users' files are confined by landlock, or not read at all.
    let isLandlocked = landlock != nil
    if let name = dropRoot(isReadingKept: isLandlocked, logger) {
      results.append("user [\(name)]")
    }
    do throws(Errno) {
      try ProcessPrivileges.forbidNew()
    } catch {
      return logger.warning("not confined: new privileges cannot be forbidden: \(error)")
    }
    if let rules = landlock.take() {
      do throws(Errno) {
        try rules.restrict()
        results.append("landlock")
      } catch {
        logger.warning("files are not confined: \(error)")
        reduce(logger)
      }
    }
    if filterSystemCalls(logger) { results.append("seccomp") }
    logger.info("confined: \(results.joined(separator: ", "))")
  }

  // MARK: Files

  private func openLandlock(_ logger: Logger) -> Landlock? {
    guard Landlock.version != nil else {
      logger.debug("files are not confined: this kernel has no landlock")
      return nil
    }
    do throws(Errno) {
      let landlock = try Landlock()
      for path in readablePaths { try landlock.allow(.read, at: path) }
      for path in writablePaths { try landlock.allow(.write, at: path) }
      return landlock
    } catch {
      logger.warning("files are not confined: \(error)")
      return nil
    }
  }

  private var readablePaths: [String] {
    Self.systemFolders + Self.nameServerFolders + readFolders
      + Self.places(of: "/etc/resolv.conf") + readFiles.flatMap { Self.places(of: $0) }
  }

  private var writablePaths: [String] {
    // A log that is anything else than a plain file is never opened again.
    let log = logFile.flatMap { HostSystem.isPlainFile($0) ? $0 : nil }
    return (writtenFiles + (log.map { [$0] } ?? [])).flatMap { Self.places(of: $0) }
  }

  /// The folder of a file, and the one to which links lead: files are replaced by renaming. A file
  /// in the topmost folder stands for itself, or the rule would allow everything.
  static func places(of file: String) -> [String] {
    [file, HostSystem.realPath(file)].compactMap { path in
      guard let path else { return nil }
      guard let slash = path.lastIndex(of: "/") else { return "." }
      let folder = String(path[..<slash])
      return folder.isEmpty ? path : folder
    }
  }

  // MARK: Root

  /// - Returns: the user that the process has become; `nil` when it is who it was.
  private func dropRoot(isReadingKept: Bool, _ logger: Logger) -> String? {
    guard let user else {
      if ProcessPrivileges.isRoot {
        logger.warning("stays root: there is neither a user frp nor a user nobody")
      }
      return nil
    }
    guard ProcessPrivileges.isRoot, user.userID != 0 else { return nil }
    do throws(Errno) {
      try ProcessPrivileges.become(user, keeping: isReadingKept ? kept.union(.readFiles) : kept)
      // Without need it would only help a thief.
      if isReadingKept, try areFilesReadable() { reduce(logger) }
      return user.name
    } catch {
      logger.warning("cannot become user [\(user.name)]: \(error)")
      return nil
    }
  }

  private func areFilesReadable() throws(Errno) -> Bool {
    // Keys in a folder often are root's alone.
    let inFolders = readFolders.flatMap { (try? HostSystem.plainFiles(below: $0)) ?? [] }
    for file in readFiles + readFolders + inFolders {
      if try !ProcessPrivileges.canRead(file) { return false }
    }
    return true
  }

  private func reduce(_ logger: Logger) {
    do throws(Errno) {
      try ProcessPrivileges.reduce(to: kept)
    } catch {
      logger.warning("capabilities cannot be given up: \(error)")
    }
  }

  // MARK: System calls

  private func filterSystemCalls(_ logger: Logger) -> Bool {
    guard SystemCallFilter.isAvailable else {
      logger.debug("system calls are not confined: this kernel has no seccomp filters")
      return false
    }
    do throws(Errno) {
      try SystemCallFilter.apply(to: .process)
      return true
    } catch {
      logger.warning("system calls are not confined: \(error)")
      return false
    }
  }
}

/// A confinement that the configuration asks for cannot be.
public enum ConfinementError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no such user.
  case unknownUser(String)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .unknownUser(let name): "run_as_user: there is no user [\(name)] on this machine"
    }
  }
}
