#if DEBUG
  import LinuxSystem
  import SimulationKit
  import Timekeeping

  /// What can go wrong in a run.
  enum FaultKind: CaseIterable {
    /// Packets between client and relay are lost now and then.
    case loss
    /// Packets take much longer for a while.
    case delay
    /// Nothing passes between client and relay for a while, in one direction or both.
    case blackHole
    /// Something in the middle resets a connection between client and relay.
    case carrierReset
    /// The same between a user and the relay.
    case userReset
    /// A process stops for a while.
    case stall
    /// The client's machine sleeps.
    case sleep
    /// A wall clock is set.
    case clockSet
    /// The client's address is replaced.
    case addressChange
    /// The client's address goes away, and another one comes later.
    case addressLoss
    /// The relay is killed and started again.
    case serverRestart
    /// The relay's machine loses its power, and the relay is started again.
    case relayCrash
    /// The client is killed and started again.
    case clientRestart

    /// Whether connections may break by it, or users be refused.
    var isDisturbing: Bool {
      switch self {
      case .loss, .delay, .clockSet: false
      case .blackHole, .carrierReset, .userReset, .stall, .sleep, .addressChange, .addressLoss,
        .serverRestart, .relayCrash, .clientRestart:
        true
      }
    }

    /// Whether a kernel or a kill ends connections by it in the middle, in order or not.
    var isCutting: Bool {
      switch self {
      case .serverRestart, .relayCrash, .clientRestart: true
      case .loss, .delay, .clockSet, .blackHole, .carrierReset, .userReset, .stall, .sleep,
        .addressChange, .addressLoss:
        false
      }
    }
  }

  /// One fault of a run.
  struct Fault {
    var kind: FaultKind
    var at: Interval
    var lasts: Interval
    /// Decides about the rest.
    var choice: UInt64
  }

  /// All that a seed decides before a run.
  struct Scenario {
    var isTLS: Bool
    var isMux: Bool
    var isEncrypted: Bool
    var isCompressed: Bool
    var settings = SimulatedNetwork.Settings()
    var carrierLatency: Interval
    var userLatency: Interval
    var faults: [Fault] = []
    var users: [(at: Interval, plan: ConversationPlan)] = []
    var length: Interval
    var poolCount: Int
    var isEverythingAuthenticated: Bool
    var bandwidthLimit: String?
    var isLimitedByServer: Bool
    /// Whether both programs are stopped while users are busy.
    var isStoppedEarly: Bool

    /// Swarm testing (Groce and others, ISSTA 2012): each seed switches some kinds of faults off,
    /// so that the others are not drowned.
    init(seed: UInt64) {
      var stream = RandomStream(seed: seed, index: 1 << 40)
      isTLS = stream.happens(0.5)
      isMux = stream.happens(0.5)
      isEncrypted = stream.happens(0.2)
      isCompressed = stream.happens(0.2)
      poolCount = stream.element(of: [0, 1, 1, 3])
      isEverythingAuthenticated = stream.happens(0.2)
      bandwidthLimit = stream.happens(0.1) ? "200KB" : nil
      isLimitedByServer = stream.happens(0.5)
      isStoppedEarly = stream.happens(0.15)
      carrierLatency = .microseconds(stream.element(of: [100, 2000, 20_000, 120_000]))
      userLatency = .microseconds(stream.element(of: [100, 1000, 30_000]))
      settings.segmentBytes = stream.element(of: [1400, 8000, 16_384, 65_536])
      // Small buffers on a long way are so slow that nothing else can be told.
      let isShort = carrierLatency <= .milliseconds(2)
      let smallest = isShort ? 8000 : 256 * 1024
      settings.sendBufferBytes = stream.element(of: [smallest, 64 * 1024, 256 * 1024])
      settings.receiveBufferBytes = stream.element(of: [smallest, 64 * 1024, 512 * 1024])
      if stream.happens(0.5) { settings.shortWriteShare = stream.element(of: [0.05, 0.3]) }
      length = .milliseconds(stream.number(in: 1500...12_000))
      let allowed = FaultKind.allCases.filter { _ in stream.happens(0.35) }
      if !allowed.isEmpty {
        for _ in 0..<stream.number(in: 0...4) {
          faults.append(Self.fault(stream.element(of: allowed), within: length, &stream))
        }
      }
      for _ in 0..<stream.number(in: 1...6) {
        let at = Interval.milliseconds(
          stream.number(below: Int(length.nanoseconds / 1_000_000)))
        users.append((at, .random(&stream)))
      }
    }

    private static func fault(
      _ kind: FaultKind, within length: Interval, _ stream: inout RandomStream
    ) -> Fault {
      let at = Interval.milliseconds(stream.number(below: Int(length.nanoseconds / 1_000_000)))
      let milliseconds =
        switch kind {
        case .loss, .delay: stream.number(in: 100...5000)
        case .blackHole: stream.element(of: [300, 2000, 9000, 16_000, 40_000])
        case .stall: stream.element(of: [50, 1000, 7000, 15_000])
        case .sleep: stream.element(of: [500, 4000, 6000, 60_000])
        case .addressLoss: stream.element(of: [100, 900, 2000, 8000])
        case .serverRestart, .relayCrash, .clientRestart: stream.element(of: [0, 100, 1500, 6000])
        case .carrierReset, .userReset, .clockSet, .addressChange: 0
        }
      return Fault(kind: kind, at: at, lasts: .milliseconds(milliseconds), choice: stream.next())
    }

    /// When the last fault is over.
    var faultsEnd: Interval { faults.map { $0.at + $0.lasts }.max() ?? .zero }

    /// How soon a new user must be served behind the last fault. What is known at once takes a
    /// second or so; what shows by silence alone takes as long as silence may last.
    var recoveryBound: Interval {
      faults.map { fault in
        switch fault.kind {
        case .loss, .delay, .clockSet, .userReset: Interval.seconds(2)
        case .addressChange: .seconds(2)
        case .addressLoss: .seconds(3)
        case .carrierReset, .serverRestart: .seconds(4)
        // It has another run ID, and the relay first asks the former session.
        case .clientRestart: .seconds(6)
        // The client asks after 5 s of silence, or its kernel after 6.
        case .relayCrash: .seconds(8)
        case .blackHole, .stall, .sleep: .seconds(15)
        }
      }.max() ?? .seconds(1)
    }
  }
#endif
