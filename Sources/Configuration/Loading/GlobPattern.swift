/// A shell pattern for one file name: `*`, `?`, `[a-z]`, `[^a-z]`, `\` before a literal.
struct GlobPattern {
  private enum Piece: Equatable {
    case literal(Unicode.Scalar)
    case one
    case many
    case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)
  }

  private var pieces: [Piece] = []

  /// Parses a pattern; `nil` when a bracket or an escape is not complete.
  init?(_ text: String) {
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": if pieces.last != .many { pieces.append(.many) }
      case "?": pieces.append(.one)
      case "\\":
        guard let next = rest.popFirst() else { return nil }
        pieces.append(.literal(next))
      case "[":
        guard let set = Self.parseSet(&rest) else { return nil }
        pieces.append(set)
      case _: pieces.append(.literal(scalar))
      }
    }
  }

  /// Whether the whole of `name` matches. Takes time in proportion to pattern times name at most.
  func matches(_ name: String) -> Bool {
    let scalars = Array(name.unicodeScalars)
    var position = 0
    var piece = 0
    var retry: (piece: Int, position: Int)?
    while position < scalars.count {
      if piece < pieces.count, pieces[piece] == .many {
        retry = (piece, position)
        piece += 1
      } else if piece < pieces.count, Self.matches(pieces[piece], scalars[position]) {
        piece += 1
        position += 1
      } else if let (manyPiece, start) = retry {
        retry = (manyPiece, start + 1)
        piece = manyPiece + 1
        position = start + 1
      } else {
        return false
      }
    }
    return pieces[piece...].allSatisfy { $0 == .many }
  }

  private static func matches(_ piece: Piece, _ scalar: Unicode.Scalar) -> Bool {
    switch piece {
    case .literal(let expected): scalar == expected
    case .one, .many: true
    case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
    }
  }

  private static func parseSet(_ rest: inout Substring.UnicodeScalarView) -> Piece? {
    var isNegated = false
    if rest.first == "^" {
      isNegated = true
      rest.removeFirst()
    }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    while let scalar = rest.first {
      if scalar == "]", !ranges.isEmpty {
        rest.removeFirst()
        return .oneOf(ranges, isNegated: isNegated)
      }
      guard let low = parseSetScalar(&rest) else { return nil }
      var high = low
      if rest.first == "-" {
        rest.removeFirst()
        guard let end = parseSetScalar(&rest) else { return nil }
        high = end
      }
      guard low <= high else { return nil }
      ranges.append(low...high)
    }
    return nil
  }

  private static func parseSetScalar(_ rest: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
    guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
    return scalar == "\\" ? rest.popFirst() : scalar
  }
}
