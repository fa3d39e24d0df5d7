internal import ArgumentParser
internal import BenchmarkReport
internal import Foundation
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// What a load measured in its window.
struct LoadResult: Codable, Sendable {
  var seconds = 0.0
  var bytes = 0.0
  var requests = 0.0
  var failures = 0.0
  /// Microseconds.
  var p50 = 0.0
  var p99 = 0.0
  var p999 = 0.0
}

/// The loads by name.
enum LoadKind: String, ExpressibleByArgument, CaseIterable {
  case upload, download, keepalive, close, echo, idle, fairness
  /// An upload behind a ClientHello.
  case secureUpload
}

/// One load against one port, in a process of its own.
///
/// It prints `start` when it has warmed up and `end` with the result when its window is over; the
/// harness reads the other processes' clocks at these moments.
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Drive one load through one port.")

  @Argument var kind: LoadKind
  @Option var port: UInt16
  @Option var seconds = 1.0
  @Option var connections = 8
  @Option(help: "Messages a second, for echo.") var rate = 2000

  func run() throws {
    HostSystem.ignoreBrokenPipeSignal()
    HostSystem.raiseDescriptorLimit()
    let loop = try EventLoop()
    let context = TransportContext(loop)
    let target = SocketAddress.loopback(port: port)
    let load: any Load =
      switch kind {
      case .upload: BulkLoad(context, target, streamCount: connections, isUpload: true)
      case .secureUpload:
        BulkLoad(
          context, target, streamCount: connections, isUpload: true, greeting: ClientHello.bytes)
      case .download: BulkLoad(context, target, streamCount: connections, isUpload: false)
      case .keepalive: HTTPLoad(context, target, connectionCount: connections, isReused: true)
      case .close: HTTPLoad(context, target, connectionCount: connections, isReused: false)
      case .echo: try EchoLoad(context, target, connectionCount: connections, rate: rate)
      case .idle: IdleLoad(context, target, connectionCount: connections)
      case .fairness: try FairnessLoad(context, target, connectionCount: connections, rate: rate)
      }
    exitWithParent(loop)
    // Nothing may run for ever, not even when the subject hangs.
    loop.schedule(after: .seconds(Int(seconds) + 60)) {
      say("failed: not done in time, \(load.state)")
      loop.stop()
    }
    load.begin { [seconds] in
      load.reset()
      let start = loop.now
      say("start")
      loop.schedule(after: .milliseconds(Int(seconds * 1000))) {
        var result = load.result
        result.seconds = (loop.now - start).inSeconds
        let text = (try? JSONEncoder().encode(result)).map { String(decoding: $0, as: UTF8.self) }
        say("end \(text ?? "{}")")
        // The harness looks at the other processes before it ends this one: what closes now would
        // be part of what it sees.
      }
    }
    loop.run()
  }
}

/// Something that connects, works until the process ends, and counts.
protocol Load: AnyObject {
  /// Connects and begins; `onWarm` is called when the measuring may start.
  func begin(_ onWarm: @escaping () -> Void)
  /// Forgets what was counted.
  func reset()
  /// What was counted since.
  var result: LoadResult { get }
  /// What it waits for, in words.
  var state: String { get }
}

/// Connects many times, some at once, so that no listen queue overflows.
final class Crowd {
  private let context: TransportContext
  private let target: SocketAddress
  private var remaining: Int
  private var pending = 0
  private let onStream: (SocketStream) -> Void
  private(set) var failureCount = 0

  init(
    _ context: TransportContext, _ target: SocketAddress, count: Int,
    onStream: @escaping (SocketStream) -> Void
  ) {
    self.context = context
    self.target = target
    self.remaining = count
    self.onStream = onStream
  }

  func connectAll(atOnce: Int = 64) {
    while remaining > 0, pending < atOnce {
      remaining -= 1
      pending += 1
      connectOnce()
    }
  }

  func connectOnce() {
    Connector.connect(loop: context.loop, addresses: [target], timeout: .seconds(20)) { outcome in
      self.pending -= 1
      switch consume outcome {
      case .connected(let socket): self.onStream(SocketStream(self.context, owning: socket))
      case .failed: self.failureCount += 1
      }
      self.connectAll()
    }
  }
}
