internal import Configuration
internal import LinuxSystem
internal import Transports

/// The certificates of hosts whose TLS ends at the relay: those that the configuration names one by
/// one, and pairs of files in a folder, `NAME.crt` and `NAME.key`, where a name may begin with `*.`
/// or `_.`, which stand for one label.
struct HostCertificates {
  private struct Entry {
    let context: TLSContext
    let isFromFolder: Bool
  }

  private static let certificateSuffix = ".crt"
  private static let keySuffix = ".key"

  private var entries: [String: Entry] = [:]

  /// No certificates.
  init() {}

  /// Reads all files.
  ///
  /// - Parameters:
  ///   - former: where a pair that cannot be used now is taken from.
  ///   - problems: gets what cannot be used, each with the reason.
  init(
    _ configuration: ServerConfiguration, former: HostCertificates, problems: inout [String]
  ) {
    for pair in configuration.hostCertificates { read(pair, former, &problems) }
    if let folder = configuration.hostCertificateFolder { read(folder, former, &problems) }
  }

  private mutating func read(
    _ pair: HostCertificateConfiguration, _ former: HostCertificates, _ problems: inout [String]
  ) {
    do throws(TLSError) {
      let entry = Entry(context: try Self.context(pair.files), isFromFolder: false)
      for host in pair.hosts { entries[host] = entry }
    } catch {
      var kept = ""
      for host in pair.hosts {
        guard let entry = former.entries[host] else { continue }
        entries[host] = entry
        kept = Self.keptText
      }
      let hosts = pair.hosts.joined(separator: ", ")
      problems.append("certificate of \(hosts): \(error.description)\(kept)")
    }
  }

  private mutating func read(
    _ folder: String, _ former: HostCertificates, _ problems: inout [String]
  ) {
    let files: [String]
    do throws(Errno) {
      files = try HostSystem.plainFiles(below: folder)
    } catch {
      entries.merge(former.entries.filter(\.value.isFromFolder)) { own, _ in own }
      problems.append("vhost_https_cert_dir: cannot read \(folder): \(error)")
      return
    }
    for path in files where path.hasSuffix(Self.certificateSuffix) {
      let stem = String(path.dropLast(Self.certificateSuffix.count))
      let name = Self.hostName(stem)
      // One that is named stands before it.
      if entries[name]?.isFromFolder == false { continue }
      guard entries.count < RelayServerLimits.hostCertificateCountMax else {
        problems.append("vhost_https_cert_dir: too many certificates in \(folder)")
        return
      }
      let pair = CertificateFiles(certificatePath: path, keyPath: stem + Self.keySuffix)
      do throws(TLSError) {
        entries[name] = Entry(context: try Self.context(pair), isFromFolder: true)
      } catch {
        entries[name] = former.entries[name]
        let kept = entries[name] == nil ? "" : Self.keptText
        problems.append("vhost_https_cert_dir: \(error.description)\(kept)")
      }
    }
  }

  private static let keptText = "; the former one stays in force"

  private static func context(_ files: CertificateFiles) throws(TLSError) -> TLSContext {
    try TLSContext(
      .server, TLSSettings(certificate: files, applicationProtocols: ["h2", "http/1.1"]))
  }

  private static func hostName(_ stem: String) -> String {
    let name = (stem.split(separator: "/").last.map(String.init) ?? stem).lowercased()
    return name.hasPrefix("_.") ? "*" + name.dropFirst() : name
  }

  /// The one for a host: its own, else one for all names beside it.
  func context(for host: String) -> TLSContext? {
    if let entry = entries[host] { return entry.context }
    guard let dot = host.firstIndex(of: ".") else { return nil }
    return entries["*" + host[dot...]]?.context
  }
}
