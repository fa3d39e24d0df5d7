/// What the doctor says, for a person.
public enum DoctorReport {
  /// All findings, a line each, faults with what to do about them, and the outcome.
  public static func text(_ findings: [DoctorFinding], title: String) -> String {
    let width = findings.map(\.subject.count).max() ?? 0
    var lines = [title, ""]
    for finding in findings {
      let padding = String(repeating: " ", count: width - finding.subject.count)
      lines.append("  \(mark(finding))  \(finding.subject)\(padding)  \(finding.text)")
      if let fault = finding.fault {
        lines.append(String(repeating: " ", count: 2 + 5 + 2 + width + 2) + "→ \(fault.advice)")
      }
    }
    return (lines + ["", outcome(findings)]).joined(separator: "\n")
  }

  private static func mark(_ finding: DoctorFinding) -> String {
    switch finding.verdict {
    case .good: "ok   "
    case .note: "note "
    case .fault: "FAULT"
    }
  }

  private static func outcome(_ findings: [DoctorFinding]) -> String {
    let count = findings.count { $0.fault != nil }
    return switch count {
    case 0: "All is well."
    case 1: "One thing is wrong."
    case _: "\(count) things are wrong."
    }
  }
}
