/// What a frame is about.
enum FrameType: UInt8 {
  case data = 0
  case windowUpdate = 1
  case ping = 2
  case goAway = 3
}

/// What a frame does beside what its type says.
struct FrameFlags: OptionSet {
  let rawValue: UInt16

  static let synchronize = FrameFlags(rawValue: 1)
  static let acknowledge = FrameFlags(rawValue: 2)
  static let finish = FrameFlags(rawValue: 4)
  static let reset = FrameFlags(rawValue: 8)
}

/// The head of every frame.
///
/// | offset | size | field | encoding |
/// |---|---|---|---|
/// | 0 | 1 | version, 0 | |
/// | 1 | 1 | type | `FrameType` |
/// | 2 | 2 | flags | `FrameFlags`, big-endian |
/// | 4 | 4 | stream; 0 for pings and go-aways | big-endian |
/// | 8 | 4 | length | big-endian |
///
/// The length is that of the body (data), the credit to add (window update), an opaque value
/// (ping) or a code (go away). Only data frames have a body.
///
/// Specification: yamux, "Framing".
struct FrameHeader {
  static let byteCount = 12

  var type: FrameType
  var flags: FrameFlags
  var wireID: UInt32
  var length: UInt32

  /// Reads the first `byteCount` (12) bytes behind `start`.
  ///
  /// - Throws: `.versionUnsupported` and `.frameTypeUnknown`; nothing behind such a header makes
  ///   sense.
  init(at start: UnsafeRawPointer) throws(MuxError) {
    try self.init(
      front: UInt64(bigEndian: start.loadUnaligned(as: UInt64.self)),
      length: UInt32(bigEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
  }

  /// Takes the fields apart: `front` has version, type, flags and stream from its highest bits.
  init(front: UInt64, length: UInt32) throws(MuxError) {
    let version = UInt8(truncatingIfNeeded: front >> 56)
    guard version == 0 else { throw .versionUnsupported(version) }
    let typeByte = UInt8(truncatingIfNeeded: front >> 48)
    guard let type = FrameType(rawValue: typeByte) else { throw .frameTypeUnknown(typeByte) }
    self.type = type
    flags = FrameFlags(rawValue: UInt16(truncatingIfNeeded: front >> 32))
    wireID = UInt32(truncatingIfNeeded: front)
    self.length = length
  }

  init(_ type: FrameType, _ flags: FrameFlags, wireID: UInt32, length: UInt32) {
    self.type = type
    self.flags = flags
    self.wireID = wireID
    self.length = length
  }

  /// Writes `byteCount` (12) bytes behind `start`.
  func store(at start: UnsafeMutableRawPointer) {
    let front =
      UInt64(type.rawValue) << 48 | UInt64(flags.rawValue) << 32 | UInt64(wireID)
    start.storeBytes(of: front.bigEndian, as: UInt64.self)
    start.storeBytes(of: length.bigEndian, toByteOffset: 8, as: UInt32.self)
  }
}

/// The part of a header that has arrived when a read ended inside it.
struct PartialHeader {
  private var front: UInt64 = 0
  private var length: UInt32 = 0
  private(set) var byteCount = 0

  /// Takes from `source` what is missing.
  ///
  /// - Returns: the header once it is whole; `nil` when `source` was too short.
  mutating func complete(
    from source: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(MuxError) -> FrameHeader? {
    while byteCount < FrameHeader.byteCount {
      guard offset < source.count else { return nil }
      if byteCount < 8 {
        front = front << 8 | UInt64(source[offset])
      } else {
        length = length << 8 | UInt32(source[offset])
      }
      byteCount += 1
      offset += 1
    }
    byteCount = 0
    return try FrameHeader(front: front, length: length)
  }
}
