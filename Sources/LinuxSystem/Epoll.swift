internal import CLinux
internal import Glibc

/// What a descriptor is watched for, or what was seen on it.
public struct Readiness: OptionSet, Hashable, Sendable {
  /// The bits of epoll(7).
  public let rawValue: UInt32

  /// Wraps the bits of epoll(7).
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Bytes, a connection, or an end of stream can be read.
  public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  /// Urgent data has come; reads end at its mark, with more behind it.
  public static let urgent = Readiness(rawValue: EPOLLPRI.rawValue)
  /// Bytes can be written, or a connect has finished.
  public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// The peer has ended its direction.
  public static let readHangup = Readiness(rawValue: EPOLLRDHUP.rawValue)
  /// Both directions have ended; reported without being asked for.
  public static let hangup = Readiness(rawValue: EPOLLHUP.rawValue)
  /// An error is pending; reported without being asked for.
  public static let error = Readiness(rawValue: EPOLLERR.rawValue)
  /// Report changes only, not states.
  public static let edgeTriggered = Readiness(rawValue: EPOLLET.rawValue)

  /// Everything that a stream socket needs, reported on change.
  public static let stream: Readiness = [
    .readable, .urgent, .writable, .readHangup, .edgeTriggered,
  ]
}

/// One seen event.
public struct PollEvent: Sendable {
  /// What was given when the descriptor was added.
  public let userData: UInt64
  /// What was seen.
  public let readiness: Readiness

  /// Says what was seen.
  public init(userData: UInt64, readiness: Readiness) {
    self.userData = userData
    self.readiness = readiness
  }
}

/// An epoll instance with a fixed room for events.
public struct Epoll: ~Copyable {
  private let descriptor: FileDescriptor
  private let events: UnsafeMutableBufferPointer<epoll_event>

  /// Opens an instance that reports up to `eventCountMax` events at once.
  public init(eventCountMax: Int) throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel {
        descriptor = FileDescriptor(owning: try kernel.makePoller())
        events = .allocate(capacity: eventCountMax)
        return
      }
    #endif
    let number = try throwing { epoll_create1(CInt(EPOLL_CLOEXEC)) }
    descriptor = FileDescriptor(owning: number)
    events = .allocate(capacity: eventCountMax)
  }

  deinit {
    events.deallocate()
  }

  /// Starts to watch a descriptor. Closing it ends that by itself.
  public func add(_ number: CInt, _ interest: Readiness, userData: UInt64) throws(Errno) {
    #if DEBUG
      let poller = descriptor.rawValue
      if let kernel = Simulation.kernel(of: poller) {
        return try kernel.watch(number, by: poller, interest, userData: userData)
      }
    #endif
    try control(EPOLL_CTL_ADD, number, interest, userData)
  }

  /// Changes what a descriptor is watched for.
  public func modify(_ number: CInt, _ interest: Readiness, userData: UInt64) throws(Errno) {
    #if DEBUG
      let poller = descriptor.rawValue
      if let kernel = Simulation.kernel(of: poller) {
        return try kernel.rewatch(number, by: poller, interest, userData: userData)
      }
    #endif
    try control(EPOLL_CTL_MOD, number, interest, userData)
  }

  /// Stops watching a descriptor that stays open.
  public func remove(_ number: CInt) throws(Errno) {
    #if DEBUG
      let poller = descriptor.rawValue
      if let kernel = Simulation.kernel(of: poller) {
        return try kernel.unwatch(number, by: poller)
      }
    #endif
    try control(EPOLL_CTL_DEL, number, [], 0)
  }

  /// Waits for events, at most `milliseconds` (-1: without limit, 0: not at all).
  ///
  /// - Returns: the number of events to read with `event(at:)`; 0 after a signal.
  public func wait(milliseconds: CInt) -> Int {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor.rawValue) {
        return take(
          kernel.takeEvents(
            of: descriptor.rawValue, countMax: events.count, milliseconds: milliseconds))
      }
    #endif
    let count = epoll_wait(
      descriptor.rawValue, events.baseAddress!, CInt(events.count), milliseconds)
    if count >= 0 { return Int(count) }
    // EINTR: the caller turns once more. EBADF, EFAULT, EINVAL are our own mistakes.
    precondition(Errno.current.code == EINTR, "epoll_wait failed")
    return 0
  }

  /// An event of the last wait.
  public func event(at index: Int) -> PollEvent {
    let event = events[index]
    return PollEvent(userData: event.data.u64, readiness: Readiness(rawValue: event.events))
  }

  #if DEBUG
    private func take(_ seen: [PollEvent]) -> Int {
      for (index, event) in seen.enumerated() {
        // Set in place, the compiler makes a wrong module of it under the thread sanitizer.
        events[index] = epoll_event(
          events: event.readiness.rawValue, data: epoll_data_t(u64: event.userData))
      }
      return seen.count
    }
  #endif

  private func control(
    _ operation: CInt, _ number: CInt, _ interest: Readiness, _ userData: UInt64
  ) throws(Errno) {
    var event = epoll_event()
    event.events = interest.rawValue
    event.data.u64 = userData
    let poller = descriptor.rawValue
    try throwing { epoll_ctl(poller, operation, number, &event) }
  }
}
