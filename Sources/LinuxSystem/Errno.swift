internal import CLinux
internal import Glibc

/// A kernel error number.
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number as in `errno.h`.
  public let code: CInt

  /// Wraps a number.
  public init(code: CInt) { self.code = code }

  /// The error of the call that just failed on this thread.
  public static var current: Errno { Errno(code: frp_errno()) }

  /// The C library's text for it, for example `connection refused`.
  public var description: String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text).lowercased()
  }

  /// EMFILE: this process has no descriptor left.
  public static let tooManyOpenFiles = Errno(code: EMFILE)
  /// ENFILE: the machine has no descriptor left.
  public static let tooManyOpenFilesInSystem = Errno(code: ENFILE)
  /// ENOBUFS: the kernel has no socket memory.
  public static let noBufferSpace = Errno(code: ENOBUFS)
  /// ENOMEM: the kernel has no memory.
  public static let noMemory = Errno(code: ENOMEM)
  /// ENOENT: there is no such file.
  public static let noSuchFile = Errno(code: ENOENT)
  /// EADDRINUSE: somebody listens there already.
  public static let addressInUse = Errno(code: EADDRINUSE)
  /// EINPROGRESS: the connection is being made.
  public static let inProgress = Errno(code: EINPROGRESS)
  /// ECONNREFUSED: nobody listens there.
  public static let connectionRefused = Errno(code: ECONNREFUSED)
  /// ECONNRESET: the peer aborted.
  public static let connectionReset = Errno(code: ECONNRESET)
  /// EPIPE: writing behind our own or the peer's end.
  public static let brokenPipe = Errno(code: EPIPE)
  /// ETIMEDOUT: the peer did not answer.
  public static let timedOut = Errno(code: ETIMEDOUT)
  /// EINVAL: an argument that the kernel does not accept.
  public static let invalidArgument = Errno(code: EINVAL)
  /// ENETUNREACH: no route leads there.
  public static let networkUnreachable = Errno(code: ENETUNREACH)
  /// ECANCELED: we gave up ourselves.
  public static let cancelled = Errno(code: ECANCELED)
  /// EAFNOSUPPORT: no such address family here.
  public static let addressFamilyNotSupported = Errno(code: EAFNOSUPPORT)
}

/// What a non-blocking transfer did. Would-block is a value, not an error.
public enum IOResult: Equatable, Sendable {
  /// So many bytes moved; 0 from a read is the end of the stream.
  case bytes(Int)
  /// Nothing moved; readiness will be reported.
  case wouldBlock
  /// The call failed.
  case failed(Errno)
}

/// Runs a call that returns -1 on failure, again after EINTR (the one place where that is done).
@inline(__always)  // Around every system call; the closure must vanish.
func retryingTransfer(_ call: () -> Int) -> IOResult {
  while true {
    let result = call()
    if result >= 0 { return .bytes(result) }
    let error = Errno.current
    switch error.code {
    case EINTR: continue
    case EAGAIN: return .wouldBlock
    default: return .failed(error)
    }
  }
}

/// Runs a call that returns -1 on failure, again after EINTR, and throws its error.
@discardableResult
func throwing(_ call: () -> CInt) throws(Errno) -> CInt {
  while true {
    let result = call()
    if result >= 0 { return result }
    let error = Errno.current
    if error.code != EINTR { throw error }
  }
}
