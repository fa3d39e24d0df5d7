internal import Configuration
internal import Logging
internal import Reactor
internal import RelayServer
import Glibc

@main
enum Program {
  nonisolated static func main() throws {
    signal(SIGPIPE, SIG_IGN)
    let loop = try EventLoop()
    var c = ServerConfiguration()
    c.bindPort = Int(CommandLine.arguments[1])!
    c.auth.token = Secret("tok")
    c.transport.isMultiplexed = !CommandLine.arguments.contains("nomux")
    let server = try RelayServer(loop, configuration: c, logger: Logger(label: "frps", factory: { StreamLogHandler.standardOutput(label: $0) }))
    try server.start()
    loop.run()
  }
}
