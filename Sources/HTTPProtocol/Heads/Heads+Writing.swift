public import ByteBuffers

extension RequestHead {
  /// Appends the head, always as HTTP/1.1.
  public func write(into queue: inout ByteQueue) {
    let bytes = unsafe fields.storage.span.bytes
    queue.append(bytes.extracting(methodRange))
    queue.append(0x20)
    queue.append(bytes.extracting(target.whole))
    queue.append(utf8: " HTTP/1.1\r\n")
    fields.write(into: &queue)
    queue.append(utf8: "\r\n")
  }
}

extension ResponseHead {
  /// Appends the head, always as HTTP/1.1: that is what we speak, whatever a visitor does.
  ///
  /// - Parameter date: the value of a `Date` to add. It is not made a field before, since that
  ///   would copy the others.
  public func write(into queue: inout ByteQueue, addingDate date: String? = nil) {
    queue.append(utf8: "HTTP/1.1 \(status.code) ")
    queue.append(unsafe fields.storage.span.bytes.extracting(reason))
    queue.append(utf8: "\r\n")
    fields.write(into: &queue)
    if let date { AnswerDate.write(date, into: &queue) }
    queue.append(utf8: "\r\n")
  }
}
