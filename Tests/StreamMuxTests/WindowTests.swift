import StreamMux
import Testing
import Timekeeping

/// Flow control in both directions.
@Suite struct WindowTests {
  private func bytes(_ count: Int) -> [UInt8] { Array(repeating: 0x55, count: count) }

  // MARK: Receiving

  /// Goal: frp's rule. Nothing below half of the window, then everything that is free.
  @Test func creditIsReturnedAtHalfOfTheWindow() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    _ = try endpoint.feed(.data(1, bytes(3_145_727)))
    endpoint.session.consume(3_145_727, on: id)
    #expect(endpoint.outputByteCount == 0)
    _ = try endpoint.feed(.data(1, bytes(1001)))
    endpoint.session.consume(1, on: id)
    #expect(try endpoint.takeFrames() == [.window(1, 3_145_728)])
    endpoint.session.consume(1000, on: id)
    #expect(endpoint.outputByteCount == 0)
    #expect(endpoint.isSound)
  }

  /// Goal: credit for what was consumed is returned in the middle of a frame, but none for the
  /// part of the frame that is still on its way.
  @Test func creditInsideAFrameCountsOnlyWhatArrived() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    let frame = TestFrame.data(1, bytes(6_291_456)).bytes
    _ = try endpoint.feed(Array(frame[..<(12 + 3_200_000)]))
    #expect(endpoint.unreadByteCount(of: id) == 3_200_000)
    endpoint.session.consume(3_200_000, on: id)
    #expect(try endpoint.takeFrames() == [.window(1, 3_200_000)])
    _ = try endpoint.feed(Array(frame[(12 + 3_200_000)...]))
    _ = try endpoint.feed(.data(1, bytes(3_200_000)))
    #expect(throws: MuxError.windowExceeded(wireID: 1, frameBytes: 1, windowBytes: 0)) {
      try endpoint.feed(.data(1, [1]))
    }
  }

  @Test func unreadBytesAreNotCredited() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    _ = try endpoint.feed(.data(1, bytes(6_291_456)))
    endpoint.session.consume(3_145_728, on: id)
    #expect(try endpoint.takeFrames() == [.window(1, 3_145_728)])
    endpoint.session.consume(Int.max, on: id)
    #expect(try endpoint.takeFrames() == [.window(1, 3_145_728)])
  }

  @Test func peerThatHasEndedGetsNoCredit() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    _ = try endpoint.feed(.data(1, bytes(4_000_000), flags: Flag.fin))
    endpoint.session.consume(4_000_000, on: id)
    #expect(endpoint.outputByteCount == 0)
  }

  @Test func streamThatWeFinishedGoesOnReturningCredit() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    endpoint.session.finish(id, now: endpoint.now)
    _ = endpoint.takeBytes()
    _ = try endpoint.feed(.data(1, bytes(4_000_000)))
    endpoint.session.consume(4_000_000, on: id)
    #expect(try endpoint.takeFrames() == [.window(1, 4_000_000)])
  }

  @Test func frameOfExactlyTheWindowIsLegal() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.feed(.open(1))
    #expect(try endpoint.feed(.data(1, bytes(262_144))).count == 1)
    #expect(throws: MuxError.windowExceeded(wireID: 1, frameBytes: 1, windowBytes: 0)) {
      try endpoint.feed(.data(1, [1]))
    }
  }

  /// The violation is seen with the header; the body is not waited for.
  @Test func frameBeyondTheWindowEndsTheSession() throws {
    let endpoint = Endpoint(.server)
    _ = try endpoint.feed(.open(1))
    let error = MuxError.windowExceeded(
      wireID: 1, frameBytes: 262_145, windowBytes: 262_144)
    #expect(throws: error) {
      try endpoint.feed(TestFrame(type: 0, stream: 1, length: 262_145))
    }
    #expect(try endpoint.takeFrames() == [.goAway(1)])
    #expect(throws: error) { try endpoint.feed(.open(3)) }
    #expect(throws: error) { try endpoint.open() }
  }

  @Test func openedStreamTakesTheWholeWindowBeforeItIsAcknowledged() throws {
    let endpoint = Endpoint(.client)
    _ = try endpoint.open()
    #expect(try endpoint.feed(.data(1, bytes(6_291_456))).count == 1)
  }

  @Test func smallestWindowGrantsNothingExtra() throws {
    let endpoint = Endpoint(.client) { $0.receiveWindowBytes = 262_144 }
    let id = try endpoint.open()
    #expect(try endpoint.takeFrames() == [.window(1, 0, flags: Flag.syn)])
    _ = try endpoint.feed(.accept(1), .data(1, bytes(131_072)))
    endpoint.session.consume(131_072, on: id)
    #expect(try endpoint.takeFrames() == [.window(1, 131_072)])
  }

  // MARK: Sending

  @Test func sendCutsFramesAndStopsAtTheWindow() throws {
    let endpoint = Endpoint(.client) { $0.sentFrameBodyBytesMax = 100_000 }
    let id = try endpoint.open()
    _ = endpoint.takeBytes()
    #expect(endpoint.send(bytes(300_000), on: id) == 262_144)
    #expect(endpoint.sendWindow(of: id) == 0)
    #expect(endpoint.send([1], on: id) == 0)
    let lengths = try endpoint.takeFrames().map(\.length)
    #expect(lengths == [100_000, 100_000, 62_144])
    #expect(try endpoint.feed(.window(1, 10)) == [.writable(1)])
    #expect(try endpoint.feed(.window(1, 10)) == [])
    #expect(endpoint.send(bytes(300), on: id) == 20)
  }

  @Test func creditForAFinishedStreamIsNoNews() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.open()
    #expect(endpoint.send(bytes(262_144), on: id) == 262_144)
    endpoint.session.finish(id, now: endpoint.now)
    #expect(try endpoint.feed(.accept(1)) == [.accepted(1)])
  }

  @Test func creditWithoutEndDoesNotOverflow() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.open()
    _ = try endpoint.feed(.window(1, .max), .window(1, .max))
    #expect(endpoint.sendWindow(of: id) == 8_388_608 - 24)
    #expect(endpoint.send([1], on: id) == 1)
  }

  @Test func emptySendSendsNothing() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    #expect(endpoint.send([], on: id) == 0)
    #expect(endpoint.outputByteCount == 0)
  }

  @Test func fillIsLentNoMoreThanThereIsRoomFor() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.open()
    _ = endpoint.takeBytes()
    var lent: [Int] = []
    let sent = endpoint.fill(upTo: 1_000_000, on: id) { room in
      lent.append(room.count)
      for position in 0..<10 { room[position] = UInt8(position) }
      return 10
    }
    #expect(sent == 10 && lent == [65_536])
    #expect(try endpoint.takeFrames() == [.data(1, Array(0..<10))])
    #expect(endpoint.send(bytes(262_100), on: id) == 262_100)
    _ = endpoint.fill(upTo: 1_000_000, on: id) {
      lent.append($0.count); return 0
    }
    #expect(lent == [65_536, 34])
    #expect(endpoint.sendWindow(of: id) == 34)
  }

  private struct ReadFailure: Error {}

  @Test func fillThatThrowsSendsNothing() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    #expect(throws: ReadFailure.self) {
      try endpoint.fill(upTo: 10, on: id) { _ in throw ReadFailure() }
    }
    #expect(endpoint.outputByteCount == 0)
    #expect(endpoint.sendWindow(of: id) == 6_291_456)
  }
}
