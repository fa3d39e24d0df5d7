internal import ArgumentParser
internal import BenchmarkReport
internal import Foundation
internal import Glibc

/// Counts what a relayed megabyte and a relayed connection cost, in numbers that do not depend on
/// how busy the machine is, and compares them with the thresholds in the tree.
///
/// Each lane runs twice with different amounts; the difference is what the amount cost, without
/// start and end of the programs.
struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "Compare counted costs with the thresholds in the tree.")

  @Option(help: "The folder of our frps and frpc.") var programs = ".build/release"
  @Option(help: "The file of thresholds.") var thresholds = "Benchmarks/thresholds.txt"
  @Flag(help: "Write what was measured, with headroom, into the file.") var update = false
  @Option(help: "Only the lanes whose names begin so; may be repeated.") var lane: [String] = []

  func run() throws {
    let tools = try ["strace", "valgrind", "strip"].map { name in
      guard let program = ProgramPaths.installed(name) else {
        let package = name == "strip" ? "binutils" : name
        throw BenchmarkError(description: "\(name) is not installed: apt-get install \(package)")
      }
      return program
    }
    let folder = NSTemporaryDirectory() + "relay-gate-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let origin = try Child(program, ["origin"])
    defer { origin.stop() }
    guard let port = origin.readLine().flatMap(UInt16.init) else {
      throw BenchmarkError(description: "the origin did not start")
    }
    // valgrind 3.19 gives up on debug information of the newest kind.
    for name in ["frps", "frpc"] {
      let strip = try Child(
        tools[2], ["--strip-debug", "-o", "\(folder)/\(name)", "\(programs)/\(name)"],
        logFile: "\(folder)/strip.log")
      strip.join()
    }
    let counter = GateCounter(
      programs: folder, strace: tools[0], valgrind: tools[1], program: program,
      originPort: port, folder: folder)
    let file =
      try update
      ? GateFile() : GateFile(text: String(contentsOfFile: thresholds, encoding: .utf8))
    var measured: [(name: String, value: Double)] = []
    for one in GateLane.all where lane.isEmpty || lane.contains(where: { one.name.hasPrefix($0) }) {
      var figures = try counter.measure(one)
      // On a busy machine less arrives at once; a regression raises the counts every time.
      for _ in 0..<2 where !update && file.isAnyOver(figures) {
        figures = GateFile.least(figures, try counter.measure(one))
      }
      measured += figures
    }
    if update {
      try GateFile.text(measured).write(toFile: thresholds, atomically: true, encoding: .utf8)
      for (name, value) in measured { print("\(name): \(Statistics.text(value))") }
      return
    }
    let outcomes = file.check(measured)
    for outcome in outcomes { print(outcome.line) }
    guard outcomes.allSatisfy(\.isGood) else { throw ExitCode(1) }
  }
}

/// One lane, and the two amounts that are compared.
struct GateLane {
  enum Work {
    /// Megabytes (10^6) that each of two streams sends and gets back.
    case megabytes(Int, Int)
    case requests(Int, Int, isReused: Bool)
  }

  let name: String
  let lane: FRPSubject.Lane
  let work: Work

  static let all = [
    GateLane(name: "plain-megabyte", lane: .plain, work: .megabytes(2, 10)),
    GateLane(name: "mux-megabyte", lane: .mux, work: .megabytes(2, 10)),
    GateLane(name: "default-megabyte", lane: .standard, work: .megabytes(2, 10)),
    GateLane(name: "encrypted-megabyte", lane: .encrypted, work: .megabytes(1, 4)),
    GateLane(name: "compressed-megabyte", lane: .compressed, work: .megabytes(1, 4)),
    GateLane(
      name: "plain-connection", lane: .plain, work: .requests(20, 120, isReused: false)),
    GateLane(
      name: "default-connection", lane: .standard, work: .requests(20, 120, isReused: false)),
    GateLane(
      name: "default-request", lane: .standard, work: .requests(20, 220, isReused: true)),
  ]

  /// The arguments of both runs, and what lies between them: megabytes relayed (there and back
  /// again on two streams), connections or requests.
  var runs: (small: [String], large: [String], difference: Double) {
    switch work {
    case .megabytes(let small, let large):
      (
        ["--bytes", "\(small * 1_000_000)"], ["--bytes", "\(large * 1_000_000)"],
        Double((large - small) * 4)
      )
    case .requests(let small, let large, let isReused):
      (
        ["--requests", "\(small)"] + (isReused ? [] : ["--close"]),
        ["--requests", "\(large)"] + (isReused ? [] : ["--close"]), Double(large - small)
      )
    }
  }
}

/// Runs both programs under the counting tools.
struct GateCounter {
  enum Tool: CaseIterable {
    case strace, callgrind, dhat

    var figure: String {
      switch self {
      case .strace: "calls"
      case .callgrind: "instructions"
      case .dhat: "allocations"
      }
    }
  }

  let programs: String
  let strace: String
  let valgrind: String
  let program: String
  let originPort: UInt16
  let folder: String

  func measure(_ lane: GateLane) throws -> [(name: String, value: Double)] {
    let runs = lane.runs
    var measured: [(name: String, value: Double)] = []
    for tool in Tool.allCases {
      let small = try count(lane, tool, runs.small)
      let large = try count(lane, tool, runs.large)
      for side in ["relay", "client"] {
        guard let low = small[side], let high = large[side] else {
          throw BenchmarkError(description: "\(lane.name): \(tool) said nothing of the \(side)")
        }
        let scale = tool == .callgrind ? 1000.0 : 1
        // Allocations for a megabyte are so few that the runs' own may weigh more; that more work
        // takes fewer calls or instructions means that they were not counted.
        let isPlausible = high > low || tool == .dhat
        measured.append(
          (
            "\(lane.name)/\(side)/\(tool.figure)",
            isPlausible ? max(0, high - low) / runs.difference / scale : .nan
          ))
      }
    }
    return measured
  }

  /// Runs one amount. - Returns: the tool's number for each side.
  private func count(
    _ lane: GateLane, _ tool: Tool, _ arguments: [String]
  ) throws -> [String: Double] {
    let place = "\(folder)/\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let wrap = { (side: String) in wrapper(tool, "\(place)/\(side)") }
    // The tools write files at the end, which a confined program cannot.
    let running = try FRPSubject.make(
      "ours", lane.lane, programs: programs, more: "sandbox = false", wrap: wrap
    ).start(place, originPort)
    do {
      defer { running.stop() }
      try Bench.awaitOrigin(running)
      let load = try Child(program, ["fixed", "--port", "\(running.port)"] + arguments)
      defer { load.stop() }
      guard let answer = load.readLine(), answer == "done" else {
        throw BenchmarkError(description: "\(lane.name) under \(tool): the load did not end")
      }
    }
    var counts: [String: Double] = [:]
    for side in ["relay", "client"] {
      let text = try String(contentsOfFile: "\(place)/\(side)", encoding: .utf8)
      counts[side] =
        switch tool {
        case .strace: ToolOutput.systemCalls(straceSummary: text)
        case .callgrind: ToolOutput.instructions(callgrindFile: text)
        case .dhat: ToolOutput.allocations(dhatLog: text)
        }
    }
    return counts
  }

  private func wrapper(_ tool: Tool, _ output: String) -> [String] {
    switch tool {
    case .strace: [strace, "-f", "-c", "-o", output]
    case .callgrind:
      [valgrind, "--tool=callgrind", "--callgrind-out-file=\(output)", "--log-file=\(output).log"]
    case .dhat:
      [valgrind, "--tool=dhat", "--dhat-out-file=\(output).json", "--log-file=\(output)"]
    }
  }
}
