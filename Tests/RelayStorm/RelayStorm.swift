public import ArgumentParser
internal import Dispatch
internal import Foundation
internal import Glibc
public import StormKit
internal import Timekeeping

/// Puts the two programs under loads that should not hurt them.
@main struct RelayStorm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay-storm",
    abstract: "Put frps and frpc under loads that should not hurt them.",
    discussion: """
      Each scenario starts the programs itself, prints a table, and ends with 0 when every bound
      is kept. Root raises the limit of descriptors as far as is needed; others get smaller amounts.
      """,
    subcommands: [
      Replacements.self, Rude.self, Web.self, Restart.self, Flood.self, FailedLogins.self,
      SoakCommand.self, Origin.self,
    ])
}

/// What all scenarios are told.
struct ProgramOptions: ParsableArguments {
  @Option(help: "The folder of our frps and frpc.") var programs = ".build/release"

  func run(_ scenario: (String) throws -> Report) throws {
    let folder = URL(fileURLWithPath: programs).path
    for name in ["frps", "frpc"]
    where !FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
      throw ValidationError("\(folder) has no \(name); build it (make release)")
    }
    let guards = [SIGINT, SIGTERM].map(dieOrderly)
    defer { withExtendedLifetime(guards) {} }
    let report = try scenario(folder)
    FileHandle.standardOutput.write(Data("\(report.table)\n".utf8))
    if !report.isGood { throw ExitCode(1) }
  }

  private func dieOrderly(on number: Int32) -> any DispatchSourceSignal {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      Daemon.killAll()
      Glibc.exit(128 + number)
    }
    source.resume()
    return source
  }
}

extension RudeKind: ExpressibleByArgument {}
extension WebKind: ExpressibleByArgument {}
extension SoakEvent: ExpressibleByArgument {}
extension ReplacementStorm.Carrier: ExpressibleByArgument {}

/// `relay-storm replacements`
struct Replacements: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replace a session by a login with its run ID, again and again.")
  @OptionGroup var common: ProgramOptions
  @Option var count = 1000
  @Option(help: "healthy, halfOpen or stalled.") var carrier = ReplacementStorm.Carrier.halfOpen
  @Flag(help: "Take a relay in this process and count its timers.") var inner = false

  func run() throws {
    try common.run { programs in
      var storm = ReplacementStorm(programs: inner ? nil : programs, carrier)
      storm.count = count
      return try storm.run()
    }
  }
}

/// `relay-storm rude`
struct Rude: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let many peers connect that never log in, and good ones beside them.")
  @OptionGroup var common: ProgramOptions
  @Option var count = 10_000
  @Option(help: "Only this kind; may be repeated.") var kind: [RudeKind] = []
  @Option(help: "Logins of the good client.") var tries = 100
  @Flag(help: "All from one address, that of the good client.") var oneAddress = false
  @Flag(help: "Each good login from an address that none has come from.") var newClient = false
  @Option var seed: UInt64 = 1

  func run() throws {
    try common.run { programs in
      var storm = RudeStorm(programs: programs)
      storm.count = count
      if !kind.isEmpty { storm.kinds = kind }
      storm.tries = tries
      storm.isSpread = !oneAddress
      storm.isGoodClientNew = newClient
      storm.seed = seed
      return try storm.run()
    }
  }
}

/// `relay-storm web`
struct Web: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let many users of virtual hosts take up places, and good ones beside them.")
  @OptionGroup var common: ProgramOptions
  @Option var count = 10_000
  @Option(help: "Only this kind; may be repeated.") var kind: [WebKind] = []
  @Option(help: "Requests and logins of the good ones.") var tries = 100
  @Flag(help: "All from one address, which is not that of the good users.") var oneAddress = false
  @Option(help: "The relay's max_connections_per_address; 0 for none.") var perAddress = 0
  @Option(help: "The relay's max_connections; 0 for its default.") var maxConnections = 0

  func run() throws {
    try common.run { programs in
      var storm = WebStorm(programs: programs)
      storm.count = count
      if !kind.isEmpty { storm.kinds = kind }
      storm.tries = tries
      storm.isSpread = !oneAddress
      storm.perAddressMax = perAddress
      storm.totalMax = maxConnections
      return try storm.run()
    }
  }
}

/// `relay-storm restart`
struct Restart: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Kill and restart the relay of many clients.")
  @OptionGroup var common: ProgramOptions
  @Option var count = 2000
  @Option(help: "Milliseconds between the two.") var away = 500

  func run() throws {
    try common.run { programs in
      var storm = RestartStorm(programs: programs)
      storm.count = count
      storm.away = .milliseconds(away)
      return try storm.run()
    }
  }
}

/// `relay-storm flood`
struct Flood: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let many users connect at once, beside one who moves bytes.")
  @OptionGroup var common: ProgramOptions
  @Option var count = 20_000
  @Option(help: "The relay's memory_limit in MB.") var memoryLimit = 128

  func run() throws {
    try common.run { programs in
      var storm = UserFlood(programs: programs)
      storm.count = count
      storm.memoryLimit = memoryLimit
      storm.helper = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return try storm.run()
    }
  }
}

/// `relay-storm failed-logins`
struct FailedLogins: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Log in with a wrong token as often as the machine can.")
  @OptionGroup var common: ProgramOptions
  @Option var seconds = 60

  func run() throws {
    try common.run { programs in
      var storm = FailedLoginStorm(programs: programs)
      storm.time = .seconds(seconds)
      return try storm.run()
    }
  }
}

/// `relay-storm origin`
struct Origin: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve an echo; other scenarios start it.", shouldDisplay: false)
  @Option var port: UInt16

  func run() throws { try serveEcho(port: port) }
}

/// `relay-storm soak`
struct SoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak", abstract: "Run both programs for a long time while things happen to them.")
  @OptionGroup var common: ProgramOptions
  @Option var minutes = 5.0
  @Option(help: "What decides about everything random; any if not given.") var seed: UInt64?
  @Option(help: "Only this event; may be repeated.") var event: [SoakEvent] = []

  func run() throws {
    try common.run { programs in
      var soak = Soak(programs: programs)
      soak.minutes = minutes
      soak.seed = seed ?? UInt64.random(in: 0...UInt64.max)
      if !event.isEmpty { soak.events = event }
      soak.note = { FileHandle.standardError.write(Data("\($0)\n".utf8)) }
      return try soak.run()
    }
  }
}
