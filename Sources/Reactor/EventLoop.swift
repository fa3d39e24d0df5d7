public import LinuxSystem
public import Timekeeping

/// Gets the events of one registered descriptor.
public protocol ReadinessHandler: AnyObject {
  /// Called on the loop's thread with what the kernel saw, never after `deregister`.
  func handleReadiness(_ readiness: Readiness)
}

/// Writes out what was collected during a turn.
public protocol FlushHandler: AnyObject {
  /// Called once for each `scheduleFlush`, after the turn's events and before the loop sleeps.
  func flush()
}

/// Names one registration; a number that was deregistered never matches again.
public struct RegistrationID: Hashable, Sendable {
  let slotIndex: UInt32
  let generation: UInt32

  var userData: UInt64 { UInt64(generation) << 32 | UInt64(slotIndex) }
}

/// A single-threaded epoll reactor.
///
/// Created, used and dropped on one thread; only its `mailbox` may be used from others. A turn is:
/// requeued handlers, kernel events, expired timers, then the flush list, again and again until
/// nothing is left to write; then the loop sleeps until the next event or deadline. The clock is
/// read once per wake-up.
///
/// Handlers may register, deregister and close anything at any time: an event of a descriptor that
/// was deregistered in the same batch is dropped by the generation of its slot, and a handler
/// removed in a turn lives until the turn has ended.
public final class EventLoop {
  private struct Slot {
    var generation: UInt32
    var descriptor: CInt
    var handler: (any ReadinessHandler)?
  }

  private struct Requeued {
    let id: RegistrationID
    let readiness: Readiness
  }

  // A timer's action, in a struct so that it is stored without a reabstraction thunk.
  private struct TimerAction {
    let body: () -> Void
  }

  /// The time at which this turn began.
  public private(set) var now: Instant

  /// How everything on this loop calls the kernel.
  public private(set) var calls = SocketCalls()

  /// The door for other threads.
  public let mailbox: Mailbox

  /// How often the loop has turned.
  public private(set) var turnCount: UInt64 = 0

  private let epoll: Epoll
  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []
  private var timers = TimerHeap<TimerAction>()
  private var requeued: [Requeued] = []
  private var flushList: [any FlushHandler] = []
  // What a turn works through; exchanged with the lists above, so that neither is ever allocated
  // anew.
  private var requeuedNow: [Requeued] = []
  private var flushListNow: [any FlushHandler] = []
  private var graveyard: [any ReadinessHandler] = []
  private var graveyardNow: [any ReadinessHandler] = []
  private var isStopping = false

  /// Opens a loop.
  public init() throws(Errno) {
    epoll = try Epoll(eventCountMax: ReactorLimits.eventCountMax)
    mailbox = try Mailbox()
    now = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
    _ = try register(mailbox.descriptor, .readable, MailboxReader(self))
  }

  // MARK: Running

  /// Turns until `stop()`.
  public func run() {
    isStopping = false
    while !isStopping { turn() }
  }

  /// Makes `run()` return after the current turn.
  public func stop() {
    isStopping = true
  }

  /// One turn; sleeps at most `sleepMax` (without limit when `nil`).
  public func turn(sleepMax: Interval? = nil) {
    let count = waitForEvents(timeoutMilliseconds(sleepMax: sleepMax))
    turnCount &+= 1
    now = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
    swap(&requeued, &requeuedNow)
    for index in 0..<count {
      let event = epoll.event(at: index)
      dispatch(event.userData, event.readiness)
    }
    // By index: an iterator would share the list, and emptying it would then allocate.
    for index in requeuedNow.indices {
      let entry = requeuedNow[index]
      dispatch(entry.id.userData, entry.readiness)
    }
    requeuedNow.removeAll(keepingCapacity: true)
    fireTimers()
    runFlushes()
    emptyGraveyard()
  }

  // Kept apart and never inlined, so that a profile shows the sleep by name.
  @inline(never)
  private func waitForEvents(_ milliseconds: CInt) -> Int {
    epoll.wait(milliseconds: milliseconds)
  }

  private func timeoutMilliseconds(sleepMax: Interval?) -> CInt {
    if !requeued.isEmpty || !flushList.isEmpty || isStopping { return 0 }
    var sleep = sleepMax
    if let deadline = timers.nextDeadline {
      let current = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
      sleep = min(sleep ?? (deadline - current), deadline - current)
    }
    guard let sleep else { return -1 }
    if sleep <= .zero { return 0 }
    // Rounded up: a truncated 0 would spin.
    return CInt(clamping: (sleep.nanoseconds - 1) / 1_000_000 + 1)
  }

  private func dispatch(_ userData: UInt64, _ readiness: Readiness) {
    let index = Int(truncatingIfNeeded: userData & 0xffff_ffff)
    guard index < slots.count, slots[index].generation == UInt32(userData >> 32),
      let handler = slots[index].handler
    else { return }
    handler.handleReadiness(readiness)
  }

  // Only what was armed before: a timer that arms itself for now must not keep the loop from its
  // descriptors.
  private func fireTimers() {
    var fired = 0
    let armed = timers.armedTotal
    while fired < ReactorLimits.timersPerTurnMax,
      let action = timers.popExpired(now: now, amongFirst: armed)
    {
      action.body()
      fired += 1
    }
  }

  private func runFlushes() {
    var passes = 0
    while !flushList.isEmpty, passes < ReactorLimits.flushPassesMax {
      swap(&flushList, &flushListNow)
      for index in flushListNow.indices {
        let handler = flushListNow[index]
        handler.flush()
      }
      flushListNow.removeAll(keepingCapacity: true)
      passes += 1
    }
  }

  // Moved out first: a handler that goes away may deregister others, which fills the list again.
  private func emptyGraveyard() {
    if graveyard.isEmpty { return }
    swap(&graveyard, &graveyardNow)
    graveyardNow.removeAll(keepingCapacity: graveyardNow.count <= ReactorLimits.eventCountMax)
  }

  // MARK: Registrations

  /// Starts to watch a descriptor.
  ///
  /// - Throws: what epoll_ctl said (ENOSPC, ENOMEM; EPERM for plain files).
  public func register(
    _ descriptor: CInt, _ interest: Readiness, _ handler: any ReadinessHandler
  ) throws(Errno) -> RegistrationID {
    let index: UInt32
    if let free = freeSlots.popLast() {
      index = free
    } else {
      index = UInt32(slots.count)
      slots.append(Slot(generation: 0, descriptor: -1, handler: nil))
    }
    let id = RegistrationID(slotIndex: index, generation: slots[Int(index)].generation)
    do throws(Errno) {
      try epoll.add(descriptor, interest, userData: id.userData)
    } catch {
      freeSlots.append(index)
      throw error
    }
    slots[Int(index)].descriptor = descriptor
    slots[Int(index)].handler = handler
    return id
  }

  /// Changes what a registration is watched for.
  public func modify(_ id: RegistrationID, _ interest: Readiness) throws(Errno) {
    guard isCurrent(id) else { return }
    try epoll.modify(slots[Int(id.slotIndex)].descriptor, interest, userData: id.userData)
  }

  /// Stops watching. With `isClosing` the caller closes the descriptor right after, which spares a
  /// system call. A stale ID does nothing.
  public func deregister(_ id: RegistrationID, isClosing: Bool = false) {
    guard isCurrent(id) else { return }
    let index = Int(id.slotIndex)
    if !isClosing { try? epoll.remove(slots[index].descriptor) }
    if let handler = slots[index].handler { graveyard.append(handler) }
    slots[index].handler = nil
    slots[index].descriptor = -1
    slots[index].generation &+= 1
    freeSlots.append(id.slotIndex)
  }

  /// Hands a registration to another handler, without a system call. A stale ID does nothing.
  public func transfer(_ id: RegistrationID, to handler: any ReadinessHandler) {
    guard isCurrent(id) else { return }
    let index = Int(id.slotIndex)
    if let former = slots[index].handler { graveyard.append(former) }
    slots[index].handler = handler
  }

  /// Delivers `readiness` again in the next turn: for a handler that has used up its budget.
  public func requeue(_ id: RegistrationID, _ readiness: Readiness) {
    requeued.append(Requeued(id: id, readiness: readiness))
  }

  /// The number of registered descriptors, our own wake-up descriptor included.
  public var registrationCount: Int { slots.count - freeSlots.count }

  #if DEBUG
    /// Lets the calls of this loop go wrong from now on.
    public func inject(_ faults: FaultPlan) {
      calls.faults = faults
      faults.onReadinessOwed = { [unowned self] descriptor, readiness in
        // The plan is used by this loop alone.
        guard let index = slots.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        let id = RegistrationID(slotIndex: UInt32(index), generation: slots[index].generation)
        requeue(id, readiness)
      }
    }
  #endif

  private func isCurrent(_ id: RegistrationID) -> Bool {
    let index = Int(id.slotIndex)
    return index < slots.count && slots[index].generation == id.generation
      && slots[index].handler != nil
  }

  // MARK: Timers and flushes

  /// Runs `body` once, not before `interval` has passed since the beginning of this turn, and never
  /// from within this call.
  @discardableResult
  public func schedule(after interval: Interval, _ body: @escaping () -> Void) -> TimerID {
    schedule(at: now + interval, body)
  }

  /// Runs `body` once, not before `deadline`.
  @discardableResult
  public func schedule(at deadline: Instant, _ body: @escaping () -> Void) -> TimerID {
    timers.arm(at: deadline, TimerAction(body: body))
  }

  /// Disarms a timer; one that has fired or was cancelled is ignored.
  public func cancel(_ id: TimerID) {
    timers.cancel(id)
  }

  /// The number of armed timers.
  public var timerCount: Int { timers.count }

  /// Calls `handler.flush()` once before the loop sleeps. The caller keeps a flag against calling
  /// twice.
  public func scheduleFlush(_ handler: any FlushHandler) {
    flushList.append(handler)
  }
}

@available(*, unavailable)
extension EventLoop: Sendable {}
