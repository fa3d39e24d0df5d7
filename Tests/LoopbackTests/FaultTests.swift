#if DEBUG
  import Configuration
  import Foundation
  import LinuxSystem
  import Reactor
  import TestKit
  import Testing
  import Timekeeping

  /// The matrix once more, on loops whose calls to the kernel go wrong: EAGAIN without a reason,
  /// EINTR, and short transfers, in an order that a seed decides.
  ///
  /// `FRP_FAULT_SEED` replaces the seeds, `FRP_FAULT_KIBIBYTES` is the size of each direction
  /// (default 512).
  @Suite(.serialized) struct FaultTests {
    static let kibibytes =
      ProcessInfo.processInfo.environment["FRP_FAULT_KIBIBYTES"].flatMap(Int.init) ?? 512

    static let seeds: [UInt64] =
      if let text = ProcessInfo.processInfo.environment["FRP_FAULT_SEED"], let seed = UInt64(text) {
        [seed]
      } else {
        [1, 2, 3, .random(in: 1_000...9_999_999)]
      }

    @Test(arguments: seeds, Stack.allCases)
    func bulkIsByteExactBothWays(_ seed: UInt64, _ stack: Stack) throws {
      let service = try EchoServer()
      defer { service.stop() }
      let rig = try Rig.faulty(stack, localPort: service.port, seed: seed)
      let user = try TestSocket.connect(try rig.publicPort())
      let sent = Pattern(seed: seed).bytes(from: 0, count: Self.kibibytes * 1024)
      let writer = OwnThread {
        try? user.send(sent, within: .seconds(60))
        user.shutdownWriting()
      }
      let received = try user.receiveToEnd(within: .seconds(60))
      // As a value: the difference of long arrays takes minutes to describe.
      let isExact = received == sent
      #expect(isExact, "seed \(seed): \(received.count) bytes of \(sent.count)")
      writer.join()
      user.close()
      #expect(try waitUntil { try rig.userCount() == 0 }, "seed \(seed)")
      #expect(try rig.faultCount() > 20, "seed \(seed): the faults are seen by nobody")
      try rig.stop()
    }

    // The question ends with a FIN, the answer comes behind it.
    @Test(arguments: seeds, Stack.allCases)
    func halfCloseIsPassedOn(_ seed: UInt64, _ stack: Stack) throws {
      let service = try TestServer { socket in
        let question = try socket.receiveToEnd()
        try socket.send(question.reversed())
        socket.shutdownWriting()
      }
      defer { service.stop() }
      let rig = try Rig.faulty(stack, localPort: service.port, seed: seed)
      let port = try rig.publicPort()
      // Short ones end in the same read as their bytes come, long ones do not.
      for byteCount in [0, 1, 5000, 70_000] {
        let user = try TestSocket.connect(port)
        let question = Pattern(seed: seed).bytes(from: 0, count: byteCount)
        try user.send(question)
        user.shutdownWriting()
        let isExact = try user.receiveToEnd() == question.reversed()
        #expect(isExact, "seed \(seed), \(byteCount) bytes")
        user.close()
      }
      #expect(try waitUntil { try rig.userCount() == 0 }, "seed \(seed)")
      try rig.stop()
    }

    @Test(arguments: seeds, Stack.transports)
    func resetsArePassedOn(_ seed: UInt64, _ stack: Stack) throws {
      let seen = Promised<Bool>()
      let service = try TestServer { socket in
        switch try socket.receive(exactly: 1) {
        case [0]: socket.abort()
        case _:
          try socket.send("ready")
          seen.fulfill(socket.isReset())
        }
      }
      defer { service.stop() }
      let rig = try Rig.faulty(stack, localPort: service.port, seed: seed)
      let port = try rig.publicPort()
      let first = try TestSocket.connect(port)
      try first.send([0])
      #expect(first.isReset(), "seed \(seed): by the service")
      first.close()
      let second = try TestSocket.connect(port)
      try second.send([1])
      #expect(try second.receive(exactly: 5) == Array("ready".utf8), "seed \(seed)")
      second.abort()
      #expect(try seen.wait(), "seed \(seed): by the user")
      #expect(try waitUntil { try rig.userCount() == 0 }, "seed \(seed)")
      try rig.stop()
    }

    // Handshakes, headers and messages in pieces of one byte.
    @Test(arguments: Stack.allCases)
    func singleBytesSuffice(_ stack: Stack) throws {
      let service = try EchoServer()
      defer { service.stop() }
      let rig = try Rig.faulty(stack, localPort: service.port, seed: 1, .singleBytes)
      let user = try TestSocket.connect(try rig.publicPort())
      let sent = Pattern(seed: 8).bytes(from: 0, count: 300)
      try user.send(sent)
      user.shutdownWriting()
      #expect(try user.receiveToEnd() == sent)
      user.close()
      #expect(try waitUntil { try rig.userCount() == 0 })
      try rig.stop()
    }

    @Test(arguments: seeds, BandwidthLimitMode.allCases)
    func limitedProxiesAreByteExact(_ seed: UInt64, _ mode: BandwidthLimitMode) throws {
      let service = try EchoServer()
      defer { service.stop() }
      let rig = try Rig.faulty(Stack(), localPort: service.port, seed: seed) {
        $0.proxies[0].bandwidthLimit = Bandwidth("2MB")
        $0.proxies[0].bandwidthLimitMode = mode
      }
      let user = try TestSocket.connect(try rig.publicPort())
      let sent = Pattern(seed: seed).bytes(from: 0, count: 200_000)
      try user.send(sent)
      user.shutdownWriting()
      let isExact = try user.receiveToEnd() == sent
      #expect(isExact, "seed \(seed)")
      user.close()
      #expect(try waitUntil { try rig.userCount() == 0 }, "seed \(seed)")
      try rig.stop()
    }
  }

  extension Rig {
    /// A rig both of whose loops have a fault plan with that seed.
    fileprivate static func faulty(
      _ stack: Stack, localPort: UInt16, seed: UInt64, _ rates: FaultRates = .mixed,
      client change: @Sendable (inout ClientConfiguration) -> Void = { _ in }
    ) throws -> Rig {
      try Rig(
        stack, localPort: localPort, client: change,
        loops: { $0.inject(FaultPlan(seed: seed, rates: rates)) })
    }

    /// How many calls of both programs went wrong.
    fileprivate func faultCount() throws -> Int {
      try [serverThread, clientThread].reduce(0) { count, thread in
        try count + thread.run { $0.calls.faults?.faultCount ?? 0 }
      }
    }
  }
#endif
