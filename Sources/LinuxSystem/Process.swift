internal import CLinux
internal import Glibc

/// Facts about this process and machine.
public enum HostSystem {
  /// Monotonic nanoseconds since an arbitrary start.
  public static var monotonicNanoseconds: Int64 {
    #if DEBUG
      if let kernel = Simulation.kernel { return kernel.monotonicNanoseconds }
    #endif
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Nanoseconds since the machine started, time asleep included.
  public static var bootNanoseconds: Int64 {
    #if DEBUG
      if let kernel = Simulation.kernel { return kernel.bootNanoseconds }
    #endif
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Seconds since 1970.
  public static var unixSeconds: Int64 {
    #if DEBUG
      if let kernel = Simulation.kernel { return kernel.unixSeconds }
    #endif
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
  }

  /// An unpredictable number, for what need not resist anybody who knows earlier ones.
  public static var randomNumber: UInt64 {
    #if DEBUG
      if let kernel = Simulation.kernel { return kernel.randomNumber }
    #endif
    return UInt64.random(in: 0...UInt64.max)
  }

  /// An unpredictable number in 0..<1.
  public static var randomShare: Double { Double(randomNumber >> 11) / Double(1 << 53) }

  /// The machine's name; empty when it cannot be read.
  public static var hostName: String {
    #if DEBUG
      if let kernel = Simulation.kernel { return kernel.hostName }
    #endif
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
    let end = buffer.firstIndex(of: 0) ?? buffer.endIndex
    return String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The architecture by the name that frp uses: `amd64`, `arm64`, or the kernel's own word.
  public static var architecture: String {
    #if arch(x86_64)
      "amd64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown"
    #endif
  }

  /// Ignores SIGPIPE for the whole process, as `splice` to a closed socket would raise it.
  public static func ignoreBrokenPipeSignal() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Whether the processor has instructions for AES; small ARM boards often have none.
  public static var hasAES: Bool { frp_has_aes() != 0 }

  /// Gives free heap back, and pages of code and constants, which the kernel brings again from its
  /// cache if they are used.
  public static func releaseUnusedMemory() {
    frp_release_unused_memory()
  }

  /// How many descriptors this process may have open.
  public static var descriptorLimit: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }

  /// Raises the soft limit of open descriptors to the hard one.
  ///
  /// - Returns: the limit now in force.
  @discardableResult
  public static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return descriptorLimit
  }

  /// Puts `content` in the place of a file, readable for its owner alone: whoever opens it sees
  /// the former content or the new one.
  ///
  /// - Throws: what open, write or rename said.
  public static func replaceFile(_ path: String, with content: [UInt8]) throws(Errno) {
    let draft = path + ".new"
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    let number = try throwing { open(draft, flags, 0o600) }
    let descriptor = FileDescriptor(owning: number)
    try write(content, to: descriptor.rawValue)
    try throwing { rename(draft, path) }
  }

  /// The path without links and dots; `nil` when nothing is there.
  public static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Whether a plain file is there.
  public static func isPlainFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Why nothing can be read from a file; `nil` when something can.
  public static func readFault(_ path: String) -> Errno? {
    do throws(Errno) {
      let number = try throwing { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
      let descriptor = FileDescriptor(owning: number)
      var byte: UInt8 = 0
      switch retryingTransfer({ read(descriptor.rawValue, &byte, 1) }) {
      case .bytes, .wouldBlock: return nil
      case .failed(let error): return error
      }
    } catch {
      return error
    }
  }

  /// Reads a whole file of at most `byteCountMax` bytes.
  ///
  /// - Throws: what open or read said; EFBIG when it is larger.
  public static func readFile(_ path: String, byteCountMax: Int) throws(Errno) -> [UInt8] {
    let number = try throwing { open(path, O_RDONLY | O_CLOEXEC) }
    let descriptor = FileDescriptor(owning: number)
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let result = retryingTransfer { read(descriptor.rawValue, &chunk, chunk.count) }
      switch result {
      case .bytes(0): return content
      case .bytes(let count):
        content += chunk[..<count]
        if content.count > byteCountMax { throw Errno(code: EFBIG) }
      case .wouldBlock: throw Errno(code: EAGAIN)
      case .failed(let error): throw error
      }
    }
  }
}
