internal import CNghttp2
internal import HTTPProtocol

/// Fields on their way to nghttp2, which copies them and makes their names small.
struct NativeFields {
  private struct Entry {
    var name: Range<Int>
    var value: Range<Int>
    var isSecret: Bool
  }

  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  private var natives: [nghttp2_nv] = []

  /// Forgets everything but the room.
  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
  }

  mutating func append(_ name: String, _ value: String) {
    let start = bytes.count
    bytes += name.utf8
    let middle = bytes.count
    bytes += value.utf8
    entries.append(Entry(name: start..<middle, value: middle..<bytes.count, isSecret: false))
  }

  /// Adds what a message of HTTP/2 may have of `table` (RFC 9113, section 8.2.2).
  mutating func append(_ table: FieldTable) {
    for index in 0..<table.count {
      let known = table.known(at: index)
      if Self.isLeftOut(known) { continue }
      let start = bytes.count
      var middle = start
      table.withLine(at: index) { name, value in
        name.withUnsafeBytes { bytes += $0 }
        middle = bytes.count
        value.withUnsafeBytes { bytes += $0 }
      }
      let isSecret = known == .authorization || known == .cookie || known == .setCookie
      entries.append(
        Entry(name: start..<middle, value: middle..<bytes.count, isSecret: isSecret))
    }
  }

  /// What is of one connection of HTTP/1.1; `host` is `:authority` in HTTP/2.
  private static func isLeftOut(_ known: KnownField) -> Bool {
    known == .connection || known == .keepAlive || known == .proxyConnection
      || known == .transferEncoding || known == .upgrade || known == .host
  }

  /// Lends the fields in nghttp2's form.
  mutating func withNatives<R>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> R) -> R {
    natives.removeAll(keepingCapacity: true)
    return bytes.withUnsafeMutableBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return body(nil, 0) }
      for entry in entries {
        let flags = entry.isSecret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
        natives.append(
          nghttp2_nv(
            name: base + entry.name.lowerBound, value: base + entry.value.lowerBound,
            namelen: entry.name.count, valuelen: entry.value.count, flags: UInt8(flags.rawValue)))
      }
      return natives.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
    }
  }
}
