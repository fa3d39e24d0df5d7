internal import Timekeeping

/// A visitor's connection that may have to go for somebody else.
protocol RingMember: AnyObject {
  /// Since when it has had no whole request; `nil` while it has one, or an answer that the visitor
  /// has not taken.
  var emptySince: Instant? { get }
  /// Where the ring has it.
  var ringPosition: Int { get set }
  /// Ends it for somebody else.
  func makeRoom()
}

/// All visitors' connections, and a hand that goes round among them. Requests cost nothing here,
/// and a search is bounded.
struct ConnectionRing {
  private var members: [any RingMember] = []
  private var hand = 0

  mutating func add(_ member: any RingMember) {
    member.ringPosition = members.count
    members.append(member)
  }

  mutating func remove(_ member: any RingMember) {
    let last = members.removeLast()
    guard last !== member else { return }
    members[member.ringPosition] = last
    last.ringPosition = member.ringPosition
  }

  /// Of the next members, the one that has been without a request for longest; `nil` when all of
  /// these have one.
  mutating func nextEmpty() -> (any RingMember)? {
    var found: (member: any RingMember, since: Instant)?
    for _ in 0..<min(members.count, GatewayLimits.emptySearchCountMax) {
      hand = hand + 1 < members.count ? hand + 1 : 0
      let member = members[hand]
      guard let since = member.emptySince else { continue }
      if found.map({ since < $0.since }) ?? true { found = (member, since) }
    }
    return found?.member
  }
}
