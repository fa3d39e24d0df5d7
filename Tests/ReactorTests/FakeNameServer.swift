import Glibc
import LinuxSystem
import TestKit
import Timekeeping

/// A name server on a free port of 127.0.0.1 that answers as a test says.
final class FakeNameServer: Sendable {
  enum Answer: Sendable {
    /// These addresses, as far as they belong to the asked family; no error when there are none.
    case addresses([String])
    /// NXDOMAIN.
    case noSuchName
    /// SERVFAIL.
    case failure
    /// Nothing at all.
    case silence
    /// An answer to somebody else's question, and then the addresses.
    case strange(then: [String])
    /// Bytes that are no answer, and then the addresses.
    case garbage(then: [String])
    /// "Ask again over TCP"; there the addresses are given.
    case truncated(then: [String])
  }

  struct Question: Hashable, Sendable {
    let name: String
    let isIPv6: Bool
  }

  private final class State: Sendable {
    let questions = Locked<[Question]>([])
    let stop: WakeupDescriptor
    let answer: @Sendable (Question) -> Answer
    init(_ answer: @escaping @Sendable (Question) -> Answer) throws {
      stop = try WakeupDescriptor()
      self.answer = answer
    }
  }

  let address: SocketAddress
  private let state: State
  private let thread: OwnThread
  private let tcp: TestServer

  init(_ answer: @escaping @Sendable (Question) -> Answer) throws {
    let state = try State(answer)
    let tcp = try TestServer { try Self.serveTCP($0, state) }
    // Another program may have the same number for UDP; then the socket takes any, and only the
    // test of the TCP fallback notices.
    let number = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    let descriptor = FileDescriptor(owning: number)
    do {
      try Socket.bindLocal(number, to: tcp.address)
    } catch {
      try Socket.bindLocal(number, to: .loopback(port: 0))
    }
    address = Socket.localAddress(number) ?? tcp.address
    self.state = state
    self.tcp = tcp
    let owned = descriptor.release()
    thread = OwnThread { Self.serveUDP(FileDescriptor(owning: owned), state) }
  }

  /// What was asked so far.
  var questions: [Question] { state.questions.withLock { $0 } }

  func stop() {
    state.stop.signal()
    thread.join()
    tcp.stop()
  }

  private static func serveUDP(_ descriptor: consuming FileDescriptor, _ state: State) {
    let number = descriptor.rawValue
    while true {
      var entries = [
        pollfd(fd: number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: state.stop.rawValue, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&entries, 2, -1)
      if entries[1].revents != 0 { return }
      var query = [UInt8](repeating: 0, count: 1500)
      // Room for any address; only the kernel looks into it.
      var peer = [UInt64](repeating: 0, count: 16)
      var length = socklen_t(peer.count * 8)
      peer.withUnsafeMutableBytes {
        $0.withMemoryRebound(to: sockaddr.self) { room in
          let peer = room.baseAddress
          let count = recvfrom(number, &query, query.count, 0, peer, &length)
          for reply in replies(to: Array(query.prefix(max(0, count))), state, isTCP: false) {
            _ = sendto(number, reply, reply.count, 0, peer, length)
          }
        }
      }
    }
  }

  private static func serveTCP(_ socket: TestSocket, _ state: State) throws {
    while true {
      let head = try socket.receive(exactly: 2)
      let query = try socket.receive(exactly: Int(head[0]) << 8 | Int(head[1]))
      for reply in replies(to: query, state, isTCP: true) {
        try socket.send([UInt8(reply.count >> 8), UInt8(reply.count & 255)] + reply)
      }
    }
  }

  // A message is: ID, flags, four counts, then the question: labels, type, class (RFC 1035, 4.1).
  private static func replies(to query: [UInt8], _ state: State, isTCP: Bool) -> [[UInt8]] {
    var labels: [String] = []
    var index = 12
    while index < query.count, query[index] != 0 {
      let end = index + 1 + Int(query[index])
      guard end < query.count else { return [] }
      labels.append(String(decoding: query[index + 1..<end], as: UTF8.self))
      index = end
    }
    guard index + 5 <= query.count else { return [] }
    let isIPv6 = query[index + 2] == 28
    let question = Question(name: labels.joined(separator: ".").lowercased(), isIPv6: isIPv6)
    state.questions.withLock { $0.append(question) }
    let asked = Array(query[12..<index + 5])
    func reply(_ code: UInt8, _ hosts: [String] = [], isTruncated: Bool = false) -> [UInt8] {
      let records = hosts.compactMap { record($0, isIPv6: isIPv6) }
      // Answer, recursion desired and available.
      let flags: [UInt8] = [isTruncated ? 0x83 : 0x81, 0x80 | code]
      return query[..<2] + flags + [0, 1, 0, UInt8(records.count), 0, 0, 0, 0] + asked
        + records.flatMap { $0 }
    }
    switch state.answer(question) {
    case .addresses(let hosts): return [reply(0, hosts)]
    case .noSuchName: return [reply(3)]
    case .failure: return [reply(2)]
    case .silence: return []
    case .strange(let hosts):
      return [[query[0] ^ 0xff] + reply(0, ["192.0.2.66"]).dropFirst(), reply(0, hosts)]
    case .garbage(let hosts):
      var endless = reply(0, hosts)
      // The record's name is a pointer to itself.
      if endless.count > asked.count + 14 { endless[13 + asked.count] = UInt8(12 + asked.count) }
      return [endless, [1, 2, 3], Array(reply(0, hosts).prefix(14)), [], reply(0, hosts)]
    case .truncated(let hosts): return isTCP ? [reply(0, hosts)] : [reply(0, isTruncated: true)]
    }
  }

  private static func record(_ host: String, isIPv6: Bool) -> [UInt8]? {
    guard let address = SocketAddress(host: host, port: 0) else { return nil }
    guard (address.family == .ipv6) == isIPv6 else { return nil }
    let octets = (0..<(isIPv6 ? 16 : 4)).map { address.octets[$0] }
    // The name as a pointer to the question, type, class IN, a minute to live, length.
    return [0xc0, 12, 0, isIPv6 ? 28 : 1, 0, 1, 0, 0, 0, 60, 0, UInt8(octets.count)] + octets
  }
}
