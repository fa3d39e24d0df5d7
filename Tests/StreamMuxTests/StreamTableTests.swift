import TestKit
import Testing
import Timekeeping

@testable import StreamMux

/// The table against a dictionary, with the seed that a failure prints.
@Suite struct StreamTableTests {
  /// Goal: any order of insertions and removals leaves slots, index and lists in step. Wire IDs
  /// are consecutive, spread, or few, so that the same ones come back.
  @Test(arguments: [UInt32(1), 1 << 20, 0x9e37_79b9], [UInt64(0), 0x9e37_79b9_7f4a_7c15])
  func tableAgreesWithADictionary(step: UInt32, hashSeed: UInt64) throws {
    var generator = RepeatableGenerator(seed: UInt64(step))
    var table = StreamTable(hashSeed: hashSeed)
    var model: [UInt32: MuxStreamID] = [:]
    var clock: Int64 = 0
    for round in 0..<4000 {
      let wireID = UInt32.random(in: 1...600, using: &generator) &* step
      if wireID == 0 { continue }
      let slotIndex = table.slotIndex(ofWireID: wireID)
      if let id = model[wireID] {
        let isFound = slotIndex == id.slotIndex && table.slot(id) != nil
        #expect(isFound, "seed \(generator.seed), round \(round)")
        if Bool.random(using: &generator) {
          table.remove(slotIndex)
          model[wireID] = nil
          let isGone = table.slot(id) == nil
          #expect(isGone)
        }
      } else {
        #expect(slotIndex == -1, "seed \(generator.seed), round \(round)")
        let id = table.insert(StreamSlot(wireID: wireID))
        model[wireID] = id
        clock += 1
        if Bool.random(using: &generator) {
          table.slot(id.slotIndex).pointee.phase = .finishedByUs
          table.arm(.halfClose, id.slotIndex, until: Instant(nanoseconds: clock))
        }
      }
      let count = table.count
      #expect(count == model.count)
      if round % 50 == 0 {
        let isSound = table.checkInvariants(receiveWindowBytes: 0)
        #expect(isSound, "seed \(generator.seed), round \(round)")
      }
    }
  }

  @Test func slotsAreDenseAndReused() {
    var table = StreamTable(hashSeed: 1)
    for wireID in UInt32(1)...100 {
      let id = table.insert(StreamSlot(wireID: wireID))
      #expect(id.slotIndex == Int32(wireID) - 1)
    }
    table.remove(40)
    let id = table.insert(StreamSlot(wireID: 900))
    #expect(id.slotIndex == 40 && id.generation == 1)
  }
}
