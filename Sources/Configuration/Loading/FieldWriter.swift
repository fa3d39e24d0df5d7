/// What holds for all keys of one table.
struct ReadContext {
  var options: LoadOptions
  /// The kind of the proxy or visitor; empty elsewhere.
  var kind = ""
  /// The proxy's plugin; empty for none.
  var plugin = ""
  /// Whether values are checked beyond their type; not for what is left out anyway.
  var checksRules = true
}

/// Brings values into drafts, checked by their rules, whatever format they come from.
enum FieldWriter {
  static func absence(of feature: Feature) -> String {
    "needs \(feature.name), which this version does not have; remove the key"
  }

  /// Checks a value and stores it; adds an issue when it cannot be stored.
  static func write<Target>(
    _ value: FieldValue, _ key: SchemaKey<Target>, at location: SourceLocation,
    shownAs name: String,
    into target: inout Target, _ context: ReadContext, _ issues: inout IssueCollector
  ) {
    // What frp takes for "not set" means the default.
    if value.isEmpty { return }
    var value = value
    if case .integer(let rule, _) = key.rule, case .integer(0) = value, rule.zeroIsDefault {
      // The target holds what the program's own key says.
      if key.fallback != nil, rule.defaultValue != 0 { return }
      value = .integer(rule.defaultValue)
    }
    if context.checksRules {
      if let fault = fault(of: value, key, context) {
        issues.add(.error, location, key: name, fault)
        guard isAbsence(value, key) else { return }
      } else if let feature = key.missingFeature, value != key.defaultValue,
        value != key.iniDefault.map({ .text($0) }),
        !context.options.ignoresMissingFeatures
      {
        issues.add(.error, location, key: name, absence(of: feature))
      }
    }
    key.put(value, into: &target)
  }

  /// Whether the value is good but for the version, so that what hangs on it can be checked too.
  private static func isAbsence<Target>(_ value: FieldValue, _ key: SchemaKey<Target>) -> Bool {
    guard case .choice(let rule, _) = key.rule, case .text(let text) = value else { return false }
    return rule.choices.contains { $0.name == text }
  }

  private static func fault<Target>(
    of value: FieldValue, _ key: SchemaKey<Target>, _ context: ReadContext
  ) -> String? {
    switch (key.rule, value) {
    case (.text(let rule, _), .text(let text)): rule.fault(text)
    case (.integer(let rule, _), .integer(let number)):
      rule.range.contains(number)
        ? nil
        : "expected \(rule.kind.noun) from \(rule.range.lowerBound) to \(rule.range.upperBound), "
          + "found \(number)"
    case (.choice(let rule, _), .text(let text)): choiceFault(text, rule, context)
    case (.list(let choices, _), .list(let items)):
      choices.isEmpty
        ? nil
        : items.first { !choices.contains($0) }.map {
          "expected \(oneOf(choices)), found \(quoted($0))"
        }
    case (_, _): nil
    }
  }

  private static func choiceFault(
    _ text: String, _ rule: ChoiceRule, _ context: ReadContext
  ) -> String? {
    let choice = rule.choices.first { $0.name == text }
    if let choice {
      let isPresent = choice.feature?.isInThisVersion ?? true
      if isPresent || context.options.ignoresMissingFeatures { return nil }
    }
    let present = rule.present.filter { !$0.isEmpty }
    let names = rule.choices.map(\.name).filter { !$0.isEmpty }
    guard choice != nil else {
      return "expected \(oneOf(present.isEmpty ? names : present)), found \(quoted(text))"
    }
    return "\(text) is not in this version" + (present.isEmpty ? "" : "; use \(oneOf(present))")
  }

  private static func oneOf(_ names: [String]) -> String {
    names.count == 1 ? names[0] : "one of " + names.joined(separator: ", ")
  }
}
