import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import Daemon

@Suite(.serialized) struct SupervisorReportsTests {
  private let standIn: SupervisorStandIn
  private let thread: LoopThread

  init() throws {
    standIn = try SupervisorStandIn("@frp-test-\(UInt64.random(in: 0...UInt64.max))")
    thread = try LoopThread()
  }

  private func make(watchdog: Interval? = nil) throws -> LoopConfined<SupervisorReports> {
    let environment = [
      "NOTIFY_SOCKET": standIn.address,
      "WATCHDOG_USEC": watchdog.map { "\($0.nanoseconds / 1000)" } ?? "",
    ]
    return try thread.make { loop in
      SupervisorReports(loop, Supervisor(environment: environment, processID: 1))
    }
  }

  @Test func lifeIsTold() throws {
    let reports = try make()
    try thread.run { reports.on($0).ready("waiting for here:1") }
    #expect(standIn.receive() == "READY=1\nSTATUS=waiting for here:1")
    try thread.run { reports.on($0).status("logged in to here:1") }
    #expect(standIn.receive() == "STATUS=logged in to here:1")
    try thread.run { reports.on($0).reloading() }
    #expect(standIn.receive()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
    try thread.run { reports.on($0).reloaded() }
    #expect(standIn.receive() == "READY=1")
    try thread.run { reports.on($0).stopping("bye") }
    #expect(standIn.receive() == "STOPPING=1\nSTATUS=bye")
    #expect(try thread.run { $0.timerCount } == 0)
    thread.stop()
  }

  // A loop that hangs is silent; one that turns again speaks again.
  @Test func watchdogHearsOnlyOfALoopThatTurns() throws {
    let limit = Interval.milliseconds(400)
    let reports = try make(watchdog: limit)
    try thread.run { reports.on($0).ready("") }
    #expect(standIn.hears("WATCHDOG=1") && standIn.hears("WATCHDOG=1"))
    let end = Promised<Bool>()
    let isHanging = Promised<Bool>()
    thread.mailbox.post { _ in
      isHanging.fulfill(true)
      _ = try? end.wait()
    }
    _ = try isHanging.wait()
    // One may have been sent before.
    while standIn.receive(within: .zero) != nil {}
    #expect(standIn.receive(within: limit + limit) == nil)
    end.fulfill(true)
    #expect(standIn.hears("WATCHDOG=1"))
    try thread.run { reports.on($0).close() }
    #expect(try thread.run { $0.timerCount } == 0)
    thread.stop()
  }

  @Test func whatIsNotTakenIsToldLater() throws {
    let reports = try make()
    let filler = Supervisor(environment: ["NOTIFY_SOCKET": standIn.address], processID: 1)
    while filler.notify(["STATUS=filler"]) {}
    try thread.run { loop in
      reports.on(loop).ready("old")
      reports.on(loop).status("new")
    }
    #expect(standIn.hears("READY=1") || standIn.hears("STATUS=new"))
    let reading = try thread.run { $0.timerCount }
    #expect(reading == 0)
    try thread.run { reports.on($0).close() }
    thread.stop()
  }
}
