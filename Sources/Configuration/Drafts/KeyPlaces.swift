/// The two generations of names.
package enum NameGeneration: Sendable {
  /// `bind_port`, in INI files.
  case ini
  /// `bindPort`, in TOML, YAML and JSON files.
  case v1
}

/// Where the keys of one table were set, for rules across keys.
struct KeyPlaces {
  let generation: NameGeneration
  /// The table itself.
  let table: SourceLocation
  /// What stands before the names of keys in issues, such as `proxies[3].`.
  let prefix: String
  /// Legacy names by ID.
  let iniNames: [String: String]
  private var places: [(id: String, location: SourceLocation)] = []
  private var faulty: Set<String> = []

  init(
    _ generation: NameGeneration, table: SourceLocation, prefix: String = "",
    iniNames: [String: String]
  ) {
    self.generation = generation
    self.table = table
    self.prefix = prefix
    self.iniNames = iniNames
  }

  mutating func add(_ id: String, _ location: SourceLocation) { places.append((id, location)) }

  /// Notes that the key's value could not be taken, and that this has been told.
  mutating func addFault(_ id: String) { faulty.insert(id) }

  func isFaulty(_ id: String) -> Bool { faulty.contains(id) }

  func isSet(_ id: String) -> Bool { places.contains { $0.id == id } }

  /// Where the first of the keys that is set stands; the table when none is.
  func location(_ ids: String...) -> SourceLocation {
    for id in ids {
      if let place = places.last(where: { $0.id == id }) { return place.location }
    }
    return table
  }

  /// The key as this file calls it.
  func name(_ id: String) -> String {
    switch generation {
    case .ini: iniNames[id] ?? id
    case .v1: id
    }
  }

  /// Adds an error about a key, at its place or at the table's when it is not set.
  func fail(_ id: String, _ message: String, _ issues: inout IssueCollector) {
    issues.add(.error, location(id), key: prefix + name(id), message)
  }

  func warn(_ id: String, _ message: String, _ issues: inout IssueCollector) {
    issues.add(.warning, location(id), key: prefix + name(id), message)
  }
}

/// A value source before its type is settled.
struct ValueSourceDraft {
  var type = ""
  var path = ""
  var command = ""
  var arguments: [String] = []
  var environment: [NamedValue] = []

  var isEmpty: Bool {
    type.isEmpty && path.isEmpty && command.isEmpty && arguments.isEmpty && environment.isEmpty
  }

  /// The source; `nil` when there is none, or when something is wrong.
  func finish(
    _ id: String, _ places: KeyPlaces, options: LoadOptions, _ issues: inout IssueCollector
  ) -> ValueSource? {
    // Of a type that is wrong the key itself has told already.
    guard !isEmpty, !places.isFaulty("\(id).type") else { return nil }
    switch type {
    case "file":
      guard !path.isEmpty else {
        places.fail("\(id).file.path", "expected the path of a file, found none", &issues)
        return nil
      }
      return .file(path: path)
    case "exec":
      guard !command.isEmpty else {
        places.fail("\(id).exec.command", "expected a program, found none", &issues)
        return nil
      }
      if let odd = environment.first(where: { $0.name.isEmpty || $0.name.contains("=") }) {
        places.fail(
          "\(id).exec.env", "expected names without =, found \(quoted(odd.name))", &issues)
        return nil
      }
      guard options.allowsTokenPrograms else {
        places.fail(
          "\(id).type", "exec runs a program; it needs --allow-unsafe TokenSourceExec", &issues)
        return nil
      }
      return .program(command: command, arguments: arguments, environment: environment)
    case _:
      places.fail("\(id).type", "expected file or exec, found none", &issues)
      return nil
    }
  }
}
