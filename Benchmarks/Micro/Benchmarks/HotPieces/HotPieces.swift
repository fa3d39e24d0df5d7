internal import Benchmark
internal import CAllocationCount

/// Allocations of a thousand operations. The library's own count needs an allocator of its own.
private let allocations = BenchmarkMetric.custom(
  "Allocations per 1,000", polarity: .prefersSmaller, useScalingFactor: false)

/// What `swift package benchmark` runs: one operation of each piece that runs for every byte,
/// message, connection or timer. Each sample is a thousand operations, times are for one.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, allocations], warmupIterations: 3, scalingFactor: .kilo,
    maxDuration: .milliseconds(500), maxIterations: 10_000)
  measureMessages()
  measureMux()
  measureCoding()
  measureTimers()
  measureAccepting()
  measureGraph()
  measureHTTP()
}

/// Measures `operation` a thousand times in a row. `prepare` makes what it works on, once and
/// outside of what is measured.
func measure<Bench: AnyObject>(
  _ name: String, _ prepare: @escaping () throws -> Bench,
  _ operation: @escaping (Bench) throws -> Void
) {
  var prepared: Bench?
  Benchmark(name) { benchmark in
    do {
      let bench = try prepared ?? prepare()
      prepared = bench
      benchmark.startMeasurement()
      let before = allocation_count()
      for _ in benchmark.scaledIterations { try operation(bench) }
      let after = allocation_count()
      benchmark.stopMeasurement()
      benchmark.measurement(allocations, Int(after - before))
    } catch {
      // The library would leave the benchmark out and report success.
      preconditionFailure("\(name): \(error)")
    }
  }
}

/// A stop that a benchmark needs because something that it relies on did not happen.
struct Broken: Error {
  /// What is wrong.
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
