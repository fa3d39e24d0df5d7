import BenchmarkReport
import Testing

@Suite struct GateTests {
  private func lines(_ file: String, _ measured: [(name: String, value: Double)]) throws -> [String]
  {
    try GateFile(text: file).check(measured).filter { !$0.isGood }.map(\.line)
  }

  @Test func figuresAboveTheThresholdFail() throws {
    #expect(try lines("a/calls 10\n", [("a/calls", 10)]).isEmpty)
    #expect(try lines("a/calls 10\n", [("a/calls", 10.1)]).count == 1)
  }

  @Test func missingFiguresAndThresholdsFail() throws {
    #expect(try lines("a/calls 10\n", []) == ["FAILED  a/calls: was not measured"])
    #expect(try lines("", [("a/calls", 1)]).count == 1)
    #expect(try lines("a/calls 10", [("a/calls", .nan)]).count == 1)
  }

  @Test func lanesAreMeasuredAgainAndTheLeastCounts() throws {
    let file = try GateFile(text: "a 10\nb 10\n")
    #expect(!file.isAnyOver([("a", 10), ("b", 0)]))
    #expect(file.isAnyOver([("a", 10), ("b", 10.1)]))
    #expect(file.isAnyOver([("a", .nan)]))
    let least = GateFile.least([("a", 11), ("b", .nan)], [("b", 9), ("a", 12)])
    #expect(least.map(\.name) == ["a", "b"])
    #expect(least.map(\.value) == [11, 9])
    #expect(file.isAnyOver(least))
  }

  @Test(arguments: ["a", "a b", "a 1 2", "a -1", "a 1\na 2"])
  func wrongFilesAreRefused(_ text: String) {
    #expect(throws: GateFile.LineError.self) { try GateFile(text: text) }
  }

  @Test func whatIsWrittenPassesItself() throws {
    let measured = [("a/calls", 3.14), ("b/instructions", 1200.0), ("c/allocations", 0)]
    let file = try GateFile(text: GateFile.text(measured))
    #expect(file.check(measured).allSatisfy { $0.isGood })
    #expect(!file.check([("a/calls", 20), ("b/instructions", 1), ("c/allocations", 0)])[0].isGood)
    #expect(
      !file.check([("a/calls", 1), ("b/instructions", 1400), ("c/allocations", 0)])[1].isGood)
  }

  @Test func toolsAreUnderstood() {
    let strace = """
      % time     seconds  usecs/call     calls    errors syscall
      ------ ----------- ----------- --------- --------- ----------------
       50.63    0.081918          21      3762           recvfrom
      ------ ----------- ----------- --------- --------- ----------------
      100.00    0.161802          20      8071        12 total
      """
    #expect(ToolOutput.systemCalls(straceSummary: strace) == 8071)
    #expect(ToolOutput.systemCalls(straceSummary: "nothing") == nil)
    #expect(
      ToolOutput.instructions(callgrindFile: "events: Ir\nsummary: 1234\ntotals: 1234") == 1234)
    #expect(ToolOutput.instructions(callgrindFile: "events: Ir\n") == nil)
    let dhat =
      "==1== Total:     1,234,567 bytes in 8,901 blocks\n==1== At t-gmax: 1 bytes in 1 blocks"
    #expect(ToolOutput.allocations(dhatLog: dhat) == 8901)
    #expect(ToolOutput.allocations(dhatLog: "") == nil)
  }
}
