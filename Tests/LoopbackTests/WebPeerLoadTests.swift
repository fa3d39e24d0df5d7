import Foundation
import TestKit
import Testing
import Timekeeping

/// Many requests at once from the load generators that people use, with nginx as the local service.
/// How many a second is not asked: `relay-bench` does.
@Suite(.serialized) struct WebPeerLoadTests {
  private static let withH2load = webRigPeers + [.h2load]
  private static let withWrk = webRigPeers + [.wrk]

  /// The requests of h2load: `FRP_WEB_REQUESTS`, or a number that takes seconds in a debug build.
  private static let requestCount =
    ProcessInfo.processInfo.environment["FRP_WEB_REQUESTS"].flatMap { Int($0) } ?? 20_000

  /// Goal: no request of h2load fails, whatever it asks for.
  @Test(.enabled(if: WebPeer.areInstalled(withH2load), WebPeer.missing(withH2load)))
  func h2loadHasNoErrors() throws {
    let rig = try WebRig()
    let count = Self.requestCount
    let run = try FinishedPeer(
      .h2load,
      [
        "--h1", "-n", "\(count)", "-c", "50", "-t", "1", "--connect-to=127.0.0.1:\(rig.http)",
        rig.page("/files/hello.txt"), rig.page("/who"), rig.page("/again/hello.txt"),
      ], within: .seconds(300))
    #expect(
      run.output.contains(
        "requests: \(count) total, \(count) started, \(count) done, \(count) succeeded, 0 failed, "
          + "0 errored, 0 timeout"), "\(run.output) \(run.errors)")
    #expect(run.output.contains("status codes: \(count) 2xx, 0 3xx, 0 4xx, 0 5xx"))
  }

  /// The same with bodies that go up.
  @Test(.enabled(if: WebPeer.areInstalled(withH2load), WebPeer.missing(withH2load)))
  func uploadsOfH2loadHaveNoErrors() throws {
    let rig = try WebRig()
    let body = try rig.write("body", byteCount: 50_000)
    let count = Self.requestCount / 20
    // `return` reads bodies and drops them.
    let run = try FinishedPeer(
      .h2load,
      [
        "--h1", "-n", "\(count)", "-c", "20", "-t", "1", "--connect-to=127.0.0.1:\(rig.http)",
        "-d", body.path, rig.page("/who"),
      ], within: .seconds(300))
    #expect(
      run.output.contains("\(count) succeeded, 0 failed, 0 errored, 0 timeout"),
      "\(run.output) \(run.errors)")
    #expect(run.output.contains("status codes: \(count) 2xx, 0 3xx, 0 4xx, 0 5xx"))
  }

  /// Goal: a run of wrk without a socket error and without another status than 2xx.
  @Test(.enabled(if: WebPeer.areInstalled(withWrk), WebPeer.missing(withWrk)))
  func wrkHasNoErrors() throws {
    let rig = try WebRig()
    _ = try rig.write("page", byteCount: 20_000)
    for (path, fields) in [
      ("/files/page", []), ("/who", []), ("/who", ["-H", "Connection: close"]),
    ] {
      let run = try FinishedPeer(
        .wrk,
        ["-t", "1", "-c", "20", "-d", "2s", "--timeout", "60s", "-H", "Host: a.test"] + fields
          + ["http://127.0.0.1:\(rig.http)\(path)"])
      let text = "\(path) \(fields) \(run.output) \(run.errors)"
      #expect(run.code == 0, "\(text)")
      #expect(!run.output.contains("Socket errors"), "\(text)")
      #expect(!run.output.contains("Non-2xx"), "\(text)")
      let count = run.output.firstMatch(of: /(\d+) requests in/).flatMap { Int($0.output.1) }
      #expect((count ?? 0) > 20, "\(text)")
    }
  }
}
