/// The keys of one group with settings of its own: `[group.NAME]`, or one of `groups.named`.
enum GroupSchema {
  static let index = SchemaIndex(keys, empty: GroupDraft())
  static let iniNames = index.iniNamesByID
  /// The list in the current generation.
  static let list = "groups.named"
  /// What the names of sections begin with.
  static let sectionPrefix = "group."

  static let keys: [SchemaKey<GroupDraft>] = [
    SchemaKey(
      nil, "name", .text(\.name),
      "name of the group, the `group` of its proxies; in INI files of its section"),
    SchemaKey(
      "policy", "policy",
      .choice(
        \.policy, GroupConfiguration.Policy.roundRobin.rawValue,
        GroupConfiguration.Policy.allCases.map(\.rawValue)),
      "which member serves the next user", feature: .loadBalancing, example: "source_hash",
      fallback: "group_policy"),
    SchemaKey(
      "max_failures", "maxFailures",
      .integer(\.failuresMax, .count, 0, 0...ConfigurationLimits.failureCountMax),
      "after how many failures in a row a member is left out for a while; 0: never",
      feature: .loadBalancing, example: "5", fallback: "group_max_failures"),
    SchemaKey(
      "failure_time", "failureTime", .seconds(\.failureSeconds, 10),
      "for how long at first, doubled each time up to 300 s", feature: .loadBalancing,
      example: "20", fallback: "group_failure_time"),
    SchemaKey(
      "slow_start", "slowStart", .seconds(\.slowStartSeconds, 0),
      "how long a member that is new or comes back takes to its full share; 0: none",
      feature: .loadBalancing, example: "90", fallback: "group_slow_start"),
    SchemaKey(
      "weight_meta", "weightMeta", .text(\.weightKey),
      "which of a proxy's `meta_` keys holds its weight, from 1 to 256", feature: .loadBalancing,
      example: "share", fallback: "group_weight_meta"),
  ]
}

/// The keys of one certificate of hosts whose TLS ends at the relay: `[host.NAME]`, or one of
/// `vhostHTTPSCertificates`.
enum HostCertificateSchema {
  static let index = SchemaIndex(keys, empty: HostCertificateDraft())
  static let iniNames = index.iniNamesByID
  /// The list in the current generation.
  static let list = "vhostHTTPSCertificates"
  /// What the names of sections begin with.
  static let sectionPrefix = "host."

  static let keys: [SchemaKey<HostCertificateDraft>] = [
    SchemaKey(
      nil, "hosts", .list(choices: [], \.hosts),
      "the hosts; `*.` at the beginning stands for one label; in INI files the section's name",
      feature: .httpProxies, example: "www.example.com"),
    SchemaKey(
      "tls_cert_file", "certFile", .path(\.certificatePath),
      "PEM file of the certificate, chain included; has to be set", feature: .httpProxies,
      example: "/etc/frp/www.crt"),
    SchemaKey(
      "tls_key_file", "keyFile", .path(\.keyPath),
      "PEM file of the certificate's private key; has to be set", feature: .httpProxies,
      example: "/etc/frp/www.key"),
  ]
}
