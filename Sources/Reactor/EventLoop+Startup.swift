internal import LinuxSystem

extension EventLoop {
  /// Gives memory back once the program has started: for programs, not for tests, as it concerns
  /// the whole process.
  public func releaseStartupMemoryLater() {
    schedule(after: ReactorLimits.startupMemoryDelay) { HostSystem.releaseStartupMemory() }
  }
}
