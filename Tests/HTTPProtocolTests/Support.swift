import ByteBuffers
import HTTPProtocol

/// What a reader made of all that it was fed; bodies in one piece.
struct Outcome: Equatable, CustomStringConvertible {
  var lines: [String] = []
  var fault: HTTPFault?

  var description: String {
    (lines + [fault.map { "fault: \($0)" } ?? "no fault"]).joined(separator: " | ")
  }

  mutating func addBody(_ bytes: ArraySlice<UInt8>) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let last = lines.last, last.hasPrefix("body ") {
      lines[lines.count - 1] = last + text
    } else {
      lines.append("body " + text)
    }
  }
}

/// Reads requests as a connection does: what is not consumed is given again with more behind it.
func readRequests(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
  var reader = RequestReader()
  var outcome = Outcome()
  var buffer: [UInt8] = []
  for piece in pieces {
    buffer += piece
    while true {
      do throws(HTTPFault) {
        let step = try reader.next(buffer.span.bytes)
        switch step.event {
        case .head(let head): outcome.lines.append("\(head.methodText) \(head.targetText)")
        case .body(let range): outcome.addBody(buffer[range])
        case .end(let trailers): outcome.lines.append("end \(trailers?.description ?? "")")
        case nil: break
        }
        buffer.removeFirst(step.consumedByteCount)
        if step.consumedByteCount == 0, step.event == nil { break }
      } catch {
        outcome.fault = error
        return outcome
      }
    }
  }
  if !buffer.isEmpty { outcome.lines.append("rest \(buffer.count)") }
  return outcome
}

/// Reads the answer to one request; the connection ends behind the last piece.
func readResponse(_ pieces: [ArraySlice<UInt8>], answering method: HTTPMethod) -> Outcome {
  var reader = ResponseReader(answering: method)
  var outcome = Outcome()
  var buffer: [UInt8] = []
  do throws(HTTPFault) {
    for piece in pieces {
      buffer += piece
      while true {
        let step = try reader.next(buffer.span.bytes)
        switch step.event {
        case .head(let head): outcome.lines.append("\(head.status.code) \(head.reasonText)")
        case .body(let range): outcome.addBody(buffer[range])
        case .end(let trailers): outcome.lines.append("end \(trailers?.description ?? "")")
        case nil: break
        }
        buffer.removeFirst(step.consumedByteCount)
        if step.consumedByteCount == 0, step.event == nil { break }
      }
    }
    if try reader.handleEndOfInput() { outcome.lines.append("end at close") }
  } catch {
    outcome.fault = error
  }
  if !buffer.isEmpty { outcome.lines.append("rest \(buffer.count)") }
  return outcome
}

/// Whole, byte by byte, and cut once at every point.
func feedings(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
  [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
    + bytes.indices.dropFirst().map { [bytes[..<$0], bytes[$0...]] }
}

/// The head of `text`, which is all of one.
func requestHead(_ text: String) throws -> RequestHead {
  let bytes = Array(text.utf8)
  var parser = RequestHeadParser()
  guard let head = try parser.parse(bytes.span.bytes) else { throw Incomplete() }
  return head
}

/// The head of `text`, which is all of one.
func responseHead(_ text: String, answering method: HTTPMethod = .get) throws -> ResponseHead {
  let bytes = Array(text.utf8)
  var parser = ResponseHeadParser(answering: method)
  guard let head = try parser.parse(bytes.span.bytes) else { throw Incomplete() }
  return head
}

/// A test's head has no end.
struct Incomplete: Error {}

/// The bytes that `body` appends, as text.
func written(_ body: (inout ByteQueue) -> Void) -> String {
  var queue = ByteQueue()
  body(&queue)
  return String(decoding: Array(queue.readableBytes), as: UTF8.self)
}
