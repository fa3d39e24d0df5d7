/// The first record of a TLS client that names the host: enough for who looks at the name only.
enum ClientHello {
  /// RFC 8446, 4.1.2 with the extensions server_name (RFC 6066, 3) and supported_versions.
  static let bytes: [UInt8] = {
    let name = Array(Bench.hostName.utf8)
    let entry = [0] + lengthed(name)
    let serverName = [0, 0] + lengthed(lengthed(entry))
    let versions: [UInt8] = [0, 43, 0, 3, 2, 3, 4]
    let random = [UInt8](repeating: 0x52, count: 32)
    let body =
      [3, 3] + random + [0] + lengthed([0x13, 0x01]) + [1, 0]
      + lengthed(serverName + versions)
    return [22, 3, 1] + lengthed([1, 0] + lengthed(body))
  }()

  /// The bytes behind their number, in two bytes.
  private static func lengthed(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
  }
}
