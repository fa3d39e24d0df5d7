/// A text that must not appear in logs, errors or dumps.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The text itself, for the one place that needs it.
  public let value: String

  /// Wraps `value`.
  public init(_ value: String) { self.value = value }

  /// Whether there is no secret at all.
  public var isEmpty: Bool { value.isEmpty }

  /// A mask that tells only whether the secret is empty.
  public var description: String { isEmpty ? "(empty)" : "******" }

  /// The same mask.
  public var debugDescription: String { description }

  /// Shows no members, so that `dump` does not either.
  public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
}
