internal import ByteBuffers

/// Finds the end of a body. Its bytes are handed on as ranges of the input; nothing is copied.
///
/// Give `next` the bytes that were not consumed so far, again and again: a step that consumes
/// nothing and does not finish means that more bytes are needed. The first fault is final.
///
/// States of a chunked body (RFC 9112, section 7.1): size, extension, end of the size's line, data,
/// end of the data, trailers.
public struct BodyReader: Sendable {
  /// What was found at the front of the input.
  public struct Step: Sendable {
    /// Bytes to drop from the front of the input.
    public var consumedByteCount = 0
    /// Where bytes of the body lie in the input; empty when there are none among those consumed.
    public var data = 0..<0
    /// Whether the message ends here.
    public var isFinished = false
    /// The trailer section, with the last step of a chunked body that has one.
    public var trailers: FieldTable?
  }

  private enum State {
    case length(Int)
    case untilClose
    case size(ChunkSize)
    case chunkData(Int)
    case chunkEnd(hasReturn: Bool)
    case trailers
    case finished
  }

  private var state: State
  private var chunkLine: ChunkLine
  private var trailers: FieldSection
  private var failure: HTTPFault?

  /// Makes a reader at the first byte behind the head.
  ///
  /// - Parameter isResponse: whether white space is taken behind the size of a chunk, and before
  ///   the colon of a trailer, as some local services write it.
  public init(_ framing: BodyFraming, ofResponse isResponse: Bool = false) {
    chunkLine = ChunkLine(isResponse: isResponse)
    trailers = FieldSection(
      byteCountMax: HTTPProtocolLimits.trailerByteCountMax, tooLarge: .trailersTooLarge,
      isResponse: isResponse)
    state =
      switch framing {
      case .none: .finished
      case .length(let byteCount): byteCount > 0 ? .length(byteCount) : .finished
      case .chunked: .size(ChunkSize())
      case .untilClose: .untilClose
      }
  }

  /// Whether the message is over.
  public var isFinished: Bool {
    if case .finished = state { true } else { false }
  }

  /// Reads on.
  public mutating func next(_ input: RawSpan) throws(HTTPFault) -> Step {
    if let failure { throw failure }
    do throws(HTTPFault) {
      return try read(input)
    } catch {
      failure = error
      throw error
    }
  }

  /// The connection ended; a fault if that was inside the message.
  public mutating func handleEndOfInput() throws(HTTPFault) {
    switch state {
    case .untilClose: state = .finished
    case .finished: break
    case .length, .size, .chunkData, .chunkEnd, .trailers:
      failure = .truncated
      throw .truncated
    }
  }

  private mutating func read(_ input: RawSpan) throws(HTTPFault) -> Step {
    var step = Step()
    // Until there are bytes of the body, the input is used up, or the message is over.
    while true {
      let offset = step.consumedByteCount
      let available = input.byteCount - offset
      switch state {
      case .finished:
        step.isFinished = true
        return step
      case .untilClose:
        step.data = offset..<input.byteCount
        step.consumedByteCount = input.byteCount
        return step
      case .length(let rest):
        take(min(rest, available), from: offset, &step)
        state = rest > available ? .length(rest - available) : .finished
        step.isFinished = rest <= available
        return step
      case .chunkData(let rest):
        take(min(rest, available), from: offset, &step)
        state = rest > available ? .chunkData(rest - available) : .chunkEnd(hasReturn: false)
        return step
      case .size(let size):
        guard try readSize(input, size, &step) else { return step }
      case .chunkEnd(let hasReturn):
        guard available > 0 else { return step }
        guard input[offset] == (hasReturn ? 0x0a : 0x0d) else { throw .chunkEndMissing }
        step.consumedByteCount += 1
        state = hasReturn ? .size(ChunkSize()) : .chunkEnd(hasReturn: true)
      case .trailers:
        guard try readTrailers(input, &step) else { return step }
      }
    }
  }

  private func take(_ byteCount: Int, from offset: Int, _ step: inout Step) {
    step.data = offset..<offset + byteCount
    step.consumedByteCount = offset + byteCount
  }

  private mutating func readSize(
    _ input: RawSpan, _ size: ChunkSize, _ step: inout Step
  ) throws(HTTPFault) -> Bool {
    var size = size
    while step.consumedByteCount < input.byteCount {
      let byte = input[step.consumedByteCount]
      step.consumedByteCount += 1
      if try chunkLine.read(byte, &size) {
        state = size.value > 0 ? .chunkData(size.value) : .trailers
        return true
      }
    }
    state = .size(size)
    return false
  }

  /// The section stays in the input until all of it is there.
  private mutating func readTrailers(
    _ input: RawSpan, _ step: inout Step
  ) throws(HTTPFault) -> Bool {
    let bytes = input.extracting(step.consumedByteCount..<input.byteCount)
    guard let end = try trailers.readFields(bytes) else { return false }
    if trailers.fields.contains(where: { $0.known.isForbiddenTrailer }) { throw .trailerForbidden }
    if !trailers.fields.isEmpty {
      step.trailers = trailers.table(bytes.extracting(0..<end))
    }
    step.consumedByteCount += end
    state = .finished
    return true
  }
}

/// The size of the chunk that is being read, and how far its line is.
struct ChunkSize: Sendable {
  enum Part: Sendable {
    case digits, space, extensions, lineFeed
  }

  var part = Part.digits
  var value = 0
  var digitCount = 0
  var lineByteCount = 0
}

/// Reads the lines of chunk sizes by bytes, since there are few of them.
struct ChunkLine: Sendable {
  private let isResponse: Bool
  private var extensionByteCount = 0

  init(isResponse: Bool) { self.isResponse = isResponse }

  /// Takes one byte of the line; returns whether it was the last one.
  mutating func read(_ byte: UInt8, _ size: inout ChunkSize) throws(HTTPFault) -> Bool {
    size.lineByteCount += 1
    guard size.lineByteCount <= HTTPProtocolLimits.chunkLineByteCountMax else {
      throw .chunkLineTooLong
    }
    switch size.part {
    case .digits: try readDigit(byte, &size)
    case .space: try readBehindDigits(byte, &size)
    case .extensions: try readExtension(byte, &size)
    case .lineFeed:
      guard byte == 0x0a else { throw .bareCarriageReturn }
      return true
    }
    return false
  }

  private func readDigit(_ byte: UInt8, _ size: inout ChunkSize) throws(HTTPFault) {
    if let digit = ByteClass.hexadecimalValue(byte) {
      size.digitCount += 1
      guard size.digitCount <= HTTPProtocolLimits.chunkSizeDigitCountMax,
        size.value <= Int.max >> 4
      else { throw .chunkSizeTooLarge }
      size.value = size.value << 4 | Int(digit)
      return
    }
    guard size.digitCount > 0 else { throw byte == 0x0a ? .bareLineFeed : .chunkSizeInvalid }
    try readBehindDigits(byte, &size)
  }

  /// Local services that reserve room for the size fill it up with spaces; in a request nobody
  /// knows what the next server makes of them.
  private func readBehindDigits(_ byte: UInt8, _ size: inout ChunkSize) throws(HTTPFault) {
    if isResponse, ByteClass.isSpace(byte) {
      size.part = .space
      return
    }
    switch byte {
    case 0x0d: size.part = .lineFeed
    case 0x3b: size.part = .extensions
    case 0x0a: throw .bareLineFeed
    default: throw .chunkSizeInvalid
    }
  }

  private mutating func readExtension(
    _ byte: UInt8, _ size: inout ChunkSize
  ) throws(HTTPFault) {
    if byte == 0x0d {
      size.part = .lineFeed
      return
    }
    guard ByteClass.isValue(byte) else {
      throw byte == 0x0a ? .bareLineFeed : .controlCharacter
    }
    extensionByteCount += 1
    guard extensionByteCount <= HTTPProtocolLimits.chunkExtensionByteCountMax else {
      throw .chunkExtensionsTooLong
    }
  }
}
