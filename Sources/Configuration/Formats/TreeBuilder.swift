/// Makes a tree of a flat list of events, with bounds on its depth and size.
struct TreeBuilder {
  private enum Open {
    case table([ConfigurationValue.Member], ConfigurationValue.Place)
    case list([ConfigurationValue], ConfigurationValue.Place)
  }

  private var stack: [Open] = []
  private var names: [(name: String, place: ConfigurationValue.Place)] = []
  private var root: ConfigurationValue?
  private var count = 0

  mutating func openTable(_ place: ConfigurationValue.Place) throws(FormatFault) {
    try reserve(1, place)
    try push(.table([], place), place)
  }

  mutating func openList(_ place: ConfigurationValue.Place) throws(FormatFault) {
    try reserve(1, place)
    try push(.list([], place), place)
  }

  private mutating func push(_ open: Open, _ place: ConfigurationValue.Place) throws(FormatFault) {
    guard stack.count < ConfigurationLimits.nestingMax else {
      throw FormatFault(
        place: place,
        message: "expected at most \(ConfigurationLimits.nestingMax) tables and lists inside "
          + "each other")
    }
    stack.append(open)
  }

  /// Closes what was opened last.
  mutating func close() {
    switch stack.popLast() {
    case .table(let members, let place):
      append(ConfigurationValue(content: .table(members), place: place))
    case .list(let items, let place):
      append(ConfigurationValue(content: .list(items), place: place))
    case nil: break
    }
  }

  /// The name of the next value of the open table.
  mutating func name(_ name: String, _ place: ConfigurationValue.Place) {
    names.append((name, place))
  }

  mutating func add(
    _ content: ConfigurationValue.Content, _ place: ConfigurationValue.Place
  ) throws(FormatFault) {
    try reserve(1, place)
    append(ConfigurationValue(content: content, place: place))
  }

  private mutating func reserve(
    _ more: Int, _ place: ConfigurationValue.Place
  ) throws(FormatFault) {
    count += more
    guard count <= ConfigurationLimits.valueCountMax else {
      throw FormatFault(
        place: place, message: "expected at most \(ConfigurationLimits.valueCountMax) values")
    }
  }

  private mutating func append(_ value: ConfigurationValue) {
    // Taken off the stack while it grows, so that nothing is copied.
    switch stack.popLast() {
    case .table(var members, let place):
      if let (name, namePlace) = names.popLast() {
        members.append(.init(name: name, place: namePlace, value: value))
      }
      stack.append(.table(members, place))
    case .list(var items, let place):
      items.append(value)
      stack.append(.list(items, place))
    case nil: root = value
    }
  }

  func finish() throws(FormatFault) -> ConfigurationValue {
    guard let root, stack.isEmpty else {
      throw FormatFault(place: nil, message: "expected a table")
    }
    return root
  }
}
