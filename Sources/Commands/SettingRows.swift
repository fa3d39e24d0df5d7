public import Configuration

extension Flag {
  /// The row of a flag that stands for a key.
  init(_ setting: SettingFlag) {
    let kind: Kind =
      switch setting.kind {
      case .boolean: .boolean
      case .integer: .integer
      case .text: .text
      case .list: .list
      }
    let candidates: Candidates =
      switch setting.candidates {
      case .none: .none
      case .files: .files
      case .words(let words): .words(words)
      }
    self.init(
      setting.name, letter: setting.letter, kind: kind, valueName: setting.valueName,
      defaultText: setting.defaultText, candidates: candidates, setting.documentation)
  }
}

extension FlagGroup {
  init(_ title: String, _ settings: [SettingFlag]) {
    self.init(title, settings.map { Flag($0) })
  }
}

extension Arguments {
  /// The flags among `settings` that were given.
  public func values(of settings: [SettingFlag]) -> [SettingValue] {
    settings.compactMap { setting in
      let flag = Flag(setting)
      guard contains(flag) else { return nil }
      let text = flag.kind == .list ? list(flag).joined(separator: ",") : text(flag)
      return SettingValue(setting, text)
    }
  }
}
