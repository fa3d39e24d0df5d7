/// The sizes that bound what a peer's messages can make us hold and do.
public enum WireProtocolLimits {
  /// The bytes before the body of a wire v1 frame: one of type and eight of length.
  public static let frameHeaderLength = 9

  /// The longest body of a wire v1 frame that a reader accepts; a real peer closes at one more.
  public static let frameLengthMax = 10_240

  /// How deep objects and arrays may nest in a message; what frp sends nests three deep.
  public static let jsonDepthMax = 32

  /// The most characters of one text that a message's description shows.
  public static let describedTextLengthMax = 64

  /// The most elements of one list or map that a message's description shows.
  public static let describedElementsMax = 8
}
