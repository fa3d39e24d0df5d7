internal import LinuxSystem
internal import Reactor
internal import Timekeeping

/// Watches the way to the server: tells when the connection that uses it is of no use any more,
/// and when there may be a way again.
///
/// | event of the kernel | a connection is there | none is there |
/// |---|---|---|
/// | its way is as before | nothing | – |
/// | another way | `.changed` | – |
/// | no way | `.changed` after a short while, unless the way comes back | – |
/// | the routes to the server differ from those at the last attempt | – | `.appeared` |
/// | the machine has slept | `.changed` | `.appeared` |
final class PathWatch {
  /// What the client is told.
  enum Event: Equatable {
    /// The connection is of no use; why.
    case changed(String)
    /// Another attempt may succeed where the last one did not.
    case appeared
  }

  private let loop: EventLoop
  private let literalServer: SocketAddress?
  private let chosenSource: SocketAddress?
  private let onEvent: (Event) -> Void
  private var watcher: NetworkWatcher?
  private var path: ServerPath?
  private var lastPeer: SocketAddress?
  private var attempted: [RouteAnswer?] = []
  private var lossTimer: TimerID?

  /// Starts to watch.
  ///
  /// - Parameters:
  ///   - literalServer: the server's address when the configuration has no name for it.
  ///   - chosenSource: the address that the configuration wants to send from.
  init(
    _ loop: EventLoop, literalServer: SocketAddress?, chosenSource: SocketAddress?,
    onEvent: @escaping (Event) -> Void
  ) {
    self.loop = loop
    self.literalServer = literalServer
    self.chosenSource = chosenSource
    self.onEvent = onEvent
    // Without routing sockets, as in some sandboxes, a dead way is noticed by its silence.
    watcher = try? NetworkWatcher(loop) { [unowned self] change in
      // Closed in `close()`, before `self` goes away.
      handle(change)
    }
  }

  /// An attempt to reach the server begins, and no connection is there.
  func attemptWillBegin() {
    forgetConnection()
    attempted = currentAnswers()
  }

  /// The connection of the attempt is there.
  func didConnect(from local: SocketAddress, to peer: SocketAddress) {
    var local = local
    local.port = 0
    lastPeer = peer
    guard let route = watcher?.route(to: peer, from: chosenSource) else { return }
    path = ServerPath(local: local, peer: peer, chosenSource: chosenSource, route: route)
  }

  /// The connection is gone.
  func forgetConnection() {
    path = nil
    cancelLoss()
  }

  /// Whether no packet could be sent to the server now, as far as is known.
  var isCutOff: Bool {
    let answers = currentAnswers().compactMap(\.self)
    return !answers.isEmpty && answers.allSatisfy { !$0.isReachable }
  }

  /// Stops watching.
  func close() {
    forgetConnection()
    watcher?.close()
    watcher = nil
  }

  // MARK: Events

  private func handle(_ change: NetworkChange) {
    switch change {
    case .slept(let time):
      if path == nil { return onEvent(.appeared) }
      onEvent(.changed("this machine has slept for \(Int(time.inSeconds)) s"))
    case .routesChanged:
      if let path { examine(path) } else { compareWithAttempt() }
    }
  }

  private func examine(_ path: ServerPath) {
    let finding = path.finding(
      isLocalPresent: Socket.isLocal(path.local),
      current: watcher?.route(to: path.peer, from: chosenSource))
    switch finding {
    case .intact: cancelLoss()
    case .changed(let text): onEvent(.changed(text))
    case .lost(let text): awaitReturn(text)
    }
  }

  /// Gives a way that is gone a short while: who configures an interface anew often takes
  /// everything away and gives it back, and its connections do not notice.
  private func awaitReturn(_ text: String) {
    guard lossTimer == nil else { return }
    lossTimer = loop.schedule(after: TunnelClientLimits.pathLossGrace) { [unowned self] in
      // Cancelled in `close()`.
      lossTimer = nil
      onEvent(.changed(text))
    }
  }

  private func cancelLoss() {
    if let lossTimer { loop.cancel(lossTimer) }
    lossTimer = nil
  }

  private func compareWithAttempt() {
    let answers = currentAnswers()
    guard answers != attempted else { return }
    attempted = answers
    if answers.contains(where: { $0?.isReachable == true }) { onEvent(.appeared) }
  }

  /// How this machine would send to the server as it was last seen, and to the world: the server's
  /// name may lead elsewhere now, and documentation addresses (RFC 5737, RFC 3849) stand for that.
  private func currentAnswers() -> [RouteAnswer?] {
    guard let watcher else { return [] }
    var targets = ["192.0.2.1", "2001:db8::1"].compactMap { SocketAddress(host: $0, port: 0) }
    if let known = lastPeer ?? literalServer { targets.append(known) }
    return targets.map { watcher.route(to: $0, from: sameFamily($0)) }
  }

  private func sameFamily(_ target: SocketAddress) -> SocketAddress? {
    chosenSource?.family == target.family ? chosenSource : nil
  }
}
