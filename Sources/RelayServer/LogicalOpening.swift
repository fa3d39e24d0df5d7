internal import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// A logical connection whose first message is awaited; the message decides what it becomes
/// (wire-protocol.md 1.4).
final class LogicalOpening {
  private let server: RelayServer
  private let carrier: InboundCarrier
  private let channel: MessageChannel
  private var deadline: TimerID?
  private var answerTimer: TimerID?
  private var isOver = false

  init(_ server: RelayServer, _ carrier: InboundCarrier, _ stream: any ByteStream) {
    self.server = server
    self.carrier = carrier
    channel = MessageChannel(server.context, over: stream)
  }

  /// Waits for the message. `bytes` came already.
  func begin(_ bytes: UnsafeRawBufferPointer) {
    deadline = server.context.loop.schedule(after: RelayServerLimits.bringUpTimeout) {
      [unowned self] in
      // Cancelled in `conclude` and `abandon`.
      deadline = nil
      channel.close()
      conclude(isTaken: false)
    }
    channel.onMessage = { [unowned self] message in
      // The channel is detached, closed or given away before `self` goes away.
      handle(message)
    }
    channel.onEnd = { [unowned self] _ in conclude(isTaken: false) }
    channel.inject(bytes)
  }

  /// The carrier is gone.
  func abandon() {
    guard !isOver else { return }
    isOver = true
    cancelDeadline()
    channel.close()
  }

  private func handle(_ message: Message) {
    switch message {
    case .login(let login):
      // Whatever comes behind it has to wait for the answer, and nobody sends before that.
      channel.onMessage = nil
      decide(login)
    case .newWorkConnection(let greeting):
      takeWorkConnection(greeting)
    case .newVisitorConnection(let greeting):
      refuseVisitor(greeting)
    case .loginResponse, .newProxy, .newProxyResponse, .closeProxy, .requestWorkConnection,
      .startWorkConnection, .newVisitorConnectionResponse, .ping, .pong, .udpPacket,
      .natHoleVisitor, .natHoleClient, .natHoleResponse, .natHoleSid, .natHoleReport:
      // A known message in the wrong place: closed without an answer.
      channel.close()
      conclude(isTaken: false)
    }
  }

  private func decide(_ login: Login) {
    switch server.judge(login, from: carrier) {
    case .accepted(let id, let runID, let credential):
      channel.onEnd = nil
      server.beginSession(id, runID: runID, login, credential, over: channel, on: carrier)
      conclude(isTaken: true)
    case .refused(let text, let answerTime):
      refuse(text, at: answerTime)
    case .dropped:
      channel.abort()
      conclude(isTaken: false)
      carrier.close(isReset: true)
    case .contested(let owner, let text):
      server.probe(owner) { [weak self] isAlive in
        // The peer may have left meanwhile.
        guard let self, !isOver else { return }
        if isAlive { refuse(text, at: server.context.loop.now) } else { decide(login) }
      }
    }
  }

  /// Refuses a login, not before `time`.
  private func refuse(_ text: ControlErrorText, at time: Instant) {
    guard time <= server.context.loop.now else {
      answerTimer = server.context.loop.schedule(at: time) { [unowned self] in
        // Cancelled in `conclude` and `abandon`.
        answerTimer = nil
        refuse(text, at: server.context.loop.now)
      }
      return
    }
    server.refuse(channel, text)
    conclude(isTaken: false)
  }

  private func takeWorkConnection(_ greeting: NewWorkConnection) {
    if let refusal = server.refusal(of: greeting, from: carrier) {
      if let text = refusal.answer {
        var answer = StartWorkConnection()
        answer.error = text
        channel.send(.startWorkConnection(answer))
      }
      channel.close()
      return conclude(isTaken: false)
    }
    let stream = channel.stream
    let rest = channel.detach()
    conclude(isTaken: true)
    server.addWorkConnection(stream, rest: rest, runID: greeting.runID, from: carrier)
  }

  private func refuseVisitor(_ greeting: NewVisitorConnection) {
    var answer = NewVisitorConnectionResponse()
    answer.proxyName = greeting.proxyName
    answer.error = server.refusal(of: greeting)
    channel.send(.newVisitorConnectionResponse(answer))
    channel.close()
    conclude(isTaken: false)
  }

  private func conclude(isTaken: Bool) {
    guard !isOver else { return }
    isOver = true
    cancelDeadline()
    carrier.openingDidConclude(self, isTaken: isTaken)
  }

  private func cancelDeadline() {
    for timer in [deadline, answerTimer] {
      if let timer { server.context.loop.cancel(timer) }
    }
    deadline = nil
    answerTimer = nil
  }
}
