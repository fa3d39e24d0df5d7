/// The messages by their type byte in wire v1 (wire-protocol.md 2.3).
public enum MessageType: UInt8, CaseIterable, Sendable {
  /// Login: the client introduces itself.
  case login = 0x6f  // o
  /// LoginResp: the server's answer.
  case loginResponse = 0x31  // 1
  /// NewProxy: announces a proxy.
  case newProxy = 0x70  // p
  /// NewProxyResp: the server's answer.
  case newProxyResponse = 0x32  // 2
  /// CloseProxy: withdraws a proxy.
  case closeProxy = 0x63  // c
  /// NewWorkConn: opens a work connection.
  case newWorkConnection = 0x77  // w
  /// ReqWorkConn: asks for a work connection.
  case requestWorkConnection = 0x72  // r
  /// StartWorkConn: gives a work connection its user.
  case startWorkConnection = 0x73  // s
  /// NewVisitorConn: opens a visitor connection.
  case newVisitorConnection = 0x76  // v
  /// NewVisitorConnResp: the server's answer.
  case newVisitorConnectionResponse = 0x33  // 3
  /// Ping: a sign of life.
  case ping = 0x68  // h
  /// Pong: its answer.
  case pong = 0x34  // 4
  /// UDPPacket: one datagram.
  case udpPacket = 0x75  // u
  /// NatHoleVisitor: asks for a hole.
  case natHoleVisitor = 0x69  // i
  /// NatHoleClient: the proxy's side of it.
  case natHoleClient = 0x6e  // n
  /// NatHoleResp: how to punch.
  case natHoleResponse = 0x6d  // m
  /// NatHoleSid: names a punching session.
  case natHoleSID = 0x35  // 5
  /// NatHoleReport: how it went.
  case natHoleReport = 0x36  // 6

  /// The message's number in wire v2.
  public var v2ID: UInt16 {
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
    case .natHoleSID: 17
    case .natHoleReport: 18
    }
  }
}

/// Any message.
public enum Message: Equatable, Sendable {
  /// Login: the client introduces itself.
  case login(Login)
  /// LoginResp: the server's answer.
  case loginResponse(LoginResponse)
  /// NewProxy: announces a proxy.
  case newProxy(NewProxy)
  /// NewProxyResp: the server's answer.
  case newProxyResponse(NewProxyResponse)
  /// CloseProxy: withdraws a proxy.
  case closeProxy(CloseProxy)
  /// NewWorkConn: opens a work connection.
  case newWorkConnection(NewWorkConnection)
  /// ReqWorkConn: asks for a work connection.
  case requestWorkConnection(RequestWorkConnection)
  /// StartWorkConn: gives a work connection its user.
  case startWorkConnection(StartWorkConnection)
  /// NewVisitorConn: opens a visitor connection.
  case newVisitorConnection(NewVisitorConnection)
  /// NewVisitorConnResp: the server's answer.
  case newVisitorConnectionResponse(NewVisitorConnectionResponse)
  /// Ping: a sign of life.
  case ping(Ping)
  /// Pong: its answer.
  case pong(Pong)
  /// UDPPacket: one datagram.
  case udpPacket(UDPPacket)
  /// NatHoleVisitor: asks for a hole.
  case natHoleVisitor(NATHoleVisitor)
  /// NatHoleClient: the proxy's side of it.
  case natHoleClient(NATHoleClient)
  /// NatHoleResp: how to punch.
  case natHoleResponse(NATHoleResponse)
  /// NatHoleSid: names a punching session.
  case natHoleSID(NATHoleSID)
  /// NatHoleReport: how it went.
  case natHoleReport(NATHoleReport)

  /// Which message it is.
  public var type: MessageType {
    switch self {
    case .login: .login
    case .loginResponse: .loginResponse
    case .newProxy: .newProxy
    case .newProxyResponse: .newProxyResponse
    case .closeProxy: .closeProxy
    case .newWorkConnection: .newWorkConnection
    case .requestWorkConnection: .requestWorkConnection
    case .startWorkConnection: .startWorkConnection
    case .newVisitorConnection: .newVisitorConnection
    case .newVisitorConnectionResponse: .newVisitorConnectionResponse
    case .ping: .ping
    case .pong: .pong
    case .udpPacket: .udpPacket
    case .natHoleVisitor: .natHoleVisitor
    case .natHoleClient: .natHoleClient
    case .natHoleResponse: .natHoleResponse
    case .natHoleSID: .natHoleSID
    case .natHoleReport: .natHoleReport
    }
  }

  /// Decodes the JSON text of a message.
  init(_ type: MessageType, _ body: [UInt8]) throws(WireError) {
    let fields = try JSONFields(parsing: body)
    switch type {
    case .login: self = .login(try Login(fields))
    case .loginResponse: self = .loginResponse(try LoginResponse(fields))
    case .newProxy: self = .newProxy(try NewProxy(fields))
    case .newProxyResponse: self = .newProxyResponse(try NewProxyResponse(fields))
    case .closeProxy: self = .closeProxy(try CloseProxy(fields))
    case .newWorkConnection: self = .newWorkConnection(try NewWorkConnection(fields))
    case .requestWorkConnection: self = .requestWorkConnection(try RequestWorkConnection(fields))
    case .startWorkConnection: self = .startWorkConnection(try StartWorkConnection(fields))
    case .newVisitorConnection: self = .newVisitorConnection(try NewVisitorConnection(fields))
    case .newVisitorConnectionResponse:
      self = .newVisitorConnectionResponse(try NewVisitorConnectionResponse(fields))
    case .ping: self = .ping(try Ping(fields))
    case .pong: self = .pong(try Pong(fields))
    case .udpPacket: self = .udpPacket(try UDPPacket(fields))
    case .natHoleVisitor: self = .natHoleVisitor(try NATHoleVisitor(fields))
    case .natHoleClient: self = .natHoleClient(try NATHoleClient(fields))
    case .natHoleResponse: self = .natHoleResponse(try NATHoleResponse(fields))
    case .natHoleSID: self = .natHoleSID(try NATHoleSID(fields))
    case .natHoleReport: self = .natHoleReport(try NATHoleReport(fields))
    }
  }

  /// The JSON text as frp writes it.
  var body: [UInt8] {
    var writer = JSONWriter()
    switch self {
    case .login(let message): message.write(to: &writer)
    case .loginResponse(let message): message.write(to: &writer)
    case .newProxy(let message): message.write(to: &writer)
    case .newProxyResponse(let message): message.write(to: &writer)
    case .closeProxy(let message): message.write(to: &writer)
    case .newWorkConnection(let message): message.write(to: &writer)
    case .requestWorkConnection(let message): message.write(to: &writer)
    case .startWorkConnection(let message): message.write(to: &writer)
    case .newVisitorConnection(let message): message.write(to: &writer)
    case .newVisitorConnectionResponse(let message): message.write(to: &writer)
    case .ping(let message): message.write(to: &writer)
    case .pong(let message): message.write(to: &writer)
    case .udpPacket(let message): message.write(to: &writer)
    case .natHoleVisitor(let message): message.write(to: &writer)
    case .natHoleClient(let message): message.write(to: &writer)
    case .natHoleResponse(let message): message.write(to: &writer)
    case .natHoleSID(let message): message.write(to: &writer)
    case .natHoleReport(let message): message.write(to: &writer)
    }
    return writer.finished()
  }
}
