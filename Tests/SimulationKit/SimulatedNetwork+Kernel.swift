#if DEBUG
  internal import Glibc
  public import LinuxSystem
  internal import Timekeeping

  extension SimulatedHost {
    func listener(at address: SocketAddress) -> SimulatedSocket? {
      listeners.first { listener in
        guard let local = listener.local, local.port == address.port else { return false }
        return local.isAny || local.octets4 == address.octets4
      }
    }
  }

  /// The calls of the process that is running.
  extension SimulatedNetwork: SimulatedKernel {
    private var host: SimulatedHost? { current?.host }

    /// That of the process's host.
    public var monotonicNanoseconds: Int64 {
      guard let current else { return now.nanoseconds }
      return current.host.monotonicNanoseconds + current.clockOffset.nanoseconds
    }

    /// That of the process's host.
    public var bootNanoseconds: Int64 { now.nanoseconds }

    /// That of the process's host.
    public var unixSeconds: Int64 { host?.unixSeconds ?? 0 }

    /// That of the process's host.
    public var hostName: String { host?.name ?? "" }

    /// From the seed.
    public var randomNumber: UInt64 { generator.next() }

    private func socket(_ descriptor: CInt) -> SimulatedSocket? {
      files[descriptor] as? SimulatedSocket
    }

    // MARK: Descriptors

    /// Closes a descriptor; one of a killed process is closed already.
    public func close(_ descriptor: CInt) {
      guard let file = files.removeValue(forKey: descriptor) else { return }
      file.unwatch()
      file.close()
      file.owner = nil
    }

    /// Makes the poller of the process.
    public func makePoller() throws(Errno) -> CInt {
      let poller = SimulatedPoller(self, number: makeNumber(), owner: current)
      current?.didMakePoller(poller)
      return add(poller)
    }

    /// Starts to watch; what is true already is reported.
    public func watch(
      _ descriptor: CInt, by poller: CInt, _ interest: Readiness, userData: UInt64
    ) throws(Errno) {
      guard let poller = files[poller] as? SimulatedPoller else { throw Errno(code: EBADF) }
      // A real descriptor is never ready here.
      if descriptor < Simulation.firstDescriptor { return }
      guard let file = files[descriptor] else { throw Errno(code: EBADF) }
      guard file.poller == nil else { throw Errno(code: EEXIST) }
      file.poller = poller
      file.interest = interest
      file.userData = userData
      file.wake()
    }

    /// Changes the interest; what is true already is reported.
    public func rewatch(
      _ descriptor: CInt, by poller: CInt, _ interest: Readiness, userData: UInt64
    ) throws(Errno) {
      guard let file = files[descriptor], file.poller?.number == poller else {
        throw Errno(code: ENOENT)
      }
      file.interest = interest
      file.userData = userData
      file.wake()
    }

    /// Stops watching.
    public func unwatch(_ descriptor: CInt, by poller: CInt) throws(Errno) {
      guard let file = files[descriptor], file.poller?.number == poller else {
        throw Errno(code: ENOENT)
      }
      file.unwatch()
    }

    /// Takes what is there, and notes when the process wants to wake up.
    public func takeEvents(of poller: CInt, countMax: Int, milliseconds: CInt) -> [PollEvent] {
      let events = (files[poller] as? SimulatedPoller)?.take(countMax: countMax) ?? []
      if events.isEmpty {
        current?.willSleep(milliseconds: milliseconds)
      } else {
        current?.isBusy()
      }
      return events
    }

    /// Makes a flag.
    public func makeFlag(_ kind: SimulatedFlag) throws(Errno) -> CInt {
      add(SimulatedFlagFile(self, number: makeNumber(), owner: current, kind))
    }

    /// Raises a flag.
    public func raise(_ flag: CInt) { (files[flag] as? SimulatedFlagFile)?.raise() }

    /// Lowers a flag.
    public func lower(_ flag: CInt) -> Bool {
      (files[flag] as? SimulatedFlagFile)?.lower() ?? false
    }

    /// By the one interface, if the host has an address.
    public func route(to destination: SocketAddress, from source: SocketAddress?) -> RouteAnswer {
      guard destination.family == .ipv4, let host, let address = host.source(for: destination)
      else { return .unreachable(.networkUnreachable) }
      if let source, !host.has(source) { return .unreachable(.networkUnreachable) }
      return .via(
        interface: destination.isLoopback ? 1 : host.interface,
        source: source == nil ? address.withPort(0) : nil)
    }

    // MARK: Sockets

    /// Makes a socket that is nowhere yet.
    public func makeSocket(_ family: SocketAddress.Family) throws(Errno) -> CInt {
      guard let current, family == .ipv4 else { throw .addressFamilyNotSupported }
      return add(SimulatedSocket(current.host, number: makeNumber(), owner: current))
    }

    /// Gives a socket its address, and makes it listen.
    public func bind(
      _ descriptor: CInt, to address: SocketAddress, backlog: CInt?
    ) throws(Errno) {
      guard let socket = socket(descriptor) else { throw Errno(code: EBADF) }
      let host = socket.host
      guard address.isAny || host.has(address) else { throw Errno(code: EADDRNOTAVAIL) }
      var address = address
      if backlog != nil {
        if address.port == 0 { address.port = host.makePort() }
        let isTaken = host.listeners.contains {
          guard let other = $0.local, other.port == address.port else { return false }
          return other.isAny || address.isAny || other.octets4 == address.octets4
        }
        if isTaken { throw .addressInUse }
        socket.state = .listening
        host.listeners.append(socket)
      }
      socket.local = address
    }

    /// Takes the oldest connection that waits.
    public func accept(_ listener: CInt) -> (descriptor: CInt, peer: SocketAddress)? {
      guard let socket = socket(listener) else { return nil }
      while !socket.backlog.isEmpty {
        let child = socket.backlog.removeFirst()
        guard let peer = child.remote else { continue }
        child.number = makeNumber()
        child.owner = current
        return (add(child), peer)
      }
      return nil
    }

    /// Starts to connect.
    public func connect(_ descriptor: CInt, to address: SocketAddress) throws(Errno) {
      guard let socket = socket(descriptor) else { throw Errno(code: EBADF) }
      try socket.connect(to: address)
    }

    /// Takes the error of a socket.
    public func pendingError(_ descriptor: CInt) -> Errno? {
      guard let socket = socket(descriptor) else { return Errno(code: EBADF) }
      return socket.takeError()
    }

    /// Reads what a socket has.
    public func receive(
      _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer
    ) -> IOResult {
      socket(descriptor)?.read(into: buffer) ?? .failed(Errno(code: EBADF))
    }

    /// Writes what a socket takes.
    public func send(
      _ descriptor: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> IOResult {
      socket(descriptor)?.write(first, second) ?? .failed(Errno(code: EBADF))
    }

    /// Ends the writing direction.
    public func shutdownWriting(_ descriptor: CInt) { socket(descriptor)?.shutdownWriting() }

    /// The local end.
    public func localAddress(_ descriptor: CInt) -> SocketAddress? { socket(descriptor)?.local }

    /// The other end.
    public func peerAddress(_ descriptor: CInt) -> SocketAddress? { socket(descriptor)?.remote }

    /// Whether the process's host has the address.
    public func isLocal(_ address: SocketAddress) -> Bool { host?.has(address) ?? false }

    /// The shortest one measured.
    public func roundTrip(_ descriptor: CInt) -> Int64? { socket(descriptor)?.roundTripNanoseconds }

    /// What the peer's host has.
    public func acknowledgedByteCount(_ descriptor: CInt) -> UInt64? {
      socket(descriptor)?.acknowledged
    }

    /// Sets an option.
    public func set(_ option: SimulatedOption, of descriptor: CInt) {
      guard let socket = socket(descriptor) else { return }
      switch option {
      case .resetOnClose: socket.isResetOnClose = true
      case .notSentLimit(let count): socket.timing.notSentMax = count
      case .userTimeout(let milliseconds):
        socket.timing.userTimeout = .milliseconds(milliseconds)
      case .keepalive(let timing):
        socket.timing.keepalive = timing
        socket.armKeepalive()
      }
    }

    // MARK: Pipes

    /// Makes a pipe.
    public func makePipe(capacity: Int) throws(Errno) -> (readEnd: CInt, writeEnd: CInt) {
      let room = SimulatedPipeEnd.Room(capacity: capacity)
      let readEnd = SimulatedPipeEnd(self, number: makeNumber(), owner: current, room)
      let writeEnd = SimulatedPipeEnd(self, number: makeNumber(), owner: current, room)
      return (add(readEnd), add(writeEnd))
    }

    /// Moves bytes between a socket and a pipe.
    public func splice(from source: CInt, to destination: CInt, byteCount: Int) -> IOResult {
      if let pipe = files[destination] as? SimulatedPipeEnd {
        let count = min(byteCount, pipe.room.capacity - pipe.room.bytes.count)
        if count <= 0 { return .wouldBlock }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
        defer { buffer.deallocate() }
        let result = receive(source, into: buffer)
        if case .bytes(let moved) = result { pipe.room.bytes += buffer[..<moved] }
        return result
      }
      guard let pipe = files[source] as? SimulatedPipeEnd else { return .failed(.invalidArgument) }
      let result = pipe.room.bytes.withUnsafeBytes {
        send(
          destination, UnsafeRawBufferPointer(rebasing: $0.prefix(byteCount)),
          UnsafeRawBufferPointer(start: nil, count: 0))
      }
      if case .bytes(let moved) = result { pipe.room.bytes.removeFirst(moved) }
      return result
    }
  }
#endif
