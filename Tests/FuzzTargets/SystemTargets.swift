import Configuration
import Diagnostics
import LinuxSystem
import Transports

extension FuzzTarget {
  static let systems = [
    FuzzTarget("netlink", byteCountMax: 2048) { (input) throws(FuzzFinding) in
      try checkNetlink(input.rest())
    },
    FuzzTarget(
      "upstream-proxy", byteCountMax: 20_000,
      dictionary: ["HTTP/1.1 200 ", "HTTP/1.0 ", "\r\n\r\n", "\u{5}\0", "\u{1}\0"]
    ) { (input) throws(FuzzFinding) in
      let choice = input.byte()
      let plan = input.byte()
      return try checkProxyAnswer(input.rest(), choice, plan: plan)
    },
    FuzzTarget("repeat-suppressor", byteCountMax: 1024) { (input) throws(FuzzFinding) in
      try checkSuppressor(&input)
    },
  ]

  private static func checkNetlink(_ bytes: [UInt8]) throws(FuzzFinding) -> Int {
    // Aligned like the kernel's, and ending where its memory ends.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    var reader = NetlinkReader(UnsafeRawBufferPointer(copy))
    var understood = 0
    var count = 0
    while let message = reader.next() {
      count += 1
      if case .ignored = message { continue }
      understood += 1
    }
    try require(count * 16 <= bytes.count, "\(count) messages in \(bytes.count) bytes")
    try require(reader.next() == nil, "a message behind the last one")
    return understood
  }

  private static func converse(
    _ proxy: UpstreamProxy, _ pieces: [[UInt8]], host: String
  ) throws(FuzzFinding) -> [UpstreamProxyHandshake.Step] {
    var handshake = UpstreamProxyHandshake(proxy, targetHost: host, targetPort: 7000)
    var steps: [UpstreamProxyHandshake.Step] = [.send(handshake.greeting)]
    for (index, piece) in pieces.enumerated() {
      let step = handshake.handle(piece)
      switch step {
      case .wait: break
      case .send(let bytes):
        try require(bytes.count <= 3 + 2 * 256, "\(bytes.count) bytes to send")
        steps.append(step)
      case .done(let rest):
        steps.append(.done(rest: rest + pieces[(index + 1)...].joined()))
        return steps
      case .failed(let text):
        try require(!text.contains("\n") && text.utf8.count < 512, "an odd text: \(text)")
        steps.append(step)
        return steps
      }
    }
    return steps
  }

  private static func checkProxyAnswer(
    _ bytes: [UInt8], _ choice: UInt8, plan: UInt8
  ) throws(FuzzFinding) -> Int {
    let address = HostAndPort(host: "proxy.test", port: 3128)
    let long = String(repeating: "u", count: 300)
    let proxy = UpstreamProxy(
      kind: choice & 1 == 0 ? .http : .socks5, address: address,
      user: choice & 2 == 0 ? nil : (choice & 8 == 0 ? "user" : long),
      password: choice & 2 == 0 ? nil : Secret(choice & 8 == 0 ? "word" : long))
    let host = choice & 4 == 0 ? "relay.test" : (choice & 8 == 0 ? "2001:db8::1" : "192.0.2.1")
    // An answer that is too long is noticed earlier or later, but never makes a connection.
    guard bytes.count <= UpstreamProxyHandshake.answerByteCountMax else {
      _ = try converse(proxy, pieces(of: bytes, plan: plan), host: host)
      return 0
    }
    let steps = try converse(proxy, pieces(of: bytes, plan: plan), host: host)
    let slow = try converse(proxy, bytes.map { [$0] }, host: host)
    guard case .done? = slow.last else { return 0 }
    if plan > 0, case .done? = steps.last {
      try require(steps == slow, "another conversation in pieces")
    }
    return steps.count
  }

  /// Some keys, and a clock that jumps both ways.
  private static func checkSuppressor(_ input: inout FuzzInput) throws(FuzzFinding) -> Int {
    let burstMax = Int(input.byte() % 4)
    let keyCountMax = Int(input.byte() % 8)
    var suppressor = RepeatSuppressor(
      periodNanoseconds: Int64(input.byte()) - 2, burstMax: burstMax, keyCountMax: keyCountMax)
    var now: Int64 = 0
    var totals: (asked: Int, written: Int) = (0, 0)
    while !input.isEmpty {
      let step = input.byte()
      switch step {
      case 0xff: now = .max
      case 0xfe: now = .min
      case 0xfd: now = 0
      case 0xe0...: now = now &- Int64(step)
      default: now = now &+ Int64(step)
      }
      totals.asked += 1
      switch suppressor.decide("k\(input.byte() % 16)", nowNanoseconds: now) {
      case .emit(let count):
        totals.written += 1 + count
        try require(count >= 0, "\(count) suppressed")
      case .suppress(let count): try require(count > 0, "\(count) suppressed")
      }
      try require(suppressor.keyCount <= max(1, keyCountMax), "\(suppressor.keyCount) keys")
      try require(totals.written <= totals.asked, "more is accounted for than was asked")
    }
    return totals.written
  }
}
