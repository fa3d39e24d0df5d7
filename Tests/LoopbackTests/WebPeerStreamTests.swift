import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// Conversations that go on: WebSockets with Python's `websockets` at both ends, events, and bodies
/// that come piece by piece.
@Suite(.serialized) struct WebPeerStreamTests {
  private static let socketPeers: [WebPeer] = [.websockets, .curl, .nginx, .openssl]

  /// Echoes; says what the last close code was; sends as much as it is told to.
  private static let service = """
    import asyncio, sys, websockets
    last = "none"
    async def serve(socket):
        global last
        try:
            async for message in socket:
                words = message.split() if isinstance(message, str) else []
                if words[:1] == ["close"]:
                    await socket.close(int(words[1]), words[2])
                elif words[:1] == ["last"]:
                    await socket.send(last)
                elif words[:1] == ["flood"]:
                    for number in range(int(words[1])):
                        await socket.send(bytes([number % 256]) * 65536)
                else:
                    await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        finally:
            last = str(socket.close_code)
    async def main():
        async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), max_size=None):
            await asyncio.Future()
    asyncio.run(main())
    """

  /// Ends with 0 and `fine` when every step was right.
  private static let visitor = """
    import asyncio, os, ssl, sys, websockets
    port, authority = int(sys.argv[1]), sys.argv[2]
    def connect():
        more = {}
        if authority:
            more = {"ssl": ssl.create_default_context(cafile=authority)}
            more["server_hostname"] = "a.test"
        scheme = "wss" if authority else "ws"
        return websockets.connect(
            f"{scheme}://a.test:{port}/chat", host="127.0.0.1", port=port, max_size=None, **more)
    async def talk(number, count):
        async with connect() as socket:
            for step in range(count):
                text = f"{number} {step}"
                await socket.send(text)
                assert await socket.recv() == text
    async def main():
        async with connect() as socket:
            await socket.send("grüße")
            assert await socket.recv() == "grüße"
            large = os.urandom(1 << 20)
            await socket.send(large)
            assert await socket.recv() == large
            await socket.send([large[:1000], b"", large[1000:2000]])
            assert await socket.recv() == large[:2000]
            await (await socket.ping())
            await socket.close(4002, "enough")
        async with connect() as socket:
            await socket.send("last")
            assert await socket.recv() == "4002"
            await socket.send("close 4001 bye")
            try:
                await socket.recv()
                assert False
            except websockets.ConnectionClosed:
                assert (socket.close_code, socket.close_reason) == (4001, "bye")
        await asyncio.gather(*(talk(number, 20) for number in range(20)))
        # One who does not read delays nobody, and gets all of it in the end.
        async with connect() as slow:
            await slow.send("flood 400")
            await talk(0, 50)
            for number in range(400):
                assert await slow.recv() == bytes([number % 256]) * 65536
        print("fine")
    asyncio.run(asyncio.wait_for(main(), 100))
    """

  @Test(
    .enabled(if: WebPeer.areInstalled(socketPeers), WebPeer.missing(socketPeers)),
    arguments: [false, true])
  func webSocketsWork(isSecure: Bool) throws {
    let port = try makeFreePort()
    let folder = try TemporaryFolder()
    let rig = try WebRig(
      in: folder, server: isSecure ? try WebRig.certificates(folder, ["a.test"]) : ""
    ) { _, _, _ in WebRig.proxies(port) }
    let script = try rig.folder.write("service.py", Self.service)
    let service = try RunningPeer(.websockets, [script, "\(port)"])
    #expect(service.waitForPort(port), "\(service.log)")
    let visitor = try FinishedPeer(
      .websockets,
      [
        try rig.folder.write("visitor.py", Self.visitor), "\(isSecure ? rig.https : rig.http)",
        isSecure ? rig.folder.path + "/certs/a.test.crt" : "",
      ])
    #expect(visitor.output == "fine\n", "\(visitor.errors) \(service.log)")
  }

  // MARK: Events

  private static let justCurl = webRigPeers

  /// Goal: the first byte of a stream of events is with the visitor within 10 ms. The least of
  /// many counts, as a busy machine delays everybody now and then; what waits for more bytes, or
  /// for a timer, is late every time.
  @Test(.enabled(if: WebPeer.areInstalled(justCurl), WebPeer.missing(justCurl)))
  func eventsArriveAtOnce() throws {
    let sentAt = Locked<Int64>(0)
    let service = try TestServer { socket in
      _ = try socket.receiveSome(within: .seconds(60))
      try socket.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n")
      sentAt.withLock { $0 = HostSystem.monotonicNanoseconds }
      try socket.send("data: first\n\n")
      // Until the visitor leaves.
      while try !socket.receiveSome(within: .seconds(60)).isEmpty {}
    }
    defer { service.stop() }
    let rig = try WebRig { _, _, _ in WebRig.proxies(service.port) }
    var delays: [Int64] = []
    for _ in 0..<30 {
      let output = Pipe()
      let curl = try RunningPeer(
        .curl, ["-sS", "-N"] + rig.hosts + [rig.page("/events")], output: output)
      let text = output.readSome()
      delays.append(HostSystem.monotonicNanoseconds - sentAt.withLock { $0 })
      #expect(text == "data: first\n\n", "\(curl.log)")
      #expect(curl.isRunning)
    }
    delays.sort()
    #expect(delays[0] < 10_000_000, "\(delays.map { $0 / 1000 }) µs")
  }

  /// Goal: a piece of a body goes on before there is another one, in either direction.
  @Test(.enabled(if: WebPeer.areInstalled(justCurl), WebPeer.missing(justCurl)))
  func piecesGoOnAtOnce() throws {
    let service = try TestServer { socket in
      var text = ""
      while !text.contains("\r\n\r\n") {
        text += String(decoding: try socket.receiveSome(within: .seconds(60)), as: UTF8.self)
      }
      try socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      // Every piece that comes is said again.
      var body = text.components(separatedBy: "\r\n\r\n").dropFirst().joined()
      var saidCount = 0
      while saidCount < 20 {
        let pieces = body.matches(of: /piece \d+\n/).map { String($0.output) }
        for piece in pieces.dropFirst(saidCount) {
          try socket.send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n")
          saidCount += 1
        }
        if saidCount < 20 {
          body += String(decoding: try socket.receiveSome(within: .seconds(60)), as: UTF8.self)
        }
      }
      try socket.send("0\r\n\r\n")
      while try !socket.receiveSome(within: .seconds(60)).isEmpty {}
    }
    defer { service.stop() }
    let rig = try WebRig { _, _, _ in WebRig.proxies(service.port) }
    let (input, output) = (Pipe(), Pipe())
    // With a dot curl takes answers while it waits for its input.
    let curl = try RunningPeer(
      .curl, ["-sS", "-N", "-T", ".", "-H", "Expect:"] + rig.hosts + [rig.page("/")], input: input,
      output: output)
    try input.fileHandleForReading.close()
    for number in 1...20 {
      let piece = "piece \(number)\n"
      try input.fileHandleForWriting.write(contentsOf: Data(piece.utf8))
      // The next one only when this one has come back.
      #expect(output.readSome() == piece, "\(curl.log)")
    }
    try input.fileHandleForWriting.close()
    #expect(curl.waitForExit() == 0, "\(curl.log)")
  }
}
