/// What /proc tells of one process (proc(5)).
public struct ProcessStatistics: Equatable, Sendable {
  /// User and system time in clock ticks.
  public var ticks: Int
  /// Resident memory in KiB.
  public var residentKibibytes: Int
  /// The process that started it.
  public var parent: Int

  /// Reads the texts of `/proc/<pid>/stat` and `/proc/<pid>/status`; `nil` when they are not such.
  public init?(stat: String, status: String) {
    // The name in parentheses may contain anything, blanks and parentheses included.
    guard let end = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let parent = Int(fields[1]), let user = Int(fields[11]),
      let system = Int(fields[12])
    else { return nil }
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
      let resident = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first,
      let kibibytes = Int(resident)
    else { return nil }
    ticks = user + system
    residentKibibytes = kibibytes
    self.parent = parent
  }
}
