import TestKit
import Testing
import Timekeeping

@testable import StreamMux

/// The flags of a frame, as the specification numbers them.
enum Flag {
  static let syn: UInt16 = 1
  static let ack: UInt16 = 2
  static let fin: UInt16 = 4
  static let rst: UInt16 = 8
}

/// One frame, written and read independently of the module.
struct TestFrame: Equatable {
  var version: UInt8 = 0
  var type: UInt8
  var flags: UInt16 = 0
  var stream: UInt32 = 0
  var length: UInt32 = 0
  var body: [UInt8] = []

  static func data(_ stream: UInt32, _ body: [UInt8], flags: UInt16 = 0) -> TestFrame {
    TestFrame(type: 0, flags: flags, stream: stream, length: UInt32(body.count), body: body)
  }

  static func window(_ stream: UInt32, _ credit: UInt32 = 0, flags: UInt16 = 0) -> TestFrame {
    TestFrame(type: 1, flags: flags, stream: stream, length: credit)
  }

  static func ping(_ value: UInt32, flags: UInt16) -> TestFrame {
    TestFrame(type: 2, flags: flags, length: value)
  }

  static func goAway(_ code: UInt32) -> TestFrame {
    TestFrame(type: 3, length: code)
  }

  /// What a stock peer opens a stream with.
  static func open(_ stream: UInt32) -> TestFrame { window(stream, 6_029_312, flags: Flag.syn) }

  /// What a stock peer accepts a stream with.
  static func accept(_ stream: UInt32) -> TestFrame { window(stream, 6_029_312, flags: Flag.ack) }

  var bytes: [UInt8] {
    var bytes: [UInt8] = [version, type]
    for shift in [8, 0] { bytes.append(UInt8(truncatingIfNeeded: flags >> UInt16(shift))) }
    for word in [stream, length] {
      for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }
    return bytes + body
  }

  /// Takes apart bytes that consist of whole frames.
  static func parse(_ bytes: [UInt8]) throws -> [TestFrame] {
    func word(_ at: Int) -> UInt32 { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
    var frames: [TestFrame] = []
    var start = 0
    while start < bytes.count {
      try #require(start + 12 <= bytes.count)
      var frame = TestFrame(
        version: bytes[start], type: bytes[start + 1],
        flags: UInt16(truncatingIfNeeded: word(start) & 0xffff), stream: word(start + 4),
        length: word(start + 8))
      start += 12
      if frame.type == 0 {
        let end = start + Int(frame.length)
        try #require(end <= bytes.count)
        frame.body = Array(bytes[start..<end])
        start = end
      }
      frames.append(frame)
    }
    return frames
  }
}

/// An input with the payload in place of its range, and wire IDs in place of stream IDs.
enum Seen: Equatable {
  case opened(UInt32)
  case accepted(UInt32)
  case data(UInt32, [UInt8])
  case writable(UInt32)
  case ended(UInt32)
  case reset(UInt32)
  case goingAway

  init(_ input: MuxInput, in bytes: [UInt8]) {
    switch input {
    case .streamOpened(let id): self = .opened(id.wireID)
    case .streamAccepted(let id): self = .accepted(id.wireID)
    case .data(let id, let range): self = .data(id.wireID, Array(bytes[range]))
    case .streamWritable(let id): self = .writable(id.wireID)
    case .streamEnded(let id): self = .ended(id.wireID)
    case .streamReset(let id): self = .reset(id.wireID)
    case .peerGoingAway: self = .goingAway
    }
  }
}

/// Joins pieces of the same body.
func joined(_ seen: [Seen]) -> [Seen] {
  var joined: [Seen] = []
  for next in seen {
    if case .data(let stream, let piece) = next, case .data(stream, let before)? = joined.last {
      joined[joined.count - 1] = .data(stream, before + piece)
    } else {
      joined.append(next)
    }
  }
  return joined
}

extension MuxSession {
  mutating func skipWireIDs(to wireID: UInt32) { nextWireID = wireID }
}

func seconds(_ count: Double) -> Instant {
  Instant(nanoseconds: Int64((count * 1e9).rounded()))
}

/// A session with a clock that tests set, and the IDs of the streams that it met.
final class Endpoint {
  var session: MuxSession
  var now: Instant
  var ids: [UInt32: MuxStreamID] = [:]

  init(
    _ role: MuxSession.Role, now: Instant = seconds(0),
    _ change: (inout MuxSettings) -> Void = { _ in }
  ) {
    var settings = MuxSettings()
    change(&settings)
    session = MuxSession(role: role, settings: settings, now: now)
    self.now = now
  }

  /// Hands over `bytes` and drains the inputs.
  func feed(_ bytes: [UInt8]) throws(MuxError) -> [Seen] {
    var seen: [Seen] = []
    var offset = 0
    while let input = try next(in: bytes, at: &offset) {
      if case .streamOpened(let id) = input { ids[id.wireID] = id }
      seen.append(Seen(input, in: bytes))
    }
    return seen
  }

  func feed(_ frames: TestFrame...) throws(MuxError) -> [Seen] {
    try feed(frames.flatMap(\.bytes))
  }

  func next(in bytes: [UInt8], at offset: inout Int) throws(MuxError) -> MuxInput? {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return try session.nextInput(in: UnsafeRawBufferPointer(copy), at: &offset, now: now)
  }

  func open() throws(MuxError) -> MuxStreamID {
    let id = try session.openStream(now: now)
    ids[id.wireID] = id
    return id
  }

  /// Opens a stream, has it accepted, and drops what that put into the output.
  func openAccepted() throws -> MuxStreamID {
    let id = try open()
    _ = try feed(.accept(id.wireID))
    _ = takeBytes()
    return id
  }

  /// Lets the peer open a stream, accepts it, and drops what that put into the output.
  func acceptOpened(_ wireID: UInt32) throws -> MuxStreamID {
    #expect(try feed(.open(wireID)) == [.opened(wireID)])
    let id = try #require(ids[wireID])
    session.accept(id)
    _ = takeBytes()
    return id
  }

  func send(_ bytes: [UInt8], on id: MuxStreamID) -> Int {
    bytes.withUnsafeBytes { session.send($0, on: id) }
  }

  func takeBytes(_ count: Int? = nil) -> [UInt8] {
    let taken = Array(session.outputBytes.prefix(count ?? session.outputByteCount))
    session.removeOutput(taken.count)
    return taken
  }

  func takeFrames() throws -> [TestFrame] {
    try TestFrame.parse(takeBytes())
  }

  /// Moves the clock to the next deadline and handles it.
  func passDeadline() throws -> [Seen] {
    now = try #require(nextDeadline)
    try session.handleDeadline(now: now)
    return try feed([UInt8]())
  }

  // MARK: What the macros cannot read through a noncopyable value

  var nextDeadline: Instant? { session.nextDeadline }
  var outputByteCount: Int { session.outputByteCount }
  var streamCount: Int { session.streamCount }
  var failure: MuxError? { session.failure }
  var lastHeardAt: Instant { session.lastHeardAt }
  var outputCapacity: Int { session.output.capacity }
  var isPeerGoingAway: Bool { session.isPeerGoingAway }
  var isSound: Bool { session.checkInvariants() }

  func hasStream(_ id: MuxStreamID) -> Bool { session.hasStream(id) }
  func sendWindow(of id: MuxStreamID) -> Int { session.sendWindow(of: id) }
  func unreadByteCount(of id: MuxStreamID) -> Int { session.unreadByteCount(of: id) }

  func handleDeadline(now: Instant) throws(MuxError) {
    try session.handleDeadline(now: now)
  }

  func fill<E: Error>(
    upTo byteCount: Int, on id: MuxStreamID,
    _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
  ) throws(E) -> Int {
    try session.send(upTo: byteCount, on: id, fill)
  }
}
