import StreamCoding
import TestKit
import Testing

struct CredentialsTests {
  @Test func privilegeKeysAreThoseOfTheVectors() throws {
    let rows = try Vectors.load("auth-keys")["rows"].array
    #expect(rows.count == 5)
    for row in rows {
      let secret = try #require(row["secret"].string)
      let timestamp = Int64(try #require(row["timestamp"].int))
      #expect(
        Credentials.privilegeKey(secret: secret, timestamp: timestamp) == row["key"].string)
    }
  }

  @Test func streamKeysAreThoseOfTheVectors() throws {
    let rows = try Vectors.load("pbkdf2-cfb")["keys"].array.filter { $0["salt"].string == "frp" }
    #expect(rows.count == 4)
    #expect(rows.contains { $0["secret"].string == "" })
    for row in rows {
      #expect(StreamKey.derive(from: try #require(row["secret"].string)) == row["key_hex"].hexBytes)
    }
  }

  @Test func comparisonIsOfBytes() {
    #expect(Credentials.areEqual("", ""))
    #expect(Credentials.areEqual("token", "token"))
    #expect(!Credentials.areEqual("token", "tokem"))
    #expect(!Credentials.areEqual("token", "Token"))
    #expect(!Credentials.areEqual("token", "tokens"))
    #expect(!Credentials.areEqual("", "token"))
    #expect(!Credentials.areEqual("token", ""))
    // Equal as Swift strings, not as bytes: é as one scalar and as two.
    #expect("\u{e9}" == "e\u{301}")
    #expect(!Credentials.areEqual("\u{e9}", "e\u{301}"))
  }

  @Test func digestsAreThoseOfTheStandards() {
    #expect(Digests.md5Hex([]) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(Digests.md5Hex(Array("message digest".utf8)) == "f96b697d7cb7938d525a2f31aaf161d0")
    #expect(
      Digests.sha256Hex(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      Digests.sha256Hex([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(Digests.sha256(Array("abc".utf8)).prefix(4) == [0xba, 0x78, 0x16, 0xbf])
  }

  @Test func randomBytesHaveTheLengthAskedForAndDiffer() {
    #expect(SecureRandom.bytes(0).isEmpty)
    #expect(SecureRandom.bytes(16).count == 16)
    #expect(SecureRandom.bytes(16) != SecureRandom.bytes(16))
    let identifier = SecureRandom.hexString(byteCount: 8)
    #expect(identifier.utf8.count == 16)
    #expect(identifier.allSatisfy { "0123456789abcdef".contains($0) })
    #expect(
      SecureRandom.bytes(StreamCodingLimits.randomBytesMax).count
        == StreamCodingLimits.randomBytesMax)
  }

  @Test func moreRandomBytesThanTheLimitIsAProgrammingError() async {
    await #expect(processExitsWith: .failure) {
      _ = SecureRandom.bytes(StreamCodingLimits.randomBytesMax + 1)
    }
  }
}
