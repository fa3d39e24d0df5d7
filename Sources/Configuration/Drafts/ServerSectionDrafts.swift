import Timekeeping

/// How a group chooses, or how all of them do without settings of their own.
struct GroupDraft: Sendable {
  /// Empty for all groups.
  var name = ""
  var policy = ""
  var failuresMax = 0
  var failureSeconds = 0
  var slowStartSeconds = 0
  var weightKey = ""

  var configuration: GroupConfiguration {
    var result = GroupConfiguration()
    result.policy = GroupConfiguration.Policy(rawValue: policy) ?? .roundRobin
    result.failureCountMax = failuresMax
    result.failureTime = .seconds(failureSeconds)
    result.slowStart = .seconds(slowStartSeconds)
    result.weightKey = weightKey
    return result
  }
}

/// A certificate of hosts whose TLS ends at the relay.
struct HostCertificateDraft: Sendable {
  var hosts: [String] = []
  var certificatePath = ""
  var keyPath = ""

  var configuration: HostCertificateConfiguration {
    HostCertificateConfiguration(
      hosts: hosts,
      files: CertificateFiles(certificatePath: certificatePath, keyPath: keyPath))
  }

  /// Tells which of the files is not named.
  func check(_ places: KeyPlaces, _ issues: inout IssueCollector) {
    for (id, path) in [("certFile", certificatePath), ("keyFile", keyPath)]
    where path.isEmpty && !places.isFaulty(id) {
      places.fail(id, "expected the path of a file, found none", &issues)
    }
  }
}
