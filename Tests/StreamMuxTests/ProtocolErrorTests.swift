import StreamMux
import Testing
import Timekeeping

/// What ends a session, and what only looks as if it should.
@Suite struct ProtocolErrorTests {
  static let violations: [([TestFrame], MuxError)] = [
    ([TestFrame(version: 1, type: 0)], .versionUnsupported(1)),
    ([TestFrame(version: 255, type: 9)], .versionUnsupported(255)),
    ([TestFrame(type: 4)], .frameTypeUnknown(4)),
    ([.open(1), .open(1)], .streamDuplicated(wireID: 1)),
    ([.open(1), .data(1, [1], flags: Flag.syn)], .streamDuplicated(wireID: 1)),
    ([.open(0)], .sessionStreamOpened),
    (
      [.open(1), .window(1, 0, flags: Flag.fin), .window(1, 0, flags: Flag.fin)],
      .finishRepeated(wireID: 1)
    ),
    (
      [.data(1, [1], flags: Flag.syn | Flag.fin), .data(1, [2], flags: Flag.fin)],
      .finishRepeated(wireID: 1)
    ),
  ]

  /// Goal: the error is the same however the bytes arrive, is thrown again on every later call,
  /// and leaves a go-away for the peer.
  @Test(arguments: violations)
  func violationEndsTheSession(frames: [TestFrame], error: MuxError) throws {
    let bytes = frames.flatMap(\.bytes)
    for byteByByte in [false, true] {
      let endpoint = Endpoint(.server)
      #expect(throws: error) {
        if byteByByte {
          for byte in bytes { _ = try endpoint.feed([byte]) }
        } else {
          _ = try endpoint.feed(bytes)
        }
      }
      #expect(endpoint.failure == error)
      #expect(try endpoint.takeFrames() == [.goAway(1)])
      #expect(throws: error) { try endpoint.feed([UInt8]()) }
      #expect(throws: error) { try endpoint.handleDeadline(now: seconds(900)) }
      #expect(throws: error) { try endpoint.open() }
      #expect(endpoint.nextDeadline == nil)
      #expect(endpoint.outputByteCount == 0)
    }
  }

  /// Inputs in front of the violation are delivered before it is thrown.
  @Test func inputsBeforeAViolationAreDelivered() throws {
    let endpoint = Endpoint(.server)
    let bytes = TestFrame.data(1, [1, 2], flags: Flag.syn).bytes + TestFrame(type: 77).bytes
    var offset = 0
    var seen: [Seen] = []
    #expect(throws: MuxError.frameTypeUnknown(77)) {
      while let input = try endpoint.next(in: bytes, at: &offset) {
        seen.append(Seen(input, in: bytes))
      }
    }
    #expect(seen == [.opened(1), .data(1, [1, 2])])
  }

  @Test(arguments: [UInt32(1), 2, 3, .max])
  func goAwayWithAFaultEndsTheSession(code: UInt32) throws {
    let endpoint = Endpoint(.client)
    #expect(throws: MuxError.peerGaveUp(code: code)) { try endpoint.feed(.goAway(code)) }
    #expect(endpoint.outputByteCount == 0)
  }

  @Test func goAwayOfThePeerOnlyStopsOpening() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    #expect(
      try endpoint.feed(.goAway(0), .goAway(0), .data(1, [1])) == [.goingAway, .data(1, [1])])
    #expect(endpoint.isPeerGoingAway)
    #expect(throws: MuxError.peerGoingAway) { try endpoint.open() }
    #expect(endpoint.send([1], on: id) == 1)
    #expect(try endpoint.feed(.open(2)) == [.opened(2)])
  }

  @Test func ourGoAwayRefusesNewStreams() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    endpoint.session.goAway()
    endpoint.session.goAway()
    let seen = try endpoint.feed(.open(3), .data(3, [1, 2]), .data(1, [7]))
    #expect(seen == [.data(1, [7])])
    #expect(try endpoint.takeFrames() == [.goAway(0), .window(3, 0, flags: Flag.rst)])
    #expect(endpoint.send([1], on: id) == 1)
    #expect(try endpoint.open().wireID == 2)
  }

  @Test func dataOfARefusedOpeningIsDrained() throws {
    let endpoint = Endpoint(.server)
    endpoint.session.goAway(.internalError)
    #expect(try endpoint.feed(.data(3, [1, 2, 3], flags: Flag.syn | Flag.fin)) == [])
    #expect(try endpoint.takeFrames() == [.goAway(2), .window(3, 0, flags: Flag.rst)])
  }

  @Test func pingIsAnsweredWithItsValue() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.feed(.ping(0, flags: Flag.syn), .ping(0xdead_beef, flags: Flag.syn | Flag.rst))
    let frames = try endpoint.takeFrames()
    #expect(frames == [.ping(0, flags: Flag.ack), .ping(0xdead_beef, flags: Flag.ack)])
  }

  @Test func answersThatNobodyAskedForAreIgnored() throws {
    let endpoint = Endpoint(.server)
    #expect(try endpoint.feed(.ping(0, flags: Flag.ack), .ping(4, flags: 0)) == [])
    #expect(endpoint.nextDeadline == seconds(30))
  }

  /// The wire IDs of one side run out after 2³¹ streams; frp stops below 0xfffffffe.
  @Test func wireIDsRunOut() throws {
    let endpoint = Endpoint(.client)
    endpoint.session.skipWireIDs(to: 0xffff_fffb)
    #expect(try endpoint.open().wireID == 0xffff_fffb)
    #expect(try endpoint.open().wireID == 0xffff_fffd)
    #expect(throws: MuxError.wireIDsExhausted) { try endpoint.open() }
    #expect(throws: MuxError.wireIDsExhausted) { try endpoint.open() }
    let server = Endpoint(.server)
    server.session.skipWireIDs(to: 0xffff_fffc)
    #expect(try server.open().wireID == 0xffff_fffc)
    #expect(throws: MuxError.wireIDsExhausted) { try server.open() }
  }
}
