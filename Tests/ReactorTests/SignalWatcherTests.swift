import Glibc
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@Suite struct SignalWatcherTests {
  @Test func signalsReachTheLoop() async throws {
    let seen = try await onOwnThread {
      let loop = try EventLoop()
      var seen: [ProcessSignal] = []
      let watcher = try SignalWatcher(loop, [.terminate, .interrupt]) { seen.append($0) }
      // To this thread only: other tests must not be interrupted.
      pthread_kill(pthread_self(), SIGTERM)
      loop.turn(sleepMax: .seconds(10))
      pthread_kill(pthread_self(), SIGINT)
      loop.turn(sleepMax: .seconds(10))
      watcher.close()
      pthread_kill(pthread_self(), SIGTERM)
      loop.turn(sleepMax: .zero)
      return seen
    }
    #expect(seen == [.terminate, .interrupt])
  }

  @Test func nothingIsDeliveredAfterCloseInTheCallback() async throws {
    let seen = try await onOwnThread {
      let loop = try EventLoop()
      var seen: [ProcessSignal] = []
      var watcher: SignalWatcher?
      watcher = try SignalWatcher(loop, [.terminate, .interrupt]) { signal in
        seen.append(signal)
        watcher?.close()
      }
      pthread_kill(pthread_self(), SIGTERM)
      pthread_kill(pthread_self(), SIGINT)
      loop.turn(sleepMax: .seconds(10))
      loop.turn(sleepMax: .zero)
      watcher = nil
      return seen
    }
    #expect(seen == [.interrupt])
  }
}
