import Configuration
import Testing
import Transports

/// The conversations with HTTP and SOCKS proxies, at every split of their answers.
@Suite struct UpstreamProxyHandshakeTests {
  private func http(_ url: String = "http://gate:3128") throws -> UpstreamProxyHandshake {
    UpstreamProxyHandshake(
      try UpstreamProxy(parsing: url), targetHost: "relay.example", targetPort: 7000)
  }

  private func socks(_ url: String, target: String = "relay.example") throws
    -> UpstreamProxyHandshake
  {
    UpstreamProxyHandshake(try UpstreamProxy(parsing: url), targetHost: target, targetPort: 7000)
  }

  @Test func connectRequestNamesTheTarget() throws {
    let request = String(decoding: try http().greeting, as: UTF8.self)
    #expect(request.hasPrefix("CONNECT relay.example:7000 HTTP/1.1\r\n"))
    #expect(request.contains("\r\nHost: relay.example:7000\r\n"))
    #expect(request.contains("\r\nUser-Agent: Mozilla/5.0\r\n"))
    #expect(request.hasSuffix("\r\n\r\n") && !request.contains("Authorization"))
  }

  // RFC 7617's own example.
  @Test func credentialsAreSentInBase64() throws {
    let handshake = try http("http://Aladdin:open%20sesame@gate:3128")
    let request = String(decoding: handshake.greeting, as: UTF8.self)
    #expect(request.contains("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"))
  }

  @Test func httpAnswerIsUnderstoodAtEverySplit() throws {
    let answer = Array("HTTP/1.1 200 Connection established\r\nVia: gate\r\n\r\nrest".utf8)
    for split in 0...(answer.count - 4) {
      var handshake = try http()
      let first = handshake.handle(answer[..<split])
      if case .done = first {
        #expect(split >= answer.count - 4)
        continue
      }
      #expect(first == .wait)
      #expect(handshake.handle(answer[split...]) == .done(rest: Array("rest".utf8)))
    }
  }

  @Test(arguments: [
    "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "HTTP/1.0 502 Bad\r\n\r\n",
    "SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n",
  ])
  func httpRefusalFails(_ answer: String) throws {
    var handshake = try http()
    guard case .failed = handshake.handle(Array(answer.utf8)) else {
      Issue.record("accepted \(answer)")
      return
    }
  }

  @Test func endlessAnswerFails() throws {
    var handshake = try http()
    let line = [UInt8](repeating: 0x61, count: UpstreamProxyHandshake.answerByteCountMax)
    #expect(handshake.handle(line) == .wait)
    #expect(handshake.handle([0x61]) == .failed("the proxy's answer is too long"))
  }

  @Test func socksWithoutCredentialConnectsByName() throws {
    var handshake = try socks("socks5://gate:1080")
    #expect(handshake.greeting == [5, 1, 0])
    let request = [5, 1, 0, 3, 13] + Array("relay.example".utf8) + [0x1b, 0x58]
    #expect(handshake.handle([5]) == .wait)
    #expect(handshake.handle([0]) == .send(request))
    let answer: [UInt8] = [5, 0, 0, 1, 127, 0, 0, 1, 0, 80]
    for byte in answer.dropLast() { #expect(handshake.handle([byte]) == .wait) }
    #expect(handshake.handle([answer[9], 42]) == .done(rest: [42]))
  }

  @Test func socksSendsAddressesAsAddresses() throws {
    var ipv4 = try socks("socks5://gate:1080", target: "192.0.2.7")
    #expect(ipv4.handle([5, 0]) == .send([5, 1, 0, 1, 192, 0, 2, 7, 0x1b, 0x58]))
    var ipv6 = try socks("socks5://gate:1080", target: "::1")
    let zeros = [UInt8](repeating: 0, count: 15)
    #expect(ipv6.handle([5, 0]) == .send([5, 1, 0, 4] + zeros + [1, 0x1b, 0x58]))
  }

  @Test func socksCredentialIsSentWhenAskedFor() throws {
    var handshake = try socks("socks5://joe:pw@gate:1080")
    #expect(handshake.greeting == [5, 2, 0, 2])
    #expect(
      handshake.handle([5, 2]) == .send([1, 3] + Array("joe".utf8) + [2] + Array("pw".utf8)))
    guard case .send = handshake.handle([1, 0]) else {
      Issue.record("no request after the credential was accepted")
      return
    }
  }

  @Test(arguments: [[4, 0], [5, 0xff], [5, 2]] as [[UInt8]])
  func socksRefusalOfTheMethodFails(_ answer: [UInt8]) throws {
    var handshake = try socks("socks5://gate:1080")
    guard case .failed = handshake.handle(answer) else {
      Issue.record("accepted \(answer)")
      return
    }
  }

  @Test(arguments: [[5, 5, 0, 1, 0], [5, 0, 0, 9, 0]] as [[UInt8]])
  func socksRefusalOfTheConnectionFails(_ answer: [UInt8]) throws {
    var handshake = try socks("socks5://gate:1080")
    _ = handshake.handle([5, 0])
    guard case .failed = handshake.handle(answer) else {
      Issue.record("accepted \(answer)")
      return
    }
  }
}
