#if DEBUG
  internal import LinuxSystem

  /// Something that a descriptor of the simulation stands for, and that a poller can watch.
  class SimulatedFile {
    /// What its process calls it; -1 while it has no name.
    var number: CInt
    let network: SimulatedNetwork
    /// Whose descriptor it is; `nil` once it is closed.
    var owner: SimulatedProcess?

    var poller: SimulatedPoller?
    var interest: Readiness = []
    var userData: UInt64 = 0
    var isQueued = false

    init(_ network: SimulatedNetwork, number: CInt, owner: SimulatedProcess?) {
      self.network = network
      self.number = number
      self.owner = owner
    }

    /// What is true of it now, in the bits of epoll(7).
    var readiness: Readiness { [] }

    /// The process has closed its descriptor, or was killed.
    func close() {}

    /// The machine has lost its power.
    func cease() {}

    /// Something has happened: its poller looks again.
    final func wake() { poller?.enqueue(self) }

    final func unwatch() { poller = nil }
  }

  /// An epoll instance: what happened is queued, and reported once (edge-triggered) or for as long
  /// as it is true.
  final class SimulatedPoller: SimulatedFile {
    private var queue: [SimulatedFile] = []

    var hasEvents: Bool {
      queue.contains { $0.poller === self && !seen($0).isEmpty }
    }

    func enqueue(_ file: SimulatedFile) {
      guard !file.isQueued else { return }
      file.isQueued = true
      queue.append(file)
    }

    private func seen(_ file: SimulatedFile) -> Readiness {
      file.readiness.intersection(file.interest.union([.error, .hangup]))
    }

    func take(countMax: Int) -> [PollEvent] {
      if queue.isEmpty { return [] }
      var events: [PollEvent] = []
      var remaining: [SimulatedFile] = []
      for file in queue {
        let seen = file.poller === self ? seen(file) : []
        if seen.isEmpty {
          file.isQueued = false
        } else if events.count == countMax {
          remaining.append(file)
        } else {
          events.append(PollEvent(userData: file.userData, readiness: seen))
          if file.interest.contains(.edgeTriggered) {
            file.isQueued = false
          } else {
            remaining.append(file)
          }
        }
      }
      queue = remaining
      return events
    }

    override func close() { queue = [] }
  }

  /// What only says "now".
  final class SimulatedFlagFile: SimulatedFile {
    let kind: SimulatedFlag
    private var isRaised = false

    init(
      _ network: SimulatedNetwork, number: CInt, owner: SimulatedProcess?, _ kind: SimulatedFlag
    ) {
      self.kind = kind
      super.init(network, number: number, owner: owner)
    }

    override var readiness: Readiness { isRaised ? .readable : [] }

    func raise() {
      isRaised = true
      wake()
    }

    func lower() -> Bool {
      defer { isRaised = false }
      return isRaised
    }
  }

  /// One end of a pipe; both share the bytes.
  final class SimulatedPipeEnd: SimulatedFile {
    final class Room {
      let capacity: Int
      var bytes: [UInt8] = []

      init(capacity: Int) { self.capacity = capacity }
    }

    let room: Room

    init(_ network: SimulatedNetwork, number: CInt, owner: SimulatedProcess?, _ room: Room) {
      self.room = room
      super.init(network, number: number, owner: owner)
    }
  }
#endif
