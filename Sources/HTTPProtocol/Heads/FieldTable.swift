public import ByteBuffers

/// The fields of a head or of a trailer section in their order and spelling: one block of bytes and
/// an array of ranges. Names are compared without regard to case.
///
/// Lines that nobody changed are written as they came, neighbours in one piece.
public struct FieldTable: Sendable {
  /// Where a line's parts lie in `storage`. The line ends behind its CRLF.
  struct Field {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32
    var lineEnd: UInt32
    var known: KnownField

    var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    var line: Range<Int> { Int(nameStart)..<Int(lineEnd) }
  }

  /// The lines, and before them whatever they came with.
  var storage: [UInt8]
  var fields: [Field]

  /// Makes an empty table.
  public init() {
    storage = []
    fields = []
  }

  /// Room for the lines that a proxy adds to a head.
  private static let spareByteCount = 256

  /// Copies the lines, and whatever is in front of them.
  init(_ bytes: RawSpan, fields: [Field]) {
    var storage: [UInt8] = []
    storage.reserveCapacity(bytes.byteCount + Self.spareByteCount)
    unsafe bytes.withUnsafeBytes { unsafe storage.append(contentsOf: $0) }
    self.storage = storage
    self.fields = fields
  }

  /// Moves names that have white space behind them up to their colon.
  mutating func closeUpNames() {
    for index in fields.indices {
      let name = fields[index].name
      var colon = name.upperBound
      while storage[colon] != 0x3a { colon += 1 }
      let gap = colon - name.upperBound
      guard gap > 0 else { continue }
      for offset in name.reversed() { storage[offset + gap] = storage[offset] }
      fields[index].nameStart += UInt32(gap)
      fields[index].nameEnd += UInt32(gap)
    }
  }

  /// The number of fields.
  public var count: Int { fields.count }

  /// Which field stands at `index`.
  public func known(at index: Int) -> KnownField { fields[index].known }

  /// The name at `index` as it was written.
  public func name(at index: Int) -> String { text(in: fields[index].name) }

  /// The value at `index`, repaired where it is no UTF-8.
  public func value(at index: Int) -> String { text(in: fields[index].value) }

  /// Lends the value at `index`.
  public func withValue<R>(at index: Int, _ body: (RawSpan) -> R) -> R {
    unsafe body(storage.span.bytes.extracting(fields[index].value))
  }

  /// Lends the name and the value at `index`, as they were written.
  public func withLine<R>(at index: Int, _ body: (_ name: RawSpan, _ value: RawSpan) -> R) -> R {
    let bytes = unsafe storage.span.bytes
    return body(bytes.extracting(fields[index].name), bytes.extracting(fields[index].value))
  }

  /// The index of the first field of that kind; `other` is not to be asked for.
  public func firstIndex(of known: KnownField) -> Int? {
    fields.firstIndex { $0.known == known }
  }

  /// The first value of that kind.
  public func first(_ known: KnownField) -> String? {
    firstIndex(of: known).map { value(at: $0) }
  }

  /// The first value with that name.
  public func first(named name: String) -> String? {
    let name = FieldName(name)
    return fields.firstIndex { matches($0, name) }.map { value(at: $0) }
  }

  /// All values with that name, in their order.
  public func values(named name: String) -> [String] {
    let name = FieldName(name)
    return fields.indices.filter { matches(fields[$0], name) }.map { value(at: $0) }
  }

  // MARK: Changing

  /// Adds a field at the end.
  ///
  /// - Returns: whether it could be added: a name that is no token, or a value with a control
  ///   character, is left out.
  @discardableResult
  public mutating func append(_ name: String, _ value: String) -> Bool {
    guard let field = addLine(name.utf8, value.utf8) else { return false }
    fields.append(field)
    return true
  }

  /// Gives a field its only value; it keeps its place and spelling, a new one comes to the end.
  ///
  /// - Returns: whether it could be set, as for `append`.
  @discardableResult
  public mutating func set(_ name: String, _ value: String) -> Bool {
    let wanted = FieldName(name)
    guard let index = fields.firstIndex(where: { matches($0, wanted) }) else {
      return append(name, value)
    }
    let spelling = Array(storage[fields[index].name])
    guard let field = addLine(spelling, value.utf8) else { return false }
    fields[index] = field
    removeAll(after: index, wanted)
    return true
  }

  /// Removes all fields of that kind.
  public mutating func removeAll(_ known: KnownField) {
    fields.removeAll { $0.known == known }
  }

  /// Removes all fields with that name.
  public mutating func removeAll(named name: String) {
    let name = FieldName(name)
    let storage = storage
    fields.removeAll { Self.matches($0, name, in: storage) }
  }

  mutating func removeAll(named names: [FieldName]) {
    let storage = storage
    fields.removeAll { field in names.contains { Self.matches(field, $0, in: storage) } }
  }

  /// `set` for a field that is known, which costs no more than its line.
  mutating func set(_ known: KnownField, as name: String, _ value: String) {
    guard let index = firstIndex(of: known) else {
      append(name, value)
      return
    }
    let spelling = Array(storage[fields[index].name])
    guard let field = addLine(spelling, value.utf8) else { return }
    fields[index] = field
    if fields[(index + 1)...].contains(where: { $0.known == known }) {
      let later = fields[(index + 1)...].filter { $0.known != known }
      fields.replaceSubrange((index + 1)..., with: later)
    }
  }

  private mutating func removeAll(after index: Int, _ name: FieldName) {
    let storage = storage
    let head = fields[...index]
    fields = head + fields[(index + 1)...].filter { !Self.matches($0, name, in: storage) }
  }

  /// Puts `name: value` into the storage; `nil` when that would be no field.
  private mutating func addLine(
    _ name: some Collection<UInt8>, _ value: some Collection<UInt8>
  ) -> Field? {
    guard !name.isEmpty, name.allSatisfy(ByteClass.isToken), value.allSatisfy(ByteClass.isValue)
    else { return nil }
    let start = storage.count
    storage.append(contentsOf: name)
    let nameEnd = storage.count
    storage.append(0x3a)
    storage.append(0x20)
    storage.append(contentsOf: value)
    let valueEnd = storage.count
    storage.append(0x0d)
    storage.append(0x0a)
    return unsafe Field(
      nameStart: UInt32(start), nameEnd: UInt32(nameEnd), valueStart: UInt32(nameEnd + 2),
      valueEnd: UInt32(valueEnd), lineEnd: UInt32(valueEnd + 2),
      known: KnownField(storage.span.bytes, start..<nameEnd))
  }

  // MARK: Writing

  /// Appends all lines, without the empty line that ends them.
  public func write(into queue: inout ByteQueue) {
    let bytes = unsafe storage.span.bytes
    var pending = 0..<0
    for field in fields {
      if Int(field.nameStart) == pending.upperBound {
        pending = pending.lowerBound..<Int(field.lineEnd)
      } else {
        queue.append(bytes.extracting(pending))
        pending = field.line
      }
    }
    queue.append(bytes.extracting(pending))
  }

  // MARK: Reading

  /// The elements of a list field (RFC 9110, section 5.6.1), of all its lines; empty ones are
  /// skipped. Commas inside quotes are not looked for: no list that we read has quotes.
  func forEachElement(of known: KnownField, _ body: (RawSpan, Range<Int>) -> Void) {
    let bytes = unsafe storage.span.bytes
    for field in fields where field.known == known {
      var start = field.value.lowerBound
      while start <= field.value.upperBound {
        var end = start
        while end < field.value.upperBound, bytes[end] != 0x2c { end += 1 }
        let element = bytes.trimmingSpace(start..<end)
        if !element.isEmpty { body(bytes, element) }
        start = end + 1
      }
    }
  }

  /// Whether a list field has an element, in any case.
  func hasElement(_ known: KnownField, _ element: StaticString) -> Bool {
    var isFound = false
    forEachElement(of: known) { bytes, range in
      isFound = isFound || bytes.equalsIgnoringCase(range, element)
    }
    return isFound
  }

  func text(in range: Range<Int>) -> String { unsafe storage.span.bytes.text(in: range) }

  private func matches(_ field: Field, _ name: FieldName) -> Bool {
    Self.matches(field, name, in: storage)
  }

  private static func matches(_ field: Field, _ name: FieldName, in storage: [UInt8]) -> Bool {
    if name.known != .other || field.known != .other { return field.known == name.known }
    guard field.name.count == name.lowercased.count else { return false }
    return zip(storage[field.name], name.lowercased).allSatisfy {
      ByteClass.lowercased($0) == $1
    }
  }
}

/// A name to look for.
struct FieldName {
  let lowercased: [UInt8]
  let known: KnownField

  init(_ name: String) {
    lowercased = name.utf8.map(ByteClass.lowercased)
    known = KnownField(name)
  }
}

extension FieldTable: Equatable {
  /// Compares names and values in their order; names as they were written.
  public static func == (left: FieldTable, right: FieldTable) -> Bool {
    left.count == right.count
      && left.fields.indices.allSatisfy {
        left.storage[left.fields[$0].name] == right.storage[right.fields[$0].name]
          && left.storage[left.fields[$0].value] == right.storage[right.fields[$0].value]
      }
  }
}

extension FieldTable: CustomStringConvertible {
  /// The lines, for tests; never for logs, since values can be secret.
  public var description: String {
    fields.indices.map { "\(name(at: $0)): \(value(at: $0))" }.joined(separator: "\n")
  }
}
