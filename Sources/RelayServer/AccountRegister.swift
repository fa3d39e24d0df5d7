internal import Admission
internal import Configuration
internal import ProxyGraph
internal import StreamCoding

/// What some clients log in with: the shared token, or the one of an account. Sessions hold the one
/// with which they came, whatever the configuration says later.
final class Credential {
  /// The account; `nil` for the shared token.
  let account: Account?
  /// Never the same for two.
  let number: UInt64
  /// The text that clients prove to know.
  let token: String
  /// The key of control connections and of encrypted payload. Made for the first client that has
  /// proved to know the token.
  private(set) lazy var key = StreamKey.derive(from: token)
  /// Those who are logged in with it.
  var sessions: Set<SessionID> = []

  init(_ account: Account?, number: UInt64, token: String) {
    self.account = account
    self.number = number
    self.token = token
  }

  /// The account, for the count of its user connections; `nil` when they are not counted.
  var connectionShare: ConnectionCaps.AccountShare? {
    account?.connectionCountMax.map { ConnectionCaps.AccountShare(id: number, countMax: $0) }
  }
}

/// Who may log in: the accounts, and whoever knows the shared token.
struct AccountRegister {
  /// The shared token's.
  private(set) var shared: Credential
  /// Whether the shared token lets anybody in. An empty one does so only without a users file.
  private var isSharedValid: Bool
  private var accounts: [String: Credential] = [:]
  // For users who do not exist, so that looking at them takes as long as at those who do.
  private let decoy: Credential
  private var nextNumber: UInt64 = 0

  init(_ configuration: ServerConfiguration) {
    decoy = Credential(nil, number: 0, token: SecureRandom.hexString(byteCount: 32))
    shared = Credential(nil, number: 1, token: configuration.authentication.token.value)
    nextNumber = 2
    isSharedValid = Self.isSharedValid(configuration)
    for account in configuration.accounts { accounts[account.name] = make(account) }
  }

  private static func isSharedValid(_ configuration: ServerConfiguration) -> Bool {
    !configuration.authentication.token.isEmpty || configuration.usersFilePath == nil
  }

  private mutating func make(_ account: Account) -> Credential {
    defer { nextNumber += 1 }
    return Credential(account, number: nextNumber, token: account.token.value)
  }

  /// When the next account expires, in seconds since 1970; `nil` for never.
  func nextExpiry(after unixSeconds: Int64) -> Int64? {
    accounts.values.compactMap { $0.account?.expiry }.filter { $0 > unixSeconds }.min()
  }

  /// Checks a proof of a client that says who it is; `nil` when it proves nothing.
  ///
  /// A user who does not exist, one who does, and the shared token cost the same.
  func check(user: String, proof: String, timestamp: Int64) -> Credential? {
    let named = accounts[user]
    let credential = named ?? (isSharedValid ? shared : decoy)
    let expected = Credentials.privilegeKey(secret: credential.token, timestamp: timestamp)
    let isRight = Credentials.areEqual(expected, proof)
    return isRight && credential !== decoy ? credential : nil
  }

  /// Whether a proxy's name belongs to an account: to that which stands before its first dot.
  func isOfAccount(_ proxyName: String) -> Bool {
    guard let dot = proxyName.firstIndex(of: ".") else { return false }
    return accounts[String(proxyName[..<dot])] != nil
  }

  /// Takes the users and the token of another configuration.
  ///
  /// - Returns: the credentials whose sessions have to end, and the names of new accounts.
  mutating func update(_ configuration: ServerConfiguration)
    -> (ended: [Credential], newNames: Set<String>)
  {
    let token = configuration.authentication.token.value
    if token != shared.token {
      shared = Credential(nil, number: nextNumber, token: token)
      nextNumber += 1
    }
    isSharedValid = Self.isSharedValid(configuration)
    var former = accounts
    var newNames: Set<String> = []
    accounts = [:]
    for account in configuration.accounts {
      if let same = former[account.name], same.account == account {
        accounts[account.name] = same
        former[account.name] = nil
      } else {
        if former[account.name] == nil { newNames.insert(account.name) }
        accounts[account.name] = make(account)
      }
    }
    return (former.values.sorted { $0.number < $1.number }, newNames)
  }
}
