internal import LinuxSystem
internal import Reactor

/// One end of a spliced pair: a registered descriptor and what the last edges said about it.
final class SplicedSocket: ReadinessHandler {
  /// What the edges have said so far.
  struct State {
    var isReadable: Bool
    var isWritable: Bool
    /// The peer's FIN or reset has come, or urgent data: a short read is not the last one.
    var hasHangup: Bool
  }

  var relay: SpliceRelay?
  var state: State
  let number: CInt

  private let context: TransportContext
  private var descriptor: FileDescriptor?
  private var registration: RegistrationID?

  /// Takes a socket and its registration over.
  init(
    _ context: TransportContext, owning descriptor: consuming FileDescriptor,
    _ registration: RegistrationID, _ state: State
  ) {
    self.context = context
    self.state = state
    number = descriptor.rawValue
    self.descriptor = consume descriptor
    self.registration = registration
    context.loop.transfer(registration, to: self)
  }

  func handleReadiness(_ readiness: Readiness) {
    // Seen here too, as a direction whose sink is stalled reads nothing.
    if readiness.contains(.error), let relay, !relay.hasEnded(self),
      let error = Socket.pendingError(number)
    {
      return relay.socket(self, didFail: error)
    }
    if !readiness.isDisjoint(with: [.urgent, .readHangup, .hangup, .error]) {
      state.hasHangup = true
    }
    if !readiness.isDisjoint(with: [.readable, .readHangup, .hangup, .error]) {
      state.isReadable = true
    }
    if !readiness.isDisjoint(with: [.writable, .hangup, .error]) { state.isWritable = true }
    relay?.socketIsReady(self)
  }

  /// Has the relay called in the next turn.
  func requeue() {
    if let registration { context.loop.requeue(registration, []) }
  }

  func abort() {
    if registration != nil { Socket.resetOnClose(number) }
    close()
  }

  func close() {
    if let registration { context.loop.deregister(registration, isClosing: true) }
    registration = nil
    descriptor = nil
    relay = nil
  }

  /// Closes so that the peer gets all of what was sent.
  func lingerAndClose() {
    if let registration { context.loop.deregister(registration) }
    registration = nil
    relay = nil
    if let open = descriptor.take() {
      (try? SocketStream(context, owning: open))?.close()
    }
  }
}
