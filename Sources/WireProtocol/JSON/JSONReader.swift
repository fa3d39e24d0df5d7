internal import ByteBuffers

/// Reads the JSON text of one message straight into its value, as frp's reader (Go's
/// encoding/json) does:
///
/// - A member is found by its name, whatever the case of the letters; unknown ones are skipped.
/// - `null` leaves a member as it is, and empties a list or map.
/// - When a member comes twice the later one wins; objects and maps are merged.
/// - Bytes that are no UTF-8, and halves of surrogate pairs, become U+FFFD.
/// - Anything else that is wrong is an error.
struct JSONReader: MemberVisitor {
  typealias Failure = JSONFault

  let bytes: [UInt8]
  var offset = 0
  private var depth = 0
  /// The name of the member before whose value the reader stands, in lower case.
  private var name: [UInt8] = []
  /// Whether that value has been read.
  private var isRead = true
  /// The known name of the value that is being read, for faults.
  private var member: String?

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads `bytes`, all of it, as one object.
  static func parse<Object: JSONObject>(_ bytes: [UInt8]) throws(JSONFault) -> Object {
    var reader = JSONReader(bytes)
    var object = Object.empty
    reader.skipWhiteSpace()
    try reader.readObject(into: &object)
    reader.skipWhiteSpace()
    if reader.offset < bytes.count { throw reader.fault(.trailingBytes) }
    return object
  }

  // MARK: Members

  mutating func text(_ name: String, _ value: inout String) throws(JSONFault) {
    guard matches(name), try !takeNull() else { return }
    value = try readText()
  }

  mutating func secret(_ name: String, _ value: inout String) throws(JSONFault) {
    try text(name, &value)
  }

  mutating func identifier(_ name: String, _ value: inout String) throws(JSONFault) {
    try text(name, &value)
  }

  mutating func textAlways(_ name: String, _ value: inout String) throws(JSONFault) {
    try text(name, &value)
  }

  mutating func integer<Integer: FixedWidthInteger>(
    _ name: String, _ value: inout Integer
  ) throws(JSONFault) {
    guard matches(name), try !takeNull() else { return }
    value = try readInteger()
  }

  mutating func integerAlways(_ name: String, _ value: inout Int) throws(JSONFault) {
    try integer(name, &value)
  }

  mutating func flag(_ name: String, _ value: inout Bool) throws(JSONFault) {
    guard matches(name), try !takeNull() else { return }
    try expect(.boolean)
    value = bytes[offset] == UInt8(ascii: "t")
    try take(literal: value ? "true" : "false")
  }

  mutating func texts(_ name: String, _ value: inout [String]) throws(JSONFault) {
    guard matches(name) else { return }
    value.removeAll()
    if try takeNull() { return }
    try readArray { (reader) throws(JSONFault) in
      value.append(try reader.takeNull() ? "" : reader.readText())
    }
  }

  mutating func map(_ name: String, _ value: inout [String: String]) throws(JSONFault) {
    guard matches(name) else { return }
    if try takeNull() {
      value.removeAll()
      return
    }
    try expect(.object)
    try readList(endingIn: UInt8(ascii: "}")) { (reader) throws(JSONFault) in
      let key = String(decoding: try reader.readMemberName(), as: UTF8.self)
      value[key] = try reader.takeNull() ? "" : reader.readText()
    }
  }

  mutating func bytes(_ name: String, _ value: inout [UInt8]) throws(JSONFault) {
    guard matches(name) else { return }
    if try takeNull() {
      value.removeAll()
      return
    }
    let start = offset
    guard let decoded = Base64.decode(try readTextBytes()) else {
      throw JSONFault(.invalidBase64, offset: start, member: member)
    }
    value = decoded
  }

  mutating func object<Object: JSONObject>(
    _ name: String, _ value: inout Object
  ) throws(JSONFault) {
    guard matches(name), try !takeNull() else { return }
    try readObject(into: &value)
  }

  mutating func optionalObject<Object: JSONObject>(
    _ name: String, _ value: inout Object?
  ) throws(JSONFault) {
    guard matches(name) else { return }
    if try takeNull() {
      value = nil
      return
    }
    var object = value ?? Object.empty
    try readObject(into: &object)
    value = object
  }

  mutating func objects<Object: JSONObject>(
    _ name: String, _ value: inout [Object]
  ) throws(JSONFault) {
    guard matches(name) else { return }
    value.removeAll()
    if try takeNull() { return }
    try readArray { (reader) throws(JSONFault) in
      var object = Object.empty
      if try !reader.takeNull() { try reader.readObject(into: &object) }
      value.append(object)
    }
  }

  /// Whether the reader stands before the value of the member `candidate`. Says so once: the
  /// caller reads the value.
  private mutating func matches(_ candidate: String) -> Bool {
    guard !isRead, candidate.utf8.count == name.count else { return false }
    for (ours, theirs) in zip(candidate.utf8, name) where Self.lowercased(ours) != theirs {
      return false
    }
    isRead = true
    member = candidate
    return true
  }

  // MARK: Objects and arrays

  private mutating func readObject<Object: JSONObject>(
    into object: inout Object
  ) throws(JSONFault) {
    try expect(.object)
    try readList(endingIn: UInt8(ascii: "}")) { (reader) throws(JSONFault) in
      try reader.readFoldedName()
      reader.isRead = false
      try object.visitMembers(&reader)
      if !reader.isRead { try reader.skipValue() }
      reader.isRead = true
      reader.member = nil
    }
  }

  private mutating func readArray(
    _ readElement: (inout JSONReader) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    try expect(.array)
    try readList(endingIn: UInt8(ascii: "]"), readElement)
  }

  /// Reads from an opening bracket to its closing one; `readElement` starts at what is no white
  /// space.
  private mutating func readList(
    endingIn closing: UInt8, _ readElement: (inout JSONReader) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    guard depth < WireProtocolLimits.jsonDepthMax else {
      throw fault(.nestedTooDeep(limit: WireProtocolLimits.jsonDepthMax))
    }
    depth += 1
    offset += 1
    skipWhiteSpace()
    if current == closing {
      offset += 1
    } else {
      repeat {
        skipWhiteSpace()
        try readElement(&self)
        skipWhiteSpace()
      } while try !takeSeparator(orEnd: closing)
    }
    depth -= 1
  }

  /// Takes a comma or the closing bracket; says whether it was the latter.
  private mutating func takeSeparator(orEnd closing: UInt8) throws(JSONFault) -> Bool {
    guard let byte = current else { throw fault(.unexpectedEnd) }
    guard byte == closing || byte == UInt8(ascii: ",") else { throw fault(.unexpectedByte) }
    offset += 1
    return byte == closing
  }

  /// Reads a member's name and colon, up to its value.
  private mutating func readMemberName() throws(JSONFault) -> ArraySlice<UInt8> {
    guard let byte = current else { throw fault(.unexpectedEnd) }
    guard byte == UInt8(ascii: "\"") else { throw fault(.unexpectedByte) }
    let name = try readTextBytes()
    skipWhiteSpace()
    guard let colon = current else { throw fault(.unexpectedEnd) }
    guard colon == UInt8(ascii: ":") else { throw fault(.unexpectedByte) }
    offset += 1
    skipWhiteSpace()
    return name
  }

  /// Reads a member's name and colon, and keeps the name in lower case. Go folds by Unicode's
  /// simple folding, under which two characters beyond ASCII equal a letter of our names.
  private mutating func readFoldedName() throws(JSONFault) {
    let text = try readMemberName()
    name.removeAll(keepingCapacity: true)
    // Longer than any name that we know, so that reading those allocates once.
    name.reserveCapacity(32)
    var rest = text
    while let byte = rest.popFirst() {
      if byte == 0xc5, rest.first == 0xbf {  // U+017F, the long s.
        rest.removeFirst()
        name.append(UInt8(ascii: "s"))
      } else if byte == 0xe2, rest.starts(with: [0x84, 0xaa]) {  // U+212A, the kelvin sign.
        rest.removeFirst(2)
        name.append(UInt8(ascii: "k"))
      } else {
        name.append(Self.lowercased(byte))
      }
    }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  private mutating func skipValue() throws(JSONFault) {
    switch try nextKind() {
    case .object:
      try readList(endingIn: UInt8(ascii: "}")) { (reader) throws(JSONFault) in
        _ = try reader.readMemberName()
        try reader.skipValue()
      }
    case .array:
      try readList(endingIn: UInt8(ascii: "]")) { (reader) throws(JSONFault) in
        try reader.skipValue()
      }
    case .string: _ = try readTextBytes()
    case .number: try skipNumber()
    case .boolean: try take(literal: bytes[offset] == UInt8(ascii: "t") ? "true" : "false")
    case .null: try take(literal: "null")
    }
  }
}

// MARK: Tokens

extension JSONReader {
  var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  func fault(_ kind: JSONFault.Kind) -> JSONFault {
    JSONFault(kind, offset: offset, member: member)
  }

  mutating func skipWhiteSpace() {
    while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
      offset += 1
    }
  }

  /// The kind of the value whose first byte is the current one.
  private func nextKind() throws(JSONFault) -> JSONFault.ValueKind {
    guard let byte = current else { throw fault(.unexpectedEnd) }
    switch byte {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
    case UInt8(ascii: "n"): return .null
    default: throw fault(.unexpectedByte)
    }
  }

  func expect(_ expected: JSONFault.ValueKind) throws(JSONFault) {
    let found = try nextKind()
    if found != expected { throw fault(.typeMismatch(expected: expected, found: found)) }
  }

  mutating func take(literal: String) throws(JSONFault) {
    for byte in literal.utf8 {
      guard let found = current else { throw fault(.unexpectedEnd) }
      guard found == byte else { throw fault(.unexpectedByte) }
      offset += 1
    }
  }

  /// Takes `null` if that is the value here.
  mutating func takeNull() throws(JSONFault) -> Bool {
    guard current == UInt8(ascii: "n") else { return false }
    try take(literal: "null")
    return true
  }

  mutating func readInteger<Integer: FixedWidthInteger>() throws(JSONFault) -> Integer {
    try expect(.number)
    let start = offset
    try skipNumber()
    var digits = bytes[start..<offset]
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative { digits.removeFirst() }
    var value: Integer = 0
    // Go's parser of unsigned integers takes no sign, not even that of -0.
    var isOutOfRange = isNegative && !Integer.isSigned
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else {
        throw JSONFault(.notAnInteger, offset: start, member: member)
      }
      let (product, isProductWrong) = value.multipliedReportingOverflow(by: 10)
      let unit = Integer(truncatingIfNeeded: digit - UInt8(ascii: "0"))
      let (sum, isSumWrong) =
        isNegative
        ? product.subtractingReportingOverflow(unit) : product.addingReportingOverflow(unit)
      value = sum
      if isProductWrong || isSumWrong { isOutOfRange = true }
    }
    if isOutOfRange { throw JSONFault(.integerOutOfRange, offset: start, member: member) }
    return value
  }

  /// Skips a number and checks its form.
  private mutating func skipNumber() throws(JSONFault) {
    if current == UInt8(ascii: "-") { offset += 1 }
    if current == UInt8(ascii: "0") {
      offset += 1
    } else {
      try skipDigits()
    }
    if current == UInt8(ascii: ".") {
      offset += 1
      try skipDigits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      offset += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
      try skipDigits()
    }
  }

  /// Skips one digit or more.
  private mutating func skipDigits() throws(JSONFault) {
    let start = offset
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      offset += 1
    }
    if offset == start { throw fault(current == nil ? .unexpectedEnd : .unexpectedByte) }
  }
}
