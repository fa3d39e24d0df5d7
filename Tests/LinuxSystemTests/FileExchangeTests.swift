import Foundation
import LinuxSystem
import TestKit
import Testing

/// Files that are exchanged keep who may do what with them.
@Suite struct FileExchangeTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-exchange-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  private func setMode(_ mode: Int, _ name: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
  }

  @Test func newFilesAreTheirOwnersAlone() throws {
    try HostSystem.exchangeFile(path("new"), with: Array("one".utf8))
    #expect(try text("new") == "one" && FileIdentity(path("new"))?.permissions == 0o600)
    #expect(try names() == ["new"])
    try FileManager.default.removeItem(at: folder)
  }

  @Test func modeOwnerAndLinksStay() throws {
    try "old and longer".write(toFile: path("real"), atomically: false, encoding: .utf8)
    try setMode(0o644, "real")
    let isRoot = ProcessPrivileges.isRoot
    if isRoot { #expect(chown(path("real"), 65534, 65533) == 0) }
    try FileManager.default.createSymbolicLink(
      atPath: path("link"), withDestinationPath: path("real"))
    // What a former attempt has left, or a stranger has put there, does not matter.
    try FileManager.default.createSymbolicLink(
      atPath: path("real.tmp"), withDestinationPath: path("elsewhere"))
    try HostSystem.exchangeFile(path("link"), with: Array("new".utf8))
    #expect(try text("real") == "new" && text("link") == "new")
    #expect(try names() == ["link", "real"])
    #expect(FileIdentity(path("real"))?.permissions == 0o644)
    let attributes = try FileManager.default.attributesOfItem(atPath: path("real"))
    if isRoot {
      #expect(attributes[.ownerAccountID] as? Int == 65534)
      #expect(attributes[.groupOwnerAccountID] as? Int == 65533)
    }
    try FileManager.default.removeItem(at: folder)
  }

  /// A folder in the place of the draft stands for one that forbids it.
  @Test func failuresChangeNothing() throws {
    #expect(throws: Errno.noSuchFile) {
      try HostSystem.exchangeFile(path("none/file"), with: [1])
    }
    try "old".write(toFile: path("file"), atomically: false, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: path("file.tmp/full"), withIntermediateDirectories: true)
    #expect(throws: Errno.self) {
      try HostSystem.exchangeFile(path("file"), with: Array("new".utf8))
    }
    #expect(try text("file") == "old")
    try FileManager.default.removeItem(at: folder)
  }
}
