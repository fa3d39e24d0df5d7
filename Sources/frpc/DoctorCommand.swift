internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import TunnelClient

/// `frpc doctor`: finds out why there is no connection, and says what to do about it.
struct DoctorCommand {
  private let files: ClientFiles
  private let seconds: Int

  init(_ arguments: Arguments) throws(ExitCode) {
    files = try ClientFiles(arguments)
    seconds = arguments.integer(FrpcCommands.doctorTimeout)
    guard (1...3600).contains(seconds) else {
      throw ProgramStart.fail("--timeout: expected seconds from 1 to 3600, found \(seconds)")
    }
  }

  func run() throws(ExitCode) {
    let configuration = try files.loadResolved()
    var findings: [DoctorFinding] = []
    do {
      HostSystem.ignoreBrokenPipeSignal()
      let loop = try EventLoop()
      var times = DoctorTimes()
      times.total = .seconds(seconds)
      let doctor = try ClientDoctor(
        loop, configuration: configuration,
        configurationTime: FileIdentity(files.path)?.changedAt, times: times
      ) {
        findings = $0
        loop.stop()
      }
      doctor.start()
      loop.run()
    } catch {
      throw ProgramStart.fail("\(error)")
    }
    Console.writeLine(DoctorReport.text(findings, title: "frpc doctor: \(files.path)"))
    if findings.contains(where: { $0.fault != nil }) { throw .failure }
  }
}
