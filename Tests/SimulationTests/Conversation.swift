#if DEBUG
  import LinuxSystem
  import Reactor
  import SimulationKit
  import Timekeeping

  /// What one user does.
  struct ConversationPlan {
    enum Kind: UInt8, CaseIterable {
      /// The service sends back what it gets, and ends behind the user's end.
      case echo
      /// Both send at the same time, and each ends when it is done.
      case oneWay
      /// The user resets after its bytes and the service's.
      case userResets
      /// The service resets after its bytes.
      case serviceResets
    }

    var kind: Kind
    var userByteCount: Int
    var serviceByteCount: Int
    /// How long the user reads nothing at the start.
    var pause = Interval.zero

    var header: [UInt8] { [kind.rawValue] + words(userByteCount) + words(serviceByteCount) }

    private func words(_ value: Int) -> [UInt8] {
      [UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    func header(id: Int) -> [UInt8] {
      let bytes = header + words(id)
      return bytes + [UInt8](repeating: 0, count: Party.headerByteCount - bytes.count)
    }

    /// What a header says, with the user's number.
    static func decode(_ header: [UInt8]) -> (plan: ConversationPlan, id: Int)? {
      func word(_ at: Int) -> Int {
        Int(header[at]) << 16 | Int(header[at + 1]) << 8 | Int(header[at + 2])
      }
      guard let kind = Kind(rawValue: header[0]) else { return nil }
      return (
        ConversationPlan(kind: kind, userByteCount: word(1), serviceByteCount: word(4)), word(7)
      )
    }

    static func random(_ stream: inout RandomStream) -> ConversationPlan {
      func size() -> Int {
        switch stream.number(below: 20) {
        case 0: 0
        case 1: 1
        case 2...10: stream.number(in: 2...3000)
        case 11...16: stream.number(in: 3001...30_000)
        case 17...18: stream.number(in: 30_001...100_000)
        default: stream.number(in: 100_001...300_000)
        }
      }
      let kind = stream.happens(0.6) ? Kind.echo : stream.element(of: Kind.allCases)
      var plan = ConversationPlan(kind: kind, userByteCount: size(), serviceByteCount: size())
      // Its first byte tells the user that it is served.
      if kind == .userResets { plan.serviceByteCount = max(1, plan.serviceByteCount) }
      if stream.happens(0.1) { plan.pause = .milliseconds(stream.number(in: 1...3000)) }
      return plan
    }
  }

  /// One user, and what the local service saw of it.
  final class Conversation {
    /// How long a user who may be unlucky waits for a byte.
    static let patience = Interval.seconds(30)

    let id: Int
    let plan: ConversationPlan
    let startedAt: Instant
    private(set) var endedAt: Instant?
    /// Whether nothing went wrong meanwhile, so that all must be as planned.
    var isStrict: Bool
    private(set) var user: Party?
    var service: Party?
    private var progress = -1

    init(_ id: Int, _ plan: ConversationPlan, at now: Instant, isStrict: Bool) {
      self.id = id
      self.plan = plan
      startedAt = now
      self.isStrict = isStrict
    }

    var isOver: Bool { user?.isOver != false && service?.isOver != false }

    func begin(
      on loop: EventLoop, to address: SocketAddress, _ network: SimulatedNetwork
    ) throws {
      let socket = try Socket.makeTCP(.ipv4)
      try Socket.connect(socket.rawValue, to: address)
      let party = Party(loop, socket)
      party.header = plan.header(id: id)
      // What each sends is a stream of its own; an echo is the user's.
      party.sentStream = 2 * id
      party.receivedStream = plan.kind == .echo ? 2 * id : 2 * id + 1
      party.allowedCount = plan.userByteCount
      switch plan.kind {
      case .echo, .oneWay: party.isAllowanceFinal = true
      case .userResets: party.awaitedCount = plan.serviceByteCount
      case .serviceResets: break
      }
      party.ending = plan.kind == .userResets ? .reset : .fin
      if plan.pause > .zero { party.pause(for: plan.pause) }
      party.onOver = { [unowned self, unowned network] in endedAt = network.now }
      user = party
      watch(loop)
    }

    /// A user for whom nothing moves any more gives up, unless that would hide a mistake.
    private func watch(_ loop: EventLoop) {
      loop.schedule(after: Self.patience) { [weak self] in
        guard let self, let user, !user.isOver else { return }
        let current = user.progress
        if current == progress, !isStrict { user.abort() }
        progress = current
        watch(loop)
      }
    }

    /// The service has read the header.
    func serve(_ party: Party) {
      service = party
      party.receivedStream = 2 * id
      switch plan.kind {
      case .echo:
        party.sentStream = 2 * id
        party.isEcho = true
      case .oneWay, .userResets, .serviceResets:
        party.sentStream = 2 * id + 1
        party.allowedCount = plan.serviceByteCount
        party.isAllowanceFinal = plan.kind != .userResets
        party.ending = plan.kind == .serviceResets ? .reset : .fin
      }
    }

    // MARK: Judgement

    /// What was not as it must be.
    ///
    /// - Parameter mayBeCut: whether a process or kernel on the way has ended connections in order
    ///   in the middle of a stream: killed, or reset.
    func findMistakes(mayBeCut: Bool) -> [String] {
      guard let user else { return ["user \(id) never began"] }
      var found: [String] = []
      if user.isWrong { found.append("the user got wrong bytes") }
      if service?.isWrong == true { found.append("the service got wrong bytes") }
      if !user.isOver { found.append("the user's connection did not end: \(user.end)") }
      if service?.isOver == false { found.append("the service's connection did not end") }
      if user.receivedCount > expectedByteCount { found.append("the user got too much") }
      if (service?.receivedCount ?? 0) > plan.userByteCount {
        found.append("the service got too much")
      }
      if !mayBeCut { found += findCuts(user) }
      if isStrict { found += findDeviations(user) }
      return found.map { "user \(id) (\(plan.kind), \(plan.userByteCount)): \($0)" }
    }

    private var expectedByteCount: Int {
      plan.kind == .echo ? plan.userByteCount : plan.serviceByteCount
    }

    /// A FIN says that everything has come. The exception is a user who was never served.
    private func findCuts(_ user: Party) -> [String] {
      var found: [String] = []
      if user.end == .fin, service != nil, user.receivedCount < expectedByteCount {
        found.append("a FIN behind \(user.receivedCount) of \(expectedByteCount) bytes")
      }
      if let service, service.end == .fin, service.receivedCount < plan.userByteCount {
        found.append("the service got a FIN behind \(service.receivedCount) bytes")
      }
      return found
    }

    private func findDeviations(_ user: Party) -> [String] {
      guard let service else { return ["it was not served: \(user.end)"] }
      let ends = "user \(user.end), service \(service.end)"
      switch plan.kind {
      case .echo, .oneWay:
        if user.end == .fin, service.end == .fin { return [] }
      case .userResets:
        if user.end == .abandoned, service.isReset { return [] }
      case .serviceResets:
        if service.end == .abandoned, user.isReset { return [] }
      }
      return ["it ended otherwise than planned: \(ends)"]
    }
  }

  extension Party {
    fileprivate var isReset: Bool {
      switch end {
      case .failed(let error): error == .connectionReset || error == .brokenPipe
      case .open, .fin, .abandoned: false
      }
    }
  }
#endif
