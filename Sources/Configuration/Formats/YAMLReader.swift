internal import CYAML

/// Reads the first document of a YAML file, through libyaml's events, into a tree.
///
/// - Plain scalars are typed as frp's converter types them: see `YAMLScalar`.
/// - An alias stands for a copy of what its anchor marks; copies count as values.
/// - `<<` takes the members of a table, or of each table of a list, that the table itself has not.
struct YAMLReader {
  /// A finished value and how many values it is made of.
  private struct Sized {
    var value: ConfigurationValue
    var count: Int
  }

  private struct Open {
    var isTable: Bool
    var place: ConfigurationValue.Place
    var anchor: String?
    var members: [ConfigurationValue.Member] = []
    var items: [ConfigurationValue] = []
    var merged: [ConfigurationValue] = []
    /// The name that waits for its value.
    var name: (text: String, place: ConfigurationValue.Place)?
    var count = 1
  }

  private var stack: [Open] = []
  private var anchors: [String: Sized] = [:]
  private var root: ConfigurationValue?
  private var total = 0

  /// `bytes` is valid UTF-8. An empty document is an empty table.
  static func read(_ bytes: [UInt8]) throws(FormatFault) -> ConfigurationValue {
    var parser = unsafe yaml_parser_t()
    guard unsafe yaml_parser_initialize(&parser) == 1 else {
      throw FormatFault(place: nil, message: "there is not enough memory to read it")
    }
    defer { unsafe yaml_parser_delete(&parser) }
    // The library keeps the pointer while it parses, so the bytes get an address of their own.
    let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
    defer { unsafe input.deallocate() }
    _ = unsafe input.update(fromContentsOf: bytes)
    unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(&parser, input.baseAddress, bytes.count)
    var reader = YAMLReader()
    var isOver = false
    while !isOver {
      var event = unsafe yaml_event_t()
      guard unsafe yaml_parser_parse(&parser, &event) == 1 else { throw unsafe fault(of: parser) }
      defer { unsafe yaml_event_delete(&event) }
      isOver = try unsafe reader.handle(event)
    }
    return reader.root ?? ConfigurationValue(content: .table([]), place: .init(line: 1, column: 1))
  }

  private static func fault(of parser: yaml_parser_t) -> FormatFault {
    let problem = unsafe parser.problem.map { unsafe String(cString: $0) } ?? "no YAML"
    let context = unsafe parser.context.map { unsafe String(cString: $0) + ", " } ?? ""
    let mark = unsafe parser.problem_mark
    return FormatFault(
      place: .init(line: mark.line + 1, column: mark.column + 1), message: context + problem)
  }

  /// `true` at the end of the document.
  private mutating func handle(_ event: yaml_event_t) throws(FormatFault) -> Bool {
    let place = ConfigurationValue.Place(
      line: unsafe event.start_mark.line + 1, column: unsafe event.start_mark.column + 1)
    switch unsafe event.type {
    case YAML_MAPPING_START_EVENT:
      try open(isTable: true, unsafe Self.text(event.data.mapping_start.anchor), place)
    case YAML_SEQUENCE_START_EVENT:
      try open(isTable: false, unsafe Self.text(event.data.sequence_start.anchor), place)
    case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT: try close()
    case YAML_SCALAR_EVENT:
      try unsafe add(scalar: event, place)
    case YAML_ALIAS_EVENT:
      let name = unsafe Self.text(event.data.alias.anchor) ?? ""
      guard let sized = anchors[name] else {
        throw FormatFault(place: place, message: "there is no anchor \(quoted(name)) before it")
      }
      try add(sized, place)
    case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT: return true
    case _: break
    }
    return false
  }

  private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
  }

  private mutating func add(
    scalar event: yaml_event_t, _ place: ConfigurationValue.Place
  ) throws(FormatFault) {
    let scalar = unsafe event.data.scalar
    let text = unsafe String(
      decoding: UnsafeRawBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
    let tag = unsafe Self.text(scalar.tag)
    let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE && tag == nil
    let content =
      isPlain
      ? YAMLScalar.content(text)
      : tag?.hasPrefix("tag:yaml.org,2002:") ?? false
        ? YAMLScalar.content(text, tag: tag ?? "") : .text(text)
    let value = ConfigurationValue(content: content, place: place)
    if let anchor = unsafe Self.text(scalar.anchor) {
      anchors[anchor] = Sized(value: value, count: 1)
    }
    // A name is text, whatever it looks like as a value.
    if let last = stack.indices.last, stack[last].isTable, stack[last].name == nil {
      stack[last].name = (isPlain ? YAMLScalar.name(text) : text, place)
      return try reserve(1, place)
    }
    try add(Sized(value: value, count: 1), place)
  }

  // MARK: Building

  private mutating func open(
    isTable: Bool, _ anchor: String?, _ place: ConfigurationValue.Place
  ) throws(FormatFault) {
    guard stack.count < ConfigurationLimits.nestingMax else {
      throw FormatFault(
        place: place,
        message: "expected at most \(ConfigurationLimits.nestingMax) tables and lists inside "
          + "each other")
    }
    if let last = stack.last, last.isTable, last.name == nil {
      throw FormatFault(place: place, message: "expected a name, found a table or a list")
    }
    stack.append(Open(isTable: isTable, place: place, anchor: anchor))
  }

  private mutating func close() throws(FormatFault) {
    guard let open = stack.popLast() else { return }
    var content = ConfigurationValue.Content.list(open.items)
    if open.isTable { content = .table(open.members + Self.inherited(open)) }
    let sized = Sized(
      value: ConfigurationValue(content: content, place: open.place), count: open.count)
    if let anchor = open.anchor { anchors[anchor] = sized }
    // Its parts have been counted as they came.
    total -= open.count - 1
    try add(sized, open.place)
  }

  /// What `<<` brings: of tables that come first before those behind.
  private static func inherited(_ open: Open) -> [ConfigurationValue.Member] {
    var known = Set(open.members.map(\.name))
    var result: [ConfigurationValue.Member] = []
    for table in open.merged {
      guard case .table(let members) = table.content else { continue }
      for member in members where known.insert(member.name).inserted { result.append(member) }
    }
    return result
  }

  private mutating func add(
    _ sized: Sized, _ place: ConfigurationValue.Place
  ) throws(FormatFault) {
    try reserve(sized.count, place)
    guard let last = stack.indices.last else {
      if root == nil { root = sized.value }
      return
    }
    stack[last].count += sized.count
    guard stack[last].isTable else {
      stack[last].items.append(sized.value)
      return
    }
    guard let name = stack[last].name else {
      guard case .text(let text) = sized.value.content else {
        throw FormatFault(place: place, message: "expected a name, found a table or a list")
      }
      stack[last].name = (text, place)
      return
    }
    stack[last].name = nil
    if name.text == "<<" {
      try merge(sized.value, into: last)
    } else {
      stack[last].members.append(.init(name: name.text, place: name.place, value: sized.value))
    }
  }

  private mutating func merge(_ value: ConfigurationValue, into last: Int) throws(FormatFault) {
    var tables = [value]
    if case .list(let items) = value.content { tables = items }
    for table in tables {
      guard case .table = table.content else {
        throw FormatFault(
          place: value.place, message: "expected a table, or a list of tables, behind <<")
      }
      stack[last].merged.append(table)
    }
  }

  private mutating func reserve(
    _ more: Int, _ place: ConfigurationValue.Place
  ) throws(FormatFault) {
    total += more
    guard total <= ConfigurationLimits.valueCountMax else {
      throw FormatFault(
        place: place,
        message: "expected at most \(ConfigurationLimits.valueCountMax) values, "
          + "aliases counted as what they stand for")
    }
  }
}

/// The types of YAML's plain scalars as frp's converter has them: those of YAML 1.1 for booleans
/// (`yes`, `on`), Go's notations for integers.
enum YAMLScalar {
  static func content(_ text: String) -> ConfigurationValue.Content {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
      return .boolean(true)
    case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
      return .boolean(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .number(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
    case ".nan", ".NaN", ".NAN": return .number(.nan)
    case _: break
    }
    guard let first = text.utf8.first, isDigit(first) || "+-.".utf8.contains(first),
      text.utf8.contains(where: isDigit)
    else { return .text(text) }
    let plain = text.filter { $0 != "_" }
    if let number = ScalarText.integer(plain) { return .integer(number) }
    let isDecimal = plain.utf8.allSatisfy { isDigit($0) || "+-.eE".utf8.contains($0) }
    if isDecimal, let number = Double(plain) { return .number(number) }
    return .text(text)
  }

  /// A scalar with a tag of YAML's own.
  static func content(_ text: String, tag: String) -> ConfigurationValue.Content {
    tag.hasSuffix(":str") || tag.hasSuffix(":binary") ? .text(text) : content(text)
  }

  /// A name as the converter writes it into JSON.
  static func name(_ text: String) -> String {
    switch content(text) {
    case .boolean(let value): value ? "true" : "false"
    case .integer(let number): String(number)
    case .null, .number, .text, .date, .list, .table: text
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
