internal import ByteBuffers

/// One connection's requests, one after the other: heads, bodies, pipelining; for servers.
///
/// Give `next` the bytes that were not consumed so far, again and again, until it returns no event
/// and consumes nothing: more bytes are needed then. The first fault is final.
public struct RequestReader: Sendable {
  /// What was found at the front of the input.
  public enum Event: Sendable {
    /// A request begins.
    case head(RequestHead)
    /// Bytes of its body, as a range of the input.
    case body(Range<Int>)
    /// The request ends, with its trailers if it has some.
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
    case head
    case body
    /// No further request is read until it is known whether the connection speaks HTTP on.
    case paused
    /// No further request comes.
    case closed
  }

  private var state = State.head
  private var afterBody = State.head
  private var afterPause = State.head
  private var parser = RequestHeadParser()
  private var body = BodyReader(.none)

  /// Makes a reader at the start of a connection.
  public init() {}

  /// Whether a request with `Upgrade`, or a CONNECT, waits for its answer: what follows in the
  /// input belongs to the other protocol, or is the next request after `resume`.
  public var isPaused: Bool { state == .paused }

  /// Whether the sender's last request was read: what follows in the input is to be ignored.
  public var isClosed: Bool { state == .closed }

  /// Whether the connection may end here: no request has begun.
  public var isBetweenRequests: Bool { state != .body }

  /// Reads on after a request to change the protocol that was declined.
  public mutating func resume() {
    if state == .paused { state = afterPause }
  }

  /// Reads on.
  public mutating func next(_ input: RawSpan) throws(HTTPFault) -> Step {
    switch state {
    case .head:
      guard let head = try parser.parse(input) else {
        return Step(consumedByteCount: 0, event: nil)
      }
      body = BodyReader(head.framing)
      state = .body
      afterPause = head.isKeepAlive ? .head : .closed
      afterBody = head.wantsUpgrade || head.method == .connect ? .paused : afterPause
      return Step(consumedByteCount: head.byteCount, event: .head(head))
    case .body:
      let step = try body.next(input)
      if !step.data.isEmpty {
        return Step(consumedByteCount: step.consumedByteCount, event: .body(step.data))
      }
      if step.isFinished {
        state = afterBody
        return Step(
          consumedByteCount: step.consumedByteCount, event: .end(trailers: step.trailers))
      }
      return Step(consumedByteCount: step.consumedByteCount, event: nil)
    case .paused, .closed:
      return Step(consumedByteCount: 0, event: nil)
    }
  }
}
