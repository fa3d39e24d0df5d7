/// Big- and little-endian loads and hexadecimal text over a `RawSpan`.
extension RawSpan {
  /// The integer at `offset` in network byte order; the span must hold all its bytes.
  public func loadBigEndian<T: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: T.Type
  ) -> T {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= byteCount, "load out of bounds")
    return withUnsafeBytes { T(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
  }

  /// The integer at `offset`, lowest byte first; the span must hold all its bytes.
  public func loadLittleEndian<T: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: T.Type
  ) -> T {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= byteCount, "load out of bounds")
    return withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
  }

  /// The byte at `offset`.
  public func byte(at offset: Int) -> UInt8 {
    loadBigEndian(at: offset, as: UInt8.self)
  }
}

extension Array where Element == UInt8 {
  /// Makes an array of the bytes of `span`.
  public init(_ span: RawSpan) {
    self = span.withUnsafeBytes { Array($0) }
  }
}
