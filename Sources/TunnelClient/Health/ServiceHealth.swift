/// What the checks of one local service have shown, as a value.
///
/// | state | good check | bad check |
/// | --- | --- | --- |
/// | not checked | alive | not checked |
/// | alive | alive, failures in a row begin anew | dead at the last failure that is allowed |
/// | dead | alive | dead |
struct ServiceHealth {
  enum State {
    case unchecked
    case alive
    case dead
  }

  private(set) var state = State.unchecked
  private let failureCountMax: Int
  private var failureCount = 0

  /// - Parameter failureCountMax: after how many failures in a row the service is dead.
  init(failureCountMax: Int) { self.failureCountMax = max(1, failureCountMax) }

  /// A check is over.
  ///
  /// - Returns: whether the state is another one.
  mutating func handle(isGood: Bool) -> Bool {
    let former = state
    if isGood {
      failureCount = 0
      state = .alive
    } else {
      failureCount = min(failureCount + 1, failureCountMax)
      if state == .alive, failureCount == failureCountMax { state = .dead }
    }
    return state != former
  }
}
