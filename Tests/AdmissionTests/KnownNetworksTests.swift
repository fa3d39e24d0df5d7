import Admission
import Testing

@Suite struct KnownNetworksTests {
  @Test func theOneLongestAgoIsForgotten() {
    var known = KnownNetworks(countMax: 3)
    let networks = (0..<5 as Range<UInt8>).map { PeerNetwork(octets: [192, 0, 2, $0]) }
    for network in networks[..<3] { known.insert(network) }
    known.insert(networks[0])
    known.insert(networks[3])
    #expect(networks.map { known.contains($0) } == [true, false, true, true, false])
    known.insert(networks[4])
    #expect(networks.map { known.contains($0) } == [true, false, false, true, true])
  }
}
