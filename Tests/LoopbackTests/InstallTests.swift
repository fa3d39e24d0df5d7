import Foundation
import Testing

/// What `make install` and the packages put in place, by the script that both use.
@Suite struct InstallTests {
  private func install(_ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = Repository.root.appendingPathComponent("config/packaging/install-files")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test(arguments: ["all", "server", "client"])
  func everythingIsInPlace(part: String) throws {
    let folder = try TemporaryFolder()
    let code = try install([
      "--part", part, "--programs", Program.folder.path, "--destdir", folder.path, "--bindir",
      "/usr/bin", "--confdir", "/etc/frp", "--unitdir", "/usr/lib/systemd/system", "--docdir",
      "/usr/share/doc/frp", "--datadir", "/usr/share",
    ])
    #expect(code == 0)
    for (name, isPart) in [("frps", part != "client"), ("frpc", part != "server")] {
      for file in [
        "usr/bin/\(name)", "etc/frp/\(name).ini", "usr/lib/systemd/system/\(name).service",
        "usr/share/man/man8/\(name).8", "usr/share/man/man5/\(name).ini.5",
        "usr/share/bash-completion/completions/\(name)", "usr/share/zsh/site-functions/_\(name)",
        "usr/share/fish/vendor_completions.d/\(name).fish",
        "usr/share/doc/frp/examples/\(name).full.ini",
        "usr/share/doc/frp/examples/\(name).full.toml",
      ] {
        let path = "\(folder.path)/\(file)"
        #expect(FileManager.default.fileExists(atPath: path) == isPart, "\(file)")
        if isPart { #expect(try !Data(contentsOf: URL(fileURLWithPath: path)).isEmpty) }
      }
    }
  }
}
