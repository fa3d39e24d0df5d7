import CSnappy
import Testing

@testable import StreamCoding

/// Chunks of the framing, made by hand.
enum Chunk {
  static let identifier: [UInt8] = [0xff, 6, 0, 0] + Array("sNaPpY".utf8)

  static func raw(type: UInt8, body: [UInt8]) -> [UInt8] {
    header(type: type, byteCount: body.count) + body
  }

  static func header(type: UInt8, byteCount: Int) -> [UInt8] {
    [type] + [0, 8, 16].map { UInt8(truncatingIfNeeded: byteCount >> $0) }
  }

  static func stored(_ payload: [UInt8]) -> [UInt8] {
    raw(type: 1, body: checksum(payload) + payload)
  }

  static func compressed(_ payload: [UInt8]) -> [UInt8] {
    raw(type: 0, body: checksum(payload) + block(payload))
  }

  static func checksum(_ payload: [UInt8]) -> [UInt8] {
    let value = CRC32C.masked(payload.withUnsafeBytes { CRC32C.tableChecksum($0) })
    return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func block(_ payload: [UInt8]) -> [UInt8] {
    var byteCount = snappy_max_compressed_length(payload.count)
    var block = [UInt8](repeating: 0, count: byteCount)
    let status = payload.withUnsafeBytes { source in
      block.withUnsafeMutableBytes { target in
        snappy_compress(
          source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count,
          target.baseAddress?.assumingMemoryBound(to: CChar.self), &byteCount)
      }
    }
    #expect(status == SNAPPY_OK)
    return Array(block.prefix(byteCount))
  }

  /// The types and bodies of a sequence of whole chunks.
  static func parse(_ stream: [UInt8]) throws -> [(type: UInt8, body: [UInt8])] {
    var chunks: [(type: UInt8, body: [UInt8])] = []
    var offset = 0
    while offset < stream.count {
      try #require(stream.count - offset >= 4)
      let byteCount =
        Int(stream[offset + 1]) | Int(stream[offset + 2]) << 8 | Int(stream[offset + 3]) << 16
      try #require(stream.count - offset - 4 >= byteCount)
      chunks.append((stream[offset], Array(stream[offset + 4..<offset + 4 + byteCount])))
      offset += 4 + byteCount
    }
    return chunks
  }
}
