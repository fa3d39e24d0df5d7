internal import ArgumentParser
internal import BenchmarkReport
internal import Dispatch
internal import Foundation
internal import Glibc

/// Compares relays on this machine.
@main struct RelayBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay-bench",
    abstract: "Compare swift-frp with its peers on this machine's loopback interface.",
    discussion: """
      Every subject runs in processes of its own between a load and an origin; its CPU time and
      memory are read from /proc. Rounds are interleaved, and ratios are taken inside a round.
      haproxy, nginx and OpenSSH are measured when they are installed; frp and rathole when
      FRP_BIN_DIR (a folder with frps and frpc) and RATHOLE_BIN (a program) name them.
      """,
    subcommands: [
      Compare.self, GateCommand.self, OriginCommand.self, LoadCommand.self, FixedCommand.self,
    ],
    defaultSubcommand: Compare.self)
}

/// The comparison itself.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run the comparison (the default).")

  @Option(help: "The folder of our frps and frpc.") var programs = ".build/release"
  @Option(help: "How often everything is measured.") var rounds = 3
  @Option(help: "Seconds of each measuring.") var seconds = 1.0
  @Option(help: "Connections of the idle scenario.") var connections = 2000
  @Option(help: "Only the scenarios whose names begin so; may be repeated.")
  var scenario: [String] = []
  @Option(help: "Only the subjects whose names begin so; may be repeated.")
  var subject: [String] = []
  @Option(help: "Write all values to this file as JSON.") var json: String?
  @Option(help: "Write a plot to this file.") var svg: String?
  @Option(help: "Write the tables to this file as well.") var table: String?
  @Flag(help: "Everything of ours once and shortly; fail if a figure cannot be read.")
  var smoke = false

  func run() throws {
    let paths = ProgramPaths(
      ours: programs, frp: ProcessInfo.processInfo.environment["FRP_BIN_DIR"],
      rathole: ProcessInfo.processInfo.environment["RATHOLE_BIN"])
    let subjects = try findSubjects(paths)
    let folder = NSTemporaryDirectory() + "relay-bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let guards = [SIGINT, SIGTERM].map { dieOrderly(on: $0, removing: folder) }
    defer { withExtendedLifetime(guards) {} }
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let origin = try Child(program, ["origin"])
    defer { origin.stop() }
    guard let port = origin.readLine().flatMap(UInt16.init) else {
      throw BenchmarkError(description: "the origin did not start")
    }
    var runner = Runner(
      subjects: subjects, seconds: smoke ? 0.2 : seconds, originPort: port, program: program,
      folder: folder)
    let scenarios = Scenario.all(idleConnections: smoke ? 100 : connections).filter { one in
      scenario.isEmpty || scenario.contains { one.name.hasPrefix($0) }
    }
    guard !scenarios.isEmpty else {
      throw ValidationError("no scenario begins with \(scenario.joined(separator: " or "))")
    }
    for round in 0..<(smoke ? 1 : rounds) {
      for scenario in scenarios {
        // Memory does not vary from round to round.
        if scenario.reading == .daemon || scenario.reading == .idle, round > 0 { continue }
        note("round \(round + 1): \(scenario.name)")
        runner.run(scenario, round: round)
      }
    }
    try report(runner, scenarios)
  }

  private func findSubjects(_ paths: ProgramPaths) throws -> [Subject] {
    guard FileManager.default.isExecutableFile(atPath: "\(paths.ours)/frps"),
      FileManager.default.isExecutableFile(atPath: "\(paths.ours)/frpc")
    else {
      throw ValidationError(
        "\(paths.ours) has no frps and frpc; build them (make release) or give --programs")
    }
    var subjects = [Peers.direct]
    subjects += FRPSubject.Lane.allCases.map { FRPSubject.make("ours", $0, programs: paths.ours) }
    if !smoke { subjects += findPeers(paths) }
    return subjects.filter { one in
      subject.isEmpty || subject.contains { one.name.hasPrefix($0) }
    }
  }

  private func findPeers(_ paths: ProgramPaths) -> [Subject] {
    var peers: [Subject] = []
    func add(_ name: String, _ programs: [String], _ make: ([String]) -> [Subject]) {
      let found = programs.compactMap(ProgramPaths.installed)
      if found.count == programs.count {
        peers += make(found)
      } else {
        note("skipped: \(name) is not installed")
      }
    }
    add("haproxy", ["haproxy"]) { [Peers.haproxy($0[0])] }
    add("nginx", ["nginx"]) {
      [
        Peers.nginx($0[0], isTLS: false), Peers.nginx($0[0], isTLS: true),
        Peers.nginxHTTP($0[0]),
      ]
    }
    add("openssh", ["sshd", "ssh"]) { [Peers.ssh($0[0], $0[1])] }
    if let frp = paths.frp {
      peers += FRPSubject.Lane.allCases.map { FRPSubject.make("frp", $0, programs: frp) }
    } else {
      note("skipped: frp, as FRP_BIN_DIR is not set")
    }
    if let rathole = paths.rathole {
      peers.append(Peers.rathole(rathole))
    } else {
      note("skipped: rathole, as RATHOLE_BIN is not set")
    }
    return peers
  }

  private func report(_ runner: Runner, _ scenarios: [Scenario]) throws {
    let references = Dictionary(uniqueKeysWithValues: scenarios.map { ($0.name, $0.reference) })
    let tables = Table.render(runner.results) { references[$0] }
    let verdicts = Table.render(Scenario.targets.map { $0.verdict(runner.results) })
    print(tables)
    if !smoke { print(verdicts) }
    if let table {
      try "\(verdicts)\n\(tables)".write(toFile: table, atomically: true, encoding: .utf8)
    }
    if let json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      try encoder.encode(runner.results).write(to: URL(fileURLWithPath: json))
    }
    if let svg {
      let panels = scenarios.compactMap { scenario in
        runner.results.figures(of: scenario.name).first.map { (scenario.name, $0) }
      }
      let plot = Plot.render(
        runner.results,
        panels: panels.flatMap { panel in
          panel.0 == "bulk8" ? [panel, (panel.0, "relay CPU-s/GB")] : [panel]
        })
      try plot.write(toFile: svg, atomically: true, encoding: .utf8)
    }
    guard runner.failures.isEmpty else {
      note("\(runner.failures.count) measurements failed")
      throw ExitCode(1)
    }
  }
}

/// A line for whoever watches, beside the results.
private func note(_ text: String) {
  FileHandle.standardError.write(Data("\(text)\n".utf8))
}

/// Kills the children when the harness is told to end.
private func dieOrderly(
  on signalNumber: Int32, removing folder: String
) -> any DispatchSourceSignal {
  signal(signalNumber, SIG_IGN)
  let source = DispatchSource.makeSignalSource(signal: signalNumber, queue: .global())
  source.setEventHandler {
    Children.killAll()
    try? FileManager.default.removeItem(atPath: folder)
    exit(128 + signalNumber)
  }
  source.resume()
  return source
}
