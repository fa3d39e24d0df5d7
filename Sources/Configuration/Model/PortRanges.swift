/// A text that is no list of numbers and ranges.
public enum PortRangesError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An item that is neither `N` nor `A-B`.
  case malformed(item: String)

  /// A range whose first number is above its last.
  case reversed(item: String)

  /// A number that is no port.
  case notAPort(item: String)

  /// More numbers than `limit`.
  case tooMany(limit: Int)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .malformed(let item): "expected N or A-B between commas, found \(quoted(item))"
    case .reversed(let item): "expected A-B with A not above B, found \(quoted(item))"
    case .notAPort(let item): "expected ports from 1 to 65535, found \(quoted(item))"
    case .tooMany(let limit): "expected no more than \(limit) numbers"
    }
  }
}

/// A set of ports, as sorted ranges that neither touch nor overlap.
public struct PortRanges: Equatable, Sendable, CustomStringConvertible {
  /// The ranges, ascending.
  public let ranges: [ClosedRange<UInt16>]

  /// Every port from 1 to 65535.
  public static let all = PortRanges([1...65_535])

  /// Makes the union of `ranges`. Port 0 is left out, since nobody can listen on it.
  public init(_ ranges: [ClosedRange<UInt16>]) {
    var merged: [ClosedRange<UInt16>] = []
    let usable = ranges.filter { $0.upperBound > 0 }.map { max($0.lowerBound, 1)...$0.upperBound }
    for range in usable.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    self.ranges = merged
  }

  /// Parses a comma list of `N` and `A-B`, such as `1000-2000,3000`; blanks around are allowed.
  public init(parsing text: String) throws(PortRangesError) {
    var ranges: [ClosedRange<UInt16>] = []
    for item in try NumberRange.list(text, countMax: .max) {
      guard let first = UInt16(exactly: item.first), let last = UInt16(exactly: item.last),
        first > 0
      else { throw .notAPort(item: item.text) }
      ranges.append(first...last)
    }
    self.init(ranges)
  }

  /// Whether `port` is one of them.
  public func contains(_ port: UInt16) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < port { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(port)
  }

  /// How many ports there are.
  public var count: Int {
    ranges.reduce(0) { $0 + Int($1.upperBound) - Int($1.lowerBound) + 1 }
  }

  /// The port with `index` others below it; `nil` when there are fewer.
  public func port(at index: Int) -> UInt16? {
    guard index >= 0 else { return nil }
    var rest = index
    for range in ranges {
      let size = Int(range.upperBound) - Int(range.lowerBound) + 1
      if rest < size { return range.lowerBound + UInt16(rest) }
      rest -= size
    }
    return nil
  }

  /// The list in the form that `init(parsing:)` reads.
  public var description: String {
    ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }
}

/// One `N` or `A-B` of a range list.
struct NumberRange: Equatable {
  var first: Int
  var last: Int
  /// As it was written.
  var text: String

  /// Parses a comma list (configuration.md 1.3, range grammar), in the order as written.
  static func list(_ text: String, countMax: Int) throws(PortRangesError) -> [NumberRange] {
    var items: [NumberRange] = []
    var count = 0
    for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
      let item = trimmed(piece)
      let ends = item.split(separator: "-", omittingEmptySubsequences: false).map { trimmed($0) }
      guard (1...2).contains(ends.count), let first = decimal(ends[0]),
        let last = decimal(ends.last)
      else { throw .malformed(item: item) }
      guard first <= last else { throw .reversed(item: item) }
      count += last - first + 1
      guard count <= countMax else { throw .tooMany(limit: countMax) }
      items.append(NumberRange(first: first, last: last, text: item))
    }
    return items
  }

  /// A plain decimal number, short enough that sums of many cannot overflow.
  private static func decimal(_ text: String?) -> Int? {
    guard let text, !text.isEmpty, text.utf8.count <= 9,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return Int(text)
  }
}
