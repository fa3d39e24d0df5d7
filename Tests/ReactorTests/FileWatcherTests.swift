import Foundation
import Glibc
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import Reactor

@Suite(.serialized) struct FileWatcherTests {
  /// A folder that is gone when the test is over.
  private final class Folder {
    let path: String

    init() throws {
      let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("watch-\(UUID().uuidString)")
      path = url.path
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String, atomically: Bool = false) throws {
      try text.write(toFile: "\(path)/\(name)", atomically: atomically, encoding: .utf8)
    }
  }

  /// Turns the loop until there were so many reports, or the time is over.
  private func turn(
    _ loop: EventLoop, until condition: () -> Bool, within limit: Interval = .seconds(10)
  ) -> Bool {
    waitUntil(within: limit) {
      loop.turn(sleepMax: .milliseconds(20))
      return condition()
    }
  }

  @Test func writtenReplacedRemovedAndMadeFilesAreSeen() throws {
    let folder = try Folder()
    let file = folder.path + "/a.ini"
    try folder.write("a.ini", "one")
    let loop = try EventLoop()
    var count = 0
    let watcher = try FileWatcher(loop) { count += 1 }
    #expect(watcher.watch(files: [file]).isEmpty)
    try folder.write("a.ini", "two")
    #expect(turn(loop) { count == 1 })
    // As editors do: a new file takes the name.
    try folder.write("a.ini", "three", atomically: true)
    #expect(turn(loop) { count == 2 })
    #expect(unlink(file) == 0)
    #expect(turn(loop) { count == 3 })
    try folder.write("a.ini", "four")
    #expect(turn(loop) { count == 4 })
    watcher.close()
    try folder.write("a.ini", "five")
    #expect(!turn(loop, until: { count != 4 }, within: .milliseconds(800)))
  }

  @Test func manyChangesAreOneReportAndOtherFilesNone() throws {
    let folder = try Folder()
    try folder.write("a.ini", "one")
    let loop = try EventLoop()
    var count = 0
    let watcher = try FileWatcher(loop) { count += 1 }
    _ = watcher.watch(files: [folder.path + "/a.ini"])
    for round in 0..<20 { try folder.write("a.ini", "round \(round)") }
    #expect(turn(loop) { count == 1 })
    try folder.write("b.ini", "not asked for")
    #expect(!turn(loop, until: { count != 1 }, within: .milliseconds(800)))
    watcher.close()
  }

  // As volumes of containers are updated: a link in the middle of the path changes.
  @Test func linkThatLeadsElsewhereIsSeen() throws {
    let folder = try Folder()
    for version in ["v1", "v2"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/\(version)", withIntermediateDirectories: false)
      try folder.write("\(version)/a.ini", version)
    }
    #expect(symlink("v1", "\(folder.path)/data") == 0)
    #expect(symlink("data/a.ini", "\(folder.path)/a.ini") == 0)
    let loop = try EventLoop()
    var count = 0
    let watcher = try FileWatcher(loop) { count += 1 }
    _ = watcher.watch(files: [folder.path + "/a.ini"])
    #expect(symlink("v2", "\(folder.path)/data.new") == 0)
    #expect(rename("\(folder.path)/data.new", "\(folder.path)/data") == 0)
    #expect(turn(loop) { count == 1 })
    // The folder to which the link leads now is watched, too.
    try folder.write("v2/a.ini", "changed")
    #expect(turn(loop) { count == 2 })
    watcher.close()
  }

  @Test func filesThatAreNewInAFolderAreSeen() throws {
    let folder = try Folder()
    let loop = try EventLoop()
    var count = 0
    let watcher = try FileWatcher(loop) { count += 1 }
    _ = watcher.watch(files: [], folders: [folder.path])
    try folder.write("more.ini", "x")
    #expect(turn(loop) { count == 1 })
    watcher.close()
  }

  @Test func missingFolderIsReported() throws {
    let loop = try EventLoop()
    let watcher = try FileWatcher(loop) {}
    let failures = watcher.watch(files: ["/nonexistent-folder/a.ini"])
    #expect(failures == ["/nonexistent-folder: no such file or directory"])
    watcher.close()
  }
}
