#if DEBUG
  internal import ByteBuffers
  internal import LinuxSystem
  internal import Timekeeping

  /// What travels between two sockets.
  struct Packet {
    enum Kind: UInt64 {
      case syn
      case synAcknowledgement
      case acknowledgement
      case data
      case probe
      case reset
    }

    let kind: Kind
    let source: SimulatedSocket
    let target: SimulatedSocket?
    var start: UInt64 = 0
    var bytes: [UInt8] = []
    var isFin = false
    var acknowledgement: UInt64 = 0
    var limit: UInt64 = 0

    init(_ kind: Kind, from source: SimulatedSocket, to target: SimulatedSocket?) {
      self.kind = kind
      self.source = source
      self.target = target
    }

    mutating func copy(_ queued: UnsafeRawBufferPointer, from offset: Int, _ count: Int) {
      guard let base = queued.baseAddress else { return }
      bytes = Array(unsafeUninitializedCapacity: count) { room, initializedCount in
        UnsafeMutableRawPointer(room.baseAddress!).copyMemory(from: base + offset, byteCount: count)
        initializedCount = count
      }
    }
  }

  extension SimulatedSocket {
    /// A packet for this socket has arrived.
    func handle(_ packet: Packet) {
      if state == .dead || state == .idle || state == .listening {
        if isFinished {
          // A FIN came again.
          if packet.kind == .data { emit(.acknowledgement) }
        } else if packet.kind != .reset {
          // Nobody is here (any more).
          network.transmit(Packet(.reset, from: self, to: packet.source))
        }
        return
      }
      heardAt = network.now
      probeCount = 0
      switch packet.kind {
      case .syn: emit(.synAcknowledgement)
      case .synAcknowledgement: didConnect(packet)
      case .reset: didReset()
      case .acknowledgement: didAcknowledge(packet)
      case .probe:
        didAcknowledge(packet)
        if state != .dead { emit(.acknowledgement) }
      case .data:
        didAcknowledge(packet)
        if state != .dead { didReceive(packet) }
      }
    }

    /// A listener's answer to a connection that arrives.
    func admit(_ client: SimulatedSocket) {
      if let known = client.peer, known.state == .arriving {
        return known.emit(.synAcknowledgement)
      }
      let child = SimulatedSocket(host, number: -1, owner: nil)
      child.local = client.remote
      child.remote = client.local
      child.peer = client
      child.timing = timing
      child.state = .arriving
      client.peer = child
      child.listener = self
      child.emit(.synAcknowledgement)
      child.armRetry()
    }

    private func didConnect(_ packet: Packet) {
      if state == .connecting {
        open(packet)
        wake()
      }
      emit(.acknowledgement)
    }

    private func open(_ packet: Packet) {
      state = .open
      retryCount = 0
      if let armed = retryTimer.take() { network.disarm(armed) }
      limit = packet.limit
      progressAt = network.now
      armKeepalive()
    }

    private func didReset() {
      switch state {
      case .connecting: fail(.connectionRefused)
      case .open:
        // As the kernel for a connection whose peer had ended (CLOSE-WAIT).
        fail(hasPeerEnded && !isEnding ? .brokenPipe : .connectionReset)
      case .arriving, .idle, .listening, .dead: fail(.connectionReset)
      }
    }

    private func didAcknowledge(_ packet: Packet) {
      if state == .arriving { arrive(packet) }
      guard state == .open else { return }
      limit = max(limit, packet.limit)
      if packet.acknowledgement > acknowledged {
        let count = packet.acknowledgement - acknowledged
        // The FIN is no byte of the queue.
        output.removeFirst(min(Int(count), output.count))
        acknowledged = packet.acknowledgement
        sent = max(sent, acknowledged)
        progressAt = network.now
        retryCount = 0
        measureRoundTrip()
        if let armed = retryTimer.take() { network.disarm(armed) }
        if isEnding, acknowledged == endSequence { wake() }
        if isRoomWanted, readiness.contains(.writable) {
          isRoomWanted = false
          wake()
        }
      }
      transmit()
      vanishIfDone()
    }

    /// The connection is there, and waits to be accepted.
    private func arrive(_ packet: Packet) {
      guard let listener, listener.state == .listening else {
        emit(.reset)
        return fail(.connectionReset)
      }
      open(packet)
      listener.backlog.append(self)
      listener.wake()
    }

    private func didReceive(_ packet: Packet) {
      let end = packet.start + UInt64(packet.bytes.count)
      if isOrphan, end > received {
        // Nobody will read that.
        emit(.reset)
        return fail(.connectionReset)
      }
      if packet.start <= received, end > received {
        let skipped = Int(received - packet.start)
        let room = max(0, settings.receiveBufferBytes - input.count)
        let count = min(packet.bytes.count - skipped, room)
        packet.bytes.withUnsafeBytes {
          input.append(UnsafeRawBufferPointer(rebasing: $0[skipped..<(skipped + count)]))
        }
        received += UInt64(count)
        if count > 0 { wake() }
      }
      if packet.isFin, received == end, !hasPeerEnded {
        received += 1
        hasPeerEnded = true
        wake()
      }
      emit(.acknowledgement)
      vanishIfDone()
    }
  }
#endif
