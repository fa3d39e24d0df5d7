import ProxyGraph
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// Random operations: after each, the graph fits together, and nobody is lost: every user and work
/// connection that went in comes out in exactly one action, or is still inside.
@Suite struct RelayGraphModelTests {
  struct Model {
    var sessions: [(id: SessionID, runID: String)] = []
    var proxies: [ProxyID: SessionID] = [:]
    var waiting: Set<UInt64> = []
    var pooled: Set<UInt64> = []
    var nextNumber: UInt64 = 0
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func randomOperationsKeepTheGraphTogether(_ seed: UInt64) throws {
    var generator = RepeatableGenerator(seed: seed)
    var rig = GraphRig { $0.allowedPorts = [6000...6007] }
    var model = Model()
    for _ in 0..<600 {
      rig.now = rig.now + .milliseconds(Int.random(in: 0...2000, using: &generator))
      step(&rig, &model, &generator)
      settle(&rig, &model, &generator)
      #expect(rig.graph.waitingUserCount == model.waiting.count, "seed \(seed)")
    }
  }

  private func step(
    _ rig: inout GraphRig, _ model: inout Model, _ generator: inout RepeatableGenerator
  ) {
    let session = model.sessions.randomElement(using: &generator)
    switch Int.random(in: 0..<12, using: &generator) {
    case 0:
      let runID = Bool.random(using: &generator) ? "" : session?.runID ?? ""
      let pool = Int.random(in: -1...7, using: &generator)
      if let (id, runID) = try? rig.logIn(runID: runID, poolCount: pool) {
        model.sessions.removeAll { $0.runID == runID }
        model.sessions.append((id, runID))
      }
    case 1:
      guard let session else { return }
      rig.graph.closeSession(session.id, isLost: false, now: rig.now)
      model.sessions.removeAll { $0.id == session.id }
    case 2, 3:
      guard let session else { return }
      let port = [0, 6000, 6001, 6002, 9].randomElement(using: &generator) ?? 0
      let name = "p\(Int.random(in: 0..<6, using: &generator))"
      rig.graph.requestProxy(
        session: session.id, NewProxy(proxyName: name, remotePort: port), now: rig.now,
        random: generator.next())
    case 4:
      guard let session else { return }
      let name = "p\(Int.random(in: 0..<6, using: &generator))"
      rig.graph.closeProxy(session: session.id, name: name, now: rig.now)
    case 5, 6, 7:
      guard let proxy = model.proxies.keys.randomElement(using: &generator) else { return }
      model.nextNumber += 1
      model.waiting.insert(model.nextNumber)
      rig.graph.userConnected(
        UserConnectionID(rawValue: model.nextNumber), to: proxy, now: rig.now)
    case 8, 9:
      model.nextNumber += 1
      model.pooled.insert(model.nextNumber)
      let work = WorkConnectionID(rawValue: model.nextNumber)
      rig.graph.workConnectionArrived(work, runID: session?.runID ?? "nobody")
    case 10:
      if let user = model.waiting.randomElement(using: &generator) {
        rig.graph.userClosed(UserConnectionID(rawValue: user))
        model.waiting.remove(user)
      }
      if let work = model.pooled.randomElement(using: &generator) {
        rig.graph.workConnectionLost(WorkConnectionID(rawValue: work))
        model.pooled.remove(work)
      }
    case _:
      rig.graph.handleDeadline(now: rig.now)
    }
  }

  /// Executes actions as the server does; listening succeeds four times out of five.
  private func settle(
    _ rig: inout GraphRig, _ model: inout Model, _ generator: inout RepeatableGenerator
  ) {
    while true {
      let actions = rig.drain()
      if actions.isEmpty { return }
      for action in actions {
        switch action {
        case .listen(let id, let port):
          #expect((6000...6007).contains(port))
          if Int.random(in: 0..<5, using: &generator) > 0 {
            rig.graph.listenSucceeded(id)
          } else {
            rig.graph.listenFailed(id, now: rig.now)
          }
        case .openProxy(let id, _): model.proxies[id] = rig.graph.session(of: id)
        case .closeProxy(let id): model.proxies[id] = nil
        case .stopListening: break
        case .join(let user, let work, let proxy):
          #expect(remove(user, from: &model.waiting) && remove(work, from: &model.pooled))
          #expect(model.proxies[proxy] != nil)
        case .closeUser(let user, _): #expect(remove(user, from: &model.waiting))
        case .closeWork(let work), .refuseWork(let work, _):
          #expect(remove(work, from: &model.pooled))
        case .probeSession(let id):
          if Bool.random(using: &generator) {
            rig.graph.sessionDidAnswer(id)
          } else {
            rig.graph.closeSession(id, isLost: true, now: rig.now)
            model.sessions.removeAll { $0.id == id }
          }
        case .requestWorkConnection, .replyProxyRefused, .closeSession: break
        }
      }
    }
  }

  private func remove(_ user: UserConnectionID, from numbers: inout Set<UInt64>) -> Bool {
    guard let number = numbers.first(where: { UserConnectionID(rawValue: $0) == user }) else {
      return false
    }
    return numbers.remove(number) != nil
  }

  private func remove(_ work: WorkConnectionID, from numbers: inout Set<UInt64>) -> Bool {
    guard let number = numbers.first(where: { WorkConnectionID(rawValue: $0) == work }) else {
      return false
    }
    return numbers.remove(number) != nil
  }
}
