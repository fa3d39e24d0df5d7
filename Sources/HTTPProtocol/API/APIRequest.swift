internal import ByteBuffers

/// A request to one of our own servers, with all of its body.
public struct APIRequest: Sendable {
  /// The head.
  public let head: RequestHead
  /// The parameters behind the question mark.
  public let query: QueryParameters
  /// The body.
  public let body: [UInt8]

  /// What is asked for.
  public var method: HTTPMethod { head.method }
  /// The path as it was written.
  public var path: String { head.pathText }
  /// How answers to it are written.
  public var exchange: VisitorExchange { VisitorExchange(head) }

  /// Whether it comes with that user and password; everybody's does where both are empty
  /// (http-api.md 1).
  public func isAuthorized(user: String, password: String) -> Bool {
    if user.isEmpty, password.isEmpty { return true }
    return BasicCredentials(user: user, password: password).matches(
      head.fields.first(.authorization).flatMap { BasicCredentials(fieldValue: $0) })
  }
}

extension APIRequest {
  /// Whether a browser has sent it for a page of another site (Fetch Metadata, RFC 6454). Programs
  /// send neither of the two fields.
  public var isCrossSite: Bool {
    if let site = head.fields.first(named: "Sec-Fetch-Site") {
      return site != "same-origin" && site != "none"
    }
    guard let origin = head.fields.first(named: "Origin") else { return false }
    guard let colon = origin.firstIndex(of: ":"), origin[colon...].hasPrefix("://") else {
      return true
    }
    return origin[colon...].dropFirst(3).lowercased() != head.authorityText.lowercased()
  }
}

/// Reads the requests of one connection to one of our own servers, each with its whole body, which
/// is bounded.
///
/// Give `next` the bytes that were not consumed so far. An answer may be written as soon as a
/// request is there; the next one is read when the caller asks.
public struct APIRequestReader: Sendable {
  /// What was found at the front of the input.
  public enum Event: Sendable {
    /// More bytes are needed.
    case moreBytesNeeded
    /// The sender waits for a 100 before he sends the body.
    case continueExpected
    /// A request.
    case request(APIRequest)
    /// The request cannot be read; answer, and close the connection.
    case refused(HTTPAnswer)
  }

  private let bodyByteCountMax: Int
  private var reader = RequestReader()
  private var head: RequestHead?
  private var body: [UInt8] = []
  private var isRefused = false

  /// Makes a reader at the start of a connection.
  public init(bodyByteCountMax: Int) { self.bodyByteCountMax = bodyByteCountMax }

  /// Whether no further request is read: the connection is to be closed behind the last answer.
  public var isClosed: Bool { isRefused || reader.isClosed || reader.isPaused }

  /// Whether the connection may end here: no request has begun.
  public var isBetweenRequests: Bool { reader.isBetweenRequests }

  /// Reads on.
  ///
  /// - Parameter consumedByteCount: how many bytes to drop from the front of the input.
  public mutating func next(_ input: RawSpan, consumedByteCount: inout Int) -> Event {
    consumedByteCount = 0
    guard !isRefused else { return .moreBytesNeeded }
    do throws(HTTPFault) {
      while true {
        let rest = input.extracting(consumedByteCount..<input.byteCount)
        let step = try reader.next(rest)
        consumedByteCount += step.consumedByteCount
        guard let event = step.event else {
          if step.consumedByteCount == 0 { return .moreBytesNeeded }
          continue
        }
        if let found = take(event, rest) { return found }
      }
    } catch {
      return refuse(HTTPAnswer(error))
    }
  }

  private mutating func take(_ event: RequestReader.Event, _ input: RawSpan) -> Event? {
    switch event {
    case .head(let head):
      self.head = head
      body = []
      if case .length(let byteCount) = head.framing, byteCount > bodyByteCountMax {
        return refuse(HTTPAnswer(.contentTooLarge, text: "413 Content Too Large"))
      }
      return head.expectsContinue ? .continueExpected : nil
    case .body(let range):
      guard range.count <= bodyByteCountMax - body.count else {
        return refuse(HTTPAnswer(.contentTooLarge, text: "413 Content Too Large"))
      }
      body += Array(input.extracting(range))
      return nil
    case .end:
      guard let head else { return nil }
      self.head = nil
      // Our servers speak nothing else.
      if head.method != .connect { reader.resume() }
      let request = APIRequest(head: head, query: QueryParameters(head.queryText), body: body)
      body = []
      return .request(request)
    }
  }

  private mutating func refuse(_ answer: HTTPAnswer) -> Event {
    isRefused = true
    body = []
    return .refused(answer)
  }
}
