import TestKit
import Testing
import Timekeeping

@testable import StreamMux

/// Hostile bytes: no trap, no broken invariant, nothing that grows. The seed of a failure is
/// printed; `TEST_SEED` repeats it.
@Suite struct FuzzTests {
  @Test(arguments: UInt64(1)...40)
  func randomBytesEndTheSessionAtMost(seed: UInt64) throws {
    var generator = RepeatableGenerator(seed: seed)
    let endpoint = Endpoint(.server)
    do {
      for _ in 0..<50 { _ = try endpoint.feed(generator.bytes(100)) }
      Issue.record("5,000 random bytes were valid, seed \(generator.seed)")
    } catch {
      #expect(endpoint.failure == error)
    }
    #expect(endpoint.isSound)
  }

  /// Frames that are nearly right: few streams, all flags, lengths near the limits.
  private func frame(using generator: inout RepeatableGenerator) -> TestFrame {
    let kind = Int.random(in: 0..<100, using: &generator)
    let stream = UInt32.random(in: 1...24, using: &generator)
    switch kind {
    case 0..<50:
      let count = Int.random(in: 0...3000, using: &generator)
      return .data(stream, generator.bytes(count), flags: flags(using: &generator))
    case 50..<90:
      let credit = UInt32.random(in: 0...6_029_312, using: &generator)
      return .window(stream, credit, flags: flags(using: &generator))
    case 90..<98:
      return .ping(stream, flags: UInt16.random(in: 0...3, using: &generator))
    default:
      return .goAway(0)
    }
  }

  private func flags(using generator: inout RepeatableGenerator) -> UInt16 {
    switch Int.random(in: 0..<16, using: &generator) {
    case 0..<8: 0
    case 8..<13: Flag.syn
    case 13: Flag.fin
    case 14: Flag.rst
    default: UInt16.random(in: 0...15, using: &generator)
    }
  }

  /// What the application does meanwhile.
  private func command(on endpoint: Endpoint, using generator: inout RepeatableGenerator) throws {
    guard let id = endpoint.ids.values.randomElement(using: &generator) else { return }
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: endpoint.session.finish(id, now: endpoint.now)
    case 1: endpoint.session.reset(id)
    case 2: endpoint.session.accept(id)
    case 3: _ = try? endpoint.open()
    case 4: _ = endpoint.send(generator.bytes(5000), on: id)
    case 5: _ = endpoint.takeBytes()
    case 6:
      endpoint.now = endpoint.now + .seconds(Int.random(in: 0...20, using: &generator))
      try endpoint.session.handleDeadline(now: endpoint.now)
    default: endpoint.session.consume(Int.random(in: 0...6000, using: &generator), on: id)
    }
  }

  /// Goal: between the frames of a peer that breaks rules now and then and the commands of an
  /// application that uses stale IDs, invariants hold. A session that fails is replaced.
  @Test(arguments: UInt64(1)...20)
  func nearlyValidFramesKeepTheInvariants(seed: UInt64) throws {
    var generator = RepeatableGenerator(seed: seed)
    var failures = 0
    var endpoint = Endpoint(seed % 2 == 0 ? .server : .client) {
      $0.receiveWindowBytes = 300_000
      $0.acceptBacklog = 8
      $0.streamCountMax = 16
    }
    for round in 0..<2000 {
      do {
        let bytes = frame(using: &generator).bytes
        let cut = Int.random(in: 0...bytes.count, using: &generator)
        _ = try endpoint.feed(Array(bytes[..<cut]))
        try command(on: endpoint, using: &generator)
        _ = try endpoint.feed(Array(bytes[cut...]))
        try command(on: endpoint, using: &generator)
      } catch {
        failures += 1
        endpoint = Endpoint(seed % 2 == 0 ? .server : .client)
      }
      #expect(endpoint.isSound, "seed \(generator.seed), round \(round)")
      #expect(endpoint.streamCount <= 65_536)
      if !endpoint.isSound { return }
    }
    #expect(failures > 0 && failures < 1900, "the frames are too wild or too tame: \(failures)")
  }
}
