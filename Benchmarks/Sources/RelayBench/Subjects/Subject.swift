internal import Foundation
internal import LinuxSystem

/// Something between a load and the origin.
struct Subject {
  /// As it appears in tables.
  let name: String
  /// Starts it in a folder of its own, in front of the origin's port.
  let start: (_ folder: String, _ originPort: UInt16) throws -> RunningSubject
}

/// A subject that carries bytes.
final class RunningSubject {
  /// What shows that the way to the origin is open.
  enum Greeting {
    case echo, request, clientHello
  }

  let port: UInt16
  let greeting: Greeting
  let relay: [Child]
  let client: [Child]

  init(
    port: UInt16, greeting: Greeting = .echo, relay: [Child] = [], client: [Child] = []
  ) {
    self.port = port
    self.greeting = greeting
    self.relay = relay
    self.client = client
  }

  func stop() {
    for child in client + relay { child.stop() }
  }
}

/// Where the programs of the subjects are.
struct ProgramPaths {
  var ours: String
  var frp: String?
  var rathole: String?

  /// A program on the path, or where Debian keeps daemons; `nil` when it is not installed.
  static func installed(_ name: String) -> String? {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/sbin", "/bin"]
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}

/// Small things that subjects need.
enum Bench {
  /// A port that is free now.
  static func freePort() throws -> UInt16 {
    let socket = try Socket.listen(on: .loopback(port: 0))
    guard let port = Socket.localAddress(socket.rawValue)?.port else {
      throw BenchmarkError(description: "no free port")
    }
    return port
  }

  static func write(_ text: String, to file: String) throws {
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  /// The host that requests and ClientHellos name.
  static let hostName = "bench"

  /// Waits until the origin answers through a subject.
  static func awaitOrigin(_ subject: RunningSubject) throws {
    let (port, children) = (subject.port, subject.relay + subject.client)
    let deadline = Date().addingTimeInterval(30)
    while Date() < deadline {
      for child in children where !child.isRunning {
        throw BenchmarkError(description: "\(child.name) ended at its start")
      }
      let isOpen =
        switch subject.greeting {
        case .echo: tryEcho(port)
        case .request: tryRequest(port)
        case .clientHello: tryClientHello(port)
        }
      if isOpen { return }
      usleep(20_000)
    }
    throw BenchmarkError(description: "nothing comes back through port \(port)")
  }

  private static func tryRequest(_ port: UInt16) -> Bool {
    guard let socket = try? connect(port), wait(socket.rawValue, POLLOUT) else { return false }
    let number = socket.rawValue
    let request = HTTPLoad.request(isReused: true)
    guard case .bytes = request.withUnsafeBytes({ Socket.send(number, $0) }), wait(number, POLLIN)
    else { return false }
    var answer = [UInt8](repeating: 0, count: 12)
    guard case .bytes(12) = answer.withUnsafeMutableBytes({ Socket.receive(number, into: $0) })
    else { return false }
    return answer.elementsEqual("HTTP/1.1 200".utf8)
  }

  /// Nothing comes back from the sink behind it; without a route there is an alert or an end.
  private static func tryClientHello(_ port: UInt16) -> Bool {
    guard let socket = try? connect(port), wait(socket.rawValue, POLLOUT) else { return false }
    let number = socket.rawValue
    guard case .bytes = ClientHello.bytes.withUnsafeBytes({ Socket.send(number, $0) }) else {
      return false
    }
    return !wait(number, POLLIN, milliseconds: 200)
  }

  private static func connect(_ port: UInt16) throws -> FileDescriptor {
    let address = SocketAddress.loopback(port: port)
    let socket = try Socket.makeTCP(address.family)
    try Socket.connect(socket.rawValue, to: address)
    return socket
  }

  private static func tryEcho(_ port: UInt16) -> Bool {
    let address = SocketAddress.loopback(port: port)
    guard let socket = try? Socket.makeTCP(address.family) else { return false }
    let number = socket.rawValue
    guard (try? Socket.connect(number, to: address)) != nil, wait(number, POLLOUT),
      Socket.pendingError(number) == nil
    else { return false }
    guard case .bytes(2) = Array("Ex".utf8).withUnsafeBytes({ Socket.send(number, $0) }),
      wait(number, POLLIN)
    else { return false }
    var answer: UInt8 = 0
    let result = withUnsafeMutableBytes(of: &answer) { Socket.receive(number, into: $0) }
    guard case .bytes(1) = result else { return false }
    return answer == UInt8(ascii: "x")
  }

  private static func wait(
    _ number: CInt, _ events: Int32, milliseconds: CInt = 3000
  ) -> Bool {
    var entry = pollfd(fd: number, events: Int16(events), revents: 0)
    return poll(&entry, 1, milliseconds) == 1
  }
}

extension Bench {
  /// Waits until somebody listens on `port`.
  static func awaitListening(_ port: UInt16, _ children: [Child]) throws {
    let deadline = Date().addingTimeInterval(20)
    while Date() < deadline {
      for child in children where !child.isRunning {
        throw BenchmarkError(description: "\(child.name) ended at its start")
      }
      let address = SocketAddress.loopback(port: port)
      if let socket = try? Socket.makeTCP(address.family),
        (try? Socket.connect(socket.rawValue, to: address)) != nil,
        wait(socket.rawValue, POLLOUT), Socket.pendingError(socket.rawValue) == nil
      {
        return
      }
      usleep(10_000)
    }
    throw BenchmarkError(description: "nobody listens on port \(port)")
  }
}
