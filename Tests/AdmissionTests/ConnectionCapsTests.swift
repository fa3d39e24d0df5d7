import Testing
import Timekeeping

@testable import Admission

@Suite struct ConnectionCapsTests {
  private static func network(_ number: UInt8) -> PeerNetwork {
    PeerNetwork(octets: [192, 0, 2, number])
  }

  private static func refusal(
    _ caps: inout ConnectionCaps, _ network: UInt8, proxy: UInt64, session: UInt64
  ) -> ConnectionCaps.Cause? {
    switch caps.admit(from: Self.network(network), proxy: proxy, session: session) {
    case .success: nil
    case .failure(let refusal): refusal.cause
    }
  }

  @Test func eachMaximumIsKept() {
    var maxima = ConnectionCaps.Maxima()
    maxima.perNetwork = 2
    maxima.perProxy = 3
    maxima.perSession = 4
    maxima.total = 5
    var caps = ConnectionCaps(maxima)
    #expect(Self.refusal(&caps, 1, proxy: 1, session: 1) == nil)
    #expect(Self.refusal(&caps, 1, proxy: 1, session: 1) == nil)
    #expect(Self.refusal(&caps, 1, proxy: 2, session: 1) == .network)
    #expect(Self.refusal(&caps, 2, proxy: 1, session: 1) == nil)
    #expect(Self.refusal(&caps, 3, proxy: 1, session: 1) == .proxy)
    #expect(Self.refusal(&caps, 3, proxy: 2, session: 1) == nil)
    #expect(Self.refusal(&caps, 3, proxy: 2, session: 1) == .session)
    #expect(Self.refusal(&caps, 4, proxy: 3, session: 2) == nil)
    #expect(Self.refusal(&caps, 5, proxy: 4, session: 3) == .total)
    #expect(caps.totalCount == 5)
  }

  @Test func visitorsCountForTheirAddressAndTheirStreamsForTheProxy() throws {
    var maxima = ConnectionCaps.Maxima()
    maxima.perNetwork = 2
    maxima.perProxy = 1
    maxima.total = 3
    var caps = ConnectionCaps(maxima)
    let visitor = try caps.admit(from: Self.network(1), proxy: nil, session: nil).get()
    _ = try caps.admit(from: Self.network(1), proxy: nil, session: nil).get()
    #expect(Self.refusal(&caps, 1, proxy: 9, session: 1) == .network)
    let stream = try caps.admit(from: nil, proxy: 1, session: 1).get()
    #expect(caps.totalCount == 2)
    guard case .failure(let refusal) = caps.admit(from: nil, proxy: 1, session: 1) else {
      Issue.record("one stream too many")
      return
    }
    #expect(refusal.cause == .proxy)
    // A full total keeps no stream from a visitor who is in.
    #expect(Self.refusal(&caps, 2, proxy: 2, session: 1) == nil)
    #expect(Self.refusal(&caps, 3, proxy: 3, session: 1) == .total)
    _ = try caps.admit(from: nil, proxy: 4, session: 1).get()
    caps.setMaxima(maxima, places: [visitor, stream])
    #expect(caps.keyCount == 2)
  }

  @Test func placesComeBackAndLeaveNothing() throws {
    var maxima = ConnectionCaps.Maxima()
    maxima.perNetwork = 1
    maxima.perProxy = 10
    maxima.perSession = 10
    var caps = ConnectionCaps(maxima)
    for round in 0..<100 as Range<UInt64> {
      let place = try caps.admit(from: Self.network(1), proxy: round, session: round).get()
      #expect(Self.refusal(&caps, 1, proxy: round, session: round) == .network)
      caps.release(place)
    }
    #expect(caps.totalCount == 0 && caps.keyCount == 0)
  }

  @Test func withoutMaximaNothingIsCountedButTheTotal() {
    var caps = ConnectionCaps(ConnectionCaps.Maxima())
    for _ in 0..<1000 { #expect(Self.refusal(&caps, 1, proxy: 1, session: 1) == nil) }
    #expect(caps.totalCount == 1000 && caps.keyCount == 0)
  }

  @Test func newMaximaCountWhoeverIsIn() throws {
    var caps = ConnectionCaps(ConnectionCaps.Maxima())
    var places: [ConnectionCaps.Place] = []
    for number in 0..<3 as Range<UInt8> {
      places.append(
        try caps.admit(from: Self.network(number), proxy: 1, session: UInt64(number)).get())
    }
    var maxima = ConnectionCaps.Maxima()
    maxima.perProxy = 3
    maxima.perSession = 2
    caps.setMaxima(maxima, places: places)
    #expect(caps.totalCount == 3 && caps.keyCount == 4)
    #expect(Self.refusal(&caps, 9, proxy: 1, session: 9) == .proxy)
    caps.release(places.removeLast())
    #expect(Self.refusal(&caps, 9, proxy: 1, session: 0) == nil)
    #expect(Self.refusal(&caps, 9, proxy: 2, session: 0) == .session)
    caps.setMaxima(ConnectionCaps.Maxima(), places: places)
    for place in places { caps.release(place) }
    #expect(caps.keyCount == 0 && caps.totalCount == 1)
  }

  @Test func accountsHaveMaximaOfTheirOwn() throws {
    var caps = ConnectionCaps(ConnectionCaps.Maxima())
    let share = ConnectionCaps.AccountShare(id: 7, countMax: 1)
    let place = try caps.admit(from: Self.network(1), proxy: 1, session: 1, account: share).get()
    #expect(throws: ConnectionCaps.Refusal(cause: .account)) {
      _ = try caps.admit(from: Self.network(2), proxy: 2, session: 2, account: share).get()
    }
    let other = ConnectionCaps.AccountShare(id: 8, countMax: 1)
    let second = try caps.admit(from: Self.network(2), proxy: 2, session: 2, account: other).get()
    // Other maxima change nothing about it.
    caps.setMaxima(ConnectionCaps.Maxima(), places: [place, second])
    caps.release(place)
    caps.release(second)
    #expect(caps.totalCount == 0 && caps.keyCount == 0)
    _ = try caps.admit(from: Self.network(1), proxy: 1, session: 1, account: share).get()
  }
}

@Suite struct MemoryBudgetTests {
  private static let start = Instant(nanoseconds: 1_000_000_000)

  @Test func usersAreRefusedBeforeStrangers() {
    var budget = MemoryBudget(limitBytes: 64 << 20)
    #expect(budget.isSampleDue(now: Self.start))
    budget.note(residentBytes: 10 << 20, socketCount: 10, now: Self.start)
    #expect(!budget.isSampleDue(now: Self.start))
    #expect(budget.mayAdmit(.user, socketCount: 10))
    budget.note(residentBytes: 58 << 20, socketCount: 10, now: Self.start)
    #expect(!budget.mayAdmit(.user, socketCount: 10))
    #expect(budget.mayAdmit(.stranger, socketCount: 10))
    budget.note(residentBytes: 64 << 20, socketCount: 10, now: Self.start)
    #expect(!budget.mayAdmit(.stranger, socketCount: 10))
    #expect(budget.isSampleDue(now: Self.start + AdmissionLimits.memorySampleTime))
  }

  // Between two measurements a flood is estimated: it does not get past the limit meanwhile.
  @Test func newcomersCountBeforeTheyAreMeasured() {
    var budget = MemoryBudget(limitBytes: 32 << 20)
    budget.note(residentBytes: 8 << 20, socketCount: 0, now: Self.start)
    var socketCount = 0
    while budget.mayAdmit(.user, socketCount: socketCount), socketCount < 100_000 {
      socketCount += 1
    }
    let each = AdmissionLimits.ownBytesPerConnection + AdmissionLimits.kernelBytesPerSocket
    #expect(socketCount == ((28 - 8) << 20) / each)
  }
}
