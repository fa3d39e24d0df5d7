import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import Transports

/// Notes what a stream tells.
private final class Witness: ByteStreamReceiver {
  private(set) var failures: [CloseReason] = []

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {}
  func streamDidEnd(_ stream: any ByteStream) {}
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { failures.append(reason) }
}

@Suite struct SocketStreamTests {
  /// A dialled connection may be reset before its first bytes are written and before anybody
  /// listens; whoever takes it over has to hear of it, or waits for a ping to be missed.
  @Test func failureBeforeTheFirstReceiverIsToldToIt() throws {
    let loop = try EventLoop()
    let context = TransportContext(loop)
    let listener = try Socket.listen(on: .loopback(port: 0))
    let address = try #require(Socket.localAddress(listener.rawValue))
    let descriptor = try Socket.makeTCP(.ipv4)
    let number = descriptor.rawValue
    try Socket.connect(number, to: address)
    let isReset = waitUntil {
      guard case .connection(let peer, _) = Socket.accept(listener.rawValue) else { return false }
      Socket.resetOnClose(peer.rawValue)
      return true
    }
    #expect(isReset)
    let stream = try SocketStream(context, owning: descriptor, peer: address)
    stream.write([1])
    #expect(stream.phase == .closed)
    let witness = Witness()
    stream.receiver = witness
    loop.turn(sleepMax: .zero)
    #expect(witness.failures.count == 1)
    #expect(loop.registrationCount == 1 && loop.timerCount == 0)
  }

  @Test func failureBehindACloseIsToldToNobody() throws {
    let loop = try EventLoop()
    let context = TransportContext(loop)
    let listener = try Socket.listen(on: .loopback(port: 0))
    let address = try #require(Socket.localAddress(listener.rawValue))
    let descriptor = try Socket.makeTCP(.ipv4)
    try Socket.connect(descriptor.rawValue, to: address)
    let isReset = waitUntil {
      guard case .connection(let peer, _) = Socket.accept(listener.rawValue) else { return false }
      Socket.resetOnClose(peer.rawValue)
      return true
    }
    #expect(isReset)
    let stream = try SocketStream(context, owning: descriptor, peer: address)
    let witness = Witness()
    stream.receiver = witness
    stream.write([1])
    stream.abort()
    loop.turn(sleepMax: .zero)
    #expect(witness.failures.isEmpty)
  }
}
