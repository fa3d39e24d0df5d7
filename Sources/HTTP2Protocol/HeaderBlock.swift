internal import ByteBuffers
internal import HTTPProtocol

/// The fields of one block as they come, kept as lines of HTTP/1.1.
///
/// nghttp2 has checked names and values before: there is no control character among them, and no
/// field that HTTP/2 does not have. More than a head of HTTP/1.1 may have is not kept, but enough
/// that whoever reads the text finds the fault.
struct HeaderBlock {
  private var method: [UInt8] = []
  private var authority: [UInt8] = []
  private var path: [UInt8] = []
  private var status: [UInt8] = []
  private var lines: [UInt8] = []
  private var cookies: [UInt8] = []
  private var hosts: [[UInt8]] = []
  private var lineCount = 0
  private(set) var hasContentLength = false

  /// Forgets everything but the room.
  mutating func removeAll() {
    method.removeAll(keepingCapacity: true)
    authority.removeAll(keepingCapacity: true)
    path.removeAll(keepingCapacity: true)
    status.removeAll(keepingCapacity: true)
    lines.removeAll(keepingCapacity: true)
    cookies.removeAll(keepingCapacity: true)
    hosts.removeAll()
    lineCount = 0
    hasContentLength = false
  }

  mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    guard lines.count + cookies.count <= HTTPProtocolLimits.headByteCountMax,
      lineCount <= HTTPProtocolLimits.fieldCountMax
    else { return }
    if name.first == 0x3a { return addPseudo(name, value) }
    lineCount += 1
    if Self.isEqual(name, "cookie") {
      // One line in HTTP/1.1 (RFC 9113, section 8.2.3).
      if cookies.isEmpty { cookies += "cookie: ".utf8 } else { cookies += "; ".utf8 }
      cookies += value
      return
    }
    if Self.isEqual(name, "host") { return hosts.append(Array(value)) }
    if Self.isEqual(name, "content-length") { hasContentLength = true }
    lines += name
    lines += ": ".utf8
    lines += value
    lines += "\r\n".utf8
  }

  private mutating func addPseudo(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) {
    if Self.isEqual(name, ":method") {
      method += value
    } else if Self.isEqual(name, ":authority") {
      authority += value
    } else if Self.isEqual(name, ":path") {
      path += value
    } else if Self.isEqual(name, ":status") {
      status += value
    }
  }

  private static func isEqual(_ name: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    name.count == text.utf8CodeUnitCount
      && name.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: name.count))
  }

  // MARK: Requests

  var requestMethod: HTTPMethod {
    HTTPMethod(rawValue: String(decoding: method, as: UTF8.self)) ?? .other
  }

  /// Appends the head of a request, behind which the connection is to end: a stream has one
  /// request.
  mutating func writeRequest(isChunked: Bool, into text: inout ByteQueue) {
    text.append(method)
    text.append(0x20)
    text.append(requestMethod == .connect ? authority : path)
    text.append(utf8: " HTTP/1.1\r\n")
    // The same host twice is said once; two hosts stay two, which is a fault.
    if !authority.isEmpty { hosts.removeAll { $0 == authority } }
    for host in (authority.isEmpty ? [] : [authority]) + hosts {
      text.append(utf8: "host: ")
      text.append(host)
      text.append(utf8: "\r\n")
    }
    writeLines(isChunked: isChunked, into: &text)
    text.append(utf8: "connection: close\r\n\r\n")
  }

  // MARK: Answers

  /// The code; 0 when there is none that can be read.
  var statusCode: Int { Int(String(decoding: status, as: UTF8.self)) ?? 0 }

  /// Appends the head of an answer.
  ///
  /// - Parameter isEmpty: whether it has to say that there is no body.
  func writeAnswer(isChunked: Bool, isEmpty: Bool, into text: inout ByteQueue) {
    text.append(utf8: "HTTP/1.1 ")
    text.append(status)
    text.append(utf8: " \r\n")
    writeLines(isChunked: isChunked, into: &text)
    text.append(utf8: isEmpty ? "content-length: 0\r\n\r\n" : "\r\n")
  }

  // MARK: Both

  private func writeLines(isChunked: Bool, into text: inout ByteQueue) {
    text.append(lines)
    if !cookies.isEmpty {
      text.append(cookies)
      text.append(utf8: "\r\n")
    }
    if isChunked { text.append(utf8: "transfer-encoding: chunked\r\n") }
  }

  /// Appends the end of a body in chunks, with these fields as its trailers.
  func writeTrailers(into text: inout ByteQueue) {
    text.append(utf8: "0\r\n")
    writeLines(isChunked: false, into: &text)
    text.append(utf8: "\r\n")
  }
}
