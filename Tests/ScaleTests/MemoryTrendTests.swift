import StormKit
import Testing

@Suite struct MemoryTrendTests {
  @Test func theSlopeOfALineIsFound() throws {
    let samples = (0..<10).map { (time: Double($0), value: 3 + 2 * Double($0)) }
    #expect(MemoryTrend.slope(samples) == 2)
  }

  @Test func singleValuesDoNotDecide() throws {
    var samples = (0..<11).map { (time: Double($0), value: 5.0) }
    samples[3].value = 5000
    samples[10].value = 5000
    #expect(MemoryTrend.slope(samples) == 0)
  }

  @Test func onePointHasNoSlope() {
    #expect(MemoryTrend.slope([]) == nil)
    #expect(MemoryTrend.slope([(1, 1)]) == nil)
    #expect(MemoryTrend.slope([(1, 1), (1, 2)]) == nil)
  }
}
