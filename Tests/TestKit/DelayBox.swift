internal import Foundation
internal import Glibc
internal import LinuxSystem
public import Timekeeping

/// What a path does to each packet, in either direction.
public struct PathQuality: Sendable {
  /// How long a packet is on its way, at least.
  public var delay: Interval
  /// How much longer it may be, evenly spread. Packets of one direction keep their order.
  public var jitter: Interval
  /// How many of a thousand packets are lost.
  public var lossPerThousand: UInt64

  /// Describes a path.
  public init(delay: Interval, jitter: Interval = .zero, lossPerThousand: UInt64 = 0) {
    self.delay = delay
    self.jitter = jitter
    self.lossPerThousand = lossPerThousand
  }
}

/// Two tun devices, one in each of two namespaces, and between them a thread that delays packets
/// and loses some of them, as a seed decides.
public final class DelayBox: Sendable {
  /// Packets that may be on their way in one direction; further ones are lost.
  public static let packetCountMax = 4096

  /// What became of the packets of both directions.
  public struct Counts: Sendable {
    /// Came out at the other end.
    public var delivered = 0
    /// Lost because the seed said so.
    public var lost = 0
    /// Lost because there was no room, or the other device was down.
    public var dropped = 0
  }

  /// One end: a device with its namespace.
  public struct End: Sendable {
    let namespace: Namespace
    let device: String

    /// Names a device that does not exist yet.
    public init(_ namespace: Namespace, _ device: String) {
      self.namespace = namespace
      self.device = device
    }
  }

  private let counted = Locked(Counts())
  private let quality: Locked<PathQuality>
  private let isStopping = Locked(false)
  private let thread = Locked<OwnThread?>(nil)

  /// Makes the devices, down and without addresses, and begins to forward.
  public init(
    _ first: End, _ second: End, _ quality: PathQuality, seed: UInt64
  ) throws {
    self.quality = Locked(quality)
    let ends = [
      try first.namespace.inside { try openDevice(first.device) },
      try second.namespace.inside { try openDevice(second.device) },
    ]
    let box = Forwarder(ends, RepeatableGenerator(seed: seed))
    let body: @Sendable () -> Void = { [counted, isStopping, quality = self.quality] in
      box.run(quality, counted, isStopping)
    }
    let forwarding = OwnThread(body)
    thread.withLock { $0 = forwarding }
  }

  deinit { stop() }

  /// What was forwarded so far.
  public var counts: Counts { counted.withLock { $0 } }

  /// Changes the path for packets that come from here on.
  public func change(_ newQuality: PathQuality) { quality.withLock { $0 = newQuality } }

  /// Ends the thread and deletes the devices; the second call does nothing.
  public func stop() {
    isStopping.withLock { $0 = true }
    let thread = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    thread?.join()
  }
}

/// Makes a tun device in the namespace of this thread; it lives as long as the descriptor.
private func openDevice(_ name: String) throws -> CInt {
  let file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
  guard file >= 0 else { throw CommandFailure(description: "no /dev/net/tun: \(Errno.current)") }
  // struct ifreq of netdevice(7): the name in 16 bytes, then the flags.
  var request = [UInt8](repeating: 0, count: 40)
  for (index, byte) in name.utf8.prefix(15).enumerated() { request[index] = byte }
  let flags: UInt16 = 0x0001 | 0x1000  // IFF_TUN, IFF_NO_PI
  request[16] = UInt8(flags & 0xff)
  request[17] = UInt8(flags >> 8)
  let setInterface: UInt = 0x4004_54ca
  guard ioctl(file, setInterface, &request) == 0 else {
    let error = Errno.current
    close(file)
    throw CommandFailure(description: "cannot make the tun device \(name): \(error)")
  }
  return file
}

// Unchecked: handed over once, before the thread starts, which is alone with it from then on.
/// The thread's work.
private final class Forwarder: @unchecked Sendable {
  private struct Packet {
    let due: Int64
    let bytes: [UInt8]
  }

  /// Packets on their way to the end with the same index, in the order in which they leave.
  private var queues: [[Packet]] = [[], []]
  private var heads = [0, 0]
  private let ends: [CInt]
  private var random: RepeatableGenerator
  private var buffer = [UInt8](repeating: 0, count: 65536)

  init(_ ends: [CInt], _ random: RepeatableGenerator) {
    self.ends = ends
    self.random = random
  }

  func run(
    _ quality: Locked<PathQuality>, _ counted: Locked<DelayBox.Counts>, _ isStopping: Locked<Bool>
  ) {
    while !isStopping.withLock({ $0 }) {
      wait()
      let path = quality.withLock { $0 }
      var counts = DelayBox.Counts()
      for index in ends.indices { takeIn(from: index, path, &counts) }
      for index in ends.indices { giveOut(to: index, &counts) }
      counted.withLock { total in
        total.delivered += counts.delivered
        total.lost += counts.lost
        total.dropped += counts.dropped
      }
    }
    for end in ends { close(end) }
  }

  /// Sleeps until a packet comes or is due; at most so long that a stop is soon noticed.
  private func wait() {
    var sleep: Int64 = 50_000_000
    let now = HostSystem.monotonicNanoseconds
    for index in ends.indices where heads[index] < queues[index].count {
      sleep = min(sleep, max(0, queues[index][heads[index]].due - now))
    }
    var entries = ends.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    _ = poll(&entries, 2, CInt((sleep + 999_999) / 1_000_000))
  }

  private func takeIn(from index: Int, _ path: PathQuality, _ counts: inout DelayBox.Counts) {
    let other = 1 - index
    for _ in 0..<64 {
      let count = read(ends[index], &buffer, buffer.count)
      guard count > 0 else { return }
      if random.next() % 1000 < path.lossPerThousand {
        counts.lost += 1
        continue
      }
      guard queues[other].count - heads[other] < DelayBox.packetCountMax else {
        counts.dropped += 1
        continue
      }
      let span = UInt64(max(0, path.jitter.nanoseconds)) + 1
      let due =
        HostSystem.monotonicNanoseconds + path.delay.nanoseconds + Int64(random.next() % span)
      let last = queues[other].last?.due ?? 0
      queues[other].append(Packet(due: max(due, last), bytes: Array(buffer[..<count])))
    }
  }

  private func giveOut(to index: Int, _ counts: inout DelayBox.Counts) {
    let now = HostSystem.monotonicNanoseconds
    while heads[index] < queues[index].count, queues[index][heads[index]].due <= now {
      let bytes = queues[index][heads[index]].bytes
      heads[index] += 1
      if write(ends[index], bytes, bytes.count) == bytes.count {
        counts.delivered += 1
      } else {
        counts.dropped += 1
      }
    }
    if heads[index] > 512 || heads[index] == queues[index].count {
      queues[index].removeFirst(heads[index])
      heads[index] = 0
    }
  }
}
