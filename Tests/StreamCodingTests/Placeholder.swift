@testable import StreamCoding
