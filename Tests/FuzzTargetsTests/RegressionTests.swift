import Foundation
import FuzzTargets
import Testing

/// What fuzzers found, and what they start from, through the same entry points.
@Suite struct RegressionTests {
  private static var folder: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fuzz/Regressions")
  }

  struct Input: CustomTestStringConvertible, Sendable {
    let target: FuzzTarget
    let file: URL
    var testDescription: String { "\(target.name)/\(file.lastPathComponent)" }
  }

  private static let files: [URL] =
    (FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
    .compactMap { $0 as? URL } ?? []).filter { !$0.hasDirectoryPath }

  private static let inputs: [Input] = files.compactMap { file in
    FuzzTarget.named(file.deletingLastPathComponent().lastPathComponent)
      .map { Input(target: $0, file: file) }
  }

  @Test func everyFileBelongsToATarget() {
    for file in Self.files where !file.lastPathComponent.hasPrefix(".") {
      #expect(
        FuzzTarget.named(file.deletingLastPathComponent().lastPathComponent) != nil,
        "\(file.path)")
    }
  }

  @Test(arguments: inputs)
  func whatWasFoundStaysMended(input: Input) throws {
    try input.target.run(Array(Data(contentsOf: input.file)))
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func seedsAreUnderstoodAndNothingIsFound(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let seeds = try #require(FuzzSeeds.make()[name])
    var understood = 0
    for seed in seeds {
      #expect(seed.count <= target.byteCountMax)
      if try target.run(seed) > 0 { understood += 1 }
      // And damaged ones.
      for position in stride(from: 0, to: seed.count, by: max(1, seed.count / 16)) {
        var damaged = seed
        damaged[position] ^= UInt8(truncatingIfNeeded: 1 << (position % 8))
        try target.run(damaged)
        try target.run(Array(seed[..<position]))
      }
    }
    #expect(understood > 0, "\(name) understands none of its \(seeds.count) seeds")
  }

  // Sessions, ports, hosts and groups in any order: more than the seeds reach.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func graphHoldsTogetherUnderRandomOperations(_ seed: UInt64) throws {
    let target = try #require(FuzzTarget.named("relay-graph"))
    var state = seed
    for _ in 0..<25 {
      let bytes = (0..<target.byteCountMax).map { _ in
        // Knuth's MMIX; the high bits are the better ones.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
      }
      try target.run(bytes)
    }
  }

  @Test func namesAreFolderNames() {
    let names = FuzzTarget.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" } })
  }
}
