public import Configuration
internal import HTTPProtocol
internal import LinuxSystem

/// Proxies and visitors that are made while the client runs, and kept in a file of their own.
public struct ClientStore {
  /// The file.
  public var path: String
  /// Reads all files of the configuration, with that content in the place of the store's.
  ///
  /// - Returns: what is wrong with them.
  public var check: (_ content: [UInt8]) -> [ConfigurationIssue]
  /// Reads all files and goes on with them.
  ///
  /// - Returns: what is wrong with them; none when they are in force.
  public var apply: () -> [ConfigurationIssue]

  /// Puts all of it together.
  public init(
    path: String, check: @escaping (_ content: [UInt8]) -> [ConfigurationIssue],
    apply: @escaping () -> [ConfigurationIssue]
  ) {
    self.path = path
    self.check = check
    self.apply = apply
  }

  /// What is in the file; one that is not there is empty.
  func read() throws(StoreRefusal) -> StoreDocument {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try HostSystem.readFile(path, byteCountMax: ConfigurationLimits.fileBytesMax)
    } catch {
      if error == .noSuchFile { return StoreDocument() }
      throw StoreRefusal(status: .internalServerError, message: "open \(path): \(error)")
    }
    do throws(StoreFault) {
      return try StoreDocument(bytes: bytes)
    } catch {
      throw StoreRefusal(status: .internalServerError, message: "read \(path): \(error)")
    }
  }

  /// Changes the file, if the configuration can be used with it, and goes on with it.
  func change(
    _ body: (inout StoreDocument) throws(StoreRefusal) -> Void
  ) throws(StoreRefusal) {
    var document = try read()
    try body(&document)
    let bytes = document.bytes
    guard document.entryCount <= ClientAdminLimits.storedEntryCountMax,
      bytes.count <= ConfigurationLimits.fileBytesMax
    else { throw StoreRefusal(status: .badRequest, message: "invalid argument: the store is full") }
    try fail(with: check(bytes))
    do throws(Errno) {
      try HostSystem.exchangeFile(path, with: bytes)
    } catch {
      throw StoreRefusal(status: .internalServerError, message: "write \(path): \(error)")
    }
    try fail(with: apply())
  }

  private func fail(with issues: [ConfigurationIssue]) throws(StoreRefusal) {
    guard let issue = issues.first(where: { $0.severity == .error }) else { return }
    throw StoreRefusal(status: .internalServerError, message: "apply config failed: \(issue)")
  }
}

/// Why a request about the store is refused.
struct StoreRefusal: Error {
  let status: HTTPStatus
  let message: String
}
