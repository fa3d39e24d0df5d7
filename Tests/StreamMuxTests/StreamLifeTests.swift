import StreamMux
import Testing
import Timekeeping

/// Opening, accepting, ending and resetting streams, one rule a test.
@Suite struct StreamLifeTests {
  // MARK: Opening

  @Test func openingSendsOneFrameWithTheWholeWindow() throws {
    let endpoint = Endpoint(.client)
    #expect(try endpoint.open().wireID == 1)
    #expect(try endpoint.open().wireID == 3)
    #expect(try endpoint.takeFrames() == [.open(1), .open(3)])
    #expect(endpoint.sendWindow(of: try #require(endpoint.ids[3])) == 262_144)
  }

  @Test func serverOpensEvenStreams() throws {
    let endpoint = Endpoint(.server)
    #expect(try endpoint.open().wireID == 2)
    #expect(try endpoint.open().wireID == 4)
  }

  @Test func dataFollowsTheOpeningAtOnce() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.open()
    #expect(endpoint.send([1, 2, 3], on: id) == 3)
    #expect(try endpoint.takeFrames() == [.open(1), .data(1, [1, 2, 3])])
  }

  @Test func acknowledgementIsReportedOnceAndAddsItsCredit() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.open()
    #expect(try endpoint.feed(.accept(1), .window(1, 0, flags: Flag.ack)) == [.accepted(1)])
    #expect(endpoint.sendWindow(of: id) == 6_291_456)
  }

  @Test func acknowledgementMayRideOnData() throws {
    let endpoint = Endpoint(.client)
    _ = try endpoint.open()
    let seen = try endpoint.feed(.data(1, [7], flags: Flag.ack))
    #expect(seen == [.accepted(1), .data(1, [7])])
  }

  @Test func acknowledgementOnAStreamOfThePeerMeansNothing() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.acceptOpened(1)
    #expect(try endpoint.feed(.window(1, 0, flags: Flag.ack)) == [])
    #expect(endpoint.isSound)
  }

  // MARK: Accepting

  @Test func acceptGrantsTheWholeWindowOnce() throws {
    let endpoint = Endpoint(.server)
    #expect(try endpoint.feed(.open(1)) == [.opened(1)])
    let id = try #require(endpoint.ids[1])
    #expect(endpoint.sendWindow(of: id) == 6_291_456)
    endpoint.session.accept(id)
    endpoint.session.accept(id)
    #expect(try endpoint.takeFrames() == [.accept(1)])
  }

  @Test func acceptGrantsTheSameWithUnreadBytes() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.feed(.open(1), .data(1, Array(repeating: 9, count: 1000)))
    endpoint.session.accept(try #require(endpoint.ids[1]))
    #expect(try endpoint.takeFrames() == [.accept(1)])
  }

  @Test(arguments: ["send", "fill", "finish", "consume"])
  func firstFrameOfAnUnacceptedStreamAcknowledges(command: String) throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.feed(.open(1), .data(1, [5, 5]))
    let id = try #require(endpoint.ids[1])
    let frame: TestFrame
    switch command {
    case "send":
      #expect(endpoint.send([1], on: id) == 1)
      frame = .data(1, [1], flags: Flag.ack)
    case "fill":
      #expect(endpoint.fill(upTo: 5, on: id) { _ in 0 } == 0)
      #expect(
        endpoint.fill(upTo: 5, on: id) {
          $0[0] = 8; return 1
        } == 1)
      frame = .data(1, [8], flags: Flag.ack)
    case "finish":
      endpoint.session.finish(id, now: endpoint.now)
      frame = .window(1, 0, flags: Flag.fin)
    default:
      endpoint.session.consume(2, on: id)
      frame = .window(1, 6_029_314, flags: Flag.ack)
    }
    endpoint.session.accept(id)
    let frames = command == "finish" ? [.accept(1), frame] : [frame]
    #expect(try endpoint.takeFrames() == frames)
    #expect(endpoint.isSound)
  }

  @Test func evenStreamsOfAClientAreAccepted() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.acceptOpened(2)
    #expect(try endpoint.open().wireID == 4)
  }

  @Test func openingMayCarryDataAndEnd() throws {
    let endpoint = Endpoint(.server)
    let seen = try endpoint.feed(.data(1, [1, 2], flags: Flag.syn | Flag.fin))
    #expect(seen == [.opened(1), .data(1, [1, 2]), .ended(1)])
    let id = try #require(endpoint.ids[1])
    #expect(endpoint.sendWindow(of: id) == 262_144)
    endpoint.session.finish(id, now: endpoint.now)
    #expect(try endpoint.takeFrames() == [.accept(1), .window(1, 0, flags: Flag.fin)])
    #expect(endpoint.streamCount == 0)
  }

  @Test func openingWithoutCreditWorks() throws {
    let endpoint = Endpoint(.server)
    #expect(try endpoint.feed(.window(1, 0, flags: Flag.syn)) == [.opened(1)])
    #expect(endpoint.sendWindow(of: try #require(endpoint.ids[1])) == 262_144)
  }

  @Test func openingThatResetsItselfIsDrained() throws {
    let endpoint = Endpoint(.server)
    let seen = try endpoint.feed(.data(1, [1, 2, 3], flags: Flag.syn | Flag.rst), .open(3))
    #expect(seen == [.opened(3)])
    #expect(endpoint.outputByteCount == 0)
  }

  // MARK: Ending

  @Test func halfClosedByPeerStillTakesOurBytes() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    #expect(try endpoint.feed(.window(1, 0, flags: Flag.fin)) == [.ended(1)])
    #expect(endpoint.send([1], on: id) == 1)
    endpoint.session.finish(id, now: endpoint.now)
    #expect(try endpoint.takeFrames() == [.data(1, [1]), .window(1, 0, flags: Flag.fin)])
    #expect(!endpoint.hasStream(id))
    #expect(endpoint.nextDeadline == seconds(30))
  }

  @Test func halfClosedByUsStillDelivers() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    endpoint.session.finish(id, now: endpoint.now)
    endpoint.session.finish(id, now: endpoint.now)
    #expect(endpoint.send([1], on: id) == 0)
    #expect(endpoint.sendWindow(of: id) == 0)
    #expect(try endpoint.takeFrames() == [.window(1, 0, flags: Flag.fin)])
    #expect(try endpoint.feed(.data(1, [4])) == [.data(1, [4])])
    #expect(endpoint.hasStream(id))
    #expect(try endpoint.feed(.window(1, 0, flags: Flag.fin)) == [.ended(1)])
    #expect(!endpoint.hasStream(id))
  }

  @Test func endComesBehindTheBodyOfItsFrame() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    let bytes = TestFrame.data(1, [1, 2, 3], flags: Flag.fin).bytes
    #expect(try endpoint.feed(Array(bytes[..<13])) == [.data(1, [1])])
    endpoint.session.finish(id, now: endpoint.now)
    #expect(endpoint.hasStream(id))
    #expect(try endpoint.feed(Array(bytes[13...])) == [.data(1, [2, 3]), .ended(1)])
    #expect(!endpoint.hasStream(id))
  }

  @Test func dataBehindTheEndIsDrainedAgainstTheWindow() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.acceptOpened(1)
    _ = try endpoint.feed(.window(1, 0, flags: Flag.fin))
    #expect(try endpoint.feed(.data(1, [1, 2, 3]), .open(3)) == [.opened(3)])
    let large = TestFrame(type: 0, stream: 1, length: 6_291_454)
    #expect(
      throws: MuxError.windowExceeded(
        wireID: 1, frameBytes: 6_291_454, windowBytes: 6_291_453)
    ) { try endpoint.feed(large) }
  }

  @Test func wireIDIsForgottenWhenBothSidesHaveEnded() throws {
    let endpoint = Endpoint(.server)
    let first = try endpoint.acceptOpened(1)
    _ = try endpoint.feed(.window(1, 0, flags: Flag.fin))
    endpoint.session.finish(first, now: endpoint.now)
    let second = try endpoint.acceptOpened(1)
    #expect(second.slotIndex == first.slotIndex && second != first)
    #expect(endpoint.send([1], on: first) == 0 && endpoint.send([1], on: second) == 1)
  }

  // MARK: Resetting

  @Test func resetByThePeerRemovesAtOnce() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    let seen = try endpoint.feed(.data(1, [1, 2], flags: Flag.rst), .data(1, [3]), .open(3))
    #expect(seen == [.reset(1), .opened(3)])
    #expect(!endpoint.hasStream(id))
    #expect(endpoint.streamCount == 1)
  }

  @Test func resetByUsDrainsWhatIsOnItsWay() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    let bytes = TestFrame.data(1, [1, 2, 3]).bytes
    #expect(try endpoint.feed(Array(bytes[..<13])) == [.data(1, [1])])
    endpoint.session.reset(id)
    endpoint.session.reset(id)
    #expect(try endpoint.takeFrames() == [.window(1, 0, flags: Flag.rst)])
    let rest =
      Array(bytes[13...]) + TestFrame.data(1, [9], flags: Flag.fin).bytes
      + TestFrame.window(1, 5).bytes + TestFrame.window(1, 0, flags: Flag.rst).bytes
    #expect(try endpoint.feed(rest) == [])
    #expect(endpoint.outputByteCount == 0)
  }

  /// The body that is being drained belongs to a stream of the same wire ID and slot as a new one.
  @Test func drainedBodyDoesNotReachTheSuccessorInItsSlot() throws {
    let endpoint = Endpoint(.server)
    let first = try endpoint.acceptOpened(1)
    let bytes = TestFrame.data(1, [1, 2, 3], flags: Flag.fin).bytes
    _ = try endpoint.feed(Array(bytes[..<13]))
    endpoint.session.reset(first)
    let own = try endpoint.open()
    #expect(own.slotIndex == first.slotIndex)
    #expect(try endpoint.feed(Array(bytes[13...])) == [])
    #expect(endpoint.unreadByteCount(of: own) == 0)
  }

  @Test func resetWhileTheOpeningIsAnnouncedSilencesTheRest() throws {
    let endpoint = Endpoint(.server)
    let bytes = TestFrame.data(1, [1, 2], flags: Flag.syn | Flag.fin).bytes
    var offset = 0
    guard case .streamOpened(let id)? = try endpoint.next(in: bytes, at: &offset) else {
      Issue.record("not opened")
      return
    }
    endpoint.session.reset(id)
    #expect(try endpoint.next(in: bytes, at: &offset) == nil)
    #expect(offset == bytes.count)
    #expect(endpoint.isSound)
  }

  // MARK: Strangers

  @Test func framesOfUnknownStreamsAreIgnored() throws {
    let endpoint = Endpoint(.server)
    let seen = try endpoint.feed(
      .data(7, [1, 2, 3]), .data(7, [1], flags: Flag.fin), .window(7, 100),
      .window(7, 0, flags: Flag.fin), .window(7, 0, flags: Flag.rst),
      .window(7, 0, flags: Flag.ack), .data(0, [1]), .window(0, 9), .open(1))
    #expect(seen == [.opened(1)])
    #expect(endpoint.outputByteCount == 0)
  }

  /// IDs of a stream that is gone, and of another session, do nothing.
  @Test func callsWithAnInvalidIDAreHarmless() throws {
    let endpoint = Endpoint(.client)
    let gone = try endpoint.openAccepted()
    endpoint.session.reset(gone)
    let other = Endpoint(.client)
    var foreign = try other.open()
    for _ in 0..<20 { foreign = try other.open() }
    _ = endpoint.takeBytes()
    for id in [gone, foreign] {
      endpoint.session.accept(id)
      endpoint.session.consume(5, on: id)
      endpoint.session.finish(id, now: endpoint.now)
      endpoint.session.reset(id)
      #expect(endpoint.send([1], on: id) == 0)
      #expect(endpoint.fill(upTo: 1, on: id) { _ in 1 } == 0)
      #expect(endpoint.sendWindow(of: id) == 0)
      #expect(!endpoint.hasStream(id))
    }
    #expect(endpoint.outputByteCount == 0)
  }
}
