import ByteBuffers
import Configuration
import WireProtocol

extension FuzzTarget {
  static let encodings = [
    FuzzTarget("base64", byteCountMax: 512) { (input) throws(FuzzFinding) in
      let text = input.rest()
      let once = Base64.encode(text)
      try require(Base64.decode(once[...]) == text, "encoded, it decodes otherwise")
      guard let bytes = Base64.decode(text[...]) else { return 0 }
      try require(bytes.count <= text.count / 4 * 3, "more bytes than the text can hold")
      try require(
        Base64.decode(Base64.encode(bytes)[...]) == bytes, "decoded, it encodes otherwise")
      return 1
    },
    FuzzTarget("hexadecimal", byteCountMax: 512) { (input) throws(FuzzFinding) in
      let bytes = input.rest()
      try require(
        Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes, "encoded, it decodes otherwise")
      let text = String(decoding: bytes, as: UTF8.self)
      guard let decoded = Hexadecimal.decode(text) else { return 0 }
      try require(Hexadecimal.encode(decoded) == text.lowercased(), "decoded, it encodes otherwise")
      return 1
    },
    FuzzTarget(
      "bandwidth", byteCountMax: 128, dictionary: ["KB", "MB", "e+", "1e308", "0x", "nan", "inf"]
    ) { (input) throws(FuzzFinding) in
      guard let bandwidth = Bandwidth(input.text()) else { return 0 }
      try require(
        (0...ConfigurationLimits.bytesPerSecondMax).contains(bandwidth.bytesPerSecond),
        "\(bandwidth.bytesPerSecond) bytes per second")
      try require(Bandwidth(bandwidth.text) == bandwidth, "its text means something else")
      return 1
    },
    FuzzTarget("memory-size", byteCountMax: 128, dictionary: ["KB", "MB", "GB", "."]) {
      (input) throws(FuzzFinding) in
      guard let size = MemorySize(input.text()) else { return 0 }
      let range = ConfigurationLimits.memoryLimitMin...ConfigurationLimits.memoryLimitMax
      try require(range.contains(size.byteCount), "\(size.byteCount) bytes")
      try require(MemorySize(size.text) == size, "its text means something else")
      return 1
    },
    FuzzTarget("port-ranges", byteCountMax: 512, dictionary: ["65535", "1-", ",", "65536"]) {
      (input) throws(FuzzFinding) in
      try checkPortRanges(input.text())
    },
    FuzzTarget("host-text", byteCountMax: 512, dictionary: ["::", "[", "]:", "%eth0", "1.2.3.4"]) {
      (input) throws(FuzzFinding) in
      try checkHost(input.text())
    },
    FuzzTarget(
      "upstream-proxy-url", byteCountMax: 512,
      dictionary: ["http://", "socks5://", "https://", "@", "%41", "[::1]:", ":65535", "/"]
    ) { (input) throws(FuzzFinding) in
      try checkProxyURL(input.text())
    },
  ]

  private static func checkPortRanges(_ text: String) throws(FuzzFinding) -> Int {
    let ports: PortRanges
    do throws(PortRangesError) {
      ports = try PortRanges(parsing: text)
    } catch {
      try require(!"\(error)".contains("\n"), "an error of two lines")
      return 0
    }
    for (range, next) in zip(ports.ranges, ports.ranges.dropFirst()) {
      try require(Int(range.upperBound) + 1 < Int(next.lowerBound), "ranges touch")
    }
    try require((1...65_535).contains(ports.count) || ports.ranges.isEmpty, "\(ports.count) ports")
    try require(!ports.contains(0), "port 0")
    for index in [0, ports.count / 2, ports.count - 1] where index >= 0 {
      guard let port = ports.port(at: index) else {
        try require(ports.count == 0, "no port at \(index)")
        continue
      }
      try require(ports.contains(port), "\(port) is not contained")
    }
    try require(ports.port(at: ports.count) == nil, "a port beyond the last")
    if !ports.ranges.isEmpty {
      let again = try? PortRanges(parsing: ports.description)
      try require(again == ports, "its text means something else")
    }
    return ports.ranges.count
  }

  private static func checkHost(_ text: String) throws(FuzzFinding) -> Int {
    let kinds = [HostText.isIPv4(text), HostText.isIPv6(text)]
    try require(!(kinds[0] && kinds[1]), "an address of both families")
    try require(HostText.isAddress(text) == kinds.contains(true), "an address of no family")
    if HostText.isName(text) { try require(text.utf8.count <= 254, "a long name") }
    guard let host = HostAndPort(parsing: text, defaultPort: 7000) else { return 0 }
    try require(host.port > 0, "port 0")
    let again = HostAndPort(parsing: host.description, defaultPort: 1)
    try require(again == host, "\(host) means something else")
    return 1
  }

  private static func checkProxyURL(_ text: String) throws(FuzzFinding) -> Int {
    guard let proxy = try? UpstreamProxy(parsing: text) else { return 0 }
    try require(proxy.address.port > 0, "port 0")
    try require(
      HostText.isAddress(proxy.address.host) || HostText.isName(proxy.address.host), "no host")
    return 1
  }
}
