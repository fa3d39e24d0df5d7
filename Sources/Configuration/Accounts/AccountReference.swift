extension ConfigurationReference {
  /// The part of the page about the users file.
  static var accountPart: String {
    let rows = AccountKey.all.map { key in
      let defaultText = key.defaultText.isEmpty ? "" : "`\(key.defaultText)`"
      return "| `\(key.name)` | \(key.valueText) | \(defaultText) | \(key.documentation) |"
    }
    return (["| key | value | default | meaning |", "|---|---|---|---|"] + rows)
      .joined(separator: "\n")
  }

  static let accountIntroduction = """
    ## frps: the users file

    The file that `users_file` names. Every section is a user, named like the section: letters,
    digits, `-` and `_`. There are no templates in it, and an unknown key is an error.
    [reloading.md](reloading.md#users-with-tokens-of-their-own) says how it is used.
    """
}
