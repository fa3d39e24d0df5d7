internal import CLinux
internal import CSeccomp
internal import Glibc

/// Which system calls a process may still make, enforced by the kernel (seccomp(2)).
///
/// A list of what is allowed; everything else fails with EPERM. Names that an architecture or the
/// library does not know are left out.
public enum SystemCallFilter {
  /// For whom a filter holds.
  public enum Scope: Sendable {
    /// Every thread of the process.
    case process
    /// The calling thread and those that it starts.
    case thread
  }

  /// Whether the kernel has filters that refuse calls with an error.
  public static var isAvailable: Bool { frp_has_seccomp() != 0 }

  /// Puts the filter into force, for ever. Needs `ProcessPrivileges.forbidNew()` before it.
  public static func apply(to scope: Scope) throws(Errno) {
    let isForAll: CInt =
      switch scope {
      case .process: 1
      case .thread: 0
      }
    guard let filter = frp_seccomp_open(isForAll) else { throw .noMemory }
    defer { seccomp_release(filter) }
    for name in allowed { try check(frp_seccomp_allow(filter, name)) }
    for rule in restricted {
      try check(
        frp_seccomp_allow_argument(filter, rule.name, rule.index, rule.mask, rule.value))
    }
    // glibc then calls clone, whose flags a filter can see.
    try check(frp_seccomp_hide(filter, "clone3"))
    try check(seccomp_load(filter))
  }

  private static func check(_ result: CInt) throws(Errno) {
    if result < 0 { throw Errno(code: -result) }
  }

  // MARK: The list

  private static let allowed =
    memory + descriptors + files + sockets + waiting + time + process + signals

  private static let memory = [
    "brk", "madvise", "membarrier", "mincore", "mmap", "mmap2", "mprotect", "mremap", "munmap",
  ]

  private static let descriptors = [
    "close", "close_range", "copy_file_range", "dup", "dup2", "dup3", "eventfd", "eventfd2",
    "fcntl", "fcntl64", "lseek", "_llseek", "pipe", "pipe2", "pread64", "preadv", "preadv2",
    "pwrite64", "pwritev", "pwritev2", "read", "readv", "sendfile", "sendfile64", "splice", "tee",
    "write", "writev",
  ]

  // Which files is landlock's matter.
  private static let files = [
    "access", "faccessat", "faccessat2", "fadvise64", "fchmod", "fchown", "fchown32", "fdatasync",
    "flock", "fstat", "fstat64", "fstatat64", "fstatfs", "fsync", "ftruncate", "getcwd",
    "getdents", "getdents64", "inotify_add_watch", "inotify_init1", "inotify_rm_watch", "lstat",
    "lstat64", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "readlink",
    "readlinkat", "rename", "renameat", "renameat2", "stat", "stat64", "statfs", "statx", "umask",
    "unlink", "unlinkat",
  ]

  private static let sockets = [
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recv", "recvfrom", "recvmmsg", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown",
  ]

  private static let waiting = [
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "futex",
    "futex_waitv", "poll", "ppoll", "pselect6", "restart_syscall", "select", "sched_yield",
  ]

  private static let time = [
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "timerfd_create", "timerfd_gettime", "timerfd_settime", "times",
  ]

  private static let process = [
    "exit", "exit_group", "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgrp",
    "getpid", "getppid", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "gettid",
    "getuid", "rseq", "sched_getaffinity", "set_robust_list", "set_tid_address", "sysinfo",
    "ugetrlimit", "uname",
  ]

  private static let signals = [
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "signalfd", "signalfd4", "tgkill",
  ]

  // MARK: Calls with one argument watched

  private struct Rule {
    let name: String
    /// Which argument, from 0.
    let index: CUnsignedInt
    let mask: UInt64
    let value: UInt64
  }

  // Arguments that are `int` in C: what is above 32 bits does not count.
  private static let intMask: UInt64 = 0xffff_ffff

  private static let restricted: [Rule] =
    // Threads, no processes.
    [Rule(name: "clone", index: 0, mask: cloneThread, value: cloneThread)]
    // Limits of this process only.
    + [Rule(name: "prlimit64", index: 0, mask: intMask, value: 0)]
    + ["socket", "socketpair"].flatMap { name in
      [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK].map {
        Rule(name: name, index: 0, mask: intMask, value: UInt64($0))
      }
    }
    + ioctlRequests.map { Rule(name: "ioctl", index: 1, mask: intMask, value: $0) }
    + prctlOptions.map { Rule(name: "prctl", index: 0, mask: intMask, value: $0) }

  // CLONE_THREAD of linux/sched.h.
  private static let cloneThread: UInt64 = 0x10000

  // What a socket or terminal is asked: FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ, SIOCGIFNAME,
  // SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFMTU, SIOCGIFINDEX.
  private static let ioctlRequests: [UInt64] = [
    0x541b, 0x5421, 0x5401, 0x5413, 0x8910, 0x8913, 0x8915, 0x8921, 0x8933,
  ]

  // PR_SET_NAME, PR_GET_NAME, and PR_SET_VMA, with which glibc and Swift name their memory.
  private static let prctlOptions: [UInt64] = [15, 16, 0x5356_4d41]
}
