/// The functions of templates.
enum TemplateFunctions {
  struct Fault: Error {
    var message: String
  }

  static let names: Set<String> = [
    "parseNumberRange", "parseNumberRangePair", "eq", "ne", "lt", "le", "gt", "ge", "and", "or",
    "not", "print", "println", "printf", "len", "index",
  ]

  static func call(
    _ name: String, _ values: [TemplateValue], generation: NameGeneration,
    environment: [String: String]
  ) throws(Fault) -> TemplateValue {
    switch name {
    case "parseNumberRange", "parseNumberRangePair":
      guard generation == .v1 else {
        throw Fault(message: "\(name) is not for INI files; they have [range:NAME] sections")
      }
      return try ranges(name, values)
    case "print": return .text(values.map(\.printed).joined())
    case "println": return .text(values.map(\.printed).joined(separator: " ") + "\n")
    case "printf": return .text(try formatted(values))
    case "len": return .integer(try length(values, environment))
    case "index": return try element(values, environment)
    case "not":
      try expect(1, values, name)
      return .boolean(!values[0].isTrue)
    case "and", "or":
      guard let last = values.last else { throw Fault(message: "\(name) needs a value") }
      return last
    case _: return .boolean(try compare(name, values))
    }
  }

  private static func expect(
    _ count: Int, _ values: [TemplateValue], _ name: String
  ) throws(Fault) {
    guard values.count == count else {
      throw Fault(message: "\(name) needs \(count == 1 ? "one value" : "\(count) values")")
    }
  }

  // MARK: Numbers

  private static func ranges(
    _ name: String, _ values: [TemplateValue]
  ) throws(Fault) -> TemplateValue {
    let isPair = name == "parseNumberRangePair"
    try expect(isPair ? 2 : 1, values, name)
    var lists: [[Int]] = []
    for value in values {
      do throws(PortRangesError) {
        let list = try NumberRange.list(
          value.printed, countMax: ConfigurationLimits.rangeNumberCountMax)
        lists.append(list.flatMap { Array($0.first...$0.last) })
      } catch {
        throw Fault(message: "\(name): \(error.description)")
      }
    }
    guard isPair else { return .list(lists[0].map { .integer($0) }) }
    guard lists[0].count == lists[1].count else {
      throw Fault(
        message: "\(name) needs as many numbers in the first list as in the second, "
          + "found \(lists[0].count) and \(lists[1].count)")
    }
    return .list(zip(lists[0], lists[1]).map { .pair($0, $1) })
  }

  // MARK: Comparing

  private static func compare(_ name: String, _ values: [TemplateValue]) throws(Fault) -> Bool {
    guard values.count >= 2 else { throw Fault(message: "\(name) needs two values") }
    switch name {
    case "eq": return values.dropFirst().contains { $0 == values[0] }
    case "ne":
      try expect(2, values, name)
      return values[0] != values[1]
    case _: break
    }
    try expect(2, values, name)
    let order: Int
    switch (values[0], values[1]) {
    case (.integer(let left), .integer(let right)):
      order = left < right ? -1 : left > right ? 1 : 0
    case (.text(let left), .text(let right)): order = left < right ? -1 : left > right ? 1 : 0
    case (_, _): throw Fault(message: "\(name) needs two numbers or two texts")
    }
    switch name {
    case "lt": return order < 0
    case "le": return order <= 0
    case "gt": return order > 0
    case _: return order >= 0
    }
  }

  // MARK: Texts and lists

  private static func length(
    _ values: [TemplateValue], _ environment: [String: String]
  ) throws(Fault) -> Int {
    try expect(1, values, "len")
    switch values[0] {
    case .text(let text): return text.utf8.count
    case .list(let items): return items.count
    case .environment: return environment.count
    case .integer, .boolean, .pair, .root, .missing:
      throw Fault(message: "len needs a text or a list")
    }
  }

  private static func element(
    _ values: [TemplateValue], _ environment: [String: String]
  ) throws(Fault) -> TemplateValue {
    try expect(2, values, "index")
    switch (values[0], values[1]) {
    case (.list(let items), .integer(let index)) where items.indices.contains(index):
      return items[index]
    case (.environment, .text(let name)):
      return environment[name].map { .text($0) } ?? .missing(name)
    case (_, _):
      throw Fault(message: "index needs a list and a number within it, or .Envs and a name")
    }
  }

  /// `printf` with `%s`, `%d`, `%v`, `%q` and `%%`.
  private static func formatted(_ values: [TemplateValue]) throws(Fault) -> String {
    guard case .text(let format)? = values.first else {
      throw Fault(message: "printf needs a format first")
    }
    var rest = values.dropFirst()
    var result = ""
    var isAfterPercent = false
    for character in format {
      guard isAfterPercent else {
        if character == "%" { isAfterPercent = true } else { result.append(character) }
        continue
      }
      isAfterPercent = false
      if character == "%" {
        result.append("%")
        continue
      }
      guard "sdvq".contains(character) else {
        throw Fault(message: "printf has %s, %d, %v, %q and %%, not %\(character)")
      }
      guard let value = rest.popFirst() else {
        throw Fault(message: "printf needs a value for each % of its format")
      }
      result += character == "q" ? quoted(value.printed) : value.printed
    }
    guard !isAfterPercent, rest.isEmpty else {
      throw Fault(message: "printf needs a % in its format for each value")
    }
    return result
  }
}
