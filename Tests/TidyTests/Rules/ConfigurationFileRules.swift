import Foundation

/// The two files in `config/` are the deployment that we exist for.
enum ConfigurationFileRules {
  typealias Sections = [String: [String: String]]

  static let relay: Sections = ["common": ["bind_port": "7000", "token": "change-this-token"]]
  static let client: Sections = [
    "common": [
      "server_addr": "relay.example.com", "server_port": "7000", "token": "change-this-token",
    ],
    "web": [
      "type": "tcp", "local_ip": "127.0.0.1", "local_port": "80", "remote_port": "8780",
    ],
    "web2": [
      "type": "tcp", "local_ip": "127.0.0.1", "local_port": "443", "remote_port": "8443",
    ],
  ]

  /// Reads the part of the dialect that these files use: comments stand on lines of their own.
  static func parse(_ content: String) -> Sections? {
    var sections: Sections = [:]
    var current = ""
    for line in content.split(separator: "\n") {
      let text = line.trimmingCharacters(in: .whitespaces)
      if text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") { continue }
      if text.hasPrefix("["), text.hasSuffix("]") {
        current = String(text.dropFirst().dropLast())
        sections[current] = [:]
        continue
      }
      guard let equals = text.firstIndex(of: "="), sections[current] != nil else { return nil }
      let key = text[..<equals].trimmingCharacters(in: .whitespaces)
      let value = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
      guard !key.isEmpty, !value.contains("#"), sections[current]?[key] == nil else { return nil }
      sections[current]?[key] = value
    }
    return sections
  }
}
