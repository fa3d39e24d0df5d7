internal import BenchmarkReport
internal import Foundation
internal import Glibc

/// Runs scenarios through subjects, round after round, and collects the figures.
struct Runner {
  let subjects: [String: Subject]
  let seconds: Double
  let originPort: UInt16
  /// The program itself, which also is origin and load.
  let program: String
  let folder: String
  private(set) var results = Results()
  private(set) var failures: [String] = []

  init(
    subjects: [Subject], seconds: Double, originPort: UInt16, program: String, folder: String
  ) {
    self.subjects = Dictionary(uniqueKeysWithValues: subjects.map { ($0.name, $0) })
    self.seconds = seconds
    self.originPort = originPort
    self.program = program
    self.folder = folder
  }

  mutating func run(_ scenario: Scenario, round: Int) {
    for name in scenario.subjects {
      guard let subject = subjects[name] else { continue }
      do {
        try measure(scenario, subject, round)
      } catch {
        failures.append("\(scenario.name), \(name), round \(round + 1): \(error)")
        FileHandle.standardError.write(Data("failed: \(failures.last ?? "")\n".utf8))
      }
    }
  }

  private mutating func measure(_ scenario: Scenario, _ subject: Subject, _ round: Int) throws {
    let place = "\(folder)/\(results.measurements.count)-\(round)-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let running = try subject.start(place, originPort)
    defer { running.stop() }
    try Bench.awaitOrigin(running)
    if scenario.reading == .daemon {
      return try measureDaemon(scenario, subject.name, running, round)
    }
    // Long enough for what daemons do once after their start.
    if scenario.reading == .idle { Thread.sleep(forTimeInterval: 3) }
    let before = try memory(running)
    let load = try Child(
      program,
      [
        "load", scenario.kind.rawValue, "--port", "\(running.port)", "--connections",
        "\(scenario.connections)", "--seconds", "\(scenario.reading == .idle ? 3 : seconds)",
      ])
    defer { load.stop() }
    guard load.readLine() == "start" else { throw BenchmarkError(description: "the load failed") }
    let relayStart = try usage(running.relay)
    let clientStart = try usage(running.client)
    guard let line = load.readLine(), line.hasPrefix("end ") else {
      throw BenchmarkError(description: "the load did not end in order")
    }
    let relayEnd = try usage(running.relay)
    let clientEnd = try usage(running.client)
    let result = try JSONDecoder().decode(LoadResult.self, from: Data(line.dropFirst(4).utf8))
    let sides = [
      ("relay", relayEnd.cpuSeconds - relayStart.cpuSeconds, before.0, relayEnd.residentKibibytes),
      (
        "client", clientEnd.cpuSeconds - clientStart.cpuSeconds, before.1,
        clientEnd.residentKibibytes
      ),
    ]
    func add(_ figure: String, _ value: Double) {
      results.add(
        value, scenario: scenario.name, subject: subject.name, figure: figure, round: round)
    }
    switch scenario.reading {
    case .throughput:
      guard result.failures == 0 else { throw BenchmarkError(description: "a stream broke") }
      guard result.bytes > 0 else { throw BenchmarkError(description: "no byte came through") }
      add("MB/s", result.bytes / 1e6 / result.seconds)
      for side in sides { add("\(side.0) CPU-s/GB", side.1 / (result.bytes / 1e9)) }
    case .requests:
      guard result.requests > 0 else { throw BenchmarkError(description: "no request succeeded") }
      if result.failures > result.requests / 1000 {
        throw BenchmarkError(description: "\(Int(result.failures)) requests failed")
      }
      add("req/s", result.requests / result.seconds)
      for side in sides { add("\(side.0) CPU-µs each", side.1 / result.requests * 1e6) }
    case .latency:
      guard result.requests > 0 else { throw BenchmarkError(description: "no byte came back") }
      add("p99 µs", result.p99)
      add("p50 µs", result.p50)
      add("p99.9 µs", result.p999)
      if result.bytes > 0 { add("bulk MB/s", result.bytes / 1e6 / result.seconds) }
    case .idle:
      for side in sides {
        add("\(side.0) KB each", Double(side.3 - side.2) / Double(scenario.connections))
      }
      for side in sides { add("\(side.0) CPU %", side.1 / result.seconds * 100) }
    case .daemon: break
    }
  }

  private mutating func measureDaemon(
    _ scenario: Scenario, _ subject: String, _ running: RunningSubject, _ round: Int
  ) throws {
    // Long enough for what daemons do once after their start.
    Thread.sleep(forTimeInterval: 3)
    let now = try memory(running)
    for (side, kibibytes) in [("relay", now.0), ("client", now.1)] {
      results.add(
        Double(kibibytes) * 1024 / 1e6, scenario: scenario.name, subject: subject,
        figure: "\(side) MB", round: round)
    }
  }

  private func usage(_ side: [Child]) throws -> (cpuSeconds: Double, residentKibibytes: Int) {
    try ProcessTable.usage(of: side.map(\.pid))
  }

  private func memory(_ running: RunningSubject) throws -> (Int, Int) {
    (
      try usage(running.relay).residentKibibytes, try usage(running.client).residentKibibytes
    )
  }
}
