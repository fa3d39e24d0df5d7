import Configuration
import Testing

@Suite struct BandwidthTests {
  @Test(
    arguments: [
      ("1MB", 1_048_576), ("500KB", 512_000), ("1.5MB", 1_572_864), (" 2KB ", 2048),
      ("1e3KB", 1_024_000), ("0MB", 0), (".5KB", 512), ("0.0001KB", 0),
      ("1e300MB", ConfigurationLimits.bytesPerSecondMax),
    ] as [(String, Int)])
  func ratesOfTheReference(_ text: String, _ bytesPerSecond: Int) {
    #expect(Bandwidth(text)?.bytesPerSecond == bytesPerSecond)
  }

  // frp takes the last four; a limit that is none was not meant.
  @Test(
    arguments: [
      "", "1", "MB", "1 MB", "1mb", "1GB", "1B", "0x10KB", "1,5MB", "١MB", "1MBps", "1e999KB",
      "-1MB", "infMB", "nanKB", "1_0KB",
    ])
  func otherTextsAreRefused(_ text: String) {
    #expect(Bandwidth(text) == nil)
  }

  @Test func keysArrive() throws {
    let text = "[common]\n[a]\nlocal_port = 1\nbandwidth_limit = 2MB\n"
    let own = try #require(client(text)?.proxies.first)
    #expect(own.bandwidthLimit == Bandwidth("2MB"))
    #expect(own.bandwidthLimitMode == .client)
    let relays = try #require(client(text + "bandwidth_limit_mode = server\n")?.proxies.first)
    #expect(relays.bandwidthLimitMode == .server)
    #expect(clientLines(text) == [])
  }
}
