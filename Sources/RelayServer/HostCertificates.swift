internal import Configuration
internal import LinuxSystem
internal import Transports

/// The certificates of hosts whose TLS ends at the relay: pairs of files in a folder, `NAME.crt`
/// and `NAME.key`, where a name may begin with `*.` or `_.`, which stand for one label.
struct HostCertificates {
  private static let certificateSuffix = ".crt"
  private static let keySuffix = ".key"

  private var contexts: [String: TLSContext] = [:]

  /// No certificates.
  init() {}

  /// Reads the pairs of a folder.
  ///
  /// - Parameters:
  ///   - former: where a pair that cannot be used now is taken from.
  ///   - problems: gets what cannot be used, each with the reason.
  init(folder: String, former: HostCertificates, problems: inout [String]) {
    let files: [String]
    do throws(Errno) {
      files = try HostSystem.plainFiles(below: folder)
    } catch {
      self = former
      problems.append("vhost_https_cert_dir: cannot read \(folder): \(error)")
      return
    }
    for path in files where path.hasSuffix(Self.certificateSuffix) {
      guard contexts.count < RelayServerLimits.hostCertificateCountMax else {
        problems.append("vhost_https_cert_dir: too many certificates in \(folder)")
        return
      }
      let stem = String(path.dropLast(Self.certificateSuffix.count))
      let name = Self.hostName(stem)
      do throws(TLSError) {
        contexts[name] = try TLSContext(
          .server,
          TLSSettings(
            certificate: CertificateFiles(
              certificatePath: path, keyPath: stem + Self.keySuffix)))
      } catch {
        contexts[name] = former.contexts[name]
        problems.append("vhost_https_cert_dir: \(error.description)")
      }
    }
  }

  private static func hostName(_ stem: String) -> String {
    let name = (stem.split(separator: "/").last.map(String.init) ?? stem).lowercased()
    return name.hasPrefix("_.") ? "*" + name.dropFirst() : name
  }

  /// How many hosts have one.
  var count: Int { contexts.count }

  /// The one for a host: its own, else one for all names beside it.
  func context(for host: String) -> TLSContext? {
    if let context = contexts[host] { return context }
    guard let dot = host.firstIndex(of: ".") else { return nil }
    return contexts["*" + host[dot...]]
  }
}
