#if DEBUG
  import Foundation
  import SimulationKit
  import TestKit
  import Testing
  import Timekeeping

  /// Seeded runs of both programs in a simulated network; docs/hacking.md says how to use them.
  @Suite struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let runCount =
      environment["FRP_SIMULATION_RUNS"].flatMap(Int.init) ?? 1500
    private static let firstSeed =
      environment["FRP_SIMULATION_FIRST_SEED"].flatMap(UInt64.init) ?? 1
    private static let singleSeed = environment["FRP_SIMULATION_SEED"].flatMap(UInt64.init)
    private static let failuresMax = 10

    private static let seeds: [UInt64] =
      if let singleSeed { [singleSeed] } else {
        (0..<UInt64(runCount)).map { firstSeed &+ $0 }
      }

    /// What many runs amount to.
    private struct Summary {
      var runCount = 0
      var servedCount = 0
      var turnCount = 0
      var recovery = Interval.zero
      var digest: UInt64 = 0
      var failures: [String] = []

      mutating func add(_ seed: UInt64, _ outcome: SimulationRun.Outcome) {
        runCount += 1
        servedCount += outcome.servedCount
        turnCount += outcome.turnCount
        recovery = max(recovery, outcome.recovery)
        // The order does not matter.
        digest &+= outcome.digest
        guard !outcome.mistakes.isEmpty else { return }
        let mistakes = outcome.mistakes.prefix(5).joined(separator: "; ")
        failures.append("FRP_SIMULATION_SEED=\(seed): \(mistakes)")
      }

      mutating func add(_ other: Summary) {
        runCount += other.runCount
        servedCount += other.servedCount
        turnCount += other.turnCount
        recovery = max(recovery, other.recovery)
        digest &+= other.digest
        failures += other.failures
      }

      var text: String {
        "simulation: \(runCount) runs, \(servedCount) users served, \(turnCount) turns, "
          + "longest recovery \(recovery.inSeconds) s, digest \(String(digest, radix: 16))\n"
      }
    }

    @Test func everySeedHolds() async throws {
      async let evenOnes = onOwnThread { Self.runAll(0) }
      async let oddOnes = onOwnThread { Self.runAll(1) }
      var summary = try await evenOnes
      summary.add(try await oddOnes)
      FileHandle.standardError.write(Data(summary.text.utf8))
      for failure in summary.failures { Issue.record("\(failure)") }
    }

    /// Every second seed, beginning with one of the first two.
    private static func runAll(_ first: Int) -> Summary {
      var summary = Summary()
      for index in stride(from: first, to: seeds.count, by: 2) {
        if summary.failures.count == failuresMax { break }
        summary.add(seeds[index], run(seeds[index]))
      }
      return summary
    }

    /// The same packets at the same times.
    @Test(arguments: [1, 7, 15, 4711] as [UInt64])
    func theSameSeedGivesTheSameRun(_ seed: UInt64) async throws {
      let digests = try await onOwnThread { (0..<3).map { _ in Self.run(seed).digest } }
      #expect(Set(digests).count == 1)
      let other = try await onOwnThread { Self.run(seed + 1).digest }
      #expect(other != digests[0])
    }

    private static func run(_ seed: UInt64) -> SimulationRun.Outcome {
      guard singleSeed != nil else { return SimulationRun.run(seed: seed) }
      return SimulationRun.run(seed: seed) { now, text in
        let line = "\(Double(now.nanoseconds / 1000) / 1000) ms \(text)\n"
        FileHandle.standardError.write(Data(line.utf8))
      }
    }
  }
#endif
