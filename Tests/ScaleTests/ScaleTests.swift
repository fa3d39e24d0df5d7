import Foundation
import StormKit
import TestKit
import Testing
import Timekeeping

/// The scenarios of `relay-storm` with amounts that take seconds. `PROGRAMS_DIR` names the folder
/// of other programs than those beside the tests; `STORM_COUNT` sets the amount of each scenario.
@Suite(.serialized) struct ScaleTests {
  private static let programs =
    ProcessInfo.processInfo.environment["PROGRAMS_DIR"]
    ?? URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent().path

  private static func amount(_ small: Int) -> Int {
    ProcessInfo.processInfo.environment["STORM_COUNT"].flatMap { Int($0) } ?? small
  }

  private func expectGood(_ run: @escaping @Sendable () throws -> Report) async throws {
    let report = try await onOwnThread(run)
    FileHandle.standardError.write(Data("\(report.table)\n".utf8))
    for failure in report.failures { Issue.record("\(report.title): \(failure)") }
  }

  /// Goal: nothing of a replaced session stays.
  @Test(arguments: ReplacementStorm.Carrier.allCases)
  func replacementsLeaveNothing(_ carrier: ReplacementStorm.Carrier) async throws {
    try await expectGood {
      var storm = ReplacementStorm(programs: Self.programs, carrier)
      storm.count = Self.amount(60)
      return try storm.run()
    }
  }

  /// Goal: its timers go, too.
  @Test(arguments: ReplacementStorm.Carrier.allCases)
  func replacementsLeaveNoTimers(_ carrier: ReplacementStorm.Carrier) async throws {
    try await expectGood {
      var storm = ReplacementStorm(programs: nil, carrier)
      storm.count = Self.amount(60)
      return try storm.run()
    }
  }

  /// Goal: peers that never log in cost little, go in time, and disturb no good client.
  @Test(arguments: [true, false])
  func rudePeersDisturbNobody(isSpread: Bool) async throws {
    try await expectGood {
      var storm = RudeStorm(programs: Self.programs)
      storm.count = Self.amount(300)
      storm.kinds = isSpread ? [.wrongToken] : [.idleTLS]
      storm.isSpread = isSpread
      storm.tries = 10
      return try storm.run()
    }
  }

  /// Goal: users of virtual hosts who only take up places disturb no good one, and no client.
  @Test(arguments: [(WebKind.slowHead, true), (.silent, false), (.asking, true)])
  func usersOfHostsDisturbNobody(kind: WebKind, isSpread: Bool) async throws {
    try await expectGood {
      var storm = WebStorm(programs: Self.programs)
      storm.count = Self.amount(300)
      storm.kinds = [kind]
      storm.isSpread = isSpread
      storm.perAddressMax = isSpread ? 0 : 50
      storm.tries = 30
      storm.isEndAwaited = false
      return try storm.run()
    }
  }

  /// Goal: many clients are back soon after a restart of the relay.
  @Test func clientsComeBackAfterARestart() async throws {
    try await expectGood {
      var storm = RestartStorm(programs: Self.programs)
      storm.count = Self.amount(50)
      return try storm.run()
    }
  }

  /// Goal: a flood of users kills nothing, and one who is there moves his bytes.
  @Test func floodOfUsersIsSurvived() async throws {
    try await expectGood {
      var storm = UserFlood(programs: Self.programs)
      storm.count = Self.amount(500)
      return try storm.run()
    }
  }

  /// Goal: failed logins fill no disk and keep nobody out.
  @Test func failedLoginsKeepNobodyOut() async throws {
    try await expectGood {
      var storm = FailedLoginStorm(programs: Self.programs)
      storm.time = .seconds(3)
      return try storm.run()
    }
  }
}
