/// How memory changes over time, told so that single values do not decide.
public enum MemoryTrend {
  /// The median of the slopes between all pairs of samples (Theil and Sen); `nil` for fewer than
  /// two points in time.
  public static func slope(_ samples: [(time: Double, value: Double)]) -> Double? {
    var slopes: [Double] = []
    for (index, first) in samples.enumerated() {
      for second in samples[(index + 1)...] where second.time != first.time {
        slopes.append((second.value - first.value) / (second.time - first.time))
      }
    }
    guard !slopes.isEmpty else { return nil }
    slopes.sort()
    let middle = slopes.count / 2
    return slopes.count % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2
  }
}
