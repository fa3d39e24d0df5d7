internal import BenchmarkReport

/// One kind of load, and what is read from it.
struct Scenario {
  /// What the figures are made of.
  enum Reading {
    case throughput, requests, latency, idle, daemon
  }

  let name: String
  let kind: LoadKind
  let connections: Int
  let reading: Reading
  /// The subjects, without those of frp and rathole, which come when their programs are given.
  let subjects: [String]
  /// The subject to which the first figure is compared in tables.
  let reference: String

  /// What a run does, in this order.
  static func all(idleConnections: Int) -> [Scenario] {
    let ours = ["ours plain", "ours mux", "ours default", "ours encrypted", "ours compressed"]
    let frp = ours.map { "frp" + $0.dropFirst(4) }
    let hops = ["haproxy ×2", "nginx ×2", "nginx ×2 TLS", "ssh -R", "rathole"]
    let few = ["ours plain", "ours default", "haproxy ×2", "rathole", "frp plain", "frp default"]
    return [
      Scenario(
        name: "bulk8", kind: .upload, connections: 8, reading: .throughput,
        subjects: ["direct"] + ours + hops + frp, reference: "haproxy ×2"),
      Scenario(
        name: "bulk8 down", kind: .download, connections: 8, reading: .throughput,
        subjects: ["ours plain", "ours default", "haproxy ×2", "nginx ×2 TLS", "frp default"],
        reference: "haproxy ×2"),
      Scenario(
        name: "bulk1", kind: .upload, connections: 1, reading: .throughput,
        subjects: [
          "ours plain", "ours default", "haproxy ×2", "nginx ×2 TLS", "frp plain", "frp default",
        ], reference: "haproxy ×2"),
      Scenario(
        name: "keepalive", kind: .keepalive, connections: 50, reading: .requests,
        subjects: few, reference: "haproxy ×2"),
      Scenario(
        name: "virtual hosts", kind: .keepalive, connections: 50, reading: .requests,
        subjects: ["ours http", "nginx http ×2", "frp http"], reference: "nginx http ×2"),
      Scenario(
        name: "bulk8 https", kind: .secureUpload, connections: 8, reading: .throughput,
        subjects: ["ours https", "ours default", "frp https"], reference: "ours default"),
      Scenario(
        name: "close", kind: .close, connections: 50, reading: .requests,
        subjects: few, reference: "haproxy ×2"),
      Scenario(
        name: "echo", kind: .echo, connections: 100, reading: .latency,
        subjects: ["direct", "ours plain", "ours default", "haproxy ×2", "frp default"],
        reference: "direct"),
      Scenario(
        name: "fairness", kind: .fairness, connections: 100, reading: .latency,
        subjects: ["ours default", "frp default"], reference: "ours default"),
      Scenario(
        name: "idle", kind: .idle, connections: idleConnections, reading: .idle,
        subjects: few, reference: "haproxy ×2"),
      Scenario(
        name: "daemon", kind: .idle, connections: 0, reading: .daemon,
        subjects: ["ours default", "haproxy ×2", "rathole", "frp default"],
        reference: "haproxy ×2"),
    ]
  }

  /// The figures that we are held to, as far as these scenarios can decide them.
  static let targets: [Target] = [
    Target(
      "default path, 8 streams, MB/s", "bulk8", "MB/s", "ours default", .atLeast, 2.5,
      .subject("frp default")),
    Target(
      "default path, relay CPU, 8 streams", "bulk8", "relay CPU-s/GB", "ours default", .atMost,
      0.4, .subject("frp default")),
    Target(
      "default path, relay CPU, 8 streams", "bulk8", "relay CPU-s/GB", "ours default", .atMost, 1,
      .subject("nginx ×2 TLS")),
    Target(
      "default path, relay CPU, 1 stream", "bulk1", "relay CPU-s/GB", "ours default", .atMost,
      0.4, .subject("frp default")),
    Target(
      "default path, relay CPU, 1 stream", "bulk1", "relay CPU-s/GB", "ours default", .atMost, 1,
      .subject("nginx ×2 TLS")),
    Target(
      "mux without TLS, 8 streams, MB/s", "bulk8", "MB/s", "ours mux", .atLeast, 2,
      .subject("frp mux")),
    Target(
      "plain path, relay CPU, 8 streams", "bulk8", "relay CPU-s/GB", "ours plain", .atMost, 1,
      .subjects(["frp plain", "rathole", "haproxy ×2", "nginx ×2"])),
    Target(
      "encrypted, 8 streams, MB/s", "bulk8", "MB/s", "ours encrypted", .atLeast, 2,
      .subject("frp encrypted")),
    Target(
      "compressed, 8 streams, MB/s", "bulk8", "MB/s", "ours compressed", .atLeast, 2,
      .subject("frp compressed")),
    Target(
      "keep-alive, plain, req/s", "keepalive", "req/s", "ours plain", .atLeast, 1,
      .subject("haproxy ×2")),
    Target(
      "keep-alive, default, req/s", "keepalive", "req/s", "ours default", .atLeast, 1.5,
      .subject("frp default")),
    Target(
      "virtual hosts of HTTP, req/s", "virtual hosts", "req/s", "ours http", .atLeast, 5,
      .subject("frp http")),
    Target(
      "virtual hosts of HTTP, req/s", "virtual hosts", "req/s", "ours http", .atLeast, 0.8,
      .subject("nginx http ×2")),
    Target(
      "virtual hosts of HTTP, relay CPU", "virtual hosts", "relay CPU-µs each", "ours http",
      .atMost, 0.25, .subject("frp http")),
    Target(
      "virtual hosts of HTTPS, MB/s", "bulk8 https", "MB/s", "ours https", .atLeast, 0.95,
      .subject("ours default")),
    Target(
      "connection per request, plain, req/s", "close", "req/s", "ours plain", .atLeast, 1,
      .subject("haproxy ×2")),
    Target(
      "connection per request, default, req/s", "close", "req/s", "ours default", .atLeast, 2.5,
      .subject("frp default")),
    Target(
      "1-byte echo, p99", "echo", "p99 µs", "ours default", .atMost, 0.5,
      .subject("frp default")),
    Target("echo beside bulk, p99 µs", "fairness", "p99 µs", "ours default", .atMost, 20_000),
    Target(
      "echo beside bulk, p99", "fairness", "p99 µs", "ours default", .atMost, 2,
      .scenario("echo")),
    Target(
      "idle connection, relay, plain, KB", "idle", "relay KB each", "ours plain", .atMost, 4),
    Target(
      "idle connection, relay, default, KB", "idle", "relay KB each", "ours default", .atMost, 8),
    Target("idle CPU, relay, %", "idle", "relay CPU %", "ours default", .atMost, 1),
    Target("idle CPU, client, %", "idle", "client CPU %", "ours default", .atMost, 1),
    Target("idle daemon, relay, MB", "daemon", "relay MB", "ours default", .atMost, 10),
    Target("idle daemon, client, MB", "daemon", "client MB", "ours default", .atMost, 10),
  ]
}
