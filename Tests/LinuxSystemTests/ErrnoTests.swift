import Glibc
import LinuxSystem
import Testing

@Suite struct ErrnoTests {
  @Test func errorsSpeakInLowercaseWords() {
    #expect(Errno.connectionRefused.description == "connection refused")
    #expect(Errno.tooManyOpenFiles.description == "too many open files")
    #expect(Errno(code: 99999).description.contains("99999"))
  }

  @Test func theLastErrorIsTheOneOfThisThread() {
    #expect(Glibc.close(-1) == -1)
    #expect(Errno.current == Errno(code: EBADF))
  }
}
