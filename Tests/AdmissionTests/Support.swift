import Admission

extension PeerNetwork {
  /// The network of an address with 4 or 16 octets.
  init(octets: [UInt8]) {
    var all = [16 of UInt8](repeating: 0)
    for (index, octet) in octets.enumerated() { all[index] = octet }
    self.init(isIPv6: octets.count == 16, octets: all)
  }
}
