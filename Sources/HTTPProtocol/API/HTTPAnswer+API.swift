/// The answers of frp's interfaces (http-api.md 1).
extension HTTPAnswer {
  /// JSON, with the line end that all of them have.
  public static func json(_ text: JSONText, _ status: HTTPStatus = .ok) -> HTTPAnswer {
    HTTPAnswer(status, contentType: "application/json", body: text.bytes + [0x0a])
  }

  /// Done, and nothing to say.
  public static var done: HTTPAnswer { HTTPAnswer(.ok) }

  /// An error of the first generation of the interface.
  public static func apiError(_ status: HTTPStatus, _ message: String) -> HTTPAnswer {
    var text = JSONText()
    text.object {
      $0.member("Code", status.code)
      $0.member("Msg", message)
    }
    return json(text, status)
  }

  /// A result in the envelope of the second generation.
  public static func envelope(_ data: JSONText) -> HTTPAnswer {
    envelope(.ok, "success", data)
  }

  /// An error in the envelope of the second generation.
  public static func envelopeError(_ status: HTTPStatus, _ message: String) -> HTTPAnswer {
    var data = JSONText()
    data.null()
    return envelope(status, message, data)
  }

  private static func envelope(
    _ status: HTTPStatus, _ message: String, _ data: JSONText
  ) -> HTTPAnswer {
    var text = JSONText()
    text.object {
      $0.member("code", status.code)
      $0.member("msg", message)
      $0.name("data")
      $0.raw(data)
    }
    return json(text, status)
  }

  /// No such path.
  public static var pageNotFound: HTTPAnswer { HTTPAnswer(.notFound, text: "404 page not found") }

  /// The path is known, the method is not.
  public static var methodNotAllowed: HTTPAnswer { HTTPAnswer(.methodNotAllowed) }

  /// The page is elsewhere.
  public static func redirect(to location: String) -> HTTPAnswer {
    var answer = HTTPAnswer(.movedPermanently)
    answer.fields.append("Location", location)
    return answer
  }
}
