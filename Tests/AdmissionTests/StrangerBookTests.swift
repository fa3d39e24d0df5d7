import Admission
import TestKit
import Testing

@Suite struct StrangerBookTests {
  private static func network(_ number: UInt8) -> PeerNetwork {
    PeerNetwork(octets: [192, 0, 2, number])
  }

  @Test func oldestOfANetworkGoesFirst() {
    var book = StrangerBook<Int>(countMax: 100)
    for peer in 0..<3 {
      #expect(book.admit(peer, from: Self.network(1), networkCountMax: 3).evicted.isEmpty)
    }
    _ = book.admit(90, from: Self.network(2))
    #expect(book.admit(3, from: Self.network(1), networkCountMax: 3).evicted == [0])
    #expect(book.admit(4, from: Self.network(1), networkCountMax: 3).evicted == [1])
    #expect(book.count == 4 && book.count(from: Self.network(2)) == 1)
  }

  @Test func oldestOfAllGoesWhenTheBookIsFull() {
    var book = StrangerBook<Int>(countMax: 4)
    for peer in 0..<4 { _ = book.admit(peer, from: Self.network(UInt8(peer))) }
    #expect(book.admit(4, from: Self.network(9)).evicted == [0])
    #expect(book.admit(5, from: Self.network(9)).evicted == [1])
    #expect(book.count == 4)
    #expect(book.removeFirst() == 2)
  }

  /// Neither class drives the other out of its half.
  @Test func halfOfThePlacesIsSafeFromTheOtherClass() {
    var book = StrangerBook<Int>(countMax: 100)
    var speaking: [StrangerBook<Int>.EntryID] = []
    for peer in 0..<4 {
      let (id, _) = book.admit(peer, from: Self.network(1), networkCountMax: 8)
      book.noteSpeech(of: id)
      book.noteSpeech(of: id)
      speaking.append(id)
    }
    for peer in 10..<100 {
      let (_, evicted) = book.admit(peer, from: Self.network(1), networkCountMax: 8)
      #expect(evicted == (peer < 14 ? [] : [peer - 4]))
    }
    #expect(book.remove(speaking[0]) == 0)
    // All but the newcomers speak now: the oldest of those who speak goes.
    var quiet = StrangerBook<Int>(countMax: 8)
    for peer in 0..<100 {
      let (id, evicted) = quiet.admit(peer, from: Self.network(UInt8(peer)))
      quiet.noteSpeech(of: id)
      #expect(evicted == (peer < 8 ? [] : [peer - 8]))
    }
  }

  @Test func defaultsAreThoseOfTheLimits() {
    var book = StrangerBook<Int>()
    var evicted = 0
    for peer in 0..<AdmissionLimits.strangersPerNetworkMax + 6 {
      evicted += book.admit(peer, from: Self.network(1)).evicted.count
    }
    #expect(evicted == 6 && book.count == AdmissionLimits.strangersPerNetworkMax)
    for peer in 0..<AdmissionLimits.strangerCountMax {
      let octets: [UInt8] = [10, 0, UInt8(peer >> 8), UInt8(peer & 0xff)]
      _ = book.admit(peer, from: PeerNetwork(octets: octets))
    }
    #expect(book.count == AdmissionLimits.strangerCountMax)
    #expect(book.count(from: Self.network(1)) == 0, "they were the oldest")
  }

  @Test func oneWhoHasLeftIsNobodyElse() {
    var book = StrangerBook<Int>()
    let (first, _) = book.admit(1, from: Self.network(1))
    #expect(book.remove(first) == 1)
    #expect(book.remove(first) == nil)
    let (second, _) = book.admit(2, from: Self.network(1))
    #expect(book.remove(first) == nil, "the slot is the same, the name is not")
    #expect(book.remove(second) == 2 && book.count == 0)
  }

  // Against a plain list.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func randomOperationsMatchAModel(_ seed: UInt64) {
    var generator = RepeatableGenerator(seed: seed)
    var book = StrangerBook<Int>(countMax: 12)
    var model: [(peer: Int, network: UInt8, id: StrangerBook<Int>.EntryID)] = []
    for peer in 0..<2000 {
      if Int.random(in: 0..<3, using: &generator) > 0 || model.isEmpty {
        let network = UInt8.random(in: 0..<5, using: &generator)
        var expected: [Int] = []
        while model.filter({ $0.network == network }).count >= 4,
          let index = model.firstIndex(where: { $0.network == network })
        {
          expected.append(model.remove(at: index).peer)
        }
        while model.count >= 12 { expected.append(model.removeFirst().peer) }
        let (id, evicted) = book.admit(peer, from: Self.network(network), networkCountMax: 4)
        #expect(evicted == expected)
        model.append((peer, network, id))
      } else {
        let index = Int.random(in: 0..<model.count, using: &generator)
        let entry = model.remove(at: index)
        #expect(book.remove(entry.id) == entry.peer)
      }
      #expect(book.count == model.count)
      for network in 0..<5 as Range<UInt8> {
        let count = model.filter { $0.network == network }.count
        #expect(book.count(from: Self.network(network)) == count)
      }
    }
  }

  @Test func networksAreAddressesOrHalvesOfAddresses() {
    let one = PeerNetwork(octets: [192, 0, 2, 1])
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]
    #expect(PeerNetwork(octets: mapped) == one)
    #expect(PeerNetwork(octets: [192, 0, 2, 2]) != one)
    let prefix: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1]
    let host = PeerNetwork(octets: prefix + [0, 0, 0, 0, 0, 0, 0, 1])
    #expect(PeerNetwork(octets: prefix + [9, 9, 9, 9, 9, 9, 9, 9]) == host)
    let neighbour: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 2] + [UInt8](repeating: 0, count: 8)
    #expect(PeerNetwork(octets: neighbour) != host)
    // Same bits, another family.
    let zeros = PeerNetwork(octets: [UInt8](repeating: 0, count: 16))
    #expect(PeerNetwork(octets: [0, 0, 0, 0]) != zeros)
  }
}
