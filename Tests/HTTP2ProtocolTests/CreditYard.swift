import ByteBuffers
import TestKit
import Testing

@testable import HTTP2Protocol

/// Two ends that do random things, and all that is on its way between them.
final class CreditYard {
  /// One end of one request.
  final class Entry {
    let stream: HTTP2Stream
    /// Bytes of text that were taken and not consumed.
    var taken = 0
    var hasHead = false
    var isWritten = false

    init(_ stream: HTTP2Stream) { self.stream = stream }
  }

  /// One end of the connection.
  final class Side {
    let session: HTTP2Session
    var entries: [Entry] = []
    /// Bytes of bodies that it was sent.
    var bodyByteCount = 0
    /// What it has opened its connection's window by.
    var credit = 0
    /// Bytes of frames that it wrote, behind the last whole one.
    var rest: [UInt8] = []

    init(_ role: HTTP2Session.Role) { session = HTTP2Session(role) }

    var head: String {
      switch session.role {
      case .server: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      case .client: "PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
      }
    }
  }

  private let client = Side(.client)
  private let server = Side(.server)
  private var random: RepeatableGenerator

  init(_ seed: UInt64) { random = RepeatableGenerator(seed: seed) }

  // MARK: Steps

  func step() throws {
    let side = Bool.random(using: &random) ? client : server
    let other = side === client ? server : client
    let open = side.entries.filter { $0.stream.closeCode == nil }
    switch Int.random(in: 0..<16, using: &random) {
    case 0: if open.count < 30 { ask() }
    case 1, 2, 3, 4: if let entry = open.randomElement(using: &random) { write(entry, side) }
    case 5, 6, 7: try move(side, other, upTo: Int.random(in: 1...200_000, using: &random))
    case 8, 9, 10: if let entry = side.entries.randomElement(using: &random) { take(entry) }
    case 11, 12, 13:
      guard let entry = side.entries.randomElement(using: &random) else { return }
      consume(entry, Int.random(in: 0...entry.taken, using: &random))
    case 14: if let entry = open.randomElement(using: &random) { entry.stream.close() }
    default:
      if Int.random(in: 0..<4, using: &random) == 0 {
        open.randomElement(using: &random)?.stream.abort(.cancel)
      }
    }
  }

  private func ask() {
    let entry = Entry(client.session.makeStream())
    client.entries.append(entry)
    write(entry, client)
  }

  private func write(_ entry: Entry, _ side: Side) {
    guard entry.hasHead else {
      entry.hasHead = true
      return entry.stream.write(side.head)
    }
    guard !entry.isWritten, entry.stream.unsentByteCount < 400_000 else { return }
    switch Int.random(in: 0..<8, using: &random) {
    case 0:
      entry.isWritten = true
      entry.stream.write("0\r\n\(Bool.random(using: &random) ? "x: y\r\n" : "")\r\n")
      // What was written has not gone, and the peer may still send.
      if Bool.random(using: &random) { entry.stream.close() }
    case 1, 2, 3: entry.stream.write("1\r\na\r\n")
    default:
      let count = Int.random(in: 1...100_000, using: &random)
      entry.stream.write(String(count, radix: 16) + "\r\n")
      entry.stream.write([UInt8](repeating: 97, count: count))
      entry.stream.write("\r\n")
    }
  }

  private func take(_ entry: Entry) { entry.taken += entry.stream.takeIncoming().count }

  private func consume(_ entry: Entry, _ count: Int) {
    entry.stream.consume(count)
    entry.taken -= count
  }

  @discardableResult private func move(
    _ from: Side, _ to: Side, upTo byteCount: Int
  ) throws -> Bool {
    var queue = ByteQueue()
    try from.session.write(into: &queue, upTo: byteCount)
    var bytes = Array(queue.readableBytes)[...]
    guard !bytes.isEmpty else { return false }
    count(bytes, from, to)
    while !bytes.isEmpty {
      let piece = Int.random(in: 1...50_000, using: &random)
      try Array(bytes.prefix(piece)).withUnsafeBytes { try to.session.receive($0) }
      bytes = bytes.dropFirst(piece)
    }
    _ = from.session.takeTouched()
    for stream in to.session.takeTouched() where to === server && stream.takeNews() {
      server.entries.append(Entry(stream))
    }
    return true
  }

  private func count(_ bytes: ArraySlice<UInt8>, _ from: Side, _ to: Side) {
    from.rest += bytes
    if from.rest.starts(with: HTTP2Frame.preface) {
      from.rest.removeFirst(HTTP2Frame.preface.count)
    }
    for frame in HTTP2Frame.read(&from.rest) {
      if frame.kind == HTTP2Frame.Kind.data.rawValue { to.bodyByteCount += frame.payload.count }
      if frame.stream == 0 { from.credit += frame.credit }
    }
  }

  // MARK: What holds

  func check() throws {
    for side in [client, server] {
      let held = side.entries.reduce(0) { $0 + $1.stream.heldByteCount }
      try #require(side.session.heldByteCount == held)
      let open = side.entries.reduce(0) { $0 + $1.stream.openByteCount }
      try #require(side.session.openByteCount == open)
      try #require(side.session.owedByteCount >= 0)
      for entry in side.entries {
        let stream = entry.stream
        try #require(stream.heldByteCount >= 0 && stream.heldByteCount <= stream.openByteCount)
        guard stream.closeCode == nil, !stream.isLeft else { continue }
        try #require(stream.openByteCount == stream.incoming.count + entry.taken)
      }
    }
  }

  /// Has everything read, written and closed.
  func end() throws {
    try finish()
    for side in [client, server] {
      #expect(side.session.streamCount == 0)
      #expect(side.session.heldByteCount == 0 && side.session.owedByteCount == 0)
      #expect(side.session.openByteCount == 0 && side.session.grownByteCount == 0)
    }
  }

  private func finish() throws {
    var isMoving = true
    while isMoving {
      for side in [client, server] {
        for entry in side.entries where entry.stream.closeCode == nil {
          if !entry.hasHead { write(entry, side) }
          if !entry.isWritten {
            entry.isWritten = true
            entry.stream.write("0\r\n\r\n")
          }
          take(entry)
          consume(entry, entry.taken)
        }
      }
      let there = try move(client, server, upTo: 1 << 20)
      let back = try move(server, client, upTo: 1 << 20)
      isMoving = there || back
    }
  }

  /// The library opens a window when half of it is read. Both ends are sent what is missing to
  /// that: if credit for one byte was lost, or given twice, the window would not be whole then.
  func measureWindows() throws {
    for side in [client, server] {
      var window = 0
      // It may grow meanwhile.
      while window != side.session.connectionWindowByteCount {
        window = side.session.connectionWindowByteCount
        try send(window / 2 - side.bodyByteCount + side.credit - (window - 65_535), to: side)
      }
      #expect(side.credit - (window - 65_535) == side.bodyByteCount)
    }
    try end()
  }

  private func send(_ byteCount: Int, to side: Side) throws {
    let entry = Entry(client.session.makeStream())
    client.entries.append(entry)
    write(entry, client)
    try move(client, server, upTo: 1 << 20)
    let writer = side === client ? server : client
    let sending = try #require(writer.entries.last)
    if !sending.hasHead { write(sending, writer) }
    if byteCount > 0 {
      sending.stream.write(String(byteCount, radix: 16) + "\r\n")
      sending.stream.write([UInt8](repeating: 97, count: byteCount))
      sending.stream.write("\r\n")
    }
    try finish()
  }
}

extension HTTP2Frame {
  /// What it opens a window by.
  var credit: Int {
    guard kind == Kind.windowUpdate.rawValue else { return 0 }
    return payload.reduce(0) { $0 << 8 | Int($1) }
  }
}
