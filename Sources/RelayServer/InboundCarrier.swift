internal import Admission
internal import Configuration
internal import HTTPProtocol
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import StreamMux
internal import Timekeeping
internal import Transports

/// One accepted connection on the bind port: finds out what it speaks, and gives out the logical
/// connections on it (wire-protocol.md 1.2 to 1.4).
///
/// States: shared (users of virtual hosts come to the same port; what tells them apart is awaited);
/// opening (the first byte is awaited); up (TLS started or not, mux or one logical
/// connection); closed. The bring-up deadline runs from accept until a login or, without mux, any
/// first message was accepted.
final class InboundCarrier: ByteStreamReceiver {
  private static let markerByte: UInt8 = 0x17
  private static let tlsMajorVersion: UInt8 = 3
  private static let tlsHeaderByteCount = 5

  /// The session that logged in over this carrier; with mux.
  var session: ControlSession?
  /// The peer's address, or that of whom a front proxy speaks for.
  private(set) var peer: SocketAddress?
  /// Where the peer is.
  let network: PeerNetwork
  /// Whether the peer has shown who it is.
  private(set) var isAuthenticated = false
  /// What the peer is until it has shown who it is.
  var standing: RelayAdmission.Standing?

  /// Its name among the strangers that speak TLS.
  var tlsID: StrangerBook<InboundCarrier>.EntryID?

  private let server: RelayServer
  private let socket: SocketStream
  private var mux: MuxCarrier?
  private var openings: [ObjectIdentifier: LogicalOpening] = [:]
  private var openedCount = 0
  // What has come while it is not known whether the peer is a client; `nil` once it is.
  private var undecided: [UInt8]?
  private var header: ProxyProtocolReader?
  private var ends: UserEnds?
  private let bringUpEnd: Instant
  // What has come of a TLS client's first record.
  private var firstRecord: [UInt8] = []
  private var deadline: TimerID?
  private var isHandedOver = false
  private var isClosed = false

  init(_ server: RelayServer, _ socket: SocketStream, from address: SocketAddress) {
    self.server = server
    self.socket = socket
    peer = address
    network = PeerNetwork(address)
    bringUpEnd = server.context.loop.now + RelayServerLimits.bringUpTimeout
    if server.sharedPort.isShared {
      undecided = []
      if server.trustedProxies.contain(address) { header = ProxyProtocolReader() }
    }
    socket.receiver = self
    deadline = server.context.loop.schedule(at: bringUpEnd) {
      [unowned self] in
      // Cancelled when the carrier is accepted or closed.
      deadline = nil
      server.admission.counters.latePeers += 1
      reject("no login in time")
    }
  }

  /// Takes what the peer sends, as far as its standing goes.
  func begin(as standing: RelayAdmission.Standing) {
    self.standing = standing
    socket.distrustPeer(
      upTo: RelayServerLimits.unauthenticatedByteCountMax,
      server.admission.pace(of: standing, from: network))
  }

  /// Stops the bring-up deadline: the peer has shown who it is.
  func accept() {
    isAuthenticated = true
    socket.trustPeer()
    cancelDeadline()
    server.carrierDidAuthenticate(self)
  }

  /// Ends the carrier of a peer that has not logged in, and says why in the log.
  func reject(_ reason: String, isReset: Bool = true) {
    server.bringUpDidFail(self, reason)
    close(isReset: isReset)
  }

  /// Asks the peer's program for a sign of life, with mux.
  ///
  /// - Returns: when it was last heard; `nil` without mux.
  func probe() -> Instant? {
    mux?.probe()
    return mux?.lastHeardAt
  }

  /// When the peer's program was last heard; `nil` without mux.
  var lastHeardAt: Instant? { mux?.lastHeardAt }

  /// Ends the carrier and everything on it.
  func close(isReset: Bool = false) {
    guard !isClosed else { return }
    isClosed = true
    cancelDeadline()
    for opening in openings.values { opening.abandon() }
    openings = [:]
    session = nil
    if let mux {
      mux.onClose = nil
      if isReset { mux.abort() } else { mux.close() }
    } else if !isHandedOver {
      if isReset { socket.abort() } else { socket.close() }
    }
    mux = nil
    server.carrierDidClose(self)
  }

  private func cancelDeadline() {
    if let deadline { server.context.loop.cancel(deadline) }
    deadline = nil
  }

  // MARK: Opening

  /// Decides by the first bytes.
  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard undecided != nil else { return receiveAsClient(bytes) }
    undecided? += bytes
    decide()
  }

  /// Finds out whether the peer is a client or a user of virtual hosts.
  private func decide() {
    guard readHeader(), let undecided else { return }
    switch server.sharedPort.destination(of: undecided.span.bytes) {
    case .http: handOver(undecided, for: .host(.http))
    case .https: handOver(undecided, for: .host(.https))
    case .webSocket, .secureLink, .plainLink:
      self.undecided = nil
      undecided.withUnsafeBytes { receiveAsClient($0) }
    case nil: break
    }
  }

  /// Takes a front proxy's header off. Not all that comes from there needs to have one, as clients
  /// on the same host have none; neither of its two signatures can begin anything else.
  ///
  /// - Returns: whether it is known what follows.
  private func readHeader() -> Bool {
    guard header != nil, let bytes = undecided else { return true }
    do throws(ProxyProtocolFault) {
      guard let found = try header?.read(bytes.span.bytes) else { return false }
      undecided?.removeFirst(found.byteCount)
      if let source = found.source {
        peer = source
        ends = UserEnds(source: source, destination: found.destination)
      }
    } catch {
      guard error == .signatureMissing else {
        reject("a front proxy sent no valid PROXY header (\(error))")
        return false
      }
    }
    header = nil
    return true
  }

  /// The peer is no client.
  private func handOver(_ bytes: [UInt8], for purpose: Arrival.Purpose) {
    isHandedOver = true
    socket.trustPeer()
    socket.receiver = nil
    close()
    server.arrive(
      socket, for: purpose, ends ?? UserEnds(source: peer, destination: socket.localAddress),
      early: bytes, until: bringUpEnd)
  }

  private func receiveAsClient(_ bytes: UnsafeRawBufferPointer) {
    guard firstRecord.isEmpty else { return collect(bytes) }
    guard let first = bytes.first else { return }
    guard first == SharedPort.tlsRecordByte || first == Self.markerByte else {
      // frp closes such a peer without a word (wire-protocol.md 1.3).
      if server.isTLSRequired { return reject("no TLS", isReset: false) }
      server.admission.noteSpeech(of: standing)
      takeUp(bytes)
      return
    }
    collect(bytes)
  }

  /// Waits for the whole first record: a session of TLS costs far more than the bytes.
  private func collect(_ bytes: UnsafeRawBufferPointer) {
    if firstRecord.isEmpty, !isPartOfRecord(bytes) { return startTLS(bytes) }
    firstRecord += bytes
    let collected = firstRecord
    collected.withUnsafeBytes { bytes in
      if isPartOfRecord(bytes) { return }
      firstRecord = []
      startTLS(bytes)
    }
  }

  /// Whether more has to come of a handshake record (RFC 8446, 5.1) behind the marker byte, if
  /// there is one. What is none, or too long to be collected, is for OpenSSL.
  private func isPartOfRecord(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let record = bytes.dropFirst(bytes.first == Self.markerByte ? 1 : 0)
    let start = record.startIndex
    if let type = record.first, type != SharedPort.tlsRecordByte { return false }
    if record.count > 1, record[start + 1] != Self.tlsMajorVersion { return false }
    guard record.count >= Self.tlsHeaderByteCount else { return true }
    let bodyByteCount = Int(record[start + 3]) << 8 + Int(record[start + 4])
    return bodyByteCount <= RelayServerLimits.firstRecordByteCountMax
      && record.count < Self.tlsHeaderByteCount + bodyByteCount
  }

  private func startTLS(_ bytes: UnsafeRawBufferPointer) {
    let start = bytes.first == Self.markerByte ? 1 : 0
    // Not before: half a record is as cheap as silence.
    server.admission.noteSpeech(of: standing)
    do throws(TLSError) {
      let session = try server.tls.makeSession()
      if case .stranger = standing {
        let (id, evicted) = server.admission.admitTLS(self)
        tlsID = id
        for other in evicted { other.reject("it had to go for a newer one") }
      }
      takeUp(UnsafeRawBufferPointer(start: nil, count: 0))
      socket.startTLS(session, received: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    } catch {
      reject("\(error)")
    }
  }

  /// The peer left before its first byte.
  func streamDidEnd(_ stream: any ByteStream) { close() }

  /// Nothing waits for room.
  func streamDidProgress(_ stream: any ByteStream) {}

  /// The peer left.
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    countRudeness(reason)
    reject("\(reason)")
  }

  private func takeUp(_ bytes: UnsafeRawBufferPointer) {
    guard server.configuration.transport.isMultiplexed else {
      addOpening(socket, bytes)
      return
    }
    var settings = MuxSettings()
    settings.keepaliveInterval =
      server.configuration.transport.muxKeepaliveInterval + TransportLimits.relayProbeDelay
    settings.pingTimeout = TransportLimits.muxPingTimeout
    settings.sentFrameBodyBytesMax = TransportLimits.sentFrameBodyMax
    settings.startingWindowBytes = TransportLimits.startingWindowBytes
    settings.streamCountMax = RelayServerLimits.streamCountMax
    let mux = MuxCarrier(server.context, over: socket, role: .server, settings: settings)
    self.mux = mux
    mux.onStream = { [unowned self] stream in
      // `close` drops the mux before `self` goes away.
      streamDidOpen(stream)
    }
    mux.onClose = { [unowned self] reason in
      self.mux = nil
      isHandedOver = true
      muxDidClose(reason)
    }
    if bytes.count > 0 { mux.streamDidReceive(socket, bytes) }
  }

  private func streamDidOpen(_ stream: MuxStream) {
    openedCount += 1
    if !isAuthenticated, openedCount > RelayServerLimits.unauthenticatedStreamMax {
      server.admission.counters.rudePeers += 1
      return reject("more streams than a login needs")
    }
    addOpening(stream, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  private func muxDidClose(_ reason: CloseReason) {
    if let session {
      session.carrierDidClose(reason)
      close()
    } else {
      countRudeness(reason)
      reject("\(reason)")
    }
  }

  private func countRudeness(_ reason: CloseReason) {
    switch reason {
    case .tlsFailed, .muxFailed, .codingFailed, .tooManyBytesOfStranger:
      server.admission.counters.rudePeers += 1
    case .reset, .failed, .carrierLost, .drainTimedOut: break
    }
  }

  private func addOpening(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    let opening = LogicalOpening(server, self, stream)
    openings[ObjectIdentifier(opening)] = opening
    opening.begin(bytes)
  }

  /// An opening has found its purpose (`isTaken`), or was closed.
  func openingDidConclude(_ opening: LogicalOpening, isTaken: Bool) {
    openings[ObjectIdentifier(opening)] = nil
    guard mux == nil, !isClosed else { return }
    // Without mux the carrier is the logical connection: it belongs to somebody else now, or it
    // has been closed.
    isHandedOver = true
    if isTaken { accept() }
    if session == nil { close() }
  }
}
