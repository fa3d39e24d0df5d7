import StreamMux
import TestKit
import Testing
import Timekeeping

/// A session recorded between a stock client and a stock server, replayed from either side.
@Suite struct VectorReplayTests {
  private struct Recorded {
    var isFromClient: Bool
    var time: Double
    var frame: TestFrame
  }

  private struct Recording {
    var frames: [Recorded]
    var clientBytes: [UInt8]
    var serverBytes: [UInt8]

    func bytes(fromClient: Bool) -> [UInt8] { fromClient ? clientBytes : serverBytes }
  }

  private func load() throws -> Recording {
    let vector = try Vectors.load("v1-yamux-session")
    let types = ["data": UInt8(0), "window_update": 1, "ping": 2]
    let flags = ["SYN": Flag.syn, "ACK": Flag.ack, "FIN": Flag.fin, "RST": Flag.rst]
    let frames = try vector["frames"].array.map { recorded in
      let names = recorded["flags"].array.compactMap(\.string)
      let frame = TestFrame(
        type: try #require(types[recorded["type"].string ?? ""]),
        flags: try names.reduce(0) { $0 | (try #require(flags[$1])) },
        stream: UInt32(try #require(recorded["stream"].int)),
        length: UInt32(try #require(recorded["length"].int)), body: recorded["body"].hexBytes)
      // The times have a fraction, which `int` drops; order and keepalive need whole seconds.
      return Recorded(
        isFromClient: recorded["dir"].string == "C", time: Double(recorded["t"].int ?? 0) + 0.02,
        frame: frame)
    }
    #expect(frames.count == 27)
    return Recording(
      frames: frames, clientBytes: vector["client_to_server_raw_hex"].hexBytes,
      serverBytes: vector["server_to_client_raw_hex"].hexBytes)
  }

  /// Does what made the recorded side send `frame`.
  private func imitate(_ frame: TestFrame, by endpoint: Endpoint) throws {
    switch (frame.type, frame.flags) {
    case (1, Flag.syn): #expect(try endpoint.open().wireID == frame.stream)
    case (1, Flag.ack): endpoint.session.accept(try #require(endpoint.ids[frame.stream]))
    case (1, Flag.fin):
      endpoint.session.finish(try #require(endpoint.ids[frame.stream]), now: endpoint.now)
    case (0, 0):
      let id = try #require(endpoint.ids[frame.stream])
      #expect(endpoint.send(frame.body, on: id) == frame.body.count)
    case (2, Flag.syn):
      #expect(try #require(endpoint.nextDeadline) <= endpoint.now)
      try endpoint.handleDeadline(now: endpoint.now)
    case (2, Flag.ack): break
    default: Issue.record("unexpected in the recording: \(frame)")
    }
  }

  /// What a peer's frame is for the application.
  private func expected(_ frame: TestFrame) -> [Seen] {
    switch (frame.type, frame.flags) {
    case (1, Flag.syn): return [.opened(frame.stream)]
    case (1, Flag.ack): return [.accepted(frame.stream)]
    case (1, Flag.fin): return [.ended(frame.stream)]
    case (0, 0): return [.data(frame.stream, frame.body)]
    default: return []
    }
  }

  /// Goal: what we send is what the recorded side sent, bit by bit. Every frame is imitated by the
  /// call that makes it, in the recorded order and time; answers to pings come by themselves.
  @Test(arguments: [true, false], [false, true])
  func replayReproducesEveryByte(asClient: Bool, byteByByte: Bool) throws {
    let recording = try load()
    let endpoint = Endpoint(asClient ? .client : .server) {
      // The recorded sides ask whatever they have just heard.
      $0.keepaliveInterval = .zero
    }
    var sent: [UInt8] = []
    for recorded in recording.frames {
      endpoint.now = seconds(recorded.time)
      sent += endpoint.takeBytes()
      guard recorded.isFromClient != asClient else {
        try imitate(recorded.frame, by: endpoint)
        continue
      }
      var seen: [Seen] = []
      if byteByByte {
        for byte in recorded.frame.bytes { seen += try endpoint.feed([byte]) }
      } else {
        seen = try endpoint.feed(recorded.frame)
      }
      #expect(joined(seen) == expected(recorded.frame))
    }
    sent += endpoint.takeBytes()
    #expect(sent == recording.bytes(fromClient: asClient))
    #expect(endpoint.streamCount == 2)
    #expect(endpoint.isSound)
  }

  /// Goal: where reads end makes no difference. The whole direction is fed in two parts, cut at
  /// every point, and byte by byte.
  @Test(arguments: [true, false])
  func everySplitPointGivesTheSameInputs(asClient: Bool) throws {
    let recording = try load()
    let bytes = recording.bytes(fromClient: !asClient)
    let inputs = joined(
      recording.frames.filter { $0.isFromClient != asClient }
        .flatMap { expected($0.frame) })
    #expect(inputs.count >= 8)
    var feedings: [[[UInt8]]] = [[bytes], bytes.map { [$0] }]
    for cut in 1..<bytes.count { feedings.append([Array(bytes[..<cut]), Array(bytes[cut...])]) }
    for parts in feedings {
      let endpoint = Endpoint(asClient ? .client : .server)
      if asClient { for _ in 0..<3 { _ = try endpoint.open() } }
      var seen: [Seen] = []
      for part in parts { seen += try endpoint.feed(part) }
      #expect(joined(seen) == inputs)
      let answers = try endpoint.takeFrames().filter { $0.type == 2 }
      let count = recording.frames.count {
        $0.isFromClient != asClient && $0.frame.type == 2 && $0.frame.flags == Flag.syn
      }
      #expect(answers.count == count && answers.allSatisfy { $0.flags == Flag.ack })
    }
  }
}
