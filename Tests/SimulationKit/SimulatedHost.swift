#if DEBUG
  public import LinuxSystem
  public import Reactor
  public import Timekeeping

  /// One machine of the simulation: addresses, ports, clocks, and the processes on it.
  public final class SimulatedHost {
    /// What it is called in traces.
    public let name: String
    /// Whether it is suspended: nothing on it runs, and packets to it are lost.
    public private(set) var isAsleep = false

    let index: Int
    unowned let network: SimulatedNetwork
    private(set) var addresses: [SocketAddress]
    /// Another number for each interface that it gets.
    private(set) var interface: UInt32 = 2
    private(set) var sleptNanoseconds: Int64 = 0
    /// How far its wall clock was set away from the simulation's time.
    private(set) var wallOffsetSeconds: Int64 = 1_700_000_000
    var listeners: [SimulatedSocket] = []
    private var lastPort: UInt16 = 40_000

    init(_ network: SimulatedNetwork, index: Int, name: String, address: SocketAddress) {
      self.network = network
      self.index = index
      self.name = name
      addresses = [address]
    }

    // MARK: Addresses

    /// Whether packets to that address are for this host.
    func has(_ address: SocketAddress) -> Bool {
      address.isLoopback || addresses.contains { $0.octets4 == address.octets4 }
    }

    /// The address that a connection to `destination` gets; `nil` when no route leads there.
    func source(for destination: SocketAddress) -> SocketAddress? {
      if destination.isLoopback || has(destination) { return destination.withPort(0) }
      return addresses.first
    }

    func makePort() -> UInt16 {
      lastPort = lastPort == 60_999 ? 40_001 : lastPort + 1
      return lastPort
    }

    /// Replaces all addresses; none takes the network away. Connections of the old ones are not
    /// told.
    public func replaceAddresses(_ addresses: [SocketAddress], isInterfaceNew: Bool = false) {
      self.addresses = addresses
      if isInterfaceNew { interface += 1 }
      network.note("\(name) has \(addresses)")
      network.raise(.networkMonitor, on: self)
    }

    // MARK: Clocks

    /// Nanoseconds without those asleep.
    var monotonicNanoseconds: Int64 { network.now.nanoseconds - sleptNanoseconds }

    var unixSeconds: Int64 { wallOffsetSeconds + network.now.nanoseconds / 1_000_000_000 }

    /// Suspends the machine for a while.
    public func sleep(for time: Interval) {
      guard !isAsleep else { return }
      isAsleep = true
      network.note("\(name) sleeps for \(time.inSeconds) s")
      network.schedule(after: time) { [self] in
        isAsleep = false
        sleptNanoseconds += time.nanoseconds
        for process in network.processes where process.host === self { process.postpone(by: time) }
        network.note("\(name) wakes up")
        network.raise(.clockChange, on: self)
      }
    }

    /// Sets the wall clock, as a time service does.
    public func setWallClock(by seconds: Int64) {
      wallOffsetSeconds += seconds
      network.note("\(name) sets its clock by \(seconds) s")
      network.raise(.clockChange, on: self)
    }
  }

  /// One process: an event loop on a host, driven by the network.
  public final class SimulatedProcess {
    /// What it is called in traces.
    public let name: String
    /// The machine that it runs on.
    public let host: SimulatedHost
    /// Its loop; gone after `finish()`.
    public private(set) var loop: EventLoop?
    /// Whether it was killed.
    public private(set) var isKilled = false

    private let network: SimulatedNetwork
    private var poller: SimulatedPoller?
    private var isStopped = false
    /// How far its clock is ahead, once it is dead.
    private(set) var clockOffset = Interval.zero
    /// When it wakes up by itself.
    private(set) var wakeAt = Instant(nanoseconds: 0)

    init(_ network: SimulatedNetwork, host: SimulatedHost, name: String) throws(Errno) {
      self.network = network
      self.host = host
      self.name = name
      wakeAt = network.now
      loop = try network.asProcess(self) { () throws(Errno) in try EventLoop() }
    }

    /// Runs `body` as this process, from outside of its loop.
    public func perform<R>(_ body: (EventLoop) throws -> R) rethrows -> R? {
      guard let loop else { return nil }
      wakeAt = min(wakeAt, network.now)
      return try network.asProcess(self) { try body(loop) }
    }

    /// Stops it for a while, as SIGSTOP and SIGCONT.
    public func stall(for time: Interval) {
      guard !isStopped else { return }
      isStopped = true
      network.note("\(name) stalls for \(time.inSeconds) s")
      network.schedule(after: time) { [self] in isStopped = false }
    }

    /// Ends it without a chance to say anything: the kernel closes its descriptors, or, with
    /// `isPowerLost`, goes down with it. What is left of it in memory may be dropped after calls
    /// that fail.
    public func kill(isPowerLost: Bool = false) {
      network.note(isPowerLost ? "\(name) loses its power" : "\(name) is killed")
      isKilled = true
      network.closeAll(of: self, isPowerLost: isPowerLost)
    }

    /// Lets a killed process run out in memory: all of its calls fail and all of its timers fire,
    /// so that what refers to each other in it is freed.
    public func runOut() {
      for _ in 0..<20 where loop != nil {
        clockOffset = clockOffset + .seconds(30)
        turn()
      }
    }

    /// Drops the loop.
    public func finish() {
      network.asProcess(self) { loop = nil }
      network.closeAll(of: self)
      network.remove(self)
    }

    /// Descriptors that it has open, without those of pipes, which are kept for reuse.
    public var descriptorCount: Int { network.descriptorCount(of: self) }

    // MARK: For the network

    func postpone(by time: Interval) { wakeAt = wakeAt + time }

    /// Whether its loop would turn now.
    var isRunnable: Bool {
      !isStopped && !isKilled && !host.isAsleep && loop != nil
        && (wakeAt <= network.now || poller?.hasEvents == true)
    }

    /// Whether it does anything without others.
    var mayWake: Bool { !isStopped && !isKilled && !host.isAsleep && loop != nil }

    func turn() {
      network.asProcess(self) { loop?.turn() }
    }

    /// The first one is the loop's.
    func didMakePoller(_ poller: SimulatedPoller) { self.poller = self.poller ?? poller }

    func willSleep(milliseconds: CInt) {
      wakeAt =
        milliseconds < 0
        ? Instant(nanoseconds: .max) : network.now + .milliseconds(Int(milliseconds))
    }

    func isBusy() { wakeAt = network.now }
  }

  extension SocketAddress {
    /// The address alone, for comparisons.
    var octets4: UInt32 {
      UInt32(octets[0]) << 24 | UInt32(octets[1]) << 16 | UInt32(octets[2]) << 8
        | UInt32(octets[3])
    }

    var isLoopback: Bool { octets[0] == 127 }

    var isAny: Bool { octets4 == 0 }

    func withPort(_ port: UInt16) -> SocketAddress {
      var address = self
      address.port = port
      return address
    }
  }
#endif
