#if DEBUG
  internal import CSimulation
  public import LinuxSystem
  internal import Reactor
  public import Timekeeping

  // Unchecked: everything happens on the thread that calls `run`.
  /// A network of hosts in memory, with one clock, one seed and one thread.
  ///
  /// It is the kernel (`SimulatedKernel`) of every process in it: while a process runs, `current`
  /// says whose descriptors, addresses and clocks are meant. The event loops of all processes are
  /// turned here, one after the other, until none has anything to do; then the clock jumps to the
  /// next packet, timer or deadline. So nothing waits, and what takes no time in the program takes
  /// none in the simulation.
  ///
  /// What is simulated is TCP as programs see it: connections with windows, acknowledgements,
  /// retransmission, FIN and RST, keepalive and TCP_USER_TIMEOUT; epoll, edge-triggered or not;
  /// addresses and routes with their notices; clocks that stand still while a host sleeps.
  ///
  /// The same seed gives the same run. Every connection draws from a random stream of its own, and
  /// arrivals have random nanoseconds, so that the order in which a program closes things at one
  /// moment (it may follow a dictionary) does not reach other connections. `digest` sums up what
  /// happened.
  public final class SimulatedNetwork: @unchecked Sendable {
    /// What applies to all connections.
    public struct Settings: Sendable {
      /// Bytes that a socket takes before they are acknowledged.
      public var sendBufferBytes = 128 * 1024
      /// Bytes that a socket keeps until they are read.
      public var receiveBufferBytes = 128 * 1024
      /// The most bytes of one packet.
      public var segmentBytes = 16 * 1024
      /// How many writes are cut short although there is room, of 1.
      public var shortWriteShare = 0.0

      /// Large buffers, whole writes.
      public init() {}
    }

    /// What applies to all connections.
    public var settings = Settings()
    /// The time.
    public private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// What happened so far, in one number.
    public private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Gets a line for everything that happens; `nil` for none.
    public var onNote: ((Instant, String) -> Void)?
    /// Called after each turn of a process.
    public var afterTurn: ((SimulatedProcess) -> Void)?
    /// What a process did that none should; the run ends there.
    public private(set) var violation: String?
    /// Turns of all loops so far.
    public private(set) var turnCount = 0

    let seed: UInt64
    private(set) var hosts: [SimulatedHost] = []
    private(set) var processes: [SimulatedProcess] = []
    private(set) var sockets: [SimulatedSocket] = []
    var files: [CInt: SimulatedFile] = [:]
    var current: SimulatedProcess?
    var generator: RandomStream
    private var nextNumber = Simulation.firstDescriptor
    private var links: [[SimulatedLink]] = []
    private let loopback = SimulatedLink(latency: .microseconds(15))
    private var events = TimerHeap<Event>()

    private struct Event {
      let happen: () -> Void
    }

    /// Turns of one process at one moment beyond which it is said to spin.
    private static let turnsPerMomentMax = 2000

    /// Makes a network without hosts.
    public init(seed: UInt64) {
      self.seed = seed
      generator = RandomStream(seed: seed)
    }

    /// Runs `body` with this network as the kernel, and with OpenSSL's random numbers from its
    /// seed.
    public func run<R>(_ body: () throws -> R) rethrows -> R {
      frp_repeatable_random_begin(seed)
      defer { frp_repeatable_random_end() }
      return try Simulation.$kernel.withValue(self) {
        defer { forgetAll() }
        return try body()
      }
    }

    private func forgetAll() {
      for socket in sockets { socket.forget() }
      sockets = []
      files = [:]
      events = TimerHeap<Event>()
      onNote = nil
      afterTurn = nil
    }

    // MARK: Building

    /// Adds a host with one address.
    public func addHost(_ name: String, _ address: SocketAddress) -> SimulatedHost {
      let host = SimulatedHost(self, index: hosts.count, name: name, address: address)
      hosts.append(host)
      for index in links.indices { links[index].append(SimulatedLink()) }
      links.append(hosts.map { _ in SimulatedLink() })
      return host
    }

    /// Starts a process with an event loop of its own.
    public func start(_ name: String, on host: SimulatedHost) throws -> SimulatedProcess {
      let process = try SimulatedProcess(self, host: host, name: name)
      processes.append(process)
      return process
    }

    func remove(_ process: SimulatedProcess) { processes.removeAll { $0 === process } }

    /// The way from one host to another.
    public func link(from one: SimulatedHost, to other: SimulatedHost) -> SimulatedLink {
      one === other ? loopback : links[one.index][other.index]
    }

    /// Both ways between two hosts.
    public func links(between one: SimulatedHost, and other: SimulatedHost) -> [SimulatedLink] {
      [link(from: one, to: other), link(from: other, to: one)]
    }

    // MARK: Running

    /// Goes on until `condition` holds or `deadline` has come.
    ///
    /// - Returns: whether the condition holds.
    public func run(until deadline: Instant, _ condition: () -> Bool = { false }) -> Bool {
      while violation == nil {
        turnAll()
        if condition() { return true }
        let next = nextMoment
        guard next <= deadline else {
          now = max(now, deadline)
          return condition()
        }
        now = max(now, next)
        while let event = events.popExpired(now: now) { event.happen() }
      }
      return false
    }

    private var nextMoment: Instant {
      var next = events.nextDeadline ?? Instant(nanoseconds: .max)
      for process in processes where process.mayWake { next = min(next, process.wakeAt) }
      return next
    }

    private func turnAll() {
      var rounds = 0
      var isBusy = true
      while isBusy, violation == nil {
        isBusy = false
        for process in processes where process.isRunnable {
          isBusy = true
          turnCount += 1
          process.turn()
          afterTurn?(process)
        }
        rounds += 1
        if rounds > Self.turnsPerMomentMax { violation = "a process spins: \(runnableNames)" }
      }
    }

    private var runnableNames: [String] { processes.filter(\.isRunnable).map(\.name) }

    /// Lets `body` happen later, outside of all processes.
    public func schedule(after delay: Interval, _ body: @escaping () -> Void) {
      _ = events.arm(at: now + delay, Event(happen: body))
    }

    func arm(after delay: Interval, _ body: @escaping () -> Void) -> TimerID {
      events.arm(at: now + delay, Event(happen: body))
    }

    func disarm(_ timer: TimerID) { events.cancel(timer) }

    func asProcess<R, E: Error>(
      _ process: SimulatedProcess, _ body: () throws(E) -> R
    ) throws(E) -> R {
      let former = current
      current = process
      defer { current = former }
      return try body()
    }

    // MARK: Packets

    func transmit(_ packet: Packet) {
      let source = packet.source
      guard let from = source.local, let destination = source.remote, source.host.has(from),
        !source.host.isAsleep, let host = host(of: destination, from: source.host)
      else { return }
      let link = link(from: source.host, to: host)
      // A reset is not repeated: one that is lost leaves a connection of which nobody can know.
      if packet.kind == .reset ? link.isDead : link.isLost(&source.generator) { return }
      // In order, as lost packets are what comes late; and never two at the same nanosecond.
      let jitter = source.generator.number(below: 1 + link.jitterNanoseconds)
      let arrival = max(
        now + link.latency + Interval(nanoseconds: Int64(1 + jitter)),
        source.lastArrival + Interval(nanoseconds: 1))
      source.lastArrival = arrival
      _ = events.arm(
        at: arrival, Event(happen: { [self] in deliver(packet, to: host, over: link) }))
    }

    private func host(of address: SocketAddress, from sender: SimulatedHost) -> SimulatedHost? {
      address.isLoopback ? sender : hosts.first { $0.has(address) }
    }

    private func deliver(_ packet: Packet, to host: SimulatedHost, over link: SimulatedLink) {
      guard let destination = packet.source.remote, !host.isAsleep, !link.isDead,
        host.has(destination)
      else { return }
      record(packet)
      if let target = packet.target { return target.handle(packet) }
      // A SYN finds its listener, or nobody.
      if let listener = host.listener(at: destination) {
        listener.admit(packet.source)
      } else {
        refuse(packet.source, over: self.link(from: host, to: packet.source.host))
      }
    }

    private func refuse(_ client: SimulatedSocket, over link: SimulatedLink) {
      if link.isLost(&client.generator) { return }
      schedule(after: link.latency) {
        if client.state == .connecting { client.fail(.connectionRefused) }
      }
    }

    private func record(_ packet: Packet) {
      mix(UInt64(bitPattern: now.nanoseconds))
      mix(UInt64(packet.source.id) << 8 | packet.kind.rawValue)
      mix(packet.start &+ UInt64(packet.bytes.count))
      guard onNote != nil else { return }
      let from = packet.source.local.map { "\($0)" } ?? "-"
      let to = packet.source.remote.map { "\($0)" } ?? "-"
      note(
        "\(packet.kind) #\(packet.source.id) \(packet.source.host.name) \(from) > \(to) "
          + "\(packet.start)+\(packet.bytes.count)\(packet.isFin ? " FIN" : "")"
          + " ack \(packet.acknowledgement)")
    }

    private func mix(_ value: UInt64) {
      digest = (digest ^ value) &* 0x0000_0100_0000_01b3
      digest ^= digest >> 29
    }

    /// Writes a line into the trace.
    public func note(_ text: @autoclosure () -> String) { onNote?(now, text()) }

    /// Has something in the middle reset one of the connections that lead between two hosts.
    ///
    /// - Returns: whether there was one.
    public func resetConnection(
      between one: SimulatedHost, and other: SimulatedHost, _ choice: inout RandomStream
    ) -> Bool {
      let candidates = sockets.filter {
        $0.state == .open && !$0.isOrphan && $0.host === one && $0.peer?.host === other
      }
      guard !candidates.isEmpty else { return false }
      let socket = choice.element(of: candidates)
      note("reset of #\(socket.id)")
      socket.fail(.connectionReset)
      socket.peer?.fail(.connectionReset)
      return true
    }

    // MARK: Descriptors

    func makeSocketID() -> Int { sockets.count }

    func makeStream(_ id: Int) -> RandomStream { RandomStream(seed: seed, index: UInt64(id + 1)) }

    func makeNumber() -> CInt {
      nextNumber += 1
      return nextNumber
    }

    func add(_ file: SimulatedFile) -> CInt {
      files[file.number] = file
      return file.number
    }

    func remember(_ socket: SimulatedSocket) { sockets.append(socket) }

    /// Raises all flags of a kind on a host.
    func raise(_ kind: SimulatedFlag, on host: SimulatedHost) {
      for number in files.keys.sorted() {
        guard let flag = files[number] as? SimulatedFlagFile, flag.kind == kind,
          flag.owner?.host === host
        else { continue }
        flag.raise()
      }
    }

    func closeAll(of process: SimulatedProcess, isPowerLost: Bool = false) {
      for number in files.keys.sorted() where files[number]?.owner === process {
        guard let file = files.removeValue(forKey: number) else { continue }
        file.unwatch()
        if isPowerLost { file.cease() } else { file.close() }
      }
    }

    func descriptorCount(of process: SimulatedProcess) -> Int {
      files.values.count { $0.owner === process && !($0 is SimulatedPipeEnd) }
    }
  }

  /// One direction of the way between two hosts.
  public final class SimulatedLink {
    /// How long a packet takes.
    public var latency: Interval
    /// How much longer it may take.
    public var jitterNanoseconds = 20_000
    /// How many packets are lost, of 1.
    public var lossShare = 0.0
    /// Whether all of them are lost.
    public var isDead = false

    init(latency: Interval = .milliseconds(1)) { self.latency = latency }

    func isLost(_ generator: inout RandomStream) -> Bool {
      isDead || lossShare > 0 && generator.happens(lossShare)
    }
  }
#endif
