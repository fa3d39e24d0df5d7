import CLinux
import Foundation
import Glibc
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@Suite struct DescriptorTests {
  /// What a descriptor is, by a name that its number's next owner does not share.
  private func identity(_ number: CInt) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
  }

  @Test func aDescriptorIsClosedWithItsOwner() throws {
    var name: String?
    var number: CInt = -1
    do {
      let pipe = try Pipe(capacity: 4096)
      number = pipe.readEnd.rawValue
      name = identity(number)
      #expect(name?.hasPrefix("pipe:") == true)
    }
    #expect(identity(number) != name)
  }

  @Test func aReleasedDescriptorStaysOpen() throws {
    let wakeup = try Socket.makeTCP(.ipv4)
    let name = identity(wakeup.rawValue)
    let number = wakeup.release()
    #expect(identity(number) == name)
    _ = close(number)
  }

  @Test func bytesTravelThroughAPipeWithoutUserSpace() throws {
    let server = try EchoServer()
    defer { server.stop() }
    let first = try TestSocket.connect(server.port)
    let second = try TestSocket.connect(server.port)
    let pipe = try Pipe(capacity: 1 << 16)
    #expect(pipe.capacity >= 1 << 16)
    let (readEnd, writeEnd) = (pipe.readEnd.rawValue, pipe.writeEnd.rawValue)
    #expect(splice(from: first.number, to: writeEnd, byteCount: 100) == .wouldBlock)
    try first.send("through the kernel")
    var moved = 0
    #expect(
      waitUntil {
        if case .bytes(let count) = splice(from: first.number, to: writeEnd, byteCount: 100) {
          moved += count
        }
        return moved == 18
      })
    #expect(splice(from: readEnd, to: second.number, byteCount: 100) == .bytes(18))
    #expect(try second.receive(exactly: 18) == Array("through the kernel".utf8))
    withExtendedLifetime(pipe) {}
  }

  @Test func aWakeupIsSeenOnceAndSignalsDoNotPileUp() throws {
    let epoll = try Epoll(eventCountMax: 4)
    let wakeup = try WakeupDescriptor()
    try epoll.add(wakeup.rawValue, .readable, userData: 42)
    #expect(epoll.wait(milliseconds: 0) == 0)
    for _ in 0..<10 { wakeup.signal() }
    #expect(epoll.wait(milliseconds: 0) == 1)
    #expect(epoll.event(at: 0).userData == 42)
    #expect(epoll.event(at: 0).readiness.contains(.readable))
    wakeup.clear()
    wakeup.clear()
    #expect(epoll.wait(milliseconds: 0) == 0)
  }

  @Test func interestCanBeChangedAndTakenBack() throws {
    let epoll = try Epoll(eventCountMax: 4)
    let wakeup = try WakeupDescriptor()
    wakeup.signal()
    try epoll.add(wakeup.rawValue, [], userData: 1)
    #expect(epoll.wait(milliseconds: 0) == 0)
    try epoll.modify(wakeup.rawValue, [.readable, .writable], userData: UInt64.max)
    #expect(epoll.wait(milliseconds: 0) == 1)
    #expect(epoll.event(at: 0).userData == UInt64.max)
    #expect(epoll.event(at: 0).readiness == [.readable, .writable])
    try epoll.remove(wakeup.rawValue)
    #expect(epoll.wait(milliseconds: 0) == 0)
    #expect(throws: Errno.self) {
      try epoll.remove(wakeup.rawValue)
    }
  }

  // Both edges of one turn come as one event: data and the end of the stream.
  @Test func anEndBehindDataComesWithItsFlag() throws {
    let epoll = try Epoll(eventCountMax: 4)
    let (client, server) = try connectedPair()
    try epoll.add(server.number, .stream, userData: 9)
    while epoll.wait(milliseconds: 0) > 0 {}
    try client.send("x")
    client.shutdownWriting()
    var seen: Readiness = []
    #expect(
      waitUntil {
        for index in 0..<epoll.wait(milliseconds: 0) {
          seen.formUnion(epoll.event(at: index).readiness)
        }
        return seen.contains([.readable, .readHangup])
      })
  }

  private func connectedPair() throws -> (TestSocket, TestSocket) {
    let accepted = Promised<TestSocket>()
    let done = Promised<Bool>()
    let server = try TestServer { socket in
      accepted.fulfill(TestSocket(FileDescriptor(owning: dup(socket.number))))
      _ = try done.wait()
    }
    let client = try TestSocket.connect(server.port)
    let other = try accepted.wait()
    done.fulfill(true)
    // The server's own end is closed without effect, as the duplicate keeps the connection.
    #expect(waitUntil { server.activeCount == 0 })
    server.stop()
    return (client, other)
  }
}

@Suite struct HostSystemTests {
  @Test func theClockDoesNotGoBack() {
    var last = HostSystem.monotonicNanoseconds
    for _ in 0..<1000 {
      let now = HostSystem.monotonicNanoseconds
      #expect(now >= last)
      last = now
    }
    #expect(HostSystem.unixSeconds > 1_700_000_000)
  }

  @Test func theMachineHasANameAndAnArchitecture() {
    #expect(!HostSystem.hostName.isEmpty)
    #expect(["amd64", "arm64"].contains(HostSystem.architecture))
  }

  @Test func filesAreReadUpToALimit() throws {
    let path = NSTemporaryDirectory() + "swift-frp-read-\(UUID().uuidString)"
    let content = [UInt8](repeating: 5, count: 100_000)
    try Data(content).write(to: URL(fileURLWithPath: path))
    defer { unlink(path) }
    #expect(try HostSystem.readFile(path, byteCountMax: 100_000) == content)
    #expect(throws: Errno(code: EFBIG)) {
      try HostSystem.readFile(path, byteCountMax: 99_999)
    }
    #expect(throws: Errno(code: ENOENT)) {
      try HostSystem.readFile(path + "-absent", byteCountMax: 1)
    }
  }

  @Test func aSignalToThisThreadIsReadFromItsDescriptor() async throws {
    let seen = try await onOwnThread {
      let signals = try SignalDescriptor([.hangup, .terminate])
      if let early = signals.next() { return [early] }
      pthread_kill(pthread_self(), SIGTERM)
      pthread_kill(pthread_self(), SIGHUP)
      pthread_kill(pthread_self(), SIGHUP)
      var seen: [ProcessSignal] = []
      while let signal = signals.next() { seen.append(signal) }
      return seen
    }
    // The kernel gives the lower number first and keeps a pending signal once.
    #expect(seen == [.hangup, .terminate])
  }
}
