import Configuration
import Testing

@Suite struct PortRangesTests {
  @Test(arguments: [
    ("80", "80"), ("1-65535", "1-65535"), (" 1000 - 2000 , 3000 ", "1000-2000,3000"),
    ("5,4,3", "3-5"), ("1-10,5-20,21", "1-21"), ("7,7", "7"), ("65535,1", "1,65535"),
    ("10-10", "10"), ("1-65535,80", "1-65535"), ("0080", "80"),
  ])
  func listsAreMerged(text: String, expected: String) throws {
    #expect(try PortRanges(parsing: text).description == expected)
  }

  @Test(arguments: [
    ("", PortRangesError.malformed(item: "")), (",", .malformed(item: "")),
    ("80,", .malformed(item: "")), ("a", .malformed(item: "a")),
    ("1-2-3", .malformed(item: "1-2-3")),
    ("-5", .malformed(item: "-5")), ("5-", .malformed(item: "5-")), ("-", .malformed(item: "-")),
    ("+5", .malformed(item: "+5")), ("0x10", .malformed(item: "0x10")),
    ("1 2", .malformed(item: "1 2")), ("٣", .malformed(item: "٣")),
    ("99999999999999999999", .malformed(item: "99999999999999999999")),
    ("2-1", .reversed(item: "2-1")), ("0", .notAPort(item: "0")), ("0-5", .notAPort(item: "0-5")),
    ("65536", .notAPort(item: "65536")), ("1-70000", .notAPort(item: "1-70000")),
    ("999999999", .notAPort(item: "999999999")),
  ])
  func otherTextIsRefused(text: String, expected: PortRangesError) {
    #expect(throws: expected) { try PortRanges(parsing: text) }
  }

  /// Compares with a set of numbers, at every port near an edge.
  @Test func membershipCountAndOrderAgree() throws {
    let ranges = try PortRanges(parsing: "1,3-5,100-200,201,65534-65535")
    let ports = (0...UInt16.max).filter(ranges.contains)
    #expect(ports == [1, 3, 4, 5] + Array(100...201) + [65_534, 65_535])
    #expect(ranges.count == ports.count)
    #expect((0..<ports.count).compactMap(ranges.port(at:)) == ports)
    #expect(ranges.port(at: ports.count) == nil)
    #expect(ranges.port(at: -1) == nil)
    #expect(ranges.port(at: .max) == nil)
  }

  @Test func zeroIsNoPort() {
    #expect(PortRanges([0...0]).ranges.isEmpty)
    #expect(PortRanges([0...3]) == PortRanges([1...3]))
    #expect(!PortRanges([0...3]).contains(0))
    #expect(PortRanges([]).count == 0)
    #expect(PortRanges.all.count == 65_535)
  }
}
