internal import ByteBuffers
public import Reactor
internal import StreamCoding
public import WireProtocol

/// Why a message channel ended.
public enum MessageChannelEnd: Equatable, Sendable, CustomStringConvertible {
  /// The peer closed it in order.
  case ended
  /// The stream below failed.
  case failed(CloseReason)
  /// The peer broke the protocol.
  case violated(WireError)
  /// The peer does not read what we send.
  case congested

  /// A short text for one log line.
  public var description: String {
    switch self {
    case .ended: "closed by the peer"
    case .failed(let reason): reason.description
    case .violated(let error): "protocol violated: \(error)"
    case .congested: "the peer does not read"
    }
  }
}

/// frp messages over a byte stream, plain until told to encrypt (wire-protocol.md 2.1 and 4).
///
/// Serves a whole control connection, and the first message of any other logical connection, which
/// then gives its stream and the bytes behind the message away. What a turn sends encrypted is
/// sealed and written once, before the loop sleeps: a burst of users costs one packet of requests.
public final class MessageChannel: ByteStreamReceiver, FlushHandler {
  /// Unsent bytes at which a peer that does not read is given up.
  public static let unsentByteCountMax = 1 << 20

  /// Gets each message.
  public var onMessage: ((Message) -> Void)?
  /// Called once when the channel is of no use any more; it has closed its stream by then.
  public var onEnd: ((MessageChannelEnd) -> Void)?
  /// The stream below.
  public let stream: any ByteStream

  private let context: TransportContext
  private var decoder = MessageDecoder()
  private var encryptor: StreamEncryptor?
  private var decryptor: StreamDecryptor?
  private var unsealed = ByteQueue()
  private var isOver = false

  /// Becomes the receiver of `stream`.
  public init(_ context: TransportContext, over stream: any ByteStream) {
    self.context = context
    self.stream = stream
    stream.receiver = self
  }

  /// The bytes of one plain message.
  public static func frame(_ message: Message) -> [UInt8] {
    var frame = ByteQueue()
    _ = MessageEncoder.encode(message, into: &frame)
    return Array(frame.readableBytes)
  }

  /// Sends a message.
  public func send(_ message: Message) {
    guard !isOver else { return }
    if encryptor == nil {
      var frame = ByteQueue()
      _ = MessageEncoder.encode(message, into: &frame)
      stream.write(frame.readableBytes)
      checkCongestion()
    } else {
      if unsealed.isEmpty { context.loop.scheduleFlush(self) }
      _ = MessageEncoder.encode(message, into: &unsealed)
    }
  }

  /// Writes what the turn collected.
  public func flush() {
    guard !isOver else { return }
    writeSealed()
    checkCongestion()
  }

  private func writeSealed() {
    guard !unsealed.isEmpty else { return }
    var sealed = ByteQueue()
    encryptor?.encrypt(unsealed.readableBytes, into: &sealed)
    unsealed.removeAll()
    stream.write(sealed.readableBytes)
  }

  private func checkCongestion() {
    if stream.unsentByteCount > Self.unsentByteCountMax { end(.congested, isReset: true) }
  }

  /// Encrypts from here on: what we send next, and what comes behind the last decoded message.
  public func startEncryption(key: [UInt8]) {
    encryptor = StreamEncryptor(key: key, initializationVector: SecureRandom.bytes(16))
    decryptor = StreamDecryptor(key: key)
    let rest = decoder.takeRemainder()
    rest.withUnsafeBytes { bytes in
      var plain = ByteQueue()
      decryptor?.decrypt(bytes, into: &plain)
      decoder.append(plain.readableBytes)
    }
  }

  /// Gives the stream away: no message or event comes any more.
  ///
  /// - Returns: what arrived behind the last message.
  public func detach() -> [UInt8] {
    isOver = true
    onMessage = nil
    onEnd = nil
    return decoder.takeRemainder()
  }

  /// Closes behind what was sent.
  public func close() {
    guard !isOver else { return }
    writeSealed()
    forget()
    stream.close()
  }

  /// Closes at once; what waits is not sent.
  public func abort() {
    guard !isOver else { return }
    forget()
    stream.abort()
  }

  /// Feeds bytes that came before the channel existed.
  public func inject(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count > 0 { streamDidReceive(stream, bytes) }
  }

  // MARK: From the stream

  /// Decodes and delivers.
  public func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard !isOver else { return }
    stream.consume(bytes.count)
    if decryptor != nil {
      var plain = ByteQueue()
      decryptor?.decrypt(bytes, into: &plain)
      decoder.append(plain.readableBytes)
    } else {
      decoder.append(bytes)
    }
    do throws(WireError) {
      while !isOver, let message = try decoder.next() { onMessage?(message) }
    } catch {
      end(.violated(error), isReset: false)
    }
  }

  /// The peer will send nothing more, so there is nothing left to do.
  public func streamDidEnd(_ stream: any ByteStream) {
    end(.ended, isReset: false)
  }

  /// Nothing waits for room here.
  public func streamDidProgress(_ stream: any ByteStream) {}

  /// The stream is dead.
  public func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    end(.failed(reason), isReset: false)
  }

  private func end(_ reason: MessageChannelEnd, isReset: Bool) {
    guard !isOver else { return }
    let onEnd = self.onEnd
    if !isReset { writeSealed() }
    forget()
    if isReset { stream.abort() } else { stream.close() }
    onEnd?(reason)
  }

  private func forget() {
    isOver = true
    onMessage = nil
    onEnd = nil
  }
}
