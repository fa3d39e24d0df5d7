import Glibc
import TestKit
import Testing
import Timekeeping

@testable import LinuxSystem

@Suite struct SupervisorTests {
  private static func name() -> String { "frp-test-\(UInt64.random(in: 0...UInt64.max))" }

  private func supervisor(_ environment: [String: String], _ processID: Int32 = 77) -> Supervisor {
    Supervisor(environment: environment, processID: processID)
  }

  @Test(arguments: ["/tmp/\(name())", "@\(name())"])
  func messagesArrive(address: String) throws {
    let standIn = try SupervisorStandIn(address)
    let supervisor = supervisor(["NOTIFY_SOCKET": address])
    #expect(supervisor.isPresent && supervisor.notificationError == nil)
    #expect(supervisor.notify(["READY=1", "STATUS=one\ntwo\u{7}"]))
    #expect(standIn.receive() == "READY=1\nSTATUS=one two ")
    let long = String(repeating: "x", count: LinuxSystemLimits.supervisorMessageBytesMax + 1)
    #expect(supervisor.notify([long]))
    #expect(supervisor.notify(["STOPPING=1"]))
    #expect(standIn.receive() == "STOPPING=1")
  }

  @Test func supervisorThatTakesNothingIsNoticed() throws {
    let standIn = try SupervisorStandIn("@\(Self.name())")
    let supervisor = supervisor(["NOTIFY_SOCKET": standIn.address])
    var count = 0
    while count < 100_000, supervisor.notify(["STATUS=\(count)"]) { count += 1 }
    #expect(count > 0 && count < 100_000)
    #expect(standIn.receive() == "STATUS=0")
    #expect(supervisor.notify(["STATUS=again"]))
  }

  @Test(arguments: [
    "", "/", "name", "@", "vsock:2:1234", "/tmp/frp-test-nobody-listens-here",
    "/" + String(repeating: "x", count: 107), "@" + String(repeating: "x", count: 500),
  ])
  func badAddressesAreErrors(address: String) {
    let supervisor = supervisor(["NOTIFY_SOCKET": address])
    #expect(supervisor.notificationError != nil)
    #expect(supervisor.notify(["READY=1"]))
  }

  @Test func longestNamesWork() throws {
    let random = Self.name()
    let name = "@" + random + String(repeating: "x", count: 106 - random.utf8.count)
    let standIn = try SupervisorStandIn(name)
    supervisor(["NOTIFY_SOCKET": name]).notify(["READY=1"])
    #expect(standIn.receive() == "READY=1")
  }

  @Test func servicesAreRecognized() {
    #expect(!supervisor([:]).isPresent)
    #expect(supervisor(["INVOCATION_ID": "ab"]).isPresent)
    #expect(supervisor(["INVOCATION_ID": "ab", "SYSTEMD_EXEC_PID": "77"]).isPresent)
    // A program that somebody starts in a terminal which is a service.
    #expect(!supervisor(["INVOCATION_ID": "ab", "SYSTEMD_EXEC_PID": "76"]).isPresent)
    #expect(supervisor(["NOTIFY_SOCKET": "/nowhere"]).isPresent)
  }

  @Test func watchdogIsOursOnly() {
    let watchdog = { (text: String, process: String?) in
      var environment = ["WATCHDOG_USEC": text]
      environment["WATCHDOG_PID"] = process
      return supervisor(environment).watchdogNanoseconds
    }
    #expect(watchdog("30000000", "77") == 30_000_000_000)
    #expect(watchdog("30000000", nil) == 30_000_000_000)
    #expect(watchdog("30000000", "78") == nil)
    #expect(watchdog("0", "77") == nil && watchdog("-5", "77") == nil && watchdog("x", "77") == nil)
    #expect(watchdog("1", "77") == LinuxSystemLimits.watchdogMicrosecondsMin * 1000)
    #expect(watchdog("\(Int64.max)", "77") == Int64.max / 1000 * 1000)
  }

  // MARK: Sockets

  private func passing(_ count: Int, names: String? = nil) -> Supervisor {
    var environment = ["LISTEN_PID": "77", "LISTEN_FDS": "\(count)"]
    environment["LISTEN_FDNAMES"] = names
    return supervisor(environment)
  }

  @Test func namesAreRead() throws {
    #expect(passing(2, names: "bind:web").inheritedNames == ["bind", "web"])
    #expect(passing(2, names: ":web").inheritedNames == ["unknown", "web"])
    #expect(passing(3, names: "bind").inheritedNames == ["bind", "unknown", "unknown"])
    #expect(passing(1).inheritedNames == ["unknown"])
    #expect(passing(0).inheritedNames.isEmpty && passing(-1).inheritedNames.isEmpty)
    #expect(
      passing(Int.max).inheritedNames.count == LinuxSystemLimits.inheritedSocketCountMax)
    let other = supervisor(["LISTEN_PID": "78", "LISTEN_FDS": "1"])
    #expect(other.inheritedNames.isEmpty)
    #expect(supervisor(["LISTEN_FDS": "1"]).inheritedNames.isEmpty)
    #expect(try Self.take(other, -1) == nil)
  }

  private static func take(_ supervisor: Supervisor, _ number: CInt) throws -> CInt? {
    switch try supervisor.takeListener(firstNumber: number) {
    case .some(let descriptor): descriptor.release()
    case .none: nil
    }
  }

  @Test func listenerIsTakenOnce() throws {
    let socket = try Socket.listen(on: .loopback(port: 0))
    let number = socket.release()
    defer { close(number) }
    _ = fcntl(number, F_SETFL, 0)
    _ = fcntl(number, F_SETFD, 0)
    let supervisor = passing(1, names: "bind")
    #expect(try Self.take(supervisor, number) == number)
    #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
    #expect(try Self.take(supervisor, number) == nil)
  }

  @Test func anythingElseIsAnError() throws {
    #expect(throws: InheritedSocketError.tooMany(2)) { try Self.take(passing(2), 3) }
    let idle = try Socket.makeTCP(.ipv4)
    let idleNumber = idle.rawValue
    #expect(throws: InheritedSocketError.notListening("bind")) {
      try Self.take(passing(1, names: "bind"), idleNumber)
    }
    var ends: [CInt] = [-1, -1]
    #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let datagrams = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    var pipes: [CInt] = [-1, -1]
    #expect(pipe(&pipes) == 0)
    for number in [ends[0], datagrams, pipes[0], 1_000_000] {
      let error = #expect(throws: InheritedSocketError.self) {
        try Self.take(passing(1, names: "web"), number)
      }
      #expect(error == .notTCP("web"))
    }
    for number in ends + pipes + [datagrams] { close(number) }
  }
}
