import Foundation

/// Golden vectors lie in a `Vectors` folder beside the test that reads them.
public enum Vectors {
  /// Reads and parses `Vectors/<name>.json` beside the calling test file.
  public static func load(_ name: String, besides testFile: String = #filePath) throws -> JSONValue
  {
    let folder = URL(fileURLWithPath: testFile).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appendingPathComponent("Vectors/\(name).json"))
    return JSONValue(try JSONSerialization.jsonObject(with: data))
  }
}

/// A parsed JSON value with forgiving access, for tests only: a missing member is `.null`.
public struct JSONValue: @unchecked Sendable {  // Immutable after parsing.
  private let raw: Any

  init(_ raw: Any) { self.raw = raw }

  /// The member called `name`.
  public subscript(name: String) -> JSONValue {
    JSONValue((raw as? [String: Any])?[name] ?? NSNull())
  }

  /// The elements; none when this is no array.
  public var array: [JSONValue] { (raw as? [Any] ?? []).map(JSONValue.init) }

  /// The text; `nil` when this is no string.
  public var string: String? { raw as? String }

  /// The number; `nil` when this is none.
  public var int: Int? { (raw as? NSNumber)?.intValue }

  /// The bytes that this string spells in hexadecimal; empty when it does not.
  public var hexBytes: [UInt8] {
    var bytes: [UInt8] = []
    let digits = Array((string ?? "").utf8)
    for index in stride(from: 0, to: digits.count - 1, by: 2) {
      let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
      guard let byte = UInt8(pair, radix: 16) else { return [] }
      bytes.append(byte)
    }
    return bytes
  }
}
