import LinuxSystem
import Reactor
import StreamMux
import TestKit
import Testing
import Timekeeping

@testable import Transports

/// A stream below a carrier that takes bytes only when the test says so.
private final class SlowStream: ByteStream {
  var receiver: (any ByteStreamReceiver)?
  private(set) var sent: [UInt8] = []
  private(set) var queued: [UInt8] = []
  var isBlocked = false

  var unsentByteCount: Int { queued.count }
  var localAddress: SocketAddress? { nil }
  var peerAddress: SocketAddress? { nil }

  func write(_ bytes: UnsafeRawBufferPointer) {
    if isBlocked { queued += bytes } else { sent += bytes }
  }

  /// Takes everything that waits, and blocks again with the next write.
  func drain() {
    sent += queued
    queued = []
    receiver?.streamDidProgress(self)
  }

  func takeSent() -> [UInt8] {
    defer { sent = [] }
    return sent
  }

  func finish() {}
  func close() {}
  func abort() {}
  func pauseReading() {}
  func resumeReading() {}
  func consume(_ byteCount: Int) {}
}

/// Who gets the carrier when it is slower than its streams.
@Suite struct MuxCarrierTests {
  private let loop: EventLoop
  private let below = SlowStream()
  private let carrier: MuxCarrier

  init() throws {
    loop = try EventLoop()
    var settings = MuxSettings()
    settings.keepaliveInterval = nil
    settings.sentFrameBodyBytesMax = TransportLimits.sentFrameBodyMax
    carrier = MuxCarrier(TransportContext(loop), over: below, role: .client, settings: settings)
  }

  /// Opens a stream with plenty of credit.
  private func open() throws -> MuxStream {
    var opened: MuxStream?
    carrier.openStream { opened = $0 }
    let stream = try #require(opened)
    give([frame(type: 1, flags: 2, stream.id.wireID, 64 << 20)])
    return stream
  }

  private func frame(type: UInt8, flags: UInt16, _ wireID: UInt32, _ length: UInt32) -> [UInt8] {
    var bytes: [UInt8] = [0, type]
    bytes += withUnsafeBytes(of: flags.bigEndian, Array.init)
    bytes += withUnsafeBytes(of: wireID.bigEndian, Array.init)
    bytes += withUnsafeBytes(of: length.bigEndian, Array.init)
    return bytes
  }

  private func give(_ frames: [[UInt8]]) {
    Array(frames.joined()).withUnsafeBytes { carrier.streamDidReceive(below, $0) }
  }

  /// The data frames that have left, in order.
  private func takeData() -> [(wireID: UInt32, byteCount: Int)] {
    let bytes = below.takeSent()
    var frames: [(wireID: UInt32, byteCount: Int)] = []
    var offset = 0
    func word(_ at: Int) -> UInt32 { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
    while offset < bytes.count {
      let isData = bytes[offset + 1] == 0
      let length = Int(word(offset + 8))
      if isData { frames.append((word(offset + 4), length)) }
      offset += 12 + (isData ? length : 0)
    }
    return frames
  }

  private func write(_ byteCount: Int, to stream: MuxStream) {
    stream.write([UInt8](repeating: 1, count: byteCount))
  }

  private func turn() { loop.turn(sleepMax: .zero) }

  /// Fills the stream below, so that everything later has to wait.
  private func block(_ greedy: MuxStream) {
    below.isBlocked = true
    write(TransportLimits.carrierBatchMax, to: greedy)
    turn()
    #expect(below.unsentByteCount > 0)
  }

  @Test func interactiveStreamIsServedBeforeAnotherTurnOfTheGreedyOne() throws {
    let greedy = try open()
    let interactive = try open()
    turn()
    block(greedy)
    write(4 << 20, to: greedy)
    // The greedy one has used up its first turn.
    for _ in 0..<4 {
      below.drain()
      turn()
    }
    _ = takeData()
    for _ in 0..<10 {
      write(5, to: interactive)
      below.drain()
      turn()
      below.drain()
      let frames = takeData()
      let behind = frames.prefix { $0.wireID != interactive.id.wireID }
      #expect(frames.contains { $0.wireID == interactive.id.wireID })
      #expect(
        behind.reduce(0) { $0 + $1.byteCount }
          <= TransportLimits.carrierBatchMin + TransportLimits.streamQuantum)
    }
    #expect(greedy.unsentByteCount > 0)
  }

  @Test func greedyStreamsShareByTheByte() throws {
    let streams = try (0..<3).map { _ in try open() }
    turn()
    block(streams[0])
    for stream in streams { write(4 << 20, to: stream) }
    _ = takeData()
    for _ in 0..<60 {
      below.drain()
      turn()
    }
    below.drain()
    var byteCounts: [UInt32: Int] = [:]
    for frame in takeData() { byteCounts[frame.wireID, default: 0] += frame.byteCount }
    let counts = streams.map { byteCounts[$0.id.wireID] ?? 0 }
    let spread = (counts.max() ?? 0) - (counts.min() ?? 0)
    // The first one had a batch before the others began.
    #expect(spread <= TransportLimits.carrierBatchMax + 3 * TransportLimits.streamQuantum)
    #expect(counts.allSatisfy { $0 > 0 })
  }

  @Test func streamWithoutWindowHoldsNobodyUp() throws {
    var opened: MuxStream?
    carrier.openStream { opened = $0 }
    let stalled = try #require(opened)
    let other = try open()
    turn()
    _ = takeData()
    write(1 << 20, to: stalled)
    write(1 << 20, to: other)
    for _ in 0..<8 { turn() }
    var byteCounts: [UInt32: Int] = [:]
    for frame in takeData() { byteCounts[frame.wireID, default: 0] += frame.byteCount }
    #expect(byteCounts[stalled.id.wireID] == StreamMuxLimits.initialWindowBytes)
    #expect(byteCounts[other.id.wireID] == 1 << 20)
  }

  @Test func abortedStreamsLeaveTheRound() throws {
    let greedy = try open()
    let doomed = try open()
    turn()
    block(greedy)
    write(100_000, to: doomed)
    doomed.abort()
    write(100_000, to: greedy)
    below.isBlocked = false
    below.drain()
    for _ in 0..<4 { turn() }
    #expect(!takeData().contains { $0.wireID == doomed.id.wireID })
    #expect(greedy.unsentByteCount == 0)
  }

  /// Goal: an orderly end of the carrier loses nothing that was accepted, congested or not.
  @Test func closingSendsWhatTheSessionHolds() throws {
    let greedy = try open()
    turn()
    _ = takeData()
    block(greedy)
    let queued = below.unsentByteCount
    write(5, to: greedy)
    greedy.finish()
    let other = try open()
    other.finish()
    carrier.close()
    #expect(below.unsentByteCount > queued, "the second stream's frames")
    below.drain()
    #expect(takeData().allSatisfy { $0.byteCount > 0 })
  }

  /// Goal: a peer that gives no credit cannot keep a closed stream, nor what waits on it.
  @Test func closedStreamWithoutCreditIsReset() throws {
    carrier.drainTimeout = .milliseconds(20)
    var opened: MuxStream?
    carrier.openStream { opened = $0 }
    let stalled = try #require(opened)
    write(1 << 20, to: stalled)
    turn()
    stalled.close()
    #expect(stalled.unsentByteCount > 0)
    let isOver = waitUntil {
      loop.turn(sleepMax: .milliseconds(5))
      return carrier.streamCount == 0
    }
    #expect(isOver)
    #expect(stalled.unsentByteCount == 0)
  }
}
