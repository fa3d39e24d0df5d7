internal import ByteBuffers

/// The responses to one request: interim ones, the final one, its body; for clients.
public struct ResponseReader: Sendable {
  /// What was found at the front of the input.
  public enum Event: Sendable {
    /// An interim response, or the final one.
    case head(ResponseHead)
    /// Bytes of its body, as a range of the input.
    case body(Range<Int>)
    /// The response ends, with its trailers if it has some. Behind a tunnel's head nothing is
    /// read.
    case end(trailers: FieldTable?)
  }

  /// An event, and the bytes to drop from the front of the input after it.
  public struct Step: Sendable {
    /// The bytes to drop.
    public var consumedByteCount: Int
    /// What they were; `nil` for framing.
    public var event: Event?
  }

  private enum State {
    case head, body, finished
  }

  private var state = State.head
  private var parser: ResponseHeadParser
  private var body = BodyReader(.none)
  private var interimCount = 0

  /// Makes a reader for the answer to a request with that method.
  public init(answering method: HTTPMethod) { parser = ResponseHeadParser(answering: method) }

  /// Whether the response was read to its end; bytes behind it belong to nobody.
  public var isFinished: Bool { state == .finished }

  /// Reads on.
  public mutating func next(_ input: RawSpan) throws(HTTPFault) -> Step {
    switch state {
    case .head:
      guard let head = try parser.parse(input) else {
        return Step(consumedByteCount: 0, event: nil)
      }
      if head.isInterim {
        interimCount += 1
        guard interimCount <= HTTPProtocolLimits.interimResponseCountMax else {
          throw .tooManyInterimResponses
        }
      } else {
        body = BodyReader(head.framing, ofResponse: true)
        state = head.isTunnel ? .finished : .body
      }
      return Step(consumedByteCount: head.byteCount, event: .head(head))
    case .body:
      let step = try body.next(input)
      if !step.data.isEmpty {
        return Step(consumedByteCount: step.consumedByteCount, event: .body(step.data))
      }
      guard step.isFinished else {
        return Step(consumedByteCount: step.consumedByteCount, event: nil)
      }
      state = .finished
      return Step(
        consumedByteCount: step.consumedByteCount, event: .end(trailers: step.trailers))
    case .finished:
      return Step(consumedByteCount: 0, event: nil)
    }
  }

  /// The connection ended; a fault if that was inside the response.
  ///
  /// - Returns: whether the response ends with it.
  public mutating func handleEndOfInput() throws(HTTPFault) -> Bool {
    switch state {
    case .head: throw .truncated
    case .body:
      try body.handleEndOfInput()
      state = .finished
      return true
    case .finished: return false
    }
  }
}
