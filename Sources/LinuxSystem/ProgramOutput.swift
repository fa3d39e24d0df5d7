internal import Glibc

/// Why there is no output of a program.
public enum ProgramRunError: Error, Equatable, Sendable, CustomStringConvertible {
  /// It could not be started.
  case notStarted(Errno)
  /// It ended with another exit code than 0.
  case failed(exitCode: CInt)
  /// A signal ended it.
  case killed(signal: CInt)
  /// It had not ended in time.
  case tooSlow(seconds: Int)
  /// It said more than that.
  case tooMuch(byteCountMax: Int)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .notStarted(let error): "it cannot be started: \(error)"
    case .failed(let code): "it ended with exit code \(code)"
    case .killed(let signal): "signal \(signal) ended it"
    case .tooSlow(let seconds): "it had not ended after \(seconds) s"
    case .tooMuch(let byteCountMax): "it printed more than \(byteCountMax) bytes"
    }
  }
}

extension HostSystem {
  /// Runs a program to its end and gives what it prints. It is looked for in `PATH`, reads nothing,
  /// and writes its errors where this process writes its own. The calling thread waits,
  /// `programSecondsMax` at most.
  ///
  /// - Throws: how it failed; then it does not run any more.
  public static func output(
    ofProgram command: String, _ arguments: [String], environment: [String: String],
    byteCountMax: Int
  ) throws(ProgramRunError) -> [UInt8] {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .notStarted(.current) }
    let source = FileDescriptor(owning: ends[0])
    let sink = FileDescriptor(owning: ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let child = try spawn([command] + arguments, environment, output: consume sink)
    let deadline =
      monotonicNanoseconds + Int64(LinuxSystemLimits.programSecondsMax) * 1_000_000_000
    do throws(ProgramRunError) {
      let bytes = try collect(source.rawValue, byteCountMax, until: deadline)
      try awaitEnd(of: child, until: deadline)
      return bytes
    } catch {
      // It may have ended by itself; then nothing is there to kill, and it is reaped already.
      if error.leavesProgramRunning {
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
      }
      throw error
    }
  }

  private static func spawn(
    _ words: [String], _ environment: [String: String], output: consuming FileDescriptor
  ) throws(ProgramRunError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.rawValue, STDOUT_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What this process does with signals is none of its business.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, words[0], &actions, &attributes, &arguments, &variables)
    guard code == 0 else { throw .notStarted(Errno(code: code)) }
    return child
  }

  private static func collect(
    _ source: CInt, _ byteCountMax: Int, until deadline: Int64
  ) throws(ProgramRunError) -> [UInt8] {
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      var entry = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
      let left = (deadline - monotonicNanoseconds) / 1_000_000
      guard left > 0 else { throw .tooSlow(seconds: LinuxSystemLimits.programSecondsMax) }
      guard poll(&entry, 1, CInt(left)) == 1 else { continue }
      let result = retryingTransfer { read(source, &chunk, chunk.count) }
      switch result {
      case .bytes(0), .failed: return content
      case .bytes(let count): content += chunk[..<count]
      case .wouldBlock: continue
      }
      if content.count > byteCountMax { throw .tooMuch(byteCountMax: byteCountMax) }
    }
  }

  private static func awaitEnd(
    of child: pid_t, until deadline: Int64
  ) throws(ProgramRunError) {
    var status: CInt = 0
    while waitpid(child, &status, WNOHANG) == 0 {
      guard monotonicNanoseconds < deadline else {
        throw .tooSlow(seconds: LinuxSystemLimits.programSecondsMax)
      }
      // It has closed its output and is about to end.
      poll(nil, 0, 5)
    }
    let signal = status & 0x7f
    if signal != 0 { throw .killed(signal: signal) }
    let code = status >> 8 & 0xff
    if code != 0 { throw .failed(exitCode: code) }
  }
}

extension ProgramRunError {
  fileprivate var leavesProgramRunning: Bool {
    switch self {
    case .tooSlow, .tooMuch: true
    case .notStarted, .failed, .killed: false
    }
  }
}
