internal import Logging

/// What a failure means until a client has logged in for the first time.
///
/// A service waits for a server that cannot be reached, at boot for example, and says so once; a
/// program that somebody started by hand ends, so that he sees why. A refusal ends both.
struct FirstLogin {
  /// What to do about a failure.
  enum Answer: Equatable {
    /// Say it and try again.
    case warn
    /// Say it, and that it is tried until it works.
    case announce
    /// It has been said.
    case `repeat`
    /// End the program.
    case exit
  }

  private let isExitWanted: Bool
  private let isService: Bool
  private var isOver = false
  private var announcedText: String?

  init(isExitWanted: Bool, isService: Bool) {
    self.isExitWanted = isExitWanted
    self.isService = isService
  }

  mutating func failed(_ text: String, isRefused: Bool) -> Answer {
    if isOver { return .warn }
    if isRefused || !isService {
      announcedText = nil
      return isExitWanted ? .exit : .warn
    }
    if text == announcedText { return .repeat }
    announcedText = text
    return .announce
  }

  mutating func succeeded() {
    isOver = true
    announcedText = nil
  }

  /// How an attempt is logged.
  var attemptLevel: Logger.Level { announcedText == nil ? .info : .debug }
}
