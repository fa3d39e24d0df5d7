public import Logging
extension Logger { public func prefixed(by p: String) -> Logger { self } }
