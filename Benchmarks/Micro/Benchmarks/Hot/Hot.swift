import Benchmark
import ByteBuffers
import CAllocationCount
import LinuxSystem
import Reactor
import StreamCoding
import StreamMux
import Timekeeping
import WireProtocol

private let allocations = BenchmarkMetric.custom(
  "allocations per 1,000", polarity: .prefersSmaller, useScalingFactor: false)

/// Registers a benchmark whose body does its work `count` times; time and allocations are those of
/// a thousand.
private func add(_ name: String, _ body: @escaping (_ count: Int) -> Void) {
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, .throughput, allocations], warmupIterations: 3, scalingFactor: .kilo,
    maxDuration: .milliseconds(700), maxIterations: 2000)
  Benchmark(name, configuration: configuration) { benchmark in
    let before = allocation_count()
    benchmark.startMeasurement()
    body(benchmark.scaledIterations.count)
    benchmark.stopMeasurement()
    benchmark.measurement(allocations, Int(allocation_count() - before))
  }
}

private let kibibyte = [UInt8](repeating: 0x41, count: 1024)
private let text = Array(
  String(repeating: "GET /index.html HTTP/1.1\r\n", count: 40).utf8.prefix(1024))

let benchmarks: @Sendable () -> Void = {
  addMessages()
  addStreams()
  addCodings()
  addTimers()
  addAccept()
}

private func addMessages() {
  var bytes = ByteQueue()
  MessageEncoder.encode(
    .startWorkConnection(
      StartWorkConnection(
        proxyName: "web", sourceAddress: "192.0.2.7", destinationAddress: "198.51.100.1",
        sourcePort: 50_000, destinationPort: 80, error: "")), into: &bytes)
  let frame = Array(bytes.readableBytes)
  add("message: parse StartWorkConn") { count in
    var decoder = MessageDecoder()
    for _ in 0..<count {
      frame.withUnsafeBytes { decoder.append($0) }
      blackHole(try? decoder.next())
    }
  }
}

private func addStreams() {
  for size in [1024, 32 * 1024] {
    add("yamux: output of \(size) bytes") { count in
      var session = MuxSession(role: .client, now: Instant(nanoseconds: 0))
      guard let id = try? session.openStream(now: Instant(nanoseconds: 0)) else { return }
      let body = [UInt8](repeating: 1, count: size)
      var sent = 0
      for _ in 0..<count {
        sent += body.withUnsafeBytes { session.send($0, on: id) }
        session.removeOutput(session.outputByteCount)
        if session.sendWindow(of: id) < size { grant(&session) }
      }
      blackHole(sent)
    }
    add("yamux: input of \(size) bytes") { count in
      var session = MuxSession(role: .server, now: Instant(nanoseconds: 0))
      feed(&session, header(type: 1, flags: 1, length: 6_029_312))
      let frame =
        header(type: 0, flags: 0, length: UInt32(size)) + [UInt8](repeating: 1, count: size)
      for _ in 0..<count { feed(&session, frame) }
      blackHole(session.streamCount)
    }
  }
}

private func header(type: UInt8, flags: UInt8, length: UInt32) -> [UInt8] {
  [0, type, 0, flags, 0, 0, 0, 1] + withUnsafeBytes(of: length.bigEndian, Array.init)
}

private func grant(_ session: inout MuxSession) {
  feed(&session, header(type: 1, flags: 0, length: 6_291_456))
}

private func feed(_ session: inout MuxSession, _ frame: [UInt8]) {
  frame.withUnsafeBytes { bytes in
    var offset = 0
    while let input = try? session.nextInput(
      in: bytes, at: &offset, now: Instant(nanoseconds: 0))
    {
      switch input {
      case .streamOpened(let id): session.accept(id)
      case .data(let id, let range): session.consume(range.count, on: id)
      default: break
      }
    }
    session.removeOutput(session.outputByteCount)
  }
}

private func addCodings() {
  let key = [UInt8](repeating: 7, count: 16)
  add("cipher: encrypt 1 KiB") { count in
    var encryptor = StreamEncryptor(key: key, initializationVector: key)
    var output = ByteQueue()
    for _ in 0..<count {
      kibibyte.withUnsafeBytes { encryptor.encrypt($0, into: &output) }
      output.removeAll(keepingCapacity: true)
    }
  }
  add("cipher: decrypt 1 KiB") { count in
    var decryptor = StreamDecryptor(key: key)
    var output = ByteQueue()
    for _ in 0..<count {
      kibibyte.withUnsafeBytes { decryptor.decrypt($0, into: &output) }
      output.removeAll(keepingCapacity: true)
    }
  }
  add("snappy: frame 1 KiB of text") { count in
    var encoder = CompressionEncoder()
    var output = ByteQueue()
    for _ in 0..<count {
      text.withUnsafeBytes { encoder.encode($0, into: &output) }
      output.removeAll(keepingCapacity: true)
    }
  }
}

private func addTimers() {
  add("timers: arm and cancel beside 10,000") { count in
    var heap = TimerHeap<Int>()
    for index in 0..<10_000 { _ = heap.arm(at: Instant(nanoseconds: Int64(index) << 20), index) }
    for index in 0..<count {
      let id = heap.arm(at: Instant(nanoseconds: Int64(index) << 18), index)
      blackHole(heap.cancel(id))
    }
  }
  add("timers: arm and fire") { count in
    var heap = TimerHeap<Int>()
    for index in 0..<count {
      _ = heap.arm(at: Instant(nanoseconds: Int64(index)), index)
      blackHole(heap.popExpired(now: Instant(nanoseconds: Int64(index))))
    }
  }
}

private func addAccept() {
  add("accept: connect, accept, close") { count in
    guard let loop = try? EventLoop() else { return }
    var accepted = 0
    let listener = try? Listener(loop, address: .loopback(port: 0)) { descriptor, _ in
      accepted += 1
      Socket.resetOnClose(descriptor.rawValue)
    }
    guard let listener else { return }
    for _ in 0..<count {
      guard let socket = try? Socket.makeTCP(.ipv4),
        (try? Socket.connect(socket.rawValue, to: listener.address)) != nil
      else { return }
      Socket.resetOnClose(socket.rawValue)
      let before = accepted
      while accepted == before { loop.turn(sleepMax: .milliseconds(10)) }
    }
    listener.close()
  }
}
