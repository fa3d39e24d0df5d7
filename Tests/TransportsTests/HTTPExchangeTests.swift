import HTTPProtocol
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import Transports

/// Requests of our own against servers that answer well, badly, and not at all.
@Suite(.serialized) struct HTTPExchangeTests {
  private typealias Outcome = Result<HTTPReply, HTTPExchangeError>

  /// What comes of a GET when the server says `pieces`, each when the one before was taken.
  private func get(
    _ pieces: [String], bodyByteCountMax: Int? = 10_000, within limit: Interval = .seconds(10)
  ) throws -> Outcome {
    let server = try TestServer { socket in
      _ = try socket.receiveSome()
      for piece in pieces { try socket.send(piece) }
      if pieces.isEmpty { _ = try socket.receiveToEnd() }
    }
    defer { server.stop() }
    return try get(port: server.port, bodyByteCountMax: bodyByteCountMax, within: limit)
  }

  private func get(
    port: UInt16, target: String = "/", bodyByteCountMax: Int? = 10_000,
    within limit: Interval = .seconds(10)
  ) throws -> Outcome {
    let loop = try EventLoop()
    let resolver = try Resolver(loop)
    defer { resolver.close() }
    var outcome: Outcome?
    let exchange = HTTPExchange(
      TransportContext(loop), resolver: resolver,
      settings: CarrierSettings(host: "127.0.0.1", port: port),
      request: OutgoingRequest(.get, target: target, host: "127.0.0.1:\(port)"),
      bodyByteCountMax: bodyByteCountMax, timeout: limit
    ) {
      outcome = $0
      loop.stop()
    }
    loop.run()
    exchange.cancel()
    return try #require(outcome)
  }

  private func text(_ outcome: Outcome) throws -> String {
    let reply = try outcome.get()
    return "\(reply.status.code) " + String(decoding: reply.body, as: UTF8.self)
  }

  @Test func answersAreRead() throws {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    #expect(try text(get([length])) == "200 hello")
    #expect(try text(get(length.map(String.init))) == "200 hello")
    #expect(
      try text(
        get([
          "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        ])) == "404 hello")
    // The body ends with the connection.
    #expect(try text(get(["HTTP/1.1 500 No\r\n\r\nall", " of it"])) == "500 all of it")
    #expect(try text(get(["HTTP/1.1 204 OK\r\n\r\n"])) == "204 ")
    // Nobody waits for a body that is not wanted.
    #expect(
      try text(
        get(["HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"], bodyByteCountMax: nil))
        == "200 ")
  }

  @Test func failuresAreTold() throws {
    #expect(try get(["SSH-2.0-OpenSSH\r\n"]) == .failure(.malformed(.versionMalformed)))
    #expect(
      try get(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"]) == .failure(.cut("closed")))
    #expect(
      try get(["HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 11)], bodyByteCountMax: 10)
        == .failure(.bodyTooLong(byteCountMax: 10)))
    #expect(
      try get([], within: .milliseconds(100))
        == .failure(.timedOut(after: .milliseconds(100))))
    let closed = try TestServer { _ in }
    closed.stop()
    guard case .failure(.unreachable(let reason)) = try get(port: closed.port) else {
      Issue.record("reached")
      return
    }
    #expect("\(reason)".contains("connection refused"))
    let service = try TestServer { socket in _ = try socket.receiveToEnd() }
    #expect(try get(port: service.port, target: "no path") == .failure(.requestInvalid))
    service.stop()
  }
}
