/// Random numbers for one part of a simulation (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
///
/// Each connection has a stream of its own, so that what one of them does at a moment never changes
/// what happens to another.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts from a seed; `index` tells streams of the same seed apart.
  public init(seed: UInt64, index: UInt64 = 0) {
    state = seed ^ (index &* 0xd134_2543_de82_ef95)
    state = next()
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 up to one less than `bound`; 0 for a bound of 0.
  public mutating func number(below bound: Int) -> Int {
    bound <= 0 ? 0 : Int(next() % UInt64(bound))
  }

  /// A number from a range.
  public mutating func number(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + number(below: range.upperBound - range.lowerBound + 1)
  }

  /// Whether something with that share of all cases happens now.
  public mutating func happens(_ share: Double) -> Bool {
    Double(next() >> 11) / Double(1 << 53) < share
  }

  /// One of several.
  public mutating func element<Element>(of elements: [Element]) -> Element {
    elements[number(below: elements.count)]
  }
}
