internal import ByteBuffers
internal import StreamCoding

/// The coding of one work connection's payload: compression, then encryption
/// (wire-protocol.md 6.4).
public final class PayloadCodec {
  private let context: TransportContext
  private var encoder: PayloadEncoder
  private var decoder: PayloadDecoder

  /// Sets coding up as both ends' proxy settings say.
  ///
  /// - Returns: `nil` when neither is asked for: plain payload needs no codec.
  public init?(_ context: TransportContext, encryptionKey: [UInt8]?, isCompressed: Bool) {
    guard encryptionKey != nil || isCompressed else { return nil }
    self.context = context
    encoder = PayloadEncoder(encryptionKey: encryptionKey, isCompressed: isCompressed)
    decoder = PayloadDecoder(encryptionKey: encryptionKey, isCompressed: isCompressed)
  }

  /// Codes `bytes` and lends the result to `body`.
  func encode(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    encoder.encode(bytes, into: &context.codecQueue)
    if !context.codecQueue.isEmpty { body(context.codecQueue.readableBytes) }
    context.codecQueue.removeAll(keepingCapacity: true)
  }

  /// Decodes `bytes` and lends the result to `body`; nothing to lend is no call.
  func decode(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(StreamCodingError) {
    defer { context.codecQueue.removeAll(keepingCapacity: true) }
    try decoder.decode(bytes, into: &context.codecQueue)
    if !context.codecQueue.isEmpty { body(context.codecQueue.readableBytes) }
  }

  /// Whether the stream may end here.
  var isAtBoundary: Bool {
    do throws(StreamCodingError) {
      try decoder.finish()
      return true
    } catch {
      return false
    }
  }
}
