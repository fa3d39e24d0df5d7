/// The kinds of messages, by the byte that opens a wire v1 frame.
public enum MessageType: UInt8, CaseIterable, Sendable {
  /// `o`: the first message of a control connection.
  case login = 0x6f
  /// `1`: the answer to a login.
  case loginResponse = 0x31
  /// `p`: a client announces a proxy.
  case newProxy = 0x70
  /// `2`: the answer to an announced proxy.
  case newProxyResponse = 0x32
  /// `c`: a client withdraws a proxy.
  case closeProxy = 0x63
  /// `w`: the first message of a work connection.
  case newWorkConnection = 0x77
  /// `r`: the server wants one more work connection.
  case requestWorkConnection = 0x72
  /// `s`: a work connection gets its user connection, or is refused.
  case startWorkConnection = 0x73
  /// `v`: the first message of a visitor connection.
  case newVisitorConnection = 0x76
  /// `3`: the answer to a visitor connection.
  case newVisitorConnectionResponse = 0x33
  /// `h`: a heartbeat.
  case ping = 0x68
  /// `4`: the answer to a heartbeat.
  case pong = 0x34
  /// `u`: one datagram.
  case udpPacket = 0x75
  /// `i`: a visitor asks for a hole through its NAT.
  case natHoleVisitor = 0x69
  /// `n`: a proxy's client answers for its side of the hole.
  case natHoleClient = 0x6e
  /// `m`: the server tells both how to punch.
  case natHoleResponse = 0x6d
  /// `5`: the identity of one attempt, to the proxy's client and between the peers.
  case natHoleSid = 0x35
  /// `6`: how the attempt ended.
  case natHoleReport = 0x36

  /// The number that names this kind in wire v2.
  public var v2Identifier: UInt16 {
    switch self {
    case .login: 1
    case .loginResponse: 2
    case .newProxy: 3
    case .newProxyResponse: 4
    case .closeProxy: 5
    case .newWorkConnection: 6
    case .requestWorkConnection: 7
    case .startWorkConnection: 8
    case .newVisitorConnection: 9
    case .newVisitorConnectionResponse: 10
    case .ping: 11
    case .pong: 12
    case .udpPacket: 13
    case .natHoleVisitor: 14
    case .natHoleClient: 15
    case .natHoleResponse: 16
    case .natHoleSid: 17
    case .natHoleReport: 18
    }
  }

  /// The kind with that number in wire v2; `nil` when there is none.
  public init?(v2Identifier: UInt16) {
    guard let type = Self.allCases.first(where: { $0.v2Identifier == v2Identifier }) else {
      return nil
    }
    self = type
  }

  /// What frp calls this message, for log lines.
  public var name: String {
    switch self {
    case .login: "Login"
    case .loginResponse: "LoginResp"
    case .newProxy: "NewProxy"
    case .newProxyResponse: "NewProxyResp"
    case .closeProxy: "CloseProxy"
    case .newWorkConnection: "NewWorkConn"
    case .requestWorkConnection: "ReqWorkConn"
    case .startWorkConnection: "StartWorkConn"
    case .newVisitorConnection: "NewVisitorConn"
    case .newVisitorConnectionResponse: "NewVisitorConnResp"
    case .ping: "Ping"
    case .pong: "Pong"
    case .udpPacket: "UDPPacket"
    case .natHoleVisitor: "NatHoleVisitor"
    case .natHoleClient: "NatHoleClient"
    case .natHoleResponse: "NatHoleResp"
    case .natHoleSid: "NatHoleSid"
    case .natHoleReport: "NatHoleReport"
    }
  }
}
