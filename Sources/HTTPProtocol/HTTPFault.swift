/// What is wrong with a message. Nothing behind it can be read: the connection has to be closed,
/// after an answer with `status` if it was a request.
public enum HTTPFault: Error, Equatable, Sendable {
  /// The request line has more than its maximum of bytes.
  case requestLineTooLong
  /// The request line is not a method, a target and a version with one space between them.
  case requestLineMalformed
  /// The method has more than its maximum of bytes.
  case methodTooLong
  /// The method is no token.
  case methodInvalid
  /// The target is none of the forms that its method may have, or has a forbidden character.
  case targetInvalid
  /// The version is not written as one.
  case versionMalformed
  /// A version that is neither 1.0 nor 1.1.
  case versionUnsupported
  /// The status line is none.
  case statusLineMalformed
  /// A line feed without a carriage return before it.
  case bareLineFeed
  /// A carriage return without a line feed behind it.
  case bareCarriageReturn
  /// A NUL or another control character.
  case controlCharacter
  /// A field line that begins with a space or tab.
  case obsoleteLineFolding
  /// A field line without a colon.
  case colonMissing
  /// A space or tab between a field's name and the colon.
  case spaceBeforeColon
  /// A field's name is empty or no token.
  case fieldNameInvalid
  /// The head has more than its maximum of bytes.
  case headTooLarge
  /// More fields than there may be.
  case tooManyFields
  /// HTTP/1.1 without `Host`.
  case hostMissing
  /// More than one `Host`.
  case hostRepeated
  /// `Host` is no host with an optional port.
  case hostInvalid
  /// `Host` names another host than the target.
  case hostContradictsTarget
  /// `Content-Length` is no number.
  case contentLengthInvalid
  /// More than one `Content-Length`, or a list of them.
  case contentLengthRepeated
  /// `Content-Length` beside `Transfer-Encoding`.
  case contentLengthWithTransferEncoding
  /// `Transfer-Encoding` in a message of version 1.0.
  case transferEncodingInOldVersion
  /// `Transfer-Encoding` does not end in `chunked`, or has it twice.
  case transferEncodingInvalid
  /// `Transfer-Encoding` has another coding before `chunked`.
  case transferEncodingUnknown
  /// A CONNECT with a body.
  case bodyNotAllowed
  /// `Expect` asks for something else than `100-continue`.
  case expectationUnknown
  /// `Connection` names a field that says where a message ends or goes.
  case connectionNamesFraming
  /// A chunk's size is no hexadecimal number.
  case chunkSizeInvalid
  /// A chunk's size does not fit.
  case chunkSizeTooLarge
  /// The line of a chunk's size has more than its maximum of bytes.
  case chunkLineTooLong
  /// The chunk extensions of one body have more than their maximum of bytes.
  case chunkExtensionsTooLong
  /// No CRLF behind a chunk's data.
  case chunkEndMissing
  /// The trailer section has more than its maximum of bytes.
  case trailersTooLarge
  /// A trailer that would change how the message is read or where it goes.
  case trailerForbidden
  /// More interim responses to one request than there may be.
  case tooManyInterimResponses
  /// The connection ended inside a message.
  case truncated

  /// What a request with this fault is answered with.
  public var status: HTTPStatus {
    switch self {
    case .requestLineTooLong: .targetTooLong
    case .headTooLarge, .tooManyFields, .trailersTooLarge: .headTooLarge
    case .methodTooLong, .transferEncodingUnknown: .notImplemented
    case .versionUnsupported: .versionNotSupported
    case .expectationUnknown: .expectationFailed
    case .requestLineMalformed, .methodInvalid, .targetInvalid, .versionMalformed,
      .statusLineMalformed, .bareLineFeed, .bareCarriageReturn, .controlCharacter,
      .obsoleteLineFolding, .colonMissing, .spaceBeforeColon, .fieldNameInvalid, .hostMissing,
      .hostRepeated, .hostInvalid, .hostContradictsTarget, .contentLengthInvalid,
      .contentLengthRepeated, .contentLengthWithTransferEncoding, .transferEncodingInOldVersion,
      .transferEncodingInvalid, .bodyNotAllowed, .connectionNamesFraming, .chunkSizeInvalid,
      .chunkSizeTooLarge, .chunkLineTooLong, .chunkExtensionsTooLong, .chunkEndMissing,
      .trailerForbidden, .tooManyInterimResponses, .truncated:
      .badRequest
    }
  }
}
