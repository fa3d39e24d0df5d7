/// Which handler answers what. A pattern is a path whose segments are texts or names in braces, as
/// in `/api/proxy/{type}/{name}`; `*` as the last segment stands for whatever is left.
public struct APIRoutes<Handler: Sendable>: Sendable {
  /// What a path leads to.
  public enum Match: Sendable {
    /// A handler, and what the names in its pattern stand for.
    case found(Handler, parameters: [String: String])
    /// The path is known, the method is not.
    case methodNotAllowed
    /// The path is unknown.
    case notFound
  }

  private enum Segment {
    case text(String)
    case parameter(String)
    case rest
  }

  private struct Route {
    let method: HTTPMethod?
    let segments: [Segment]
    let handler: Handler
  }

  private var routes: [Route] = []

  /// Makes an empty table.
  public init() {}

  /// Adds a route; earlier ones come first. No method stands for all of them.
  public mutating func add(_ method: HTTPMethod?, _ pattern: String, _ handler: Handler) {
    let segments = pattern.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
      text -> Segment in
      if text == "*" { return .rest }
      if text.hasPrefix("{"), text.hasSuffix("}") {
        return .parameter(String(text.dropFirst().dropLast()))
      }
      return .text(String(text))
    }
    routes.append(Route(method: method, segments: segments, handler: handler))
  }

  /// Looks a path up as it was written: segments are decoded behind the split, so that a name can
  /// have a slash as `%2F`.
  public func match(_ method: HTTPMethod, path: String) -> Match {
    var pieces: [String] = []
    for piece in path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false).dropFirst() {
      guard pieces.count < HTTPProtocolLimits.pathSegmentCountMax,
        let text = QueryParameters.decodeSegment(piece)
      else { return .notFound }
      pieces.append(text)
    }
    var isKnown = false
    for route in routes {
      guard let parameters = Self.parameters(of: route.segments, in: pieces) else { continue }
      if route.method == nil || route.method == method {
        return .found(route.handler, parameters: parameters)
      }
      isKnown = true
    }
    return isKnown ? .methodNotAllowed : .notFound
  }

  private static func parameters(of segments: [Segment], in pieces: [String]) -> [String: String]? {
    var parameters: [String: String] = [:]
    for (index, segment) in segments.enumerated() {
      switch segment {
      case .rest:
        parameters["*"] = pieces.dropFirst(index).joined(separator: "/")
        return index < pieces.count ? parameters : nil
      case .text(let text):
        guard index < pieces.count, pieces[index] == text else { return nil }
      case .parameter(let name):
        guard index < pieces.count, !pieces[index].isEmpty else { return nil }
        parameters[name] = pieces[index]
      }
    }
    return segments.count == pieces.count ? parameters : nil
  }
}
