internal import Configuration
internal import Logging
internal import Reactor
internal import TunnelClient
import Glibc

@main
enum Program {
  nonisolated static func main() throws {
    signal(SIGPIPE, SIG_IGN)
    let loop = try EventLoop()
    var c = ClientConfiguration()
    let a = CommandLine.arguments
    c.serverPort = Int(a[1])!
    c.auth.token = Secret("tok")
    c.transport.isMultiplexed = !a.contains("nomux")
    c.transport.tls.isEnabled = !a.contains("notls")
    var p = ProxyConfiguration()
    p.name = "web"
    p.localPort = Int(a[2])!
    p.remotePort = Int(a[3])!
    p.usesEncryption = a.contains("enc")
    p.usesCompression = a.contains("comp")
    c.proxies = [p]
    let client = try TunnelClient(loop, configuration: c, logger: Logger(label: "frpc", factory: { StreamLogHandler.standardOutput(label: $0) }))
    client.start()
    loop.run()
  }
}
