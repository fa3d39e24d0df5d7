import BenchmarkReport
import Testing

@Suite struct ReportTests {
  private func results(_ rows: [(String, [Double])]) -> Results {
    var results = Results()
    for (subject, values) in rows {
      for (round, value) in values.enumerated() {
        results.add(value, scenario: "bulk8", subject: subject, figure: "MB/s", round: round)
      }
    }
    return results
  }

  @Test func mediansAreTheMiddle() {
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.median([3]) == 3)
    #expect(Statistics.median([9, 1, 4]) == 4)
    #expect(Statistics.median([4, 1, 9, 2]) == 3)
  }

  @Test(arguments: [
    (0.0, "0.000"), (0.0123, "0.012"), (0.5, "0.50"), (9.999, "10.00"), (12.34, "12.3"),
    (99.96, "100.0"), (123.4, "123"), (1234.5, "1,235"), (1_234_567, "1,234,567"), (-2.5, "-2.50"),
    (.infinity, "–"),
  ]) func numbersAreReadable(_ value: Double, _ text: String) {
    #expect(Statistics.text(value) == text)
  }

  @Test func ratiosAreTakenInsideARound() {
    // The second round was disturbed for both.
    let results = results([("ours", [200, 20, 300]), ("peer", [100, 10, 100])])
    #expect(results.ratio("bulk8", "MB/s", of: "ours", to: "peer") == 2)
    #expect(results.ratio("bulk8", "MB/s", of: "ours", to: "nobody") == nil)
  }

  @Test func roundsThatFailedDoNotCount() {
    var results = results([("ours", [200, 400])])
    results.add(100, scenario: "bulk8", subject: "peer", figure: "MB/s", round: 1)
    #expect(results.ratio("bulk8", "MB/s", of: "ours", to: "peer") == 4)
  }

  @Test func verdictsFollowTheBound() {
    let results = results([("ours", [200]), ("peer", [100]), ("other", [150])])
    func verdict(_ relation: Target.Relation, _ bound: Double, _ base: Target.Base) -> Bool? {
      Target("x", "bulk8", "MB/s", "ours", relation, bound, base).verdict(results).isMet
    }
    #expect(verdict(.atLeast, 2, .subject("peer")) == true)
    #expect(verdict(.atLeast, 2.1, .subject("peer")) == false)
    #expect(verdict(.atMost, 2, .subject("peer")) == true)
    #expect(verdict(.atLeast, 2, .subject("nobody")) == nil)
    #expect(verdict(.atLeast, 201, .absolute) == false)
    #expect(verdict(.atLeast, 1.5, .subjects(["peer", "other"])) == false)
    #expect(verdict(.atLeast, 1.3, .subjects(["peer", "other", "nobody"])) == true)
    #expect(verdict(.atMost, 1, .scenario("bulk8")) == true)
  }

  @Test func tablesHaveARowASubject() {
    let results = results([("ours", [200, 100]), ("peer", [100, 100])])
    let table = Table.render(results) { _ in "peer" }
    #expect(table.contains("| ours | 150 (100–200) | 1.50 |"))
    #expect(table.contains("| peer | 100 (100–100) | 1.00 |"))
  }

  @Test func plotsAreXML() {
    #expect(Plot.escape("a<b>&\"c\"") == "a&lt;b&gt;&amp;&quot;c&quot;")
    let plot = Plot.render(results([("a & b", [1])]), panels: [("bulk8", "MB/s")])
    #expect(plot.contains("a &amp; b"))
    #expect(!plot.contains("a & b"))
  }

  @Test func processesAreReadFromProc() {
    let stat = "77 (a b) c) S 5 77 77 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 1 0 1"
    let status = "Name:\tx\nVmHWM:\t  99 kB\nVmRSS:\t    1234 kB\nRssAnon:\t 1 kB\n"
    let read = ProcessStatistics(stat: stat, status: status)
    #expect(read?.ticks == 175)
    #expect(read?.residentKibibytes == 1234)
    #expect(read?.parent == 5)
    #expect(ProcessStatistics(stat: "77 (x", status: status) == nil)
    #expect(ProcessStatistics(stat: stat, status: "Name:\tkthread\n") == nil)
    #expect(ProcessStatistics(stat: "77 (x) S 5", status: status) == nil)
  }
}
