internal import ByteBuffers
internal import HTTPProtocol
internal import Timekeeping
internal import Transports

extension VisitorConnection {
  // MARK: Heads

  /// A request begins: finds where it goes, whether it may, and a stream to there.
  func beginRequest(_ head: RequestHead) {
    let exchange = Exchange(head, now: now)
    self.exchange = exchange
    phase = .exchanging
    hasAsked = true
    if gateway.isDraining { exchange.visitor.endConnection() }
    if gateway.host.isAccessLogged {
      exchange.record = AccessRecord(
        head, visitorAddress: addressText, secondsSinceEpoch: gateway.host.secondsSinceEpoch)
      exchange.record?.isHTTP2 = origin.isHTTP2
    }
    guard let route = gateway.host.route(of: head, from: origin) else {
      if origin.isSecure, gateway.host.isMisdirected(head) { return answer(.misdirected) }
      return answerUnserved(exchange)
    }
    exchange.route = route
    exchange.record?.proxy = route.service.name
    if let credentials = route.rules.credentials, !credentials.matches(head.credentials) {
      return answer(.unauthorized(isProxyForm: head.isProxyForm))
    }
    // A CONNECT goes on as it came: it is for a proxy behind the local port (behaviour.md 4.2).
    if head.method != .connect {
      exchange.head.prepareForLocalService(
        route.rules.rewriting, visitorAddress: addressText, isSecure: origin.isSecure)
    }
    let idle = route.service.take(
      isRepeatable: exchange.isRepeatable, isHTTP2: exchange.isForHTTP2)
    if let idle {
      attach(idle, exchange)
    } else {
      requestStream(for: exchange)
    }
  }

  /// Has the host look for a fresh stream.
  func requestStream(for exchange: Exchange) {
    guard let service = exchange.route?.service else { return }
    phase = .waiting
    exchange.isStreamAwaited = true
    exchange.hasAskedForStream = true
    let request = gateway.host.requestStream(to: service, for: origin) { [self] connection in
      streamDidCome(connection, for: exchange)
    }
    // It may have come already.
    if exchange.isStreamAwaited { streamRequest = request }
  }

  private func streamDidCome(_ connection: ServiceConnection?, for exchange: Exchange) {
    exchange.isStreamAwaited = false
    guard self.exchange === exchange, phase == .waiting, let service = exchange.route?.service
    else {
      connection?.stream.abort()
      return
    }
    streamRequest = nil
    if let connection {
      let context = exchange.isForHTTP2 ? gateway.context : nil
      attach(ServiceStream(service, connection, overHTTP2: context), exchange)
    } else {
      exchange.outcome = .failed
      phase = .exchanging
      answerUnserved(exchange)
    }
    // Inside of the reading of requests, this does nothing.
    readQueued()
  }

  private func attach(_ stream: ServiceStream, _ exchange: Exchange) {
    phase = .exchanging
    service = stream
    stream.begin(for: self, exchange.visitor.method)
    exchange.head.write(into: &toService)
  }

  // MARK: Bodies

  func passBody(_ data: RawSpan) {
    guard let exchange else { return }
    exchange.isContinued = true
    exchange.record?.receivedByteCount += data.byteCount
    guard let service else { return }
    switch exchange.framing {
    case .chunked: ChunkWriter.write(data, into: &toService)
    case .none, .length, .untilClose:
      guard data.byteCount >= GatewayLimits.joinedWriteByteCountMax else {
        return toService.append(data)
      }
      // What is behind such a body cannot be a fault of this request.
      flush()
      exchange.isSent = true
      data.withUnsafeBytes { service.stream.write($0) }
    }
  }

  func endRequest(_ trailers: FieldTable?) {
    guard let exchange else { return }
    exchange.endedAt = now
    if exchange.framing == .chunked, service != nil {
      ChunkWriter.writeLast(trailers: trailers, into: &toService)
    }
    if exchange.isAnswered { finishExchange() }
  }

  // MARK: Answers of our own

  /// Answers the request ourselves. What comes of it is dropped if it is little; otherwise the
  /// connection ends.
  func answer(_ answer: HTTPAnswer, isLast: Bool = false) {
    guard let exchange else { return }
    dropService()
    let isOver = exchange.endedAt != nil
    let isKept = !isLast && !gateway.isDraining && (isOver || exchange.isDroppable)
    let goesOn = answer.write(
      to: exchange.visitor, isKeepAlive: isKept, date: gateway.dateText, into: &toVisitor)
    exchange.isAnswered = true
    exchange.isLast = !goesOn
    if exchange.record != nil {
      exchange.record?.status = answer.status.code
      exchange.record?.timeToHead = now - exchange.beganAt
      exchange.record?.sentByteCount = exchange.visitor.method == .head ? 0 : answer.body.count
    }
    if isOver || !goesOn { finishExchange() }
  }

  /// Nobody serves the request. A call of gRPC is to be tried again: 404 would tell its client that
  /// there is no such method.
  func answerUnserved(_ exchange: Exchange) {
    answer(
      exchange.isForHTTP2
        ? .serviceUnavailable : .notFoundPage(custom: gateway.host.notFoundPage))
  }

  /// Answers something that is no request, or no whole one.
  func refuse(_ fault: HTTPFault) {
    guard let exchange else { return answerUnread(HTTPAnswer(fault)) }
    if exchange.isAnswered || exchange.answer != nil {
      // The answer is on its way, and the rest of the request is no request.
      exchange.isLast = true
      dropService()
      finishExchange()
    } else {
      answer(HTTPAnswer(fault), isLast: true)
    }
  }

  /// Answers something of which no head was read; the connection ends.
  func answerUnread(_ answer: HTTPAnswer) {
    answer.write(
      to: VisitorExchange(), isKeepAlive: false, date: gateway.dateText, into: &toVisitor)
    isEnding = true
    guard gateway.host.isAccessLogged else { return }
    var record = AccessRecord(
      unreadFrom: addressText, secondsSinceEpoch: gateway.host.secondsSinceEpoch)
    record.status = answer.status.code
    record.sentByteCount = answer.body.count
    record.timeToHead = phase == .head ? now - headBeganAt : .zero
    record.duration = record.timeToHead
    gateway.host.write(record)
  }

  /// Gives up the stream of a request that will not be sent, or not to its end.
  func dropService() {
    toService.removeAll()
    if let streamRequest {
      self.streamRequest = nil
      gateway.host.cancelStream(streamRequest)
    }
    guard let service else { return }
    self.service = nil
    if exchange?.isSent == true { service.abort() } else { service.release() }
  }
}
