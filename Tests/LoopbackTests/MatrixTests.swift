import Foundation
import TestKit
import Testing
import Timekeeping

/// Every combination of transports and codings carries bytes exactly, both ways at once.
///
/// `FRP_MATRIX_MEBIBYTES` sets the size of each direction (default 1024).
@Suite(.serialized) struct MatrixTests {
  static let mebibytes =
    ProcessInfo.processInfo.environment["FRP_MATRIX_MEBIBYTES"].flatMap(Int.init) ?? 1024

  @Test(arguments: Stack.allCases)
  func bulkIsByteExactBothWaysAtOnce(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    let pattern = Pattern(seed: 11)
    let byteCount = Self.mebibytes << 20
    let writer = OwnThread {
      var position = 0
      while position < byteCount {
        let piece = pattern.bytes(from: position, count: min(256 * 1024, byteCount - position))
        guard (try? user.send(piece, within: .seconds(300))) != nil else { return }
        position += piece.count
      }
      user.shutdownWriting()
    }
    var position = 0
    while position < byteCount {
      let piece = try user.receiveSome(byteCountMax: 256 * 1024, within: .seconds(60))
      guard !piece.isEmpty else { break }
      guard pattern.matches(piece, at: position) else {
        Issue.record("wrong bytes between \(position) and \(position + piece.count)")
        break
      }
      position += piece.count
    }
    #expect(position == byteCount)
    #expect(try user.receiveSome(within: .seconds(20)).isEmpty, "the answer ends with a FIN")
    writer.join()
    user.close()
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  @Test(arguments: Stack.allCases)
  func fiveHundredUsersAtOnce(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let port = try rig.publicPort()
    let users = try (0..<500).map { _ in try TestSocket.connect(port) }
    for (index, user) in users.enumerated() { try user.send("user \(index)") }
    for (index, user) in users.enumerated() {
      let expected = Array("user \(index)".utf8)
      #expect(try user.receive(exactly: expected.count) == expected)
    }
    #expect(try rig.userCount() == 500)
    for user in users { user.shutdownWriting() }
    for user in users { #expect(try user.receiveToEnd().isEmpty) }
    for user in users { user.close() }
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }
}
