import Testing

@testable import StreamCoding

struct UnitBufferTests {
  @Test func growsWithWhatArrivesUpToOneUnit() {
    var buffer = UnitBuffer()
    let limit = StreamCodingLimits.chunkBodyBytesMax
    fill(&buffer, 1)
    #expect(buffer.capacity <= 256)
    while buffer.count < limit {
      fill(&buffer, min(1000, limit - buffer.count))
      #expect(buffer.capacity <= max(256, min(buffer.count * 2, limit)))
    }
    #expect(buffer.count == limit && buffer.capacity == limit)
    #expect(buffer.bytes.allSatisfy { $0 == 5 })
  }

  @Test func memoryIsKeptBetweenUnitsAndGivenBackWhenTrimmed() {
    var buffer = UnitBuffer()
    fill(&buffer, 60_000)
    let capacity = buffer.capacity
    buffer.removeAll()
    fill(&buffer, 60_000)
    #expect(buffer.capacity == capacity)
    buffer.trim()
    #expect(buffer.count == 60_000 && buffer.capacity == capacity)
    buffer.removeAll()
    buffer.trim()
    #expect(buffer.capacity == 0 && buffer.bytes.isEmpty)
    fill(&buffer, StreamCodingLimits.retainedBytesMax)
    let small = buffer.capacity
    buffer.removeAll()
    buffer.trim()
    #expect(buffer.capacity == small)
  }

  @Test func moreThanOneUnitIsAProgrammingError() async {
    await #expect(processExitsWith: .failure) {
      var buffer = UnitBuffer()
      buffer.append(StreamCodingLimits.chunkBodyBytesMax + 1) { _ in }
    }
  }

  private func fill(_ buffer: inout UnitBuffer, _ byteCount: Int) {
    buffer.append(byteCount) { room in
      for offset in room.indices { room[offset] = 5 }
    }
  }
}
