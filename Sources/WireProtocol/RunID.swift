/// The names that a server gives to its sessions (wire-protocol.md 3.1).
public enum RunID {
  private static let shownLength = 8

  /// As much of a run ID as logs show: enough to tell sessions apart, not enough to pass for one.
  public static func shown(_ runID: String) -> String { String(runID.prefix(shownLength)) }
}
