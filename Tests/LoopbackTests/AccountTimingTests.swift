import Configuration
import LinuxSystem
import Testing

@testable import RelayServer

/// Nobody learns from the time that a refusal takes whether there is such a user.
@Suite(.serialized) struct AccountTimingTests {
  private static func register(sharedToken: String) -> AccountRegister {
    var configuration = ServerConfiguration()
    configuration.usersFilePath = "users"
    configuration.authentication.token = Secret(sharedToken)
    configuration.accounts = (100..<600).map {
      Account(name: "user\($0)", token: Secret(String(repeating: "t", count: 64)))
    }
    return AccountRegister(configuration)
  }

  /// The fastest of many: what else the machine does makes only some of them slower.
  @Test(arguments: ["", String(repeating: "s", count: 64)])
  func unknownUsersCostWhatKnownOnesDo(sharedToken: String) {
    let register = Self.register(sharedToken: sharedToken)
    let proof = String(repeating: "0", count: 32)
    let users = ["user345", "nobody1"]
    var best = [Int64.max, Int64.max]
    for _ in 0..<2000 {
      for (index, user) in users.enumerated() {
        let start = HostSystem.monotonicNanoseconds
        for timestamp in 0..<16 {
          if register.check(user: user, proof: proof, timestamp: Int64(timestamp)) != nil {
            Issue.record("let in")
          }
        }
        best[index] = min(best[index], HostSystem.monotonicNanoseconds - start)
      }
    }
    let ratio = Double(best.max() ?? 0) / Double(best.min() ?? 1)
    #expect(ratio < 1.2, "known \(best[0]) ns, unknown \(best[1]) ns")
  }
}
