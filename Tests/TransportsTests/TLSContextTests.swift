import Testing
import Transports

@Suite struct TLSContextTests {
  /// Goal: a connection that is still closing may use what its context made for it, although the
  /// client to which the context belonged is gone.
  @Test func aContextLivesAsLongAsItsSessions() throws {
    weak var context: TLSContext?
    var session: TLSSession?
    do {
      let made = try TLSContext(.client, TLSSettings())
      context = made
      session = try made.makeSession()
    }
    withExtendedLifetime(session) { #expect(context != nil) }
    session = nil
    #expect(context == nil)
  }
}
