internal import ByteBuffers

/// The header of one frame (yamux, "Framing"; wire-protocol.md 5.1).
///
/// | offset | size | field | encoding |
/// | --- | --- | --- | --- |
/// | 0 | 1 | version | 0 |
/// | 1 | 1 | type | `Kind` |
/// | 2 | 2 | flags | `Flags`, big-endian |
/// | 4 | 4 | stream | big-endian; 0 for the session |
/// | 8 | 4 | length | big-endian; body, credit, value or code |
struct MuxFrameHeader: Equatable {
  /// Bytes of an encoded header.
  static let byteCount = 12

  enum Kind: UInt8 {
    case data = 0
    case windowUpdate = 1
    case ping = 2
    case goAway = 3
  }

  struct Flags: OptionSet {
    let rawValue: UInt16
    static let syn = Flags(rawValue: 1)
    static let ack = Flags(rawValue: 2)
    static let fin = Flags(rawValue: 4)
    static let rst = Flags(rawValue: 8)
  }

  var kind: Kind
  var flags: Flags
  var stream: UInt32
  var length: UInt32

  init(_ kind: Kind, _ flags: Flags = [], stream: UInt32, length: UInt32) {
    self.kind = kind
    self.flags = flags
    self.stream = stream
    self.length = length
  }

  /// Decodes twelve bytes.
  ///
  /// - Throws: `.versionUnsupported` or `.frameTypeUnknown`; the session is over then.
  init(decoding bytes: UnsafeRawPointer) throws(MuxError) {
    let version = bytes.load(as: UInt8.self)
    guard version == 0 else { throw .versionUnsupported(version) }
    let type = bytes.load(fromByteOffset: 1, as: UInt8.self)
    guard let kind = Kind(rawValue: type) else { throw .frameTypeUnknown(type) }
    self.kind = kind
    flags = Flags(
      rawValue: UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    stream = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    length = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
  }

  /// Appends the twelve bytes.
  func append(to queue: inout ByteQueue) {
    let first = UInt64(kind.rawValue) << 48 | UInt64(flags.rawValue) << 32 | UInt64(stream)
    queue.append(bigEndian: first)
    queue.append(bigEndian: length)
  }
}
