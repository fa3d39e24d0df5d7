internal import Glibc

extension Console {
  /// The names of the plain files in a folder, sorted; `nil` when it cannot be read.
  public static func fileNames(in folder: String) -> [String]? {
    try? FolderEntry.all(in: folder).filter { $0.isFile }.map(\.name)
  }
}

extension HostSystem {
  /// The paths of the plain files in a folder and in the folders below it, each folder's own files
  /// in the order of their names. Hidden ones are left out, and what lies too deep or is too much.
  ///
  /// - Throws: the folder itself cannot be read.
  public static func plainFiles(below folder: String) throws(Errno) -> [String] {
    var files: [String] = []
    try walk(folder, depth: 0, &files)
    return files
  }

  private static func walk(
    _ folder: String, depth: Int, _ files: inout [String]
  ) throws(Errno) {
    for entry in try FolderEntry.all(in: folder) where !entry.name.hasPrefix(".") {
      guard files.count < LinuxSystemLimits.walkedFileCountMax else { return }
      let path = folder.hasSuffix("/") ? folder + entry.name : "\(folder)/\(entry.name)"
      if entry.isFile {
        files.append(path)
      } else if entry.isFolder, depth < LinuxSystemLimits.folderDepthMax {
        // One that cannot be read has no files for us.
        try? walk(path, depth: depth + 1, &files)
      }
    }
  }
}

/// What a folder has.
private struct FolderEntry {
  let name: String
  let isFile: Bool
  let isFolder: Bool

  /// The entries, sorted by name.
  static func all(in folder: String) throws(Errno) -> [FolderEntry] {
    guard let handle = opendir(folder) else { throw Errno.current }
    defer { closedir(handle) }
    var entries: [FolderEntry] = []
    while let entry = readdir(handle) {
      let name = entryName(entry)
      var status = stat()
      guard stat("\(folder)/\(name)", &status) == 0 else { continue }
      let type = status.st_mode & S_IFMT
      entries.append(
        FolderEntry(name: name, isFile: type == S_IFREG, isFolder: type == S_IFDIR))
    }
    return entries.sorted { $0.name < $1.name }
  }
}

/// The name in an entry of `readdir`, whose memory may end right behind it: a copy of the whole
/// field would read beyond.
private func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String {
  guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return "" }
  return String(
    cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
}
