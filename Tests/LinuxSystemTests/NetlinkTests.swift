import TestKit
import Testing

@testable import LinuxSystem

/// Messages of the routing socket, from bytes and from the kernel.
@Suite struct NetlinkTests {
  private func read(_ bytes: [UInt8]) -> (messages: [NetlinkMessage], isDamaged: Bool) {
    bytes.withUnsafeBytes { bytes in
      var reader = NetlinkReader(bytes)
      var messages: [NetlinkMessage] = []
      while let message = reader.next() { messages.append(message) }
      return (messages, reader.isDamaged)
    }
  }

  private func octets(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  private func message(_ type: UInt16, _ body: [UInt8], sequence: UInt32 = 7) -> [UInt8] {
    octets(UInt32(16 + body.count)) + octets(type) + octets(UInt16(0)) + octets(sequence)
      + octets(UInt32(0)) + body
  }

  private func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    return octets(UInt16(4 + value.count)) + octets(type) + value + padding
  }

  private func link(index: UInt32, flags: UInt32) -> [UInt8] {
    [0, 0, 1, 0] + octets(index) + octets(flags) + octets(UInt32(0))
  }

  private var samples: [(bytes: [UInt8], message: NetlinkMessage)] {
    let address = SocketAddress(host: "10.1.2.3", port: 0)!
    let network = SocketAddress(host: "10.1.0.0", port: 0)!
    let gateway = SocketAddress(host: "10.1.0.1", port: 0)!
    let six = SocketAddress(host: "2001:db8::7", port: 0)!
    let route =
      [2, 16, 0, 0, 254, 4, 0, 1] + octets(UInt32(0)) + attribute(1, [10, 1, 0, 0])
      + attribute(7, [10, 1, 2, 3]) + attribute(5, [10, 1, 0, 1]) + attribute(4, octets(UInt32(9)))
    return [
      (message(16, link(index: 3, flags: 0x41)), .link(interface: 3, isRunning: true)),
      (message(16, link(index: 3, flags: 0x01)), .link(interface: 3, isRunning: false)),
      (message(17, link(index: 3, flags: 0)), .linkRemoved(interface: 3)),
      (
        message(
          20,
          [2, 24, 0, 0] + octets(UInt32(5)) + attribute(1, [10, 9, 9, 9])
            + attribute(2, [10, 1, 2, 3])), .address(address, interface: 5, isRemoved: false)
      ),
      (
        message(21, [10, 64, 0, 0] + octets(UInt32(5)) + attribute(1, six.octetArray)),
        .address(six, interface: 5, isRemoved: true)
      ),
      (
        message(24, route),
        .route(
          NetlinkRoute(
            destination: network, prefixLength: 16, source: address, gateway: gateway, interface: 9,
            isUsable: true), isRemoved: false)
      ),
      (
        message(25, [10, 0, 0, 0, 254, 4, 0, 7] + octets(UInt32(0))),
        .route(
          NetlinkRoute(
            destination: nil, prefixLength: 0, source: nil, gateway: nil, interface: 0,
            isUsable: false), isRemoved: true)
      ),
      (message(2, octets(Int32(-101))), .answer(.networkUnreachable)),
      (message(2, octets(Int32(0))), .answer(nil)),
      (message(3, []), .answer(nil)),
      (message(28, [1, 2, 3, 4]), .ignored(type: 28)),
    ]
  }

  @Test func messagesAreRead() {
    for sample in samples {
      let result = read(sample.bytes)
      #expect(result.messages == [sample.message])
      #expect(!result.isDamaged)
    }
    let all = read(samples.flatMap(\.bytes))
    #expect(all.messages == samples.map(\.message))
  }

  @Test func lyingLengthsEndTheReading() {
    for length in [0, 15, 21, 1 << 30] as [UInt32] {
      let result = read(octets(length) + [UInt8](repeating: 0, count: 16))
      #expect(result.messages.isEmpty && result.isDamaged)
    }
    let short = read([1, 2, 3])
    #expect(short.messages.isEmpty && short.isDamaged)
    // An attribute of no length, and one beyond its message.
    for length in [0, 3, 200] as [UInt16] {
      let body = [2, 24, 0, 0] + octets(UInt32(5)) + octets(length) + octets(UInt16(2)) + [1, 2]
      #expect(read(message(20, body)).messages == [.ignored(type: 20)])
    }
    #expect(read(message(2, octets(Int32.min))).messages == [.answer(Errno(code: .max))])
  }

  /// Goal: no bytes trap, wherever they are cut and whatever is changed in them.
  @Test func nothingTraps() {
    let good = samples.flatMap(\.bytes)
    for end in good.indices { _ = read(Array(good[..<end])) }
    var generator = RepeatableGenerator(seed: 4)
    for _ in 0..<20_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      #expect(read(bytes).messages.count <= good.count / 16)
    }
  }

  // MARK: The kernel

  @Test func loopbackIsReachedFromLoopback() throws {
    var query = try NetlinkSocket.makeQuery()
    let loopback = SocketAddress.loopback(port: 80)
    guard case .via(let interface, let source) = try query.route(to: loopback) else {
      Issue.record("no route to the loopback address")
      return
    }
    #expect(interface != 0)
    #expect(source == .loopback(port: 0))
    let bound = try query.route(to: loopback, from: loopback)
    #expect(bound == .via(interface: interface, source: nil))
  }

  @Test func strangeSourceHasNoRoute() throws {
    var query = try NetlinkSocket.makeQuery()
    let stranger = try #require(SocketAddress(host: "192.0.2.77", port: 0))
    let answer = try query.route(to: .loopback(port: 0), from: stranger)
    #expect(!answer.isReachable)
    #expect(Socket.isLocal(stranger) == false)
    #expect(Socket.isLocal(.loopback(port: 1)) == true)
  }

  @Test func quietMonitorHasNothing() throws {
    let monitor = try NetlinkSocket.makeMonitor()
    // Other tests may make interfaces meanwhile, in other namespaces only.
    #expect(monitor.receive() == .nothing)
  }

  @Test func clockDescriptorIsQuiet() throws {
    let clock = try ClockChangeDescriptor()
    clock.clear()
    #expect(clock.rawValue >= 0)
    let monotonic = HostSystem.monotonicNanoseconds
    #expect(HostSystem.bootNanoseconds >= monotonic)
  }
}
