import Foundation
import StreamMux
import Testing
import Timekeeping

/// Measures what a frame costs, in release builds and only when asked for:
///
///     STREAM_MUX_THROUGHPUT=1 swift test -c release -Xswiftc -enable-testing \
///       --filter StreamMuxTests.ThroughputTests
///
/// Each figure is the best of five rounds. The expectations are about the bytes.
@Suite(
  .serialized,
  .enabled(if: ProcessInfo.processInfo.environment["STREAM_MUX_THROUGHPUT"] != nil))
struct ThroughputTests {
  /// A server with that many accepted streams.
  private func makeServer(streamCount: Int) throws -> Endpoint {
    let endpoint = Endpoint(.server) { $0.acceptBacklog = 65_536 }
    for position in 0..<streamCount { _ = try endpoint.acceptOpened(UInt32(2 * position + 1)) }
    return endpoint
  }

  @Test(arguments: [64, 1024, 16_384], [1, 100, 30_000])
  func receive(bodyByteCount: Int, streamCount: Int) throws {
    let endpoint = try makeServer(streamCount: streamCount)
    var bytes: [UInt8] = []
    var frameCount = 0
    var wireID: UInt32 = 1
    let body = [UInt8](repeating: 1, count: bodyByteCount)
    while bytes.count < 1 << 20 {
      bytes += TestFrame.data(wireID, body).bytes
      wireID = (wireID + 14) % UInt32(2 * streamCount) | 1
      frameCount += 1
    }
    var delivered = 0
    try measure("receive \(bodyByteCount) B, \(streamCount) streams", operations: frameCount) {
      delivered += try receiveAll(bytes, at: endpoint)
    }
    #expect(delivered == 5 * 20 * frameCount * bodyByteCount)
  }

  /// In reads of 64 KiB, and consumed at once.
  private func receiveAll(_ bytes: [UInt8], at endpoint: Endpoint) throws -> Int {
    var delivered = 0
    try bytes.withUnsafeBytes { raw in
      for start in stride(from: 0, to: raw.count, by: 65_536) {
        let read = UnsafeRawBufferPointer(rebasing: raw[start..<min(start + 65_536, raw.count)])
        var offset = 0
        while let input = try endpoint.session.nextInput(
          in: read, at: &offset, now: endpoint.now)
        {
          guard case .data(let id, let range) = input else { continue }
          delivered += range.count
          endpoint.session.consume(range.count, on: id)
        }
        endpoint.session.removeOutput(endpoint.session.outputByteCount)
      }
    }
    return delivered
  }

  @Test(arguments: [64, 1024, 16_384])
  func send(bodyByteCount: Int) throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    let body = [UInt8](repeating: 1, count: bodyByteCount)
    let credit = TestFrame.window(1, 1 << 20).bytes
    let frameCount = (1 << 20) / bodyByteCount
    var sent = 0
    try measure("send \(bodyByteCount) B", operations: frameCount) {
      _ = try endpoint.feed(credit)
      for _ in 0..<frameCount {
        sent += body.withUnsafeBytes { endpoint.session.send($0, on: id) }
        if endpoint.session.outputByteCount > 100_000 {
          endpoint.session.removeOutput(endpoint.session.outputByteCount)
        }
      }
    }
    #expect(sent == 5 * 20 * (1 << 20))
  }

  @Test(arguments: [0, 30_000])
  func openAndEnd(otherStreamCount: Int) throws {
    let endpoint = try makeServer(streamCount: otherStreamCount)
    var wireID = UInt32(2 * otherStreamCount + 1)
    try measure("open and end, \(otherStreamCount) others", operations: 1000) {
      var bytes: [UInt8] = []
      for _ in 0..<1000 {
        bytes += TestFrame.open(wireID).bytes + TestFrame.window(wireID, 0, flags: Flag.fin).bytes
        wireID += 2
      }
      try bytes.withUnsafeBytes { raw in
        var offset = 0
        while let input = try endpoint.session.nextInput(in: raw, at: &offset, now: endpoint.now) {
          switch input {
          case .streamOpened(let id): endpoint.session.accept(id)
          case .streamEnded(let id): endpoint.session.finish(id, now: endpoint.now)
          case .streamAccepted, .data, .streamWritable, .streamReset, .peerGoingAway: break
          }
        }
      }
      endpoint.session.removeOutput(endpoint.session.outputByteCount)
    }
    #expect(endpoint.streamCount == otherStreamCount)
  }

  private func measure(_ label: String, operations: Int, _ round: () throws -> Void) throws {
    var best = Duration.seconds(3600)
    for _ in 0..<5 {
      let elapsed = try ContinuousClock().measure { for _ in 0..<20 { try round() } }
      best = min(best, elapsed)
    }
    let nanoseconds = best / .nanoseconds(1) / Double(20 * operations)
    let line = "\(label): \((nanoseconds * 10).rounded() / 10) ns\n"
    FileHandle.standardError.write(Data(line.utf8))
  }
}
