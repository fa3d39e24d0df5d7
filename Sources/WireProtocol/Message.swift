/// Any of the messages of frp, independent of the framing that carries it.
public enum Message: Equatable, Sendable {
  /// The first message of a control connection.
  case login(Login)
  /// The answer to a login.
  case loginResponse(LoginResponse)
  /// A client announces a proxy.
  case newProxy(NewProxy)
  /// The answer to an announced proxy.
  case newProxyResponse(NewProxyResponse)
  /// A client withdraws a proxy.
  case closeProxy(CloseProxy)
  /// The first message of a work connection.
  case newWorkConnection(NewWorkConnection)
  /// The server wants one more work connection.
  case requestWorkConnection(RequestWorkConnection)
  /// A work connection gets its user connection, or is refused.
  case startWorkConnection(StartWorkConnection)
  /// The first message of a visitor connection.
  case newVisitorConnection(NewVisitorConnection)
  /// The answer to a visitor connection.
  case newVisitorConnectionResponse(NewVisitorConnectionResponse)
  /// A heartbeat.
  case ping(Ping)
  /// The answer to a heartbeat.
  case pong(Pong)
  /// One datagram.
  case udpPacket(UDPPacket)
  /// A visitor asks for a hole through its NAT.
  case natHoleVisitor(NATHoleVisitor)
  /// A proxy's client answers for its side of the hole.
  case natHoleClient(NATHoleClient)
  /// The server tells both how to punch.
  case natHoleResponse(NATHoleResponse)
  /// The identity of one attempt.
  case natHoleSid(NATHoleSid)
  /// How the attempt ended.
  case natHoleReport(NATHoleReport)

  /// The kind of this message. Not asked of `body`, for whose box memory is allocated.
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
    case .natHoleSid: .natHoleSid
    case .natHoleReport: .natHoleReport
    }
  }
}

extension Message: CustomStringConvertible {
  /// One log line without secrets.
  public var description: String { body.description }
}

extension Message {
  /// The message inside, to be asked for what all have in common.
  private var body: any MessageBody {
    switch self {
    case .login(let body): body
    case .loginResponse(let body): body
    case .newProxy(let body): body
    case .newProxyResponse(let body): body
    case .closeProxy(let body): body
    case .newWorkConnection(let body): body
    case .requestWorkConnection(let body): body
    case .startWorkConnection(let body): body
    case .newVisitorConnection(let body): body
    case .newVisitorConnectionResponse(let body): body
    case .ping(let body): body
    case .pong(let body): body
    case .udpPacket(let body): body
    case .natHoleVisitor(let body): body
    case .natHoleClient(let body): body
    case .natHoleResponse(let body): body
    case .natHoleSid(let body): body
    case .natHoleReport(let body): body
    }
  }

  /// Reads the JSON text `json` as a message of the kind `type`.
  init(_ type: MessageType, json: [UInt8]) throws(JSONFault) {
    switch type {
    case .login: self = .login(try JSONReader.parse(json))
    case .loginResponse: self = .loginResponse(try JSONReader.parse(json))
    case .newProxy: self = .newProxy(try JSONReader.parse(json))
    case .newProxyResponse: self = .newProxyResponse(try JSONReader.parse(json))
    case .closeProxy: self = .closeProxy(try JSONReader.parse(json))
    case .newWorkConnection: self = .newWorkConnection(try JSONReader.parse(json))
    case .requestWorkConnection: self = .requestWorkConnection(try JSONReader.parse(json))
    case .startWorkConnection: self = .startWorkConnection(try JSONReader.parse(json))
    case .newVisitorConnection: self = .newVisitorConnection(try JSONReader.parse(json))
    case .newVisitorConnectionResponse:
      self = .newVisitorConnectionResponse(try JSONReader.parse(json))
    case .ping: self = .ping(try JSONReader.parse(json))
    case .pong: self = .pong(try JSONReader.parse(json))
    case .udpPacket: self = .udpPacket(try JSONReader.parse(json))
    case .natHoleVisitor: self = .natHoleVisitor(try JSONReader.parse(json))
    case .natHoleClient: self = .natHoleClient(try JSONReader.parse(json))
    case .natHoleResponse: self = .natHoleResponse(try JSONReader.parse(json))
    case .natHoleSid: self = .natHoleSid(try JSONReader.parse(json))
    case .natHoleReport: self = .natHoleReport(try JSONReader.parse(json))
    }
  }

  /// Writes the JSON text of the message inside.
  func write(to writer: inout JSONWriter) {
    switch self {
    case .login(let body): writer.write(body)
    case .loginResponse(let body): writer.write(body)
    case .newProxy(let body): writer.write(body)
    case .newProxyResponse(let body): writer.write(body)
    case .closeProxy(let body): writer.write(body)
    case .newWorkConnection(let body): writer.write(body)
    case .requestWorkConnection(let body): writer.write(body)
    case .startWorkConnection(let body): writer.write(body)
    case .newVisitorConnection(let body): writer.write(body)
    case .newVisitorConnectionResponse(let body): writer.write(body)
    case .ping(let body): writer.write(body)
    case .pong(let body): writer.write(body)
    case .udpPacket(let body): writer.write(body)
    case .natHoleVisitor(let body): writer.write(body)
    case .natHoleClient(let body): writer.write(body)
    case .natHoleResponse(let body): writer.write(body)
    case .natHoleSid(let body): writer.write(body)
    case .natHoleReport(let body): writer.write(body)
    }
  }
}
