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
      channel.onMessage = nil
      channel.onEnd = nil
      let isTaken = server.logIn(login, over: channel, on: carrier)
      conclude(isTaken: isTaken)
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

  private func takeWorkConnection(_ greeting: NewWorkConnection) {
    if let refusal = server.refusal(of: greeting) {
      var answer = StartWorkConnection()
      answer.error = refusal
      channel.send(.startWorkConnection(answer))
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
    if let deadline { server.context.loop.cancel(deadline) }
    deadline = nil
  }
}
