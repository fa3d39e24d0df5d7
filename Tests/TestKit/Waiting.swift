internal import Foundation
internal import Glibc
public import LinuxSystem
public import Timekeeping

/// Calls `condition` until it holds, at most for `limit`.
///
/// - Returns: whether it held in time; write `#expect(waitUntil { … })`.
public func waitUntil(
  within limit: Interval = .seconds(10), _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = HostSystem.monotonicNanoseconds + limit.nanoseconds
  while try !condition() {
    if HostSystem.monotonicNanoseconds >= deadline { return false }
    // A millisecond: what is waited for lies in other threads and in the kernel, which tell nobody.
    usleep(1000)
  }
  return true
}

/// The number of descriptors that this process has open. Other tests run at the same time: compare
/// with `waitUntil`, in a suite that is `.serialized`.
public func openDescriptorCount() -> Int {
  guard let folder = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(folder) }
  var count = 0
  while let entry = readdir(folder) {
    if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
  }
  // Not the one with which the folder is read.
  return count - 1
}

/// The numbers of the open descriptors that are sockets and satisfy `condition`, given as their
/// local and peer addresses.
public func openSockets(
  where condition: (_ local: SocketAddress, _ peer: SocketAddress?) -> Bool
) -> [Int32] {
  guard let folder = opendir("/proc/self/fd") else { return [] }
  defer { closedir(folder) }
  var numbers: [Int32] = []
  while let entry = readdir(folder) {
    let name = name(of: entry)
    guard let number = Int32(name), let local = Socket.localAddress(number) else { continue }
    if condition(local, Socket.peerAddress(number)) { numbers.append(number) }
  }
  return numbers
}

/// The name in an entry of `readdir`, whose memory may end right behind it: a copy of the whole
/// field would read beyond.
private func name(of entry: UnsafeMutablePointer<dirent>) -> String {
  guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return "" }
  return String(
    cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
}
