internal import ByteBuffers
internal import HTTPProtocol
internal import Timekeeping
internal import Transports

extension VisitorConnection {
  // MARK: From the local service

  func serviceDidReceive(_ service: ServiceStream, _ bytes: UnsafeRawBufferPointer) {
    guard service === self.service, let exchange else { return }
    lastActiveAt = now
    exchange.hasAnswerByte = true
    if exchange.isAnswered {
      // Nobody asked for more.
      exchange.isStreamKept = false
    } else if service.input.isEmpty {
      let consumed = readAnswer(service, exchange, bytes.bytes)
      if consumed < bytes.count {
        service.input.append(UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
      }
    } else {
      service.input.append(bytes)
      // Nothing changes the queue while it is read.
      let consumed = readAnswer(service, exchange, service.input.readableBytes.bytes)
      service.input.removeFirst(consumed)
    }
    endTurn(service, exchange)
  }

  /// - Returns: how many bytes were read; the rest is needed again, or is none of the answer.
  private func readAnswer(
    _ service: ServiceStream, _ exchange: Exchange, _ bytes: RawSpan
  ) -> Int {
    var consumed = 0
    while service === self.service, !exchange.isAnswered {
      let rest = bytes.extracting(consumed..<bytes.byteCount)
      let step: ResponseReader.Step
      do throws(HTTPFault) {
        step = try service.reader.next(rest)
      } catch {
        serviceIsWrong(exchange)
        return consumed
      }
      consumed += step.consumedByteCount
      switch step.event {
      case .head(let head):
        beginAnswer(head, exchange)
        if head.isTunnel { return consumed }
      case .body(let range): passAnswer(rest.extracting(range), exchange)
      case .end(let trailers): endAnswer(trailers, exchange)
      case nil: if step.consumedByteCount == 0 { return consumed }
      }
    }
    return consumed
  }

  private func endTurn(_ service: ServiceStream, _ exchange: Exchange) {
    guard phase != .closed else { return }
    if service === self.service {
      if exchange.answer != nil, service.reader.isFinished, !exchange.isAnswered {
        return startTunnel(service, exchange)
      }
      if exchange.isAnswered {
        if !service.input.isEmpty { exchange.isStreamKept = false }
        service.input.removeAll()
        // A body that nobody was asked for is not waited for.
        if exchange.endedAt != nil || !exchange.isContinued { finishExchange() }
      }
    }
    readQueued()
  }

  // MARK: Parts of an answer

  private func beginAnswer(_ head: ResponseHead, _ exchange: Exchange) {
    var head = head
    if head.isTunnel, !exchange.mayBecomeTunnel { return serviceIsWrong(exchange) }
    if head.isInterim {
      guard exchange.visitor.takesInterimResponses else { return }
      if head.status == .continuing { exchange.isContinued = true }
      _ = head.prepareForVisitor(exchange.visitor)
      return head.write(into: &toVisitor)
    }
    // Whoever was not told to send his body may send it or not: nobody can tell where his next
    // request begins (RFC 9110, section 10.1.1).
    // Of a body that is not over when its answer begins, a service that ends the stream behind that
    // answer takes no more, and the visitor's connection ends too. Many that refuse a body end the
    // stream without having said so, which is known only when the head is on its way.
    let isBodyUnread =
      exchange.endedAt == nil && (!head.isKeepAlive || head.status.code >= 400)
    if !exchange.isContinued || isBodyUnread || gateway.isDraining {
      exchange.visitor.endConnection()
    }
    exchange.isStreamKept = head.isKeepAlive
    let answer = head.prepareForVisitor(
      exchange.visitor, fieldsToSet: exchange.route?.rules.responseFields ?? [])
    exchange.answer = answer
    exchange.isLast = !answer.isKeepAlive && !head.isTunnel
    exchange.outcome = .answered
    exchange.record?.status = head.status.code
    exchange.record?.timeToHead = now - exchange.beganAt
    head.write(into: &toVisitor, addingDate: answer.lacksDate ? gateway.dateText : nil)
  }

  private func passAnswer(_ data: RawSpan, _ exchange: Exchange) {
    exchange.record?.sentByteCount += data.byteCount
    guard let framing = exchange.answer?.framing else { return }
    switch framing {
    case .chunked: ChunkWriter.write(data, into: &toVisitor)
    case .none: break
    case .length, .untilClose:
      guard data.byteCount >= GatewayLimits.joinedWriteByteCountMax else {
        return toVisitor.append(data)
      }
      flush()
      data.withUnsafeBytes { stream.write($0) }
    }
  }

  private func endAnswer(_ trailers: FieldTable?, _ exchange: Exchange) {
    if exchange.answer?.framing == .chunked {
      ChunkWriter.writeLast(trailers: trailers, into: &toVisitor)
    }
    exchange.isAnswered = true
  }

  // MARK: Ends of the local service

  func serviceDidProgress(_ service: ServiceStream) {
    guard service === self.service else { return }
    lastActiveAt = now
    readQueued()
  }

  func serviceDidEnd(_ service: ServiceStream) {
    guard service === self.service, let exchange else { return }
    if exchange.isAnswered { return answerEndedEarly(exchange) }
    do throws(HTTPFault) {
      _ = try service.reader.handleEndOfInput()
      endAnswer(nil, exchange)
      if exchange.endedAt == nil { return answerEndedEarly(exchange) }
      finishExchange()
      readQueued()
    } catch {
      serviceIsGone(service, exchange)
    }
  }

  func serviceDidFail(_ service: ServiceStream, _ reason: CloseReason) {
    guard service === self.service, let exchange else { return }
    if exchange.isAnswered { return answerEndedEarly(exchange) }
    guard case .codingFailed = reason else { return serviceIsGone(service, exchange) }
    serviceIsWrong(exchange)
    readQueued()
  }

  /// The answer is complete, the request is not, and nobody takes the rest of it.
  private func answerEndedEarly(_ exchange: Exchange) {
    exchange.isLast = true
    dropService()
    finishExchange()
    settle()
  }

  /// No answer, or not all of it, will come on this stream.
  private func serviceIsGone(_ service: ServiceStream, _ exchange: Exchange) {
    dropService()
    if exchange.answer != nil {
      breakOffAnswer(exchange)
    } else if exchange.hasAnswerByte {
      exchange.outcome = .failed
      answer(.badGateway)
    } else if service.hasServed, exchange.isRepeatable {
      // A fresh stream has not served, so that this is done once.
      exchange.isSent = false
      requestStream(for: exchange)
    } else {
      exchange.outcome = .failed
      answerUnserved(exchange)
    }
    readQueued()
  }

  /// What the local service says is no answer.
  private func serviceIsWrong(_ exchange: Exchange) {
    exchange.isSent = true
    dropService()
    exchange.outcome = .failed
    if exchange.answer != nil { breakOffAnswer(exchange) } else { answer(.badGateway) }
  }

  /// The visitor has got a part of an answer, and must not take it for the whole.
  func breakOffAnswer(_ exchange: Exchange) {
    exchange.outcome = .failed
    exchange.isLast = true
    // There the end of the connection would be the end of the body.
    if exchange.answer?.framing == .untilClose { abort() } else { finishExchange() }
  }
}
