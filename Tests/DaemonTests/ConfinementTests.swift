import Configuration
import Diagnostics
import Foundation
import LinuxSystem
import Logging
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import Daemon

/// What a confined thread still can do. Both confinements hold for a thread and what it starts, so
/// the test process itself stays free: the threads here use nothing that might start another one.
@Suite struct ConfinementTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    for name in ["read", "write", "other"] {
      let path = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
      try Data("text".utf8).write(to: path.appendingPathComponent("file"))
    }
  }

  private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// Runs `body` on a thread of its own and returns what it noted.
  private func onConfinedThread(
    _ body: @escaping @Sendable (_ note: (String, Bool) -> Void) throws -> Void
  ) -> [String] {
    let failures = Locked<[String]>([])
    let thread = OwnThread {
      let note = { (what: String, isRight: Bool) in
        if !isRight { failures.withLock { $0.append(what) } }
      }
      do { try body(note) } catch { note("\(error)", false) }
    }
    thread.join()
    return failures.withLock { $0 }
  }

  private static let hasLandlock = Landlock.version != nil

  @Test(.enabled(if: hasLandlock, "this kernel has no landlock"))
  func onlyAllowedFilesCanBeOpened() throws {
    let (read, write, other) = (path("read"), path("write"), path("other"))
    let failures = onConfinedThread { note in
      let open = { (path: String, flags: CInt) in
        let number = Foundation.open(path, flags, 0o600)
        defer { if number >= 0 { close(number) } }
        return number >= 0 ? 0 : errno
      }
      let kept = Foundation.open("\(other)/file", O_RDWR | O_APPEND)
      defer { close(kept) }
      try ProcessPrivileges.forbidNew()
      let landlock = try Landlock()
      try landlock.allow(.read, at: read)
      try landlock.allow(.write, at: write)
      try landlock.allow(.read, at: "\(other)/not-there")
      try landlock.restrict()
      note("reads what it may", open("\(read)/file", O_RDONLY) == 0)
      note("lists what it may", open(read, O_RDONLY | O_DIRECTORY) == 0)
      note("does not write there", open("\(read)/file", O_WRONLY) == EACCES)
      note("makes nothing there", open("\(read)/new", O_WRONLY | O_CREAT) == EACCES)
      note("removes nothing there", unlink("\(read)/file") != 0 && errno == EACCES)
      note("writes what it may", open("\(write)/file", O_WRONLY | O_APPEND) == 0)
      note("makes files there", open("\(write)/new", O_WRONLY | O_CREAT) == 0)
      note("renames there", rename("\(write)/new", "\(write)/old") == 0)
      note("removes there", unlink("\(write)/old") == 0)
      note("makes no folders", mkdir("\(write)/folder", 0o700) != 0)
      note("reads nothing else", open("\(other)/file", O_RDONLY) == EACCES)
      note("reads no system files", open("/usr/bin/env", O_RDONLY) == EACCES)
      note("starts no programs", execv("/bin/true", [nil]) != 0 && errno == EACCES)
      var byte = UInt8(1)
      note("keeps what is open", Foundation.write(kept, &byte, 1) == 1)
    }
    #expect(failures == [])
    #expect(try Data(contentsOf: folder.appendingPathComponent("other/file")).count == 5)
  }

  // Short of memory the kernel forgets folders of /proc, and would forget what was allowed there.
  @Test(.enabled(if: hasLandlock && getuid() == 0, "needs root, and a kernel with landlock"))
  func filesOfProcStayReadable() throws {
    let isConfined = Promised<Bool>()
    let isForgotten = Promised<Bool>()
    let read = Locked<[Int]>([])
    let thread = OwnThread {
      let count = { (try? HostSystem.readFile("/proc/self/statm", byteCountMax: 256))?.count ?? -1 }
      do {
        try ProcessPrivileges.forbidNew()
        let landlock = try Landlock()
        try landlock.allow(.read, at: "/proc/self")
        try landlock.restrict()
        read.withLock { $0.append(count()) }
      } catch {}
      isConfined.fulfill(true)
      _ = try? isForgotten.wait()
      read.withLock { $0.append(count()) }
    }
    _ = try isConfined.wait()
    try Data("2".utf8).write(to: URL(fileURLWithPath: "/proc/sys/vm/drop_caches"))
    isForgotten.fulfill(true)
    thread.join()
    let counts = read.withLock { $0 }
    #expect(counts.count == 2 && counts.allSatisfy { $0 > 0 }, "\(counts)")
  }

  @Test(.enabled(if: SystemCallFilter.isAvailable, "this kernel has no seccomp filters"))
  func onlyAllowedSystemCallsWork() throws {
    let (read, write) = (path("read"), path("write"))
    let failures = onConfinedThread { note in
      let isRefused = { (result: CInt) in result == -1 && errno == EPERM }
      try ProcessPrivileges.forbidNew()
      try SystemCallFilter.apply(to: .thread)
      note("no packet sockets", isRefused(socket(AF_PACKET, 3, 0)))
      note("no other families", isRefused(socket(40, 1, 0)))
      note("no programs", isRefused(execv("/bin/true", [nil])))
      note("no other modes by path", isRefused(chmod("\(read)/file", 0o777)))
      note("no links", isRefused(link("\(read)/file", "\(write)/link")))
      note("no signals to others", isRefused(kill(1, 0)))
      note("no host name", isRefused(sethostname("x", 1)))
      var child = pid_t()
      note("no processes", posix_spawn(&child, "/bin/true", nil, nil, [nil], nil) == EPERM)
      for family in [AF_INET, AF_INET6, AF_UNIX, AF_NETLINK] {
        let number = socket(family, family == AF_NETLINK ? 3 : 1, 0)
        note("sockets of family \(family)", number >= 0)
        close(number)
      }
    }
    #expect(failures == [])
  }

  // What the programs do all day: accept, connect, timers, names, and a log that begins anew.
  @Test(
    .enabled(
      if: hasLandlock && SystemCallFilter.isAvailable, "this kernel cannot confine a thread"))
  func loopNamesAndLogWorkInside() throws {
    let write = path("write")
    let hand = Locked(LocalTime(year: 2026, month: 1, day: 1, hour: 23, minute: 59, second: 59))
    let name = Self.nameInHostsFile
    let failures = onConfinedThread { note in
      let log = try FileLogSink(
        path: "\(write)/frps.log", daysMax: 3, clock: LogClock { hand.withLock { $0 } })
      try ProcessPrivileges.forbidNew()
      let landlock = try Landlock()
      for path in ["/etc", "/proc/sys/net", "/run/systemd/resolve"] {
        try landlock.allow(.read, at: path)
      }
      try landlock.allow(.write, at: write)
      try landlock.restrict()
      try SystemCallFilter.apply(to: .thread)

      log.write("before", level: .info)
      hand.withLock { $0.day = 2 }
      log.write("after", level: .info)

      let loop = try EventLoop()
      var accepted = 0
      var connected = false
      let listener = try Listener(loop, address: .loopback(port: 0)) { socket, _ in
        _ = consume socket
        accepted += 1
      }
      let connector = try Socket.makeTCP(.ipv4)
      try Socket.connect(connector.rawValue, to: listener.address)
      loop.schedule(after: .milliseconds(1)) { connected = true }
      let resolver = try Resolver(loop)
      var addresses: [SocketAddress]?
      var isAnswered = name == nil
      if let name {
        resolver.resolve(name, timeout: .seconds(5)) { result in
          addresses = try? result.get()
          isAnswered = true
        }
      }
      let deadline = HostSystem.monotonicNanoseconds + 10_000_000_000
      while accepted == 0 || !connected || !isAnswered,
        HostSystem.monotonicNanoseconds < deadline
      {
        loop.turn(sleepMax: .milliseconds(10))
      }
      note("accepts", accepted == 1)
      note("has timers", connected)
      note("reads the hosts file", name == nil || addresses?.isEmpty == false)
      resolver.close()
      listener.close()
    }
    #expect(failures == [])
    let names = try FileManager.default.contentsOfDirectory(atPath: write).sorted()
    #expect(names == ["file", "frps.20260102-235959.log", "frps.log"])
    #expect(try String(contentsOfFile: "\(write)/frps.log", encoding: .utf8) == "after\n")
  }

  private static let nameInHostsFile: String? = {
    let text = (try? String(contentsOfFile: "/etc/hosts", encoding: .utf8)) ?? ""
    let names = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
      .flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst() }
    return names.first { !$0.hasPrefix("localhost") }.map(String.init)
  }()

  // MARK: What is asked for

  @Test func foldersOfFilesAreAllowed() throws {
    let link = path("read/link")
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: path("other/file"))
    let other = try #require(HostSystem.realPath(path("other")))
    #expect(Confinement.places(of: link) == [path("read"), other])
    #expect(Confinement.places(of: "frps.ini") == ["."])
    #expect(Confinement.places(of: "/frps.ini") == ["/frps.ini"])
    #expect(Confinement.places(of: "/nowhere/x.ini") == ["/nowhere"])
  }

  @Test func unknownUsersAreErrors() throws {
    var settings = ConfinementConfiguration()
    settings.userName = "no such user"
    #expect(throws: ConfinementError.unknownUser("no such user")) {
      _ = try Confinement(settings, keeping: [])
    }
    settings.isEnabled = false
    _ = try Confinement(settings, keeping: [])
    settings.isEnabled = true
    settings.userName = "root"
    _ = try Confinement(settings, keeping: [])
    #expect(SystemUser.named("root")?.userID == 0 && SystemUser.named("no such user") == nil)
  }
}
