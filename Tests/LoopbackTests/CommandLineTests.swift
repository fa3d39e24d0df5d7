import Foundation
import TestKit
import Testing
import Timekeeping

/// Command lines as users and their scripts write them.
@Suite(.serialized) struct CommandLineTests {
  @Test func bothProgramsRunByFlagsAlone() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let frps = try Program(
      "frps",
      arguments: ["--bind_addr=127.0.0.1", "-p", "\(bind)", "-tsecret", "--allow-ports", "1-65535"])
    #expect(frps.waitForLog("frps started successfully"))
    #expect(frps.log.contains("frps uses command line arguments for config"))
    let frpc = try Program(
      "frpc",
      arguments: [
        "tcp", "-s", "127.0.0.1", "-P\(bind)", "-t", "secret", "-n", "web", "--local_ip",
        "127.0.0.1", "-l", "\(service.port)", "-r", "\(remote)", "--ue", "--uc=true",
        "--tls_enable=false", "--disable_log_color",
      ])
    #expect(frpc.waitForLog("[web] start proxy success"))
    #expect(!frpc.log.contains("start frpc service for config file"))
    let user = try TestSocket.connect(remote)
    try user.send("through flags")
    #expect(try user.receive(exactly: 13) == Array("through flags".utf8))
    user.close()
    frpc.send(SIGHUP)
    #expect(frpc.waitForLog("there is no file to read again"))
    frpc.send(SIGTERM)
    #expect(frpc.waitForExit() == 0)
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
  }

  @Test func flagsAreCheckedAsKeysOfFilesAre() throws {
    let port = try FinishedProgram("frpc", ["tcp", "-n", "a", "-r", "70000"])
    #expect(port.code == 1)
    #expect(
      port.output.contains(
        "command line: --remote-port: expected a port from 0 to 65535, found 70000"))
    let ports = try FinishedProgram("frps", ["--allow_ports", "20-10"])
    #expect(ports.code == 1 && ports.output.contains("command line: --allow-ports: "))
    let name = try FinishedProgram("frpc", ["tcp", "-l", "80"])
    #expect(name.code == 1)
    #expect(name.output == "command line: --proxy-name: expected a name, found none\n")
    let level = try FinishedProgram("frps", ["--log_level", "loud"])
    #expect(level.code == 1 && level.output.contains("--log-level: expected one of trace, debug"))
    let map = try FinishedProgram("frpc", ["tcp", "-n", "a", "-l", "80", "--metadatas", "x"])
    #expect(map.code == 1 && map.output.contains("--metadatas: expected items like name=value"))
    let visitor = try FinishedProgram("frpc", ["stcp", "visitor", "-n", "a"])
    #expect(visitor.code == 1 && visitor.output.contains("--server-name: expected the name"))
  }

  /// The same words as in a file, whatever this version has.
  @Test(arguments: ["udp", "http", "https", "tcpmux", "stcp", "sudp", "xtcp"])
  func typesThatAreNotBuiltSaySo(type: String) throws {
    let flags = try FinishedProgram("frpc", [type, "-n", "a", "-l", "80", "--log_level=bad"])
    let folder = try TemporaryFolder()
    let file = try folder.write("a.ini", "[common]\nlog_level = bad\n[a]\ntype = \(type)\n")
    let checked = try FinishedProgram("frpc", ["verify", "-c", file])
    #expect(flags.code == 1 && checked.code == 1)
    let refusal = "type: \(type) is not in this version"
    #expect(flags.output.contains(refusal) == checked.output.contains(refusal))
  }

  @Test func usageErrorsGoToStandardErrorWithCodeOne() throws {
    for (words, text) in [
      (["--bind-prot", "1"], "unknown flag: --bind-prot; did you mean --bind-port?"),
      (["verfy"], "unknown command \"verfy\" for \"frps\"; did you mean verify?"),
      (["verify", "--dmup"], "unknown flag: --dmup; did you mean --dump?"),
      (["-p", "x"], "-p: expected a number, found \"x\""),
      (["-p"], "-p needs a value"),
      (["--tls_only=perhaps"], "--tls-only: expected true or false, found \"perhaps\""),
    ] {
      let program = try FinishedProgram("frps", words)
      #expect(program.code == 1, "\(words)")
      #expect(program.output.isEmpty)
      #expect(program.errors.hasPrefix("Error: \(text)\nRun 'frps"), "\(program.errors)")
    }
    let unsafe = try FinishedProgram("frps", ["--allow-unsafe", "Everything"])
    #expect(unsafe.code == 1 && unsafe.output.contains("expected TokenSourceExec"))
  }

  @Test func helpAndVersionEndWithZero() throws {
    let version = try String(
      contentsOf: Repository.root.appendingPathComponent(".version"), encoding: .utf8)
    for words in [["-v"], ["--version"], ["verify", "-v"]] {
      for name in ["frps", "frpc"] {
        let program = try FinishedProgram(name, words)
        #expect(program.code == 0 && program.output == version && program.errors.isEmpty)
      }
    }
    for (words, usage) in [
      (["--help"], "frpc [FLAGS]"), (["tcp", "-h"], "frpc tcp [FLAGS]"),
      (["help", "stcp", "visitor"], "frpc stcp visitor [FLAGS]"),
      (["nathole"], "frpc nathole COMMAND"),
      (["completion"], "frpc completion bash|zsh|fish"),
    ] {
      let program = try FinishedProgram("frpc", words)
      #expect(program.code == 0 && program.errors.isEmpty)
      #expect(program.output.contains("Usage:\n  \(usage)"), "\(program.output)")
    }
    let natHole = try FinishedProgram("frpc", ["nathole", "discover"])
    #expect(natHole.code == 1 && natHole.output.contains("not"))
  }

  // MARK: Files

  @Test func verifyHasTheCodesAndTextsOfFrp() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write("good.ini", "[common]\nbind_port = 7000\n")
    let odd = try folder.write("odd.toml", "bindPort = 7000\nbindProt = 1\n")
    let path = try FinishedProgram("frps", ["verify", "-c", good])
    #expect(path.code == 0)
    #expect(path.output == "frps: the configuration file \(good) syntax is ok\n")
    // Flags before the command are its flags too.
    #expect(try FinishedProgram("frps", ["-c", good, "verify"]).output == path.output)
    let nothing = try FinishedProgram("frps", ["verify"])
    #expect(nothing.code == 0)
    #expect(nothing.output == "frps: the configuration file is not specified\n")
    let empty = try FinishedProgram("frpc", ["verify", "-c", ""])
    #expect(empty.code == 0)
    #expect(empty.output == "frpc: the configuration file is not specified\n")
    let strict = try FinishedProgram("frps", ["verify", "-c", odd])
    #expect(strict.code == 1 && strict.output.contains("did you mean bindPort?"))
    for flag in ["--strict_config=false", "--strict-config=0"] {
      let lax = try FinishedProgram("frps", ["verify", "-c", odd, flag])
      #expect(lax.code == 0 && lax.output.contains("syntax is ok"))
      #expect(lax.output.contains("bindProt"))
    }
    let gone = try FinishedProgram("frpc", ["verify", "-c", "/nonexistent/frpc.ini"])
    #expect(gone.code == 1)
    #expect(gone.output == "open /nonexistent/frpc.ini: no such file or directory\n")
    let ignored = try FinishedProgram("frps", ["verify", "-c", good, "--bind-port", "1"])
    #expect(ignored.output.hasPrefix("WARNING: --bind-port has no effect beside --config\n"))
  }

  /// As they are shipped, on a machine that has nothing in /etc/frp.
  @Test(arguments: ["frps", "frpc"])
  func shippedFilesVerifyOnAFreshMachine(program: String) throws {
    for name in ["\(program).ini", "\(program).full.ini", "\(program).full.toml"] {
      let path = Repository.root.appendingPathComponent("config/\(name)").path
      let result = try FinishedProgram(program, ["verify", "-c", path])
      #expect(result.code == 0, "\(result.output)")
      #expect(result.output == "\(program): the configuration file \(path) syntax is ok\n")
    }
  }

  @Test func programsOfTokensNeedAllowUnsafe() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "a.toml", "auth.tokenSource.type = \"exec\"\nauth.tokenSource.exec.command = \"/bin/true\"\n")
    let refused = try FinishedProgram("frps", ["verify", "-c", file])
    #expect(refused.code == 1)
    let allowed = try FinishedProgram(
      "frps", ["verify", "-c", file, "--allow-unsafe", "TokenSourceExec"])
    #expect(allowed.code == 0, "\(allowed.output)")
  }

  @Test func tokensComeFromPrograms() throws {
    let folder = try TemporaryFolder()
    let count = "\(folder.path)/count"
    // Where the confined relay, which runs as another user, could write as well.
    chmod(folder.path, 0o777)
    let port = try makeFreePort()
    func settings(_ head: String, _ script: String) -> String {
      """
      \(head)
      auth.tokenSource.type = "exec"
      auth.tokenSource.exec.command = "sh"
      auth.tokenSource.exec.args = ["-c", '\(script)']
      auth.tokenSource.exec.env = [{ name = "FRP_SECRET", value = "from a program" }]

      """
    }
    let unsafe = ["--allow-unsafe", "TokenSourceExec"]
    // It prints white space too, and does not run again at a reload.
    let relay = settings(
      "bindAddr = \"127.0.0.1\"\nbindPort = \(port)",
      "echo x >> \(count); echo \" $FRP_SECRET \"")
    let frps = try Program("frps", relay, unsafe)
    #expect(frps.waitForLog("frps started successfully"), "\(frps.log)")
    let client = settings(
      "serverAddr = \"127.0.0.1\"\nserverPort = \(port)", "echo -n \"$FRP_SECRET\"")
    let frpc = try Program("frpc", client, unsafe)
    #expect(frpc.waitForLog("login to server success"), "\(frpc.log)")
    frps.send(SIGHUP)
    #expect(frps.waitForLog("configuration reloaded"), "\(frps.log)")
    #expect(try String(contentsOfFile: count, encoding: .utf8) == "x\n")
    for (script, reason) in [
      ("exit 3", "it ended with exit code 3"), ("kill -9 $$", "signal 9 ended it"),
      ("head -c 70000 /dev/zero", "it printed more than 65536 bytes"),
    ] {
      let bad = try Program("frpc", settings("", script), unsafe)
      #expect(bad.waitForExit() == 1)
      let text = "failed to resolve auth.tokenSource: \"sh\": \(reason)"
      #expect(bad.log.contains(text), "\(bad.log)")
    }
  }

  @Test func everyFileOfAFolderIsVerified() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write("b/good.ini", ProgramTests.client(7000, local: 80, remote: 81))
    let all = try FinishedProgram("frpc", ["verify", "--config_dir", folder.path])
    #expect(all.code == 0)
    #expect(all.output == "frpc: the configuration file \(good) syntax is ok\n")
    _ = try folder.write("a.toml", "serverPort = \"x\"\n")
    let some = try FinishedProgram("frpc", ["verify", "--config-dir=\(folder.path)"])
    #expect(some.code == 1)
    #expect(some.output.contains("a.toml:1") && some.output.hasSuffix(all.output))
    let none = try FinishedProgram("frpc", ["verify", "--config_dir", "/nonexistent"])
    #expect(none.code == 1 && none.output.contains("open /nonexistent: no such file"))
  }

  @Test func aFolderOfFilesIsOneClientForEach() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let bind = try makeFreePort()
    let remotes = try [makeFreePort(), makeFreePort()]
    let frps = try Program("frps", ProgramTests.server(bind))
    #expect(frps.waitForLog("frps started successfully"))
    let folder = try TemporaryFolder()
    for (index, remote) in remotes.enumerated() {
      _ = try folder.write(
        index == 0 ? "a.ini" : "below/b.ini",
        ProgramTests.client(bind, local: service.port, remote: remote)
          .replacingOccurrences(of: "[web]", with: "[web\(index)]"))
    }
    let broken = try folder.write("broken.toml", "serverPort = \"x\"\n")
    let refused = try folder.write(
      "refused.ini", ProgramTests.client(bind, local: 1, remote: 2, token: "wrong"))
    let unusable = try folder.write(
      "unusable.ini",
      ProgramTests.client(
        bind, local: 1, remote: 2, "tls_trusted_ca_file = /nonexistent/authorities.pem"))
    _ = try folder.write(".hidden.ini", "nothing")
    let frpc = try Program("frpc", arguments: ["--config_dir", folder.path])
    for (index, remote) in remotes.enumerated() {
      #expect(frpc.waitForLog("[web\(index)] start proxy success"), "\(frpc.log)")
      let user = try TestSocket.connect(remote)
      try user.send("ping")
      #expect(try user.receive(exactly: 4) == Array("ping".utf8))
      user.close()
    }
    for path in [broken, unusable] {
      #expect(frpc.log.contains("frpc service error for config file [\(path)]"))
    }
    #expect(frpc.waitForLog("frpc service for config file [\(refused)] stopped"))
    #expect(!frpc.log.contains("hidden") && frpc.isRunning)
    frpc.send(SIGTERM)
    #expect(frpc.waitForExit() == 0)
    // Nothing to run, and not even a folder.
    let none = try FinishedProgram("frpc", ["--config_dir", folder.path + "/below/b.ini"])
    #expect(none.code == 0, "as in frp")
  }
}
