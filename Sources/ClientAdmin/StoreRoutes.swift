internal import Configuration
internal import Dashboard
internal import HTTPProtocol

/// The part of the admin server about proxies and visitors one by one (http-api.md 4).
struct StoreRoutes {
  let client: AdministeredClient

  func add(to server: APIServer) {
    for list in StoreList.allCases {
      server.add(.get, "/api/\(list.noun)/{name}/config") { [self] _, parameters, answer in
        answer(answered { () throws(StoreRefusal) in try definition(parameters.name, in: list) })
      }
      if let store = client.store { addRoutes(of: list, in: store, to: server) }
    }
  }

  private func addRoutes(of list: StoreList, in store: ClientStore, to server: APIServer) {
    let path = "/api/store/\(list.rawValue)"
    server.add(.get, path) { [self] _, _, answer in
      answer(answered { () throws(StoreRefusal) in try all(in: list, of: store) })
    }
    server.add(.post, path) { [self] request, _, answer in
      answer(answered { () throws(StoreRefusal) in try create(request.body, list, store) })
    }
    server.add(.get, "\(path)/{name}") { [self] _, parameters, answer in
      answer(answered { () throws(StoreRefusal) in try one(parameters.name, list, store) })
    }
    server.add(.put, "\(path)/{name}") { [self] request, parameters, answer in
      answer(
        answered { () throws(StoreRefusal) in
          try replace(parameters.name, request.body, list, store)
        })
    }
    server.add(.delete, "\(path)/{name}") { [self] _, parameters, answer in
      answer(answered { () throws(StoreRefusal) in try remove(parameters.name, list, store) })
    }
  }

  private func answered(_ body: () throws(StoreRefusal) -> HTTPAnswer) -> HTTPAnswer {
    do throws(StoreRefusal) {
      return try body()
    } catch {
      return .apiError(error.status, error.message)
    }
  }

  // MARK: Looking

  /// What runs, defaults and all; else what the store has, switched off for example.
  private func definition(
    _ name: String, in list: StoreList
  ) throws(StoreRefusal) -> HTTPAnswer {
    if let running = client.loaded()?.definition(of: name, in: list) { return json(running) }
    let document = try client.store?.read()
    if let entry = document?.entry(named: name, in: list) { return json(entry.definition) }
    throw StoreRefusal(status: .notFound, message: "\(list.noun) \"\(name)\" not found")
  }

  private func all(in list: StoreList, of store: ClientStore) throws(StoreRefusal) -> HTTPAnswer {
    let entries = try store.read().entries(in: list)
    var text = JSONText()
    text.object { text in
      text.name(list.rawValue)
      text.array { text in
        for entry in entries { text.raw(entry.definition) }
      }
    }
    return .json(text)
  }

  private func one(
    _ name: String, _ list: StoreList, _ store: ClientStore
  ) throws(StoreRefusal) -> HTTPAnswer {
    guard let entry = try store.read().entry(named: name, in: list) else {
      throw StoreRefusal(status: .notFound, message: "not found: \(list.noun) \"\(name)\"")
    }
    return json(entry.definition)
  }

  private func json(_ definition: String) -> HTTPAnswer {
    var text = JSONText()
    text.raw(definition)
    return .json(text)
  }

  // MARK: Changing

  private func create(
    _ body: [UInt8], _ list: StoreList, _ store: ClientStore
  ) throws(StoreRefusal) -> HTTPAnswer {
    let entry = try read(body, list)
    try store.change { document throws(StoreRefusal) in
      try tell(entry.name, list) { () throws(StoreFault) in try document.add(entry) }
    }
    return json(entry.definition)
  }

  private func replace(
    _ name: String, _ body: [UInt8], _ list: StoreList, _ store: ClientStore
  ) throws(StoreRefusal) -> HTTPAnswer {
    let entry = try read(body, list)
    guard entry.name == name else {
      throw StoreRefusal(
        status: .badRequest, message: "\(list.noun) name in URL must match name in body")
    }
    try store.change { document throws(StoreRefusal) in
      try tell(name, list) { () throws(StoreFault) in try document.replace(entry) }
    }
    return json(entry.definition)
  }

  private func remove(
    _ name: String, _ list: StoreList, _ store: ClientStore
  ) throws(StoreRefusal) -> HTTPAnswer {
    try store.change { document throws(StoreRefusal) in
      try tell(name, list) { () throws(StoreFault) in try document.remove(name, in: list) }
    }
    return .done
  }

  private func read(_ body: [UInt8], _ list: StoreList) throws(StoreRefusal) -> StoreEntry {
    try tell("", list) { () throws(StoreFault) in try StoreEntry(definition: body, in: list) }
  }

  /// A fault in the words of frp.
  private func tell<Value>(
    _ name: String, _ list: StoreList, _ body: () throws(StoreFault) -> Value
  ) throws(StoreRefusal) -> Value {
    do throws(StoreFault) {
      return try body()
    } catch {
      let entry = "\(list.noun) \"\(name)\""
      switch error {
      case .invalid(let text): throw StoreRefusal(status: .badRequest, message: text)
      case .exists:
        throw StoreRefusal(status: .conflict, message: "conflict: already exists: \(entry)")
      case .missing:
        throw StoreRefusal(status: .notFound, message: "not found: not found: \(entry)")
      case .unreadable(let text):
        throw StoreRefusal(status: .internalServerError, message: text)
      }
    }
  }
}

extension [String: String] {
  /// What stands for `{name}`.
  fileprivate var name: String { self["name"] ?? "" }
}
