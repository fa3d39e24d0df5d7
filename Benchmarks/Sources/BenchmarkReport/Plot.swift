/// Results as one SVG page: a panel for the first figure of each scenario, a bar a subject, and a
/// line from the lowest to the highest round.
public struct Plot {
  private static let width = 900
  private static let labelWidth = 170
  private static let valueWidth = 80
  private static let rowHeight = 22
  private static let panelGap = 44

  private var body = ""
  private var y = 30

  /// Draws `panels`: scenario and figure.
  public static func render(_ results: Results, panels: [(String, String)]) -> String {
    var plot = Plot()
    for (scenario, figure) in panels { plot.draw(results, scenario, figure) }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(plot.y)" \
      font-family="sans-serif" font-size="13">
      <rect width="100%" height="100%" fill="white"/>
      \(plot.body)</svg>

      """
  }

  private mutating func draw(_ results: Results, _ scenario: String, _ figure: String) {
    let rows = results.subjects(of: scenario).compactMap { subject -> Measurement? in
      let found = results.find(scenario, subject, figure)
      return found?.median == nil ? nil : found
    }
    let longest = rows.flatMap { $0.values.values }.max() ?? 0
    guard longest > 0 else { return }
    text(10, y, "\(scenario): \(figure)", "font-weight=\"bold\"")
    y += 12
    let room = Double(Self.width - Self.labelWidth - Self.valueWidth)
    for row in rows {
      let median = row.median ?? 0
      let isOurs = row.subject.hasPrefix("ours")
      let length = Int(room * median / longest)
      text(Self.labelWidth - 8, y + 15, row.subject, "text-anchor=\"end\"")
      body += """
        <rect x="\(Self.labelWidth)" y="\(y + 2)" width="\(max(1, length))" height="16" \
        fill="\(isOurs ? "#2f6fb5" : "#b8bec6")"/>

        """
      let low = Self.labelWidth + Int(room * (row.values.values.min() ?? median) / longest)
      let high = Self.labelWidth + Int(room * (row.values.values.max() ?? median) / longest)
      body += """
        <line x1="\(low)" x2="\(high)" y1="\(y + 10)" y2="\(y + 10)" stroke="#333"/>

        """
      text(max(high, Self.labelWidth + length) + 6, y + 15, Statistics.text(median), "")
      y += Self.rowHeight
    }
    y += Self.panelGap - Self.rowHeight
  }

  private mutating func text(_ x: Int, _ y: Int, _ content: String, _ attributes: String) {
    body += "<text x=\"\(x)\" y=\"\(y)\" \(attributes)>\(Self.escape(content))</text>\n"
  }

  /// Text as it may stand in XML.
  public static func escape(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
