/// A piece of a manual, whatever it is shown in.
package enum ManualBlock: Sendable {
  /// A chapter.
  case heading(String)
  /// A part of one.
  case subheading(String)
  /// Running text; what stands in back quotes is to be typed.
  case paragraph(String)
  /// Points.
  case bullets([String])
  /// Words with what they mean.
  case terms([ManualTerm])

  fileprivate var isHeading: Bool {
    switch self {
    case .heading, .subheading: true
    case .paragraph, .bullets, .terms: false
    }
  }
}

/// A word of a manual with what it means.
package struct ManualTerm: Sendable {
  /// The word.
  package var term: String
  /// What stands beside it, such as the type of a value.
  package var note: String
  /// What it means.
  package var text: String

  /// Puts it together.
  package init(_ term: String, note: String = "", _ text: String) {
    self.term = term
    self.note = note
    self.text = text
  }
}

/// A page for man(1), in the macros of man(7).
package enum ManualPage {
  /// The page.
  ///
  /// - Parameters:
  ///   - summary: what the page is about, in one line.
  ///   - version: of the product.
  package static func text(
    _ name: String, section: Int, summary: String, version: String, date: String,
    _ blocks: [ManualBlock]
  ) -> String {
    var lines = [
      #".\" Made of the tables in Sources by `make pages`."#,
      ".TH \(escaped(name.uppercased())) \(section) \(date) \"swift-frp \(version)\"",
      ".SH NAME", #"\#(escaped(name)) \- \#(escaped(summary))"#,
    ]
    var isBehindHeading = false
    for block in blocks {
      let own = self.lines(block)
      // A heading begins a paragraph by itself.
      lines += isBehindHeading && own.first == ".PP" ? own.dropFirst() : own[...]
      isBehindHeading = block.isHeading
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ block: ManualBlock) -> [String] {
    switch block {
    case .heading(let text): [".SH \(escaped(text.uppercased()))"]
    case .subheading(let text): [".SS \(escaped(text))"]
    case .paragraph(let text): [".PP"] + sentences(text)
    case .bullets(let items): items.flatMap { [#".IP \(bu 2"#] + sentences($0) }
    case .terms(let terms):
      terms.flatMap { term in
        let note = term.note.isEmpty ? "" : " \(escaped(term.note))"
        return [".TP", #"\fB\#(escaped(term.term))\fR\#(note)"#] + sentences(term.text)
      }
    }
  }

  /// A text on lines of moderate length, which man puts together again.
  private static func sentences(_ text: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      if !line.isEmpty, line.count + word.count > 78 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    return typeset((lines + [line]).joined(separator: "\n")).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map { line in
      // A control character at the beginning would make a macro of the line.
      line.hasPrefix(".") || line.hasPrefix("'") ? #"\&"# + line : String(line)
    }
  }

  /// Escaped, with what stands in back quotes in bold.
  private static func typeset(_ text: String) -> String {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map {
      offset, part in
      offset.isMultiple(of: 2) ? escaped(part) : #"\fB\#(escaped(part))\fR"#
    }.joined()
  }

  private static func escaped(_ text: some StringProtocol) -> String {
    text.map { character in
      switch character {
      case "\\": #"\e"#
      case "-": #"\-"#
      case "…": "..."
      case "–": #"\(en"#
      case "→": #"\(->"#
      case "\u{22}": #"\(dq"#
      case "`": #"\(ga"#
      case "^": #"\(ha"#
      case "~": #"\(ti"#
      case _: String(character)
      }
    }.joined()
  }
}
