/// What can be wrong with texts of a kind, in words; `nil` for nothing.
enum TextChecks {
  static let host: @Sendable (String) -> String? = { text in
    HostText.isAddress(text) || HostText.isName(text)
      ? nil
      : "expected a host name or an IP address (IPv6 without brackets, no port), "
        + "found \(quoted(text))"
  }

  /// A host that may have a certificate: a name, or one for all names with a label more.
  static let certifiedHost: @Sendable (String) -> String? = { text in
    let name = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
    return HostText.isName(name) && !HostText.isAddress(name)
      ? nil
      : "expected a host name such as www.example.com or *.example.com, found \(quoted(text))"
  }

  static let address: @Sendable (String) -> String? = { text in
    HostText.isAddress(text) ? nil : "expected an IP address, found \(quoted(text))"
  }

  static let nameServer: @Sendable (String) -> String? = { text in
    HostAndPort(parsing: text, defaultPort: 53) != nil
      ? nil : "expected an IP address, with or without a port, found \(quoted(text))"
  }

  static let hostAndPort: @Sendable (String) -> String? = { text in
    // Port 0 cannot be written, so it tells that there is none.
    (HostAndPort(parsing: text, defaultPort: 0)?.port ?? 0) > 0
      ? nil : "expected host:port, found \(quoted(text))"
  }

  static let upstreamProxy: @Sendable (String) -> String? = { text in
    do throws(UpstreamProxy.Fault) {
      _ = try UpstreamProxy(parsing: text)
      return nil
    } catch {
      return error.description
    }
  }

  static let bandwidth: @Sendable (String) -> String? = { text in
    Bandwidth(text) != nil
      ? nil
      : "expected a number with KB or MB right behind it, such as 512KB, found \(quoted(text))"
  }

  static let memory: @Sendable (String) -> String? = { text in
    MemorySize(text) != nil
      ? nil
      : "expected a number with KB, MB or GB right behind it, such as 128MB, "
        + "not below \(MemorySize.least.text), found \(quoted(text))"
  }

  static let subdomain: @Sendable (String) -> String? = { text in
    text.contains(".") || text.contains("*")
      ? "expected a label without . and *, found \(quoted(text))" : nil
  }

  static let webURL: @Sendable (String) -> String? = { text in
    for scheme in ["http://", "https://"] where text.lowercased().hasPrefix(scheme) {
      let authority = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
      if !authority.isEmpty, !authority.hasPrefix(":") { return nil }
    }
    return "expected a URL that begins with http:// or https:// and a host, found \(quoted(text))"
  }

  /// May hold a password, so it is not repeated.
  static let oidcProxy: @Sendable (String) -> String? = { text in
    let schemes = ["http://", "https://", "socks5://", "socks5h://"]
    return schemes.contains { text.lowercased().hasPrefix($0) && text.utf8.count > $0.utf8.count }
      ? nil : "expected a URL that begins with http://, https://, socks5:// or socks5h://"
  }

  /// An address, or a network.
  static let trustedProxy: @Sendable (String) -> String? = { text in
    HostText.isAddress(text) || network(text) == nil
      ? nil
      : "expected IP addresses, alone or with their bits such as 10.0.0.0/8, found \(quoted(text))"
  }

  static let network: @Sendable (String) -> String? = { text in
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 2, HostText.isAddress(parts[0]), let bits = Int(parts[1]),
      parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      bits <= (HostText.isIPv4(parts[0]) ? 32 : 128)
    {
      return nil
    }
    return "expected an address with its bits, such as 100.86.0.1/24, found \(quoted(text))"
  }
}
