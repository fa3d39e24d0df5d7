import Testing
import WireProtocol

/// Integers where a peer can put anything: what is read and what is refused, for every integer of
/// every message. `JSONDialectTests` has the values at the edges of each type.
@Suite struct IntegerEdgeTests {
  typealias Member = JSONDialectTests.IntegerMember

  /// What a message with `first` and then `second` for the member is read as.
  private func twice(_ member: Member, _ first: String, _ second: String) -> String {
    let name = member.path.prefix { $0 != "%" }.split(separator: "\"").last { $0 != ":" } ?? ""
    return member.json("\(first),\"\(name)\":\(second)")
  }

  @Test(arguments: JSONDialectTests.integerMembers)
  func oneThatIsMissingIsZero(member: Member) throws {
    let name = member.path.prefix { $0 != "%" }.split(separator: "\"").last { $0 != ":" } ?? ""
    let missing = member.path.replacing("\"\(name)\":%", with: "")
      .replacing("{,", with: "{").replacing(",}", with: "}").replacing(",,", with: ",")
    #expect(!missing.contains("%"))
    #expect(try decoded(member.type, missing) == decoded(member.type, member.json("0")))
    #expect(try decoded(member.type, member.json("null")) == decoded(member.type, missing))
  }

  @Test(arguments: JSONDialectTests.integerMembers)
  func ofTwoTheLaterCounts(member: Member) throws {
    #expect(
      try decoded(member.type, twice(member, "1", "2")) == decoded(member.type, member.json("2")))
    // Null leaves what was read; a wrong value is refused wherever it stands.
    #expect(
      try decoded(member.type, twice(member, "1", "null"))
        == decoded(member.type, member.json("1")))
    for wrong in ["\"1\"", "99999999999999999999"] {
      #expect(fault(member.type, twice(member, wrong, "1")) != nil)
      #expect(fault(member.type, twice(member, "1", wrong)) != nil)
    }
  }

  @Test(arguments: JSONDialectTests.integerMembers)
  func hugeAndMalformedNumbersAreRefused(member: Member) {
    for digitCount in [20, 400, 9000] {
      let nines = String(repeating: "9", count: digitCount)
      #expect(fault(member.type, member.json(nines))?.kind == .integerOutOfRange)
      #expect(fault(member.type, member.json("-" + nines))?.kind == .integerOutOfRange)
      #expect(fault(member.type, member.json("1e" + nines))?.kind == .notAnInteger)
      #expect(fault(member.type, member.json("0." + nines))?.kind == .notAnInteger)
    }
    for text in ["01", "-", "+1", ".5", "1.", "1e", "0x10", "1_000", "NaN", "-Infinity", "1 2"] {
      #expect(fault(member.type, member.json(text))?.kind == .unexpectedByte, "\(text)")
    }
    #expect(fault(member.type, member.json(""))?.kind == .unexpectedByte)
  }

  @Test(arguments: JSONDialectTests.integerMembers)
  func nestedValuesAreRefusedWhereverTheyEnd(member: Member) {
    for (open, close, kind) in [
      ("[", "]", JSONFault.ValueKind.array), (#"{"a":"#, "}", .object),
    ] {
      for depth in [1, 10, 1000] {
        let value =
          String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        #expect(
          fault(member.type, member.json(value))?.kind
            == .typeMismatch(expected: .number, found: kind))
      }
    }
    // Beside the member, where nobody looks for a value.
    let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
    let beside = "{\"x\":\(deep)," + member.json("1").dropFirst()
    #expect(
      fault(member.type, beside)?.kind == .nestedTooDeep(limit: WireProtocolLimits.jsonDepthMax))
  }

  /// A name in other letters is the same member, so it cannot hide a value.
  @Test(arguments: JSONDialectTests.integerMembers)
  func namesMatchInEveryCase(member: Member) throws {
    let upper = member.json("7").uppercased()
    #expect(try decoded(member.type, upper) == decoded(member.type, member.json("7")))
    #expect(fault(member.type, member.json("1e0").uppercased())?.kind == .notAnInteger)
  }
}
