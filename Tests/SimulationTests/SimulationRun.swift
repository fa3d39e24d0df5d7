#if DEBUG
  import Configuration
  import LinuxSystem
  import Logging
  import Reactor
  import SimulationKit
  import Timekeeping
  import TunnelClient

  @testable import ProxyGraph
  @testable import RelayServer

  /// One run: a relay, a client, a local service and users, through the faults of a scenario, and
  /// back to rest.
  final class SimulationRun {
    struct Outcome {
      var mistakes: [String] = []
      var digest: UInt64 = 0
      var turnCount = 0
      var servedCount = 0
      var recovery = Interval.zero
      var scenario: Scenario
    }

    static let bindPort: UInt16 = 7000
    static let proxyPort: UInt16 = 6000
    static let servicePort: UInt16 = 8080
    /// How long the first login, with packets lost, may take.
    static let startBound = Interval.seconds(20)

    let network: SimulatedNetwork
    let scenario: Scenario
    let relay: SimulatedHost
    let box: SimulatedHost
    let visitor: SimulatedHost
    var server: Running<RelayServer>?
    var client: Running<TunnelClient>?
    private(set) var serviceProcess: SimulatedProcess?
    private(set) var userProcess: SimulatedProcess?
    private var serviceListener: Listener?
    var conversations: [Conversation] = []
    var mistakes: [String] = []
    /// How many disturbing faults are at work, or not got over.
    var isDisturbed = false
    var hasBeenCut = false
    var addressCount = 1
    private var checkCount = 0
    /// A server that is stopped drops what it has without asking the graph.
    private var isServerStopping = false
    private(set) var recovery = Interval.zero

    /// A program in its process.
    struct Running<Program: AnyObject> {
      let process: SimulatedProcess
      let program: Program
    }

    private init(_ seed: UInt64, _ scenario: Scenario) {
      self.scenario = scenario
      network = SimulatedNetwork(seed: seed)
      network.settings = scenario.settings
      relay = network.addHost("relay", Self.address(198, 51, 100, 1))
      box = network.addHost("box", Self.address(10, 0, 0, 2))
      visitor = network.addHost("visitor", Self.address(203, 0, 113, 9))
      for link in network.links(between: relay, and: box) { link.latency = scenario.carrierLatency }
      for link in network.links(between: relay, and: visitor) {
        link.latency = scenario.userLatency
      }
    }

    static func address(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> SocketAddress {
      SocketAddress(host: "\(a).\(b).\(c).\(d)", port: 0) ?? .loopback(port: 0)
    }

    /// Runs a seed.
    ///
    /// - Parameter onNote: gets a line for everything that happens.
    static func run(
      seed: UInt64, _ scenario: Scenario? = nil, onNote: ((Instant, String) -> Void)? = nil
    ) -> Outcome {
      let scenario = scenario ?? Scenario(seed: seed)
      let run = SimulationRun(seed, scenario)
      run.network.onNote = onNote
      var outcome = Outcome(scenario: scenario)
      run.network.run {
        do { try run.perform() } catch { run.mistakes.append("the run cannot begin: \(error)") }
        run.release()
        if let violation = run.network.violation { run.mistakes.append(violation) }
      }
      outcome.mistakes = run.mistakes
      outcome.digest = run.network.digest
      outcome.turnCount = run.network.turnCount
      outcome.servedCount = run.conversations.count { $0.service != nil }
      outcome.recovery = run.recovery
      return outcome
    }

    // MARK: The course of a run

    private func perform() throws {
      network.afterTurn = { [unowned self] process in check(after: process) }
      try startEverything()
      guard goOn(for: Self.startBound, until: isServing) else {
        return fail("no login within \(Self.startBound.inSeconds) s")
      }
      let start = network.now
      for fault in scenario.faults {
        network.schedule(after: fault.at) { [unowned self] in inject(fault) }
      }
      for (at, plan) in scenario.users {
        network.schedule(after: at) { [unowned self] in beginUser(plan) }
      }
      let end = start + max(scenario.length, scenario.faultsEnd)
      _ = network.run(until: end)
      probe(since: end)
      if scenario.isStoppedEarly {
        // What is cut off then is cut in any way.
        hasBeenCut = true
        for conversation in conversations { conversation.isStrict = false }
        stopEverything()
        finishConversations()
      } else {
        finishConversations()
        stopEverything()
      }
    }

    func goOn(for time: Interval, until condition: () -> Bool = { false }) -> Bool {
      network.run(until: network.now + time, condition)
    }

    func fail(_ text: String) {
      network.note("MISTAKE: \(text)")
      mistakes.append("at \((network.now.nanoseconds) / 1_000_000) ms: \(text)")
    }

    /// New users must be served soon: one every 50 ms tries.
    private func probe(since end: Instant) {
      network.note("all faults are over")
      let bound = scenario.recoveryBound + roundTrips
      var probes: [Conversation] = []
      while network.now - end <= bound, network.violation == nil {
        let conversation = beginUser(
          ConversationPlan(kind: .echo, userByteCount: 100, serviceByteCount: 0))
        if let conversation { probes.append(conversation) }
        let isServed = goOn(for: .milliseconds(50)) {
          probes.contains { $0.user?.end == .fin && $0.user?.receivedCount == 100 }
        }
        if isServed {
          recovery = network.now - end
          isDisturbed = false
          return
        }
      }
      fail("no user is served within \(bound.inSeconds) s behind the last fault")
    }

    /// Some trips, as a login and a user take them.
    private var roundTrips: Interval { (scenario.carrierLatency + scenario.userLatency) * 20 }

    private func finishConversations() {
      let patience = Conversation.patience * 3
      if !goOn(for: patience, until: { conversations.allSatisfy(\.isOver) }) {
        network.note("some conversations are not over")
      }
      for conversation in conversations {
        for mistake in conversation.findMistakes(mayBeCut: hasBeenCut) { fail(mistake) }
      }
    }

    // MARK: Checks

    private func check(after process: SimulatedProcess) {
      guard let server, process === server.process else { return }
      // Each turn would take longer than all the rest.
      checkCount += 1
      if checkCount % 8 == 0, !isServerStopping { checkGraph(server.program) }
    }

    func checkGraph(_ server: RelayServer) {
      for text in server.graph.findInconsistencies() { fail("graph: \(text)") }
      // What the graph decides about is what the server has.
      let isSame =
        Set(server.graph.sessions.keys) == Set(server.sessions.keys)
        && Set(server.graph.works.keys) == Set(server.works.keys)
        && Set(server.graph.users.keys) == Set(server.users.keys)
      if !isSame { fail("the graph and the server have other sessions, users or connections") }
    }

    func isServing() -> Bool {
      guard let server, let client else { return false }
      return client.program.isLoggedIn && server.program.publicAddress(ofProxy: "web") != nil
    }

    // MARK: Users and the local service

    @discardableResult
    func beginUser(_ plan: ConversationPlan) -> Conversation? {
      let conversation = Conversation(
        conversations.count + 1, plan, at: network.now, isStrict: !isDisturbed && isServing())
      conversations.append(conversation)
      let address = Self.address(198, 51, 100, 1)
      var target = address
      target.port = Self.proxyPort
      do {
        try userProcess?.perform { try conversation.begin(on: $0, to: target, network) }
      } catch {
        fail("user cannot connect: \(error)")
        return nil
      }
      return conversation
    }

    func startService() throws {
      let process = try network.start("service", on: box)
      serviceProcess = process
      try process.perform { loop in
        serviceListener = try Listener(loop, address: .loopback(port: Self.servicePort)) {
          [unowned self, unowned loop] descriptor, _ in
          let party = Party(loop, descriptor)
          party.onHeader = { [unowned self] party, header in
            guard let (_, id) = ConversationPlan.decode(header), id >= 1,
              id <= conversations.count
            else { return fail("the service got a header that nobody sent: \(header)") }
            conversations[id - 1].serve(party)
          }
        }
      }
    }

    func startUsers() throws { userProcess = try network.start("users", on: visitor) }

    // MARK: The end

    private func stopEverything() {
      var hasClientEnded = false
      var hasServerEnded = false
      if let client {
        client.program.onEnd = { _ in hasClientEnded = true }
        _ = client.process.perform { _ in client.program.stop() }
      }
      if !goOn(for: .seconds(10), until: { hasClientEnded }) { fail("the client does not stop") }
      isServerStopping = true
      if let server {
        server.program.onEnd = { hasServerEnded = true }
        _ = server.process.perform { _ in server.program.stop() }
      }
      if !goOn(for: .seconds(10), until: { hasServerEnded }) { fail("the server does not stop") }
      _ = goOn(for: .seconds(45)) { isAtRest(server?.process) && isAtRest(client?.process) }
      for process in [server?.process, client?.process] { reportLeftovers(process) }
      weak let oldServer = server?.program
      weak let oldClient = client?.program
      let processes = [server?.process, client?.process]
      server = nil
      client = nil
      for process in processes { process?.finish() }
      if oldServer != nil { fail("the server is not freed") }
      if oldClient != nil { fail("the client is not freed") }
    }

    private func isAtRest(_ process: SimulatedProcess?) -> Bool {
      guard let process, let loop = process.loop else { return true }
      // The poller and the mailbox.
      return loop.timerCount == 0 && loop.registrationCount == 1 && process.descriptorCount == 2
    }

    private func reportLeftovers(_ process: SimulatedProcess?) {
      guard let process, let loop = process.loop, !isAtRest(process) else { return }
      fail(
        "\(process.name) leaves \(loop.timerCount) timers, \(loop.registrationCount - 1) "
          + "registrations, \(process.descriptorCount - 2) descriptors")
    }

    /// Breaks what refers to each other.
    private func release() {
      network.afterTurn = nil
      if let serviceListener {
        _ = serviceProcess?.perform { _ in serviceListener.close() }
      }
      serviceListener = nil
      for conversation in conversations {
        _ = userProcess?.perform { _ in conversation.user?.abort() }
        _ = serviceProcess?.perform { _ in conversation.service?.abort() }
      }
      for process in [serviceProcess, userProcess] {
        process?.runOut()
        process?.finish()
      }
      dropServer()
      dropClient()
    }
  }
#endif
