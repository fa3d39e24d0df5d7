internal import Benchmark
internal import ByteBuffers
internal import WireProtocol

/// Messages of the control connection as the wire has them.
private final class MessageBench {
  private let message: Message
  private var frame = ByteQueue()
  private var output = ByteQueue()
  private var decoder = MessageDecoder()

  init(_ message: Message) {
    self.message = message
    _ = MessageEncoder.encode(message, into: &frame)
  }

  func encode() {
    _ = MessageEncoder.encode(message, into: &output)
    output.removeAll(keepingCapacity: true)
  }

  func decode() throws {
    decoder.append(frame.readableBytes)
    guard let decoded = try decoder.next() else { throw Broken("half a message") }
    blackHole(decoded)
  }
}

func measureMessages() {
  let start = Message.startWorkConnection(
    StartWorkConnection(
      proxyName: "web", sourceAddress: "203.0.113.17", destinationAddress: "198.51.100.4",
      sourcePort: 51_234, destinationPort: 8_080))
  measure("message encode (start of a work connection)", { MessageBench(start) }) { $0.encode() }
  measure("message decode (start of a work connection)", { MessageBench(start) }) {
    try $0.decode()
  }
  measure("message decode (ping)", { MessageBench(.ping(Ping())) }) { try $0.decode() }
}
