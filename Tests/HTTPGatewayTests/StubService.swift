import LinuxSystem
import TestKit
import Timekeeping

/// A request as the local service saw it.
struct SeenRequest: Sendable {
  var head = ""
  var body: [UInt8] = []

  var path: String { String(head.split(separator: " ").dropFirst().first ?? "") }

  /// The values of a field.
  func values(_ name: String) -> [String] {
    head.split(separator: "\r\n").dropFirst().compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
      return String(parts[1].drop { $0 == " " })
    }
  }
}

/// Reads messages of HTTP from a test's socket, one after the other.
final class MessageReader {
  let socket: TestSocket
  private(set) var rest: [UInt8] = []

  init(_ socket: TestSocket) { self.socket = socket }

  /// One head with its empty line; `nil` when the stream ends before its first byte.
  func head() throws -> String? {
    while true {
      if let end = Self.end(of: rest) {
        let head = String(decoding: rest[..<end], as: UTF8.self)
        rest.removeFirst(end)
        return head
      }
      let more = try socket.receiveSome(within: .seconds(120))
      if more.isEmpty {
        if rest.isEmpty { return nil }
        throw TestSocketError.endOfStream(byteCount: rest.count)
      }
      rest += more
    }
  }

  /// The body behind `head`.
  func body(_ head: String, until close: Bool = false) throws -> [UInt8] {
    let seen = SeenRequest(head: head)
    if seen.values("Transfer-Encoding") == ["chunked"] { return try chunks() }
    if let length = seen.values("Content-Length").first.flatMap({ Int($0) }) {
      return try take(length)
    }
    if close {
      let all = rest + (try socket.receiveToEnd())
      rest = []
      return all
    }
    return []
  }

  func take(_ byteCount: Int) throws -> [UInt8] {
    while rest.count < byteCount {
      let more = try socket.receiveSome(within: .seconds(120))
      if more.isEmpty { throw TestSocketError.endOfStream(byteCount: rest.count) }
      rest += more
    }
    let taken = Array(rest[..<byteCount])
    rest.removeFirst(byteCount)
    return taken
  }

  func line() throws -> String {
    var line: [UInt8] = []
    while !line.suffix(2).elementsEqual([13, 10]) { line += try take(1) }
    return String(decoding: line.dropLast(2), as: UTF8.self)
  }

  private func chunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while let size = Int(try line().prefix { $0 != ";" }, radix: 16), size > 0 {
      body += try take(size)
      _ = try line()
    }
    while try !line().isEmpty {}
    return body
  }

  static func end(of bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    for index in 0...(bytes.count - 4)
    where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13
      && bytes[index + 3] == 10
    {
      return index + 4
    }
    return nil
  }
}

/// A local service that a test writes: gets each request, and answers on the socket.
final class StubService: Sendable {
  private let seen = Locked<[SeenRequest]>([])
  private let server: TestServer
  private let counted = Locked(0)

  /// - Parameter serve: writes the answer; returns whether the connection goes on.
  init(_ serve: @escaping @Sendable (SeenRequest, TestSocket) throws -> Bool) throws {
    let seen = self.seen
    server = try TestServer { socket in
      let reader = MessageReader(socket)
      while let head = try reader.head() {
        let request = SeenRequest(head: head, body: try reader.body(head))
        seen.withLock { $0.append(request) }
        guard try serve(request, socket) else { return }
      }
    }
  }

  /// One that is given each connection as it is.
  init(raw serve: @escaping @Sendable (TestSocket) throws -> Void) throws {
    server = try TestServer { socket in try serve(socket) }
  }

  /// One that answers each request with its head.
  static func mirror() throws -> StubService {
    try StubService { request, socket in
      let body = request.head + String(decoding: request.body, as: UTF8.self)
      let length = body.utf8.count
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(body)")
      return true
    }
  }

  var port: UInt16 { server.port }

  /// The requests so far.
  var requests: [SeenRequest] { seen.withLock { $0 } }

  /// The connections so far.
  var connectionCount: Int { server.acceptCount }

  var openCount: Int { server.activeCount }

  func stop() { server.stop() }
}
