import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@Suite struct ResolverTests {
  typealias Answer = Result<[SocketAddress], ResolveError>

  /// Resolves on a loop of its own, and checks that nothing is left of it.
  private func resolve(
    _ host: String, servers: [String], timeout: Interval = .seconds(15)
  ) throws -> Answer {
    let loop = try EventLoop()
    let resolver = try Resolver(loop, servers: servers)
    var answer: Answer?
    resolver.resolve(host, timeout: timeout) { answer = $0 }
    #expect(answer == nil, "answered from within the call")
    let start = loop.now
    while answer == nil, loop.now - start < .seconds(30) { loop.turn(sleepMax: .seconds(1)) }
    resolver.close()
    #expect(loop.registrationCount == 1)
    #expect(loop.timerCount == 0)
    #expect(resolver.queryCount == 0)
    return try #require(answer)
  }

  private func resolve(
    _ host: String, _ answer: @escaping @Sendable (FakeNameServer.Question) -> FakeNameServer.Answer
  ) throws -> Answer {
    let server = try FakeNameServer(answer)
    defer { server.stop() }
    return try resolve(host, servers: ["\(server.address)"])
  }

  private func addresses(_ hosts: String...) -> Answer {
    .success(hosts.compactMap { SocketAddress(host: $0, port: 0) })
  }

  @Test func bothFamiliesAreAskedForAndTheBetterComesFirst() throws {
    let answer = try resolve("relay.example.com") { question in
      question.name == "relay.example.com" ? .addresses(["127.0.0.1", "::1"]) : .noSuchName
    }
    #expect(answer == addresses("::1", "127.0.0.1"))
  }

  @Test func oneFamilyIsEnough() throws {
    #expect(
      try resolve("four.example.com") { _ in .addresses(["192.0.2.7"]) }
        == addresses("192.0.2.7"))
    #expect(
      try resolve("six.example.com") { _ in .addresses(["2001:db8::7"]) }
        == addresses("2001:db8::7"))
  }

  /// Some home routers never answer a question for IPv6 addresses.
  @Test func aSilentFamilyDoesNotHideTheOther() throws {
    let answer = try resolve("half.example.com") { question in
      question.isIPv6 ? .silence : .addresses(["192.0.2.7"])
    }
    #expect(answer == addresses("192.0.2.7"))
  }

  @Test func namesWithoutAddressesAreNotFound() throws {
    let absent = "absent.example.com"
    #expect(try resolve(absent) { _ in .noSuchName } == .failure(.notFound(absent)))
    #expect(try resolve(absent) { _ in .addresses([]) } == .failure(.notFound(absent)))
    #expect(ResolveError.notFound(absent).description == "absent.example.com: no such host")
  }

  @Test func aServerThatFailsIsNamedAsTheReason() throws {
    guard
      case .failure(.serverFailed("broken.example.com", let reason)) =
        try resolve("broken.example.com", { _ in .failure })
    else {
      Issue.record("no failure of the server")
      return
    }
    #expect(!reason.isEmpty)
  }

  @Test func aServerThatDoesNotRunIsAFailure() throws {
    // A bound UDP socket that nobody reads would be silent; a closed port answers "refused".
    let server = try FakeNameServer { _ in .silence }
    server.stop()
    let answer = try resolve("gone.example.com", servers: ["\(server.address)"])
    guard case .failure(.serverFailed) = answer else {
      Issue.record("\(answer)")
      return
    }
  }

  @Test func silenceEndsWithTheRequestsOwnTime() throws {
    let server = try FakeNameServer { _ in .silence }
    defer { server.stop() }
    let start = HostSystem.monotonicNanoseconds
    let answer = try resolve(
      "slow.example.com", servers: ["\(server.address)"], timeout: .milliseconds(100))
    #expect(answer == .failure(.timedOut("slow.example.com", after: .milliseconds(100))))
    #expect(HostSystem.monotonicNanoseconds - start >= 100_000_000)
    #expect(waitUntil { server.questions.count >= 2 })
  }

  @Test func anAnswerToAnotherQuestionIsIgnored() throws {
    let answer = try resolve("noisy.example.com") { _ in .strange(then: ["192.0.2.9"]) }
    #expect(answer == addresses("192.0.2.9"))
  }

  /// c-ares decides whether to give up or to wait for a better answer, by version; what
  /// matters is that the request ends and that no address is made up.
  @Test func bytesThatAreNoAnswerDoNoHarm() throws {
    let host = "garbage.example.com"
    let answer = try resolve(host) { _ in .garbage(then: ["192.0.2.9"]) }
    switch answer {
    case .success: #expect(answer == addresses("192.0.2.9"))
    case .failure(.notFound(host)), .failure(.serverFailed(host, reason: _)): break
    case .failure(let error): Issue.record("\(error)")
    }
  }

  @Test func aTruncatedAnswerIsFetchedOverTCP() throws {
    let many = (1...20).map { "192.0.2.\($0)" }
    guard
      case .success(let found) = try resolve("long.example.com", { _ in .truncated(then: many) })
    else {
      Issue.record("not resolved")
      return
    }
    #expect(Set(found.map(\.host)) == Set(many))
  }

  @Test func aLongAnswerIsCut() throws {
    let many = (1...ReactorLimits.resolvedAddressCountMax + 8).map { "192.0.2.\($0)" }
    guard
      case .success(let found) = try resolve("huge.example.com", { _ in .truncated(then: many) })
    else {
      Issue.record("not resolved")
      return
    }
    #expect(found.count == ReactorLimits.resolvedAddressCountMax)
  }

  @Test(arguments: ["localhost", "LocalHost", "localhost.", "web.localhost"])
  func loopbackNamesAreAnsweredWithoutAsking(_ name: String) throws {
    let server = try FakeNameServer { _ in .addresses(["192.0.2.66"]) }
    defer { server.stop() }
    #expect(
      try resolve(name, servers: ["\(server.address)"]) == addresses("::1", "127.0.0.1"))
    #expect(server.questions.isEmpty)
  }

  @Test(arguments: ["192.0.2.1", "::1", "[2001:db8::1]", "fe80::1%1"])
  func literalsAreAnsweredWithoutAsking(_ literal: String) throws {
    let server = try FakeNameServer { _ in .noSuchName }
    defer { server.stop() }
    #expect(try resolve(literal, servers: ["\(server.address)"]) == addresses(literal))
    #expect(server.questions.isEmpty)
  }

  /// Names of this machine's own hosts file, whatever they are.
  private static let hostsEntries: [(name: String, host: String)] = {
    let file = (try? HostSystem.readFile("/etc/hosts", byteCountMax: 1 << 20)) ?? []
    return String(decoding: file, as: UTF8.self).split(separator: "\n").flatMap { line in
      let entry = line.prefix(while: { $0 != "#" })
      let words = entry.split(whereSeparator: { $0.isWhitespace }).map { String($0) }
      return words.dropFirst().map { (name: $0, host: words[0]) }
    }.filter { !$0.name.contains("localhost") }
  }()

  @Test(.enabled(if: !hostsEntries.isEmpty, "the hosts file has only localhost"))
  func theHostsFileComesBeforeNameServers() throws {
    let server = try FakeNameServer { _ in .addresses(["192.0.2.66", "2001:db8::66"]) }
    defer { server.stop() }
    let entry = try #require(Self.hostsEntries.first)
    let answer = try resolve(entry.name, servers: ["\(server.address)"])
    let expected = SocketAddress(host: entry.host, port: 0)
    #expect(try answer.get().contains { $0 == expected })
    #expect(server.questions.isEmpty)
  }

  @Test func namesThatNoHostHasAreRefused() throws {
    let server = try FakeNameServer { _ in .addresses(["192.0.2.66"]) }
    defer { server.stop() }
    let tooLong = String(repeating: "a.", count: 126) + "ab"
    #expect(tooLong.utf8.count == ReactorLimits.hostNameLengthMax + 1)
    let longLabel = String(repeating: "a", count: 64) + ".example.com"
    for name in ["", "nul\0.example.com", tooLong, longLabel, ".", "a..example.com"] {
      let answer = try resolve(name, servers: ["\(server.address)"])
      #expect(answer == .failure(.invalidName(name)), "\(name)")
    }
    #expect(server.questions.isEmpty)
  }

  @Test func aCancelledRequestIsNeverAnswered() throws {
    let server = try FakeNameServer { _ in .addresses(["192.0.2.1"]) }
    defer { server.stop() }
    let loop = try EventLoop()
    let resolver = try Resolver(loop, servers: ["\(server.address)"])
    var answered: [String] = []
    let doomed = resolver.resolve("one.example.com", timeout: .seconds(5)) { _ in
      answered.append("one")
    }
    let literal = resolver.resolve("192.0.2.1", timeout: .seconds(5)) { _ in
      answered.append("literal")
    }
    resolver.resolve("two.example.com", timeout: .seconds(5)) { _ in answered.append("two") }
    doomed.cancel()
    literal.cancel()
    let isOver = waitUntil {
      loop.turn(sleepMax: .milliseconds(10))
      return resolver.queryCount == 0 && !answered.isEmpty
    }
    #expect(isOver)
    #expect(answered == ["two"])
    doomed.cancel()
    resolver.close()
    #expect(loop.registrationCount == 1)
    #expect(loop.timerCount == 0)
  }

  @Test func tooManyRequestsAreRefusedAndCloseEndsThemAll() throws {
    let server = try FakeNameServer { _ in .silence }
    defer { server.stop() }
    let loop = try EventLoop()
    let resolver = try Resolver(loop, servers: ["\(server.address)"])
    var answers: [Answer] = []
    for index in 0..<ReactorLimits.resolveRequestCountMax {
      resolver.resolve("n\(index).example.com", timeout: .seconds(60)) { answers.append($0) }
    }
    resolver.resolve("last.example.com", timeout: .seconds(60)) { answers.append($0) }
    loop.turn(sleepMax: .zero)
    let limit = ReactorLimits.resolveRequestCountMax
    #expect(answers == [.failure(.tooManyRequests("last.example.com", limit: limit))])
    #expect(resolver.queryCount == limit)
    #expect(loop.registrationCount > 1)
    resolver.close()
    resolver.close()
    #expect(loop.registrationCount == 1)
    #expect(loop.timerCount == 0)
    #expect(openSockets { _, peer in peer == server.address }.isEmpty)
    resolver.resolve("late.example.com", timeout: .seconds(1)) { answers.append($0) }
    loop.turn(sleepMax: .zero)
    #expect(answers.last == .failure(.closed("late.example.com")))
    #expect(answers.count == 2)
  }

  @Test func aResolverMayBeClosedByItsOwnAnswer() throws {
    let loop = try EventLoop()
    let server = try FakeNameServer { _ in .addresses(["192.0.2.1"]) }
    defer { server.stop() }
    let resolver = try Resolver(loop, servers: ["\(server.address)"])
    var count = 0
    for name in ["a.example.com", "b.example.com"] {
      resolver.resolve(name, timeout: .seconds(5)) { _ in
        count += 1
        resolver.close()
      }
    }
    #expect(
      waitUntil {
        loop.turn(sleepMax: .milliseconds(10))
        return count > 0
      })
    #expect(loop.registrationCount == 1)
    #expect(loop.timerCount == 0)
    #expect(openSockets { _, peer in peer == server.address }.isEmpty)
  }

  @Test func manyAnswersLeaveNoDescriptorBehind() throws {
    let server = try FakeNameServer { _ in .addresses(["192.0.2.1", "2001:db8::1"]) }
    defer { server.stop() }
    let loop = try EventLoop()
    let resolver = try Resolver(loop, servers: ["\(server.address)"])
    for round in 0..<50 {
      var answers = 0
      for index in 0..<8 {
        resolver.resolve("n\(index).r\(round).example.com", timeout: .seconds(10)) {
          if case .success(let found) = $0, found.count == 2 { answers += 1 }
        }
      }
      #expect(
        waitUntil {
          loop.turn(sleepMax: .milliseconds(10))
          return answers == 8
        })
    }
    // c-ares closes its sockets when nothing is asked any more.
    #expect(loop.registrationCount == 1)
    #expect(loop.timerCount == 0)
    #expect(openSockets { _, peer in peer == server.address }.isEmpty)
    resolver.close()
  }

  @Test(arguments: [
    "", "nonsense", "ns.example.com:53", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:", "[::1]:x",
  ])
  func serversMustBeAddresses(_ text: String) throws {
    let loop = try EventLoop()
    #expect(throws: ResolveError.invalidServer(text)) { _ = try Resolver(loop, servers: [text]) }
  }

  @Test func serversMayHavePortsOrNot() throws {
    let loop = try EventLoop()
    let texts = ["192.0.2.1", "192.0.2.1:5353", "::1", "[::1]:5353", "[2001:db8::1]"]
    try Resolver(loop, servers: texts).close()
    try Resolver(loop).close()
    let limit = ReactorLimits.nameServerCountMax
    #expect(throws: ResolveError.tooManyServers(limit: limit)) {
      _ = try Resolver(loop, servers: [String](repeating: "192.0.2.1", count: limit + 1))
    }
  }
}
