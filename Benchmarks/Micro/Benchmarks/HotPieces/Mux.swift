internal import Benchmark
internal import StreamMux
internal import Timekeeping

/// Two ends of a session, and one stream between them.
private final class MuxBench {
  private static let now = Instant(nanoseconds: 1_000_000_000)

  private var sender = MuxSession(role: .client, now: MuxBench.now)
  private var receiver = MuxSession(role: .server, now: MuxBench.now)
  private let sent: MuxStreamID
  private let block: [UInt8]
  /// The frame that the receiver reads again and again.
  private var frame: [UInt8] = []

  init(blockByteCount: Int) throws {
    block = Array(repeating: 0x5a, count: blockByteCount)
    sent = try sender.openStream(now: Self.now)
    try exchange()
    guard block.withUnsafeBytes({ sender.send($0, on: sent) }) == blockByteCount else {
      throw Broken("no window")
    }
    frame = Array(sender.outputBytes)
    sender.removeOutput(frame.count)
  }

  /// Takes over what both ends have to say, until they are silent.
  private func exchange() throws {
    while sender.outputByteCount + receiver.outputByteCount > 0 {
      try Self.deliver(from: &sender, to: &receiver)
      try Self.deliver(from: &receiver, to: &sender)
    }
  }

  private static func deliver(
    from source: inout MuxSession, to target: inout MuxSession
  ) throws {
    try take(source.outputBytes, into: &target)
    source.removeOutput(source.outputByteCount)
  }

  private static func take(
    _ bytes: UnsafeRawBufferPointer, into target: inout MuxSession
  ) throws {
    var offset = 0
    while let input = try target.nextInput(in: bytes, at: &offset, now: now) {
      switch input {
      case .streamOpened(let id): target.accept(id)
      case .data(let id, let range): target.consume(range.count, on: id, now: now)
      case .streamAccepted, .streamWritable, .streamEnded, .streamReset, .peerGoingAway: break
      }
    }
  }

  /// Reads one data frame, and takes its bytes as the destination does.
  func receive() throws {
    try frame.withUnsafeBytes { try Self.take($0, into: &receiver) }
    receiver.removeOutput(receiver.outputByteCount)
  }

  /// Makes one data frame, and takes the output as the carrier does; the receiver's credit comes
  /// back as it would.
  func send() throws {
    let count = block.withUnsafeBytes { sender.send($0, on: sent) }
    guard count == block.count else { throw Broken("no window") }
    try exchange()
  }
}

func measureMux() {
  for (name, byteCount) in [("1 KiB", 1024), ("32 KiB", 32_768)] {
    measure("mux input (frame of \(name))", { try MuxBench(blockByteCount: byteCount) }) {
      try $0.receive()
    }
    measure("mux output and input (frame of \(name))", { try MuxBench(blockByteCount: byteCount) })
    { try $0.send() }
  }
}
