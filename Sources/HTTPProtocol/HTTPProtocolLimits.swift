/// The sizes that bound what a visitor or a local service can make us hold and do.
public enum HTTPProtocolLimits {
  /// The most bytes in the head of a message, from its first line to its empty line.
  public static let headByteCountMax = 32 * 1024

  /// The most bytes in a request line; RFC 9112, section 3, recommends 8,000 at least.
  public static let requestLineByteCountMax = 16 * 1024

  /// The most bytes in a method.
  public static let methodByteCountMax = 32

  /// The most fields in a head, and in a trailer section.
  public static let fieldCountMax = 100

  /// The most bytes in a trailer section, its empty line included.
  public static let trailerByteCountMax = 8 * 1024

  /// The most bytes in the line of one chunk's size, extensions included.
  public static let chunkLineByteCountMax = 256

  /// The most bytes in the chunk extensions of one body.
  public static let chunkExtensionByteCountMax = 4096

  /// The most hexadecimal digits in a chunk's size.
  public static let chunkSizeDigitCountMax = 16

  /// The most interim responses (1xx) to one request.
  public static let interimResponseCountMax = 16

  /// The most parameters of a query that are read; what lies behind is ignored.
  public static let queryParameterCountMax = 64

  /// The most segments in a path of our own interfaces; longer ones lead nowhere.
  public static let pathSegmentCountMax = 32

  /// The most bytes in a ClientHello with its records; one with post-quantum keys has some 1,800.
  public static let clientHelloByteCountMax = 64 * 1024

  /// The most protocols that are read of a ClientHello; what lies behind is ignored.
  public static let applicationProtocolCountMax = 16

  /// The most bytes in the name of a host (RFC 1035, section 2.3.4, and its trailing dot).
  public static let hostByteCountMax = 254
}
