internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// Listens to what a peer that is no frps says, first by itself, then to a question of HTTP.
final class WordsProbe: ByteStreamReceiver {
  private static let question = Array("GET / HTTP/1.0\r\n\r\n".utf8)

  private let context: TransportContext
  private let timeout: Interval
  private var dialer: CarrierDialer?
  private var socket: SocketStream?
  private var timer: TimerID?
  private var hasAsked = false
  private var bytes: [UInt8] = []
  private var completion: ((String) -> Void)?

  /// Starts; `completion` gets the words, empty for none, unless `cancel` comes before.
  ///
  /// - Parameter settings: without TLS.
  init(
    _ context: TransportContext, resolver: Resolver, settings: CarrierSettings, timeout: Interval,
    completion: @escaping (String) -> Void
  ) {
    self.context = context
    self.timeout = timeout
    self.completion = completion
    dialer = CarrierDialer(context, resolver: resolver, settings: settings) {
      [unowned self] result in
      // Cancelled in `release`.
      dialer = nil
      switch result {
      case .success(let socket):
        self.socket = socket
        socket.receiver = self
        arm()
      case .failure: conclude()
      }
    }
  }

  /// Gives up without a completion.
  func cancel() {
    completion = nil
    release()
  }

  private func arm() {
    timer = context.loop.schedule(after: timeout) { [unowned self] in
      // Cancelled in `release`.
      timer = nil
      guard !hasAsked, bytes.isEmpty else { return conclude() }
      hasAsked = true
      socket?.write(Self.question)
      arm()
    }
  }

  private func conclude() {
    guard let completion else { return }
    self.completion = nil
    release()
    completion(Self.words(bytes))
  }

  private func release() {
    if let timer { context.loop.cancel(timer) }
    timer = nil
    dialer?.cancel()
    dialer = nil
    socket?.abort()
    socket = nil
  }

  /// The first line, as far as it can be shown.
  static func words(_ bytes: [UInt8]) -> String {
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }.prefix(DoctorLimits.wordCharacterCountMax)
    return String(
      line.map { (0x20...0x7E).contains($0) ? Character(UnicodeScalar($0)) : "." })
  }

  // MARK: From the stream

  /// Keeps the beginning.
  func streamDidReceive(_ stream: any ByteStream, _ received: UnsafeRawBufferPointer) {
    stream.consume(received.count)
    bytes += received.prefix(DoctorLimits.wordByteCountMax - bytes.count)
    if bytes.contains(0x0A) || bytes.count >= DoctorLimits.wordByteCountMax { conclude() }
  }

  /// It has nothing more to say.
  func streamDidEnd(_ stream: any ByteStream) { conclude() }

  /// Nothing waits for room.
  func streamDidProgress(_ stream: any ByteStream) {}

  /// It hung up.
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { conclude() }
}
