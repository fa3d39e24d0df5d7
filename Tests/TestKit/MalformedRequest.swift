/// A request that must not reach a local service, and why. The corpus serves every test that reads
/// requests, from bytes or from sockets.
public struct MalformedRequest: Sendable, CustomStringConvertible {
  /// What a test names when it fails; each is there once.
  public let name: String
  /// The bytes.
  public let text: String
  /// The name of the fault in `HTTPFault`.
  public let fault: String
  /// The code of what the visitor gets.
  public let status: Int
  /// What could go wrong if it were passed on.
  public let why: String

  /// The faults, so that the corpus names only what there is.
  private enum Fault: String {
    case requestLineTooLong, requestLineMalformed, methodTooLong, methodInvalid, targetInvalid
    case versionMalformed, versionUnsupported, bareLineFeed, bareCarriageReturn
    case controlCharacter, obsoleteLineFolding, colonMissing, spaceBeforeColon
    case fieldNameInvalid, headTooLarge, tooManyFields, hostMissing, hostRepeated, hostInvalid
    case hostContradictsTarget, contentLengthInvalid, contentLengthRepeated
    case contentLengthWithTransferEncoding, transferEncodingInOldVersion
    case transferEncodingInvalid, transferEncodingUnknown, bodyNotAllowed, expectationUnknown
    case connectionNamesFraming, chunkSizeInvalid, chunkSizeTooLarge, chunkLineTooLong
    case chunkExtensionsTooLong, chunkEndMissing, trailersTooLarge, trailerForbidden
  }

  private init(_ name: String, _ text: String, _ fault: Fault, _ status: Int, _ why: String) {
    self.name = name
    self.text = text
    self.fault = fault.rawValue
    self.status = status
    self.why = why
  }

  /// The name.
  public var description: String { name }

  private static let host = "Host: a.test\r\n"
  private static let post = "POST / HTTP/1.1\r\nHost: a.test\r\n"
  private static let chunked = post + "Transfer-Encoding: chunked\r\n"

  /// All of them.
  public static let corpus: [MalformedRequest] =
    lengths + transferEncodings + lines + fields + requestLines + hosts + connections + chunks
    + trailers + sizes

  // MARK: Where a message ends

  private static let lengths: [MalformedRequest] = [
    .init(
      "content-length twice, different", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
      .contentLengthRepeated, 400, "one end takes the first, the other one the last"),
    .init(
      "content-length twice, the same", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
      .contentLengthRepeated, 400, "some join them to a number of their own"),
    .init(
      "content-length as a list", post + "Content-Length: 5, 5\r\n\r\n", .contentLengthRepeated,
      400, "some take the first element"),
    .init(
      "content-length with a plus", post + "Content-Length: +5\r\n\r\n", .contentLengthInvalid,
      400, "number parsers of libraries take signs"),
    .init(
      "content-length negative", post + "Content-Length: -1\r\n\r\n", .contentLengthInvalid, 400,
      "becomes a huge number, or none"),
    .init(
      "content-length hexadecimal", post + "Content-Length: 0x10\r\n\r\n", .contentLengthInvalid,
      400, "16 for some, 0 for others"),
    .init(
      "content-length empty", post + "Content-Length: \r\n\r\n", .contentLengthInvalid, 400,
      "0 for some, absent for others"),
    .init(
      "content-length with a space inside", post + "Content-Length: 1 0\r\n\r\n",
      .contentLengthInvalid, 400, "1 for some, 10 for others"),
    .init(
      "content-length with a fraction", post + "Content-Length: 5.0\r\n\r\n",
      .contentLengthInvalid, 400, "5 for some"),
    .init(
      "content-length with a vertical tab", post + "Content-Length: \u{b}5\r\n\r\n",
      .controlCharacter, 400, "white space for some"),
    .init(
      "content-length beyond 64 bits", post + "Content-Length: 18446744073709551621\r\n\r\n",
      .contentLengthInvalid, 400, "wraps around to 5"),
    .init(
      "content-length in arabic digits", post + "Content-Length: \u{661}\r\n\r\n",
      .contentLengthInvalid, 400, "digits for parsers of Unicode text"),
    .init(
      "content-length and transfer-encoding",
      post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nG\r\n0\r\n\r\n",
      .contentLengthWithTransferEncoding, 400, "CL.TE"),
    .init(
      "transfer-encoding and content-length",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      .contentLengthWithTransferEncoding, 400, "TE.CL"),
    .init(
      "CONNECT with a body",
      "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nContent-Length: 5\r\n\r\nhello",
      .bodyNotAllowed, 400, "the body is the tunnel's first bytes for some"),
  ]

  private static let transferEncodings: [MalformedRequest] = [
    .init(
      "transfer-encoding twice", chunked + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      .transferEncodingInvalid, 400, "chunks inside of chunks"),
    .init(
      "transfer-encoding chunked, chunked",
      post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", .transferEncodingInvalid, 400,
      "chunks inside of chunks"),
    .init(
      "transfer-encoding identity", post + "Transfer-Encoding: identity\r\n\r\n",
      .transferEncodingInvalid, 400, "no body for some, until close for others"),
    .init(
      "transfer-encoding chunked, identity",
      post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", .transferEncodingInvalid, 400,
      "chunked is not last"),
    .init(
      "transfer-encoding gzip, chunked",
      post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", .transferEncodingUnknown, 501,
      "a coding that we do not undo"),
    .init(
      "transfer-encoding gzip", post + "Transfer-Encoding: gzip\r\n\r\n", .transferEncodingInvalid,
      400, "nothing says where the body ends"),
    .init(
      "transfer-encoding xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      .transferEncodingInvalid, 400, "chunked for those who search the text"),
    .init(
      "transfer-encoding quoted", post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
      .transferEncodingInvalid, 400, "chunked for those who unquote"),
    .init(
      "transfer-encoding with a parameter", post + "Transfer-Encoding: chunked;q=1\r\n\r\n",
      .transferEncodingInvalid, 400, "chunked has no parameters"),
    .init(
      "transfer-encoding empty", post + "Transfer-Encoding: \r\n\r\n", .transferEncodingInvalid,
      400, "absent for some"),
    .init(
      "transfer-encoding with an empty element", post + "Transfer-Encoding: , chunked\r\n\r\n",
      .transferEncodingInvalid, 400, "an obfuscation"),
    .init(
      "transfer-encoding with a trailing comma", post + "Transfer-Encoding: chunked,\r\n\r\n",
      .transferEncodingInvalid, 400, "an obfuscation"),
    .init(
      "transfer-encoding with a vertical tab", post + "Transfer-Encoding:\u{b}chunked\r\n\r\n",
      .controlCharacter, 400, "white space for some"),
    .init(
      "transfer-encoding with a NUL", post + "Transfer-Encoding: chunked\0\r\n\r\n",
      .controlCharacter, 400, "the end of the text for some"),
    .init(
      "transfer-encoding in 1.0",
      "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      .transferEncodingInOldVersion, 400, "1.0 has no chunks"),
    .init(
      "transfer-encoding split over two fields",
      post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      .transferEncodingUnknown, 501, "some take one of the two"),
    .init(
      "transfer-encoding folded", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
      .obsoleteLineFolding, 400, "an empty value for some"),
    .init(
      "transfer-encoding with a space before the colon",
      post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", .spaceBeforeColon, 400,
      "another name for some"),
  ]

  // MARK: Lines and fields

  private static let lines: [MalformedRequest] = [
    .init(
      "bare LF behind the request line", "GET / HTTP/1.1\nHost: a.test\r\n\r\n", .bareLineFeed,
      400, "one line for some, two for others"),
    .init(
      "bare LF behind a field", "GET / HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n", .bareLineFeed, 400,
      "one field for some, two for others"),
    .init(
      "bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a.test\r\n\n", .bareLineFeed, 400,
      "the head ends for some"),
    .init(
      "bare LF before the request", "\nGET / HTTP/1.1\r\n" + host + "\r\n", .bareLineFeed, 400,
      "an empty line for some"),
    .init(
      "bare CR in a value", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\rY: b\r\n\r\n",
      .bareCarriageReturn, 400, "a line's end for some"),
    .init(
      "bare CR in a name", "GET / HTTP/1.1\r\nHost: a.test\r\nX\r: a\r\n\r\n",
      .bareCarriageReturn, 400, "a line's end for some"),
    .init(
      "CR CR LF", "GET / HTTP/1.1\r\nHost: a.test\r\r\n\r\n", .bareCarriageReturn, 400,
      "a line's end for some"),
    .init(
      "bare CR in the target", "GET /\rX HTTP/1.1\r\nHost: a.test\r\n\r\n", .bareCarriageReturn,
      400, "splits the line at the local service"),
    .init(
      "bare CR before the request", "\rGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
      .bareCarriageReturn, 400, "an empty line for some"),
    .init(
      "NUL in a value", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n", .controlCharacter,
      400, "the end of the text for some"),
    .init(
      "DEL in a value", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\u{7f}b\r\n\r\n",
      .controlCharacter, 400, "forbidden in values"),
    .init(
      "escape character in a value", "GET / HTTP/1.1\r\nHost: a.test\r\nX: \u{1b}[2J\r\n\r\n",
      .controlCharacter, 400, "rewrites the terminal of who reads the log"),
  ]

  private static let fields: [MalformedRequest] = [
    .init(
      "folded value", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\r\n b\r\n\r\n",
      .obsoleteLineFolding, 400, "a field of its own for some"),
    .init(
      "first field begins with a space", "GET / HTTP/1.1\r\n Host: a.test\r\n\r\n",
      .obsoleteLineFolding, 400, "part of the request line for some"),
    .init(
      "line of a tab", "GET / HTTP/1.1\r\nHost: a.test\r\n\t\r\n\r\n", .obsoleteLineFolding, 400,
      "the empty line for some"),
    .init(
      "space before the colon", "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", .spaceBeforeColon, 400,
      "another name for some"),
    .init(
      "tab before the colon", "GET / HTTP/1.1\r\nHost\t: a.test\r\n\r\n", .spaceBeforeColon, 400,
      "another name for some"),
    .init(
      "no colon", "GET / HTTP/1.1\r\nHost: a.test\r\nNonsense\r\n\r\n", .colonMissing, 400,
      "skipped by some"),
    .init(
      "empty name", "GET / HTTP/1.1\r\nHost: a.test\r\n: x\r\n\r\n", .fieldNameInvalid, 400,
      "skipped by some"),
    .init(
      "name with a parenthesis", "GET / HTTP/1.1\r\nHost: a.test\r\nX(y: z\r\n\r\n",
      .fieldNameInvalid, 400, "no token"),
    .init(
      "name beyond ASCII", "GET / HTTP/1.1\r\nHost: a.test\r\nTransf\u{e9}r: z\r\n\r\n",
      .fieldNameInvalid, 400, "folded to ASCII by some"),
    .init(
      "NUL in a name", "GET / HTTP/1.1\r\nHost: a.test\r\nX\0Y: z\r\n\r\n", .controlCharacter,
      400, "the end of the name for some"),
    .init(
      "unknown expectation",
      post + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx", .expectationUnknown, 417,
      "nobody here fulfils it"),
  ]

  private static let requestLines: [MalformedRequest] = [
    .init("HTTP/0.9", "GET /\r\n\r\n", .requestLineMalformed, 400, "the answer has no head"),
    .init("only a method", "GET\r\n\r\n", .requestLineMalformed, 400, "no request"),
    .init(
      "two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", .requestLineMalformed, 400,
      "an empty target for some"),
    .init(
      "space behind the target", "GET /  HTTP/1.1\r\n" + host + "\r\n", .versionMalformed, 400,
      "part of the target for some"),
    .init(
      "space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", .versionMalformed, 400,
      "two targets"),
    .init(
      "tab between", "GET\t/ HTTP/1.1\r\n" + host + "\r\n", .methodInvalid, 400,
      "a space for some"),
    .init(
      "space behind the version", "GET / HTTP/1.1 \r\n" + host + "\r\n", .versionMalformed, 400,
      "another version for some"),
    .init(
      "method is no token", "G@T / HTTP/1.1\r\n" + host + "\r\n", .methodInvalid, 400, "no token"),
    .init(
      "TLS on the port for HTTP", "\u{16}\u{3}\u{1}\u{2}\0", .methodInvalid, 400,
      "another protocol"),
    .init(
      "NUL in the target", "GET /a\0b HTTP/1.1\r\n" + host + "\r\n", .controlCharacter, 400,
      "the end of the path for some"),
    .init(
      "fragment in the target", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "cut by some"),
    .init(
      "target without a slash", "GET a HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "relative to something else for some"),
    .init(
      "target with another scheme", "GET ftp://a.test/ HTTP/1.1\r\n" + host + "\r\n",
      .targetInvalid, 400, "a request that is not ours"),
    .init(
      "asterisk of a GET", "GET * HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "only OPTIONS has it"),
    .init(
      "broken escape in the path", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "another path for some"),
    .init(
      "cut escape in the path", "GET /a%2 HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "another path for some"),
    .init(
      "user in the target", "GET http://a.test@b.test/ HTTP/1.1\r\n" + host + "\r\n",
      .targetInvalid, 400, "which of the two is the host?"),
    .init(
      "CONNECT without a port", "CONNECT a.test HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "no port"),
    .init(
      "CONNECT with a path", "CONNECT /a HTTP/1.1\r\n" + host + "\r\n", .targetInvalid, 400,
      "no host"),
    .init(
      "small letters in the version", "GET / http/1.1\r\n" + host + "\r\n", .versionMalformed, 400,
      "no version"),
    .init(
      "HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", .versionUnsupported, 505,
      "not in this form"),
    .init(
      "nearly the preface of HTTP/2", "PRIX * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionUnsupported, 505,
      "not in this form"),
    .init(
      "HTTP/1.9", "GET / HTTP/1.9\r\n" + host + "\r\n", .versionUnsupported, 505,
      "no such version"),
    .init(
      "version of two digits", "GET / HTTP/1.10\r\n" + host + "\r\n", .versionMalformed, 400,
      "1.1 for some"),
  ]

  private static let hosts: [MalformedRequest] = [
    .init("no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", .hostMissing, 400, "nowhere to go"),
    .init(
      "two hosts", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", .hostRepeated, 400,
      "one end routes by the first, the other by the last"),
    .init(
      "the same host twice", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
      .hostRepeated, 400, "forbidden"),
    .init(
      "two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a.test\r\nhost: b.test\r\n\r\n", .hostRepeated,
      400, "one end routes by the first, the other by the last"),
    .init(
      "host with a path", "GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n", .hostInvalid, 400,
      "joined with the target by some"),
    .init(
      "host with a user", "GET / HTTP/1.1\r\nHost: a.test@b.test\r\n\r\n", .hostInvalid, 400,
      "which of the two?"),
    .init(
      "host with a space", "GET / HTTP/1.1\r\nHost: a.test b.test\r\n\r\n", .hostInvalid, 400,
      "which of the two?"),
    .init(
      "host with a bad port", "GET / HTTP/1.1\r\nHost: a.test:80x\r\n\r\n", .hostInvalid, 400,
      "another host for some"),
    .init(
      "host with a large port", "GET / HTTP/1.1\r\nHost: a.test:65536\r\n\r\n", .hostInvalid, 400,
      "wraps around to 0"),
    .init(
      "host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .hostInvalid, 400,
      "no address"),
    .init(
      "target against host", "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
      .hostContradictsTarget, 400, "one end routes by the target, the other by the field"),
    .init(
      "port of target against host", "GET http://a.test:81/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
      .hostContradictsTarget, 400, "one end routes by the target, the other by the field"),
    .init(
      "CONNECT against host", "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n",
      .hostContradictsTarget, 400, "one end routes by the target, the other by the field"),
  ]

  private static let connections: [MalformedRequest] = [
    .init(
      "connection names content-length",
      post + "Content-Length: 5\r\nConnection: Content-Length\r\n\r\nhello",
      .connectionNamesFraming, 400, "a proxy in between removes where the body ends"),
    .init(
      "connection names host", "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close, host\r\n\r\n",
      .connectionNamesFraming, 400, "a proxy in between removes the host"),
    .init(
      "connection names transfer-encoding",
      chunked + "Connection: transfer-encoding\r\n\r\n0\r\n\r\n", .connectionNamesFraming, 400,
      "a proxy in between removes where the body ends"),
  ]

  // MARK: Bodies

  private static let chunks: [MalformedRequest] = [
    .init("chunk without a size", chunked + "\r\n\r\n", .chunkSizeInvalid, 400, "0 for some"),
    .init(
      "chunk size with 0x", chunked + "\r\n0x5\r\nhello\r\n", .chunkSizeInvalid, 400,
      "0 for some, 5 for others"),
    .init(
      "negative chunk size", chunked + "\r\n-1\r\n", .chunkSizeInvalid, 400, "a huge number"),
    .init(
      "chunk size with a plus", chunked + "\r\n+5\r\nhello\r\n", .chunkSizeInvalid, 400,
      "5 for some"),
    .init(
      "space before a chunk size", chunked + "\r\n 5\r\nhello\r\n", .chunkSizeInvalid, 400,
      "5 for some"),
    .init(
      "space behind a chunk size", chunked + "\r\n5 \r\nhello\r\n", .chunkSizeInvalid, 400,
      "5 for some"),
    .init(
      "chunk size with an underscore", chunked + "\r\n1_0\r\n", .chunkSizeInvalid, 400,
      "16 for some"),
    .init(
      "chunk size beyond 63 bits", chunked + "\r\nfffffffffffffff1\r\n", .chunkSizeTooLarge, 400,
      "-15 for some"),
    .init(
      "chunk size beyond 64 bits", chunked + "\r\n10000000000000005\r\nhello\r\n",
      .chunkSizeTooLarge, 400, "wraps around to 5"),
    .init(
      "chunk size with many zeros", chunked + "\r\n00000000000000005\r\nhello\r\n",
      .chunkSizeTooLarge, 400, "work for nothing"),
    .init(
      "bare LF behind a chunk size", chunked + "\r\n5\nhello\r\n", .bareLineFeed, 400,
      "one line for some"),
    .init(
      "bare CR behind a chunk size", chunked + "\r\n5\rxhello\r\n", .bareCarriageReturn, 400,
      "a line's end for some"),
    .init(
      "bare LF in an extension", chunked + "\r\n5;a\nhello\r\n", .bareLineFeed, 400,
      "part of the extension for some"),
    .init(
      "bare CR in an extension", chunked + "\r\n5;a\rb\r\nhello\r\n", .bareCarriageReturn, 400,
      "a line's end for some"),
    .init(
      "NUL in an extension", chunked + "\r\n5;\0\r\nhello\r\n", .controlCharacter, 400,
      "the end of the text for some"),
    .init(
      "extension too long",
      chunked + "\r\n5;" + String(repeating: "x", count: 300) + "\r\nhello\r\n", .chunkLineTooLong,
      400, "bytes that nobody counts"),
    .init(
      "many extensions",
      chunked + "\r\n"
        + String(repeating: "1;" + String(repeating: "x", count: 249) + "\r\ny\r\n", count: 17),
      .chunkExtensionsTooLong, 400, "bytes that nobody counts"),
    .init(
      "chunk data too long", chunked + "\r\n5\r\nhelloX\r\n0\r\n\r\n", .chunkEndMissing, 400,
      "where does the next chunk begin?"),
    .init(
      "bare LF behind chunk data", chunked + "\r\n5\r\nhello\n0\r\n\r\n", .chunkEndMissing, 400,
      "where does the next chunk begin?"),
    .init(
      "bare CR behind chunk data", chunked + "\r\n5\r\nhello\r0\r\n\r\n", .chunkEndMissing, 400,
      "where does the next chunk begin?"),
  ]

  private static let trailers: [MalformedRequest] = [
    .init(
      "content-length as trailer", chunked + "\r\n0\r\nContent-Length: 5\r\n\r\n",
      .trailerForbidden, 400, "merged into the head by some"),
    .init(
      "transfer-encoding as trailer", chunked + "\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
      .trailerForbidden, 400, "merged into the head by some"),
    .init(
      "host as trailer", chunked + "\r\n0\r\nHost: b.test\r\n\r\n", .trailerForbidden, 400,
      "merged into the head by some"),
    .init(
      "authorization as trailer", chunked + "\r\n0\r\nAuthorization: Basic eA==\r\n\r\n",
      .trailerForbidden, 400, "merged into the head by some"),
    .init(
      "x-forwarded-for as trailer", chunked + "\r\n0\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n",
      .trailerForbidden, 400, "merged into the head by some"),
    .init(
      "request in place of trailers", chunked + "\r\n0\r\nGET /x HTTP/1.1\r\n\r\n",
      .spaceBeforeColon, 400, "a request for those who read no trailers"),
    .init(
      "bare LF in trailers", chunked + "\r\n0\r\nX: y\n\r\n", .bareLineFeed, 400,
      "one field for some, two for others"),
    .init(
      "folded trailer", chunked + "\r\n0\r\nX: y\r\n z\r\n\r\n", .obsoleteLineFolding, 400,
      "a field of its own for some"),
  ]

  // MARK: Sizes

  private static let sizes: [MalformedRequest] = [
    .init(
      "method too long", String(repeating: "M", count: 33) + " / HTTP/1.1\r\n" + host + "\r\n",
      .methodTooLong, 501, "none that anybody knows"),
    .init(
      "request line too long",
      "GET /" + String(repeating: "a", count: 16 * 1024) + " HTTP/1.1\r\n" + host + "\r\n",
      .requestLineTooLong, 414, "memory"),
    .init(
      "request line without an end", "GET /" + String(repeating: "a", count: 17 * 1024),
      .requestLineTooLong, 414, "memory"),
    .init(
      "head too large",
      "GET / HTTP/1.1\r\n" + host
        + String(repeating: "X: " + String(repeating: "a", count: 1000) + "\r\n", count: 33),
      .headTooLarge, 431, "memory"),
    .init(
      "field without an end",
      "GET / HTTP/1.1\r\n" + host + "X: " + String(repeating: "a", count: 33 * 1024),
      .headTooLarge, 431, "memory"),
    .init(
      "101 fields", "GET / HTTP/1.1\r\n" + host + String(repeating: "X: y\r\n", count: 100),
      .tooManyFields, 431, "work"),
    .init(
      "trailers too large",
      chunked + "\r\n0\r\n" + "X: " + String(repeating: "a", count: 8 * 1024) + "\r\n\r\n",
      .trailersTooLarge, 431, "memory"),
    .init(
      "101 trailers", chunked + "\r\n0\r\n" + String(repeating: "X: y\r\n", count: 101),
      .tooManyFields, 431, "work"),
    .init(
      "host too long", "GET / HTTP/1.1\r\nHost: " + String(repeating: "a", count: 255) + "\r\n\r\n",
      .hostInvalid, 400, "no name"),
  ]
}
