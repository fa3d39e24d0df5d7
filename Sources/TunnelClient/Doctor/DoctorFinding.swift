/// One thing that the doctor found.
public struct DoctorFinding: Equatable, Sendable {
  /// How it is.
  public enum Verdict: Equatable, Sendable {
    /// As it should be.
    case good
    /// Perhaps as it should be, or not looked at.
    case note
    /// Wrong; this is what is wrong.
    case fault(DoctorFault)
  }

  /// What was looked at: a step on the way to the relay, or a proxy's name.
  public var subject: String

  /// How it is.
  public var verdict: Verdict

  /// What was seen, in one line.
  public var text: String

  /// Puts it together.
  public init(_ subject: String, _ verdict: Verdict, _ text: String) {
    self.subject = subject
    self.verdict = verdict
    self.text = text
  }

  /// What is wrong; `nil` when nothing is.
  public var fault: DoctorFault? {
    if case .fault(let fault) = verdict { return fault }
    return nil
  }
}

/// What can be wrong, each with one thing to do next.
public enum DoctorFault: Equatable, Sendable, CaseIterable {
  /// The relay's name does not exist.
  case nameNotFound
  /// No name server knows or answers.
  case nameServersFailed
  /// Nobody listens on the relay's port.
  case refused
  /// Nothing comes back from the relay's port.
  case filtered
  /// There is no way to the relay's network.
  case unreachable
  /// The proxy on the way does not let us through.
  case upstreamProxy
  /// The certificate is of another name.
  case certificateName
  /// The certificate is not of the authorities that the configuration trusts.
  case certificateUntrusted
  /// The certificate has run out.
  case certificateExpired
  /// The relay wants a certificate of the client's.
  case certificateWanted
  /// The clock of this machine is wrong.
  case clock
  /// Whoever answers is no frps.
  case notFrps
  /// One side multiplexes and the other does not.
  case muxMismatch
  /// The relay wants TLS.
  case tlsRequired
  /// The relay speaks no TLS.
  case tlsNotSpoken
  /// Both sides differ in multiplexing and in TLS.
  case muxAndTLSMismatch
  /// The relay says nothing to a login.
  case silent
  /// The token is another one.
  case wrongToken
  /// The versions do not fit together.
  case version
  /// The relay has no room for another client.
  case relayFull
  /// The account is not let in.
  case account
  /// Another refusal, whose cause the relay keeps to itself or which nobody knows here.
  case refusedLogin
  /// The port cannot be had.
  case portConflict
  /// Nobody listens where the local service should be.
  case localServiceRefuses
  /// The local service's machine does not answer.
  case localServiceSilent
  /// The name of the local service's machine does not exist.
  case localServiceName
  /// The proxy has no local service.
  case localServiceNotSet
  /// The time was over.
  case timeOver
}
