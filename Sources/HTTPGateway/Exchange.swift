internal import HTTPProtocol
internal import Timekeeping

/// One request with its answer.
final class Exchange {
  /// What the log shows as the code when the visitor left without one; nginx has made it known.
  static let visitorLeftCode = 499

  /// The head as the local service gets it.
  var head: RequestHead
  /// How answers to it are written.
  var visitor: VisitorExchange
  /// Where it goes; `nil` for nowhere.
  var route: GatewayRoute?
  /// The line of the log; `nil` when none is written.
  var record: AccessRecord?
  /// How the end of the request's body is found.
  let framing: BodyFraming
  /// Whether the answer may make a tunnel of the connection.
  let mayBecomeTunnel: Bool
  /// Whether the local service is spoken to in HTTP/2, as gRPC demands it. Both sides of such an
  /// exchange may talk and be silent as they like.
  let isForHTTP2: Bool

  /// When its head was there.
  let beganAt: Instant
  /// When its last byte was there.
  var endedAt: Instant?
  /// Whether the host is looking for a stream.
  var isStreamAwaited = false
  /// Whether the host was asked for one.
  var hasAskedForStream = false
  /// Whether bytes of it went to the local service.
  var isSent = false
  /// Whether the visitor was told to send the body, or has begun to.
  var isContinued = false
  /// Whether bytes of an answer came.
  var hasAnswerByte = false
  /// How the answer's body is written, once its head is.
  var answer: ForwardedResponse?
  /// Whether the answer is complete.
  var isAnswered = false
  /// Whether the local service lets its stream go on behind the answer.
  var isStreamKept = false
  /// Whether the visitor's connection ends behind the answer.
  var isLast = false
  /// What the local service was good for.
  var outcome = ServiceOutcome.abandoned

  init(_ head: RequestHead, now: Instant) {
    self.head = head
    visitor = VisitorExchange(head)
    framing = head.framing
    mayBecomeTunnel = head.wantsUpgrade || head.method == .connect
    isForHTTP2 = head.isGRPC
    isContinued = !head.expectsContinue
    beganAt = now
  }

  /// Whether it may be sent again: twice is the same as once, and all of it is at hand.
  var isRepeatable: Bool {
    framing == .none && !mayBecomeTunnel && visitor.method.isIdempotent
  }

  /// Whether the rest of it can be dropped, so that the connection goes on behind an answer of our
  /// own.
  var isDroppable: Bool {
    switch framing {
    case .none: true
    case .length(let byteCount):
      byteCount <= GatewayLimits.discardedByteCountMax && isContinued
    case .chunked, .untilClose: false
    }
  }
}
