internal import Admission
internal import Configuration
internal import Diagnostics
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// A work connection in the pool.
final class IdleWorkConnection: ByteStreamReceiver {
  let stream: any ByteStream
  /// What came behind `NewWorkConn`: the first `creditedCount` bytes were given back as credit.
  private(set) var rest: [UInt8]
  let creditedCount: Int
  private let id: WorkConnectionID
  /// Holds this while it is in the pool.
  private unowned let server: RelayServer
  private var isGone = false

  init(_ server: RelayServer, _ id: WorkConnectionID, _ stream: any ByteStream, rest: [UInt8]) {
    self.server = server
    self.id = id
    self.stream = stream
    self.rest = rest
    creditedCount = rest.count
    stream.receiver = self
  }

  /// Closes the connection without an event.
  func close() {
    isGone = true
    stream.close()
  }

  /// Gives the stream away.
  func detach() {
    isGone = true
    stream.receiver = nil
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    // No client speaks before it is told about its user; one that does may say a little.
    rest += bytes
    stream.pauseReading()
    if rest.count > RelayServerLimits.idleWorkByteCountMax { vanish() }
  }

  func streamDidEnd(_ stream: any ByteStream) { vanish() }

  func streamDidProgress(_ stream: any ByteStream) {}

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { vanish() }

  private func vanish() {
    stream.close()
    guard !isGone else { return }
    isGone = true
    server.workConnectionDidVanish(id)
  }
}

extension RelayServer {
  // MARK: Work connections

  /// Takes a work connection that the client opened.
  func addWorkConnection(
    _ stream: any ByteStream, rest: [UInt8], runID: String, from carrier: InboundCarrier
  ) {
    let isWelcome = mayServe(carrier, runID: runID)
    if !isWelcome {
      let peer = carrier.peer?.description ?? "?"
      admission.complaints.write(
        .workConnection, from: carrier.network,
        "work connection refused: its client is somewhere else, client [\(peer)]")
    }
    let id = WorkConnectionID(rawValue: makeConnectionNumber())
    works[id] = IdleWorkConnection(self, id, stream, rest: rest)
    decide { $0.workConnectionArrived(id, runID: runID, isWelcome: isWelcome) }
  }

  /// Whether work connections of a session may come over `carrier`: with mux over the one that
  /// logged in; without, from the same host, unless each of them shows a credential.
  private func mayServe(_ carrier: InboundCarrier, runID: String) -> Bool {
    guard let id = graph.session(ofRunID: runID), let owner = sessions[id]?.carrier else {
      // Refused by the graph, as nobody knows it.
      return true
    }
    if configuration.transport.isMultiplexed { return owner === carrier }
    if configuration.authentication.authenticatesNewWorkConnections { return true }
    return owner.peer?.host == carrier.peer?.host
  }

  /// A work connection of the pool died.
  func workConnectionDidVanish(_ id: WorkConnectionID) {
    works[id] = nil
    decide { $0.workConnectionLost(id) }
  }

  /// Closes a pooled work connection.
  func closeWork(_ id: WorkConnectionID) {
    works.removeValue(forKey: id)?.close()
  }

  /// Refuses a work connection with a text.
  func refuseWork(_ id: WorkConnectionID, _ text: String) {
    guard let work = works.removeValue(forKey: id) else { return }
    admission.counters.refusedWorkConnections += 1
    var answer = StartWorkConnection()
    answer.error = text
    work.stream.write(MessageChannel.frame(.startWorkConnection(answer)))
    work.close()
  }
}
