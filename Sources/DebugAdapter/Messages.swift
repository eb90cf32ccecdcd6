import FoundationEssentials

/// What the other side says: "ProtocolMessage" and "Request" of the specification.
struct Request: Decodable {
  var seq: Int
  var type: String
  var command: String?
}

/// The arguments in the same bytes.
struct Arguments<Content: Decodable>: Decodable {
  var arguments: Content?
}

struct Response<Body: Encodable>: Encodable {
  var seq: Int
  let type = "response"
  var request: Int
  var success = true
  var command: String
  var message: String?
  var body: Body?

  enum CodingKeys: String, CodingKey {
    case seq
    case type
    case request = "request_seq"
    case success
    case command
    case message
    case body
  }
}

struct Event<Body: Encodable>: Encodable {
  var seq: Int
  let type = "event"
  var event: String
  var body: Body?
}

struct Nothing: Codable {}

/// Why a request is refused, for people. The response says it.
struct Failure: Error {
  var words: String
  init(_ words: String) { self.words = words }
}

struct ErrorBody: Encodable {
  struct Message: Encodable {
    var id = 1
    var format: String
    var showUser = true
  }
  var error: Message
}

/// What a debugger shows of a piece of source.
struct Source: Codable, Hashable {
  var name: String?
  var path: String?
}

/// "Capabilities".
struct Capabilities: Encodable {
  let supportsConfigurationDoneRequest = true
  let supportsFunctionBreakpoints = true
  let supportsConditionalBreakpoints = true
  let supportsLogPoints = true
  let supportsEvaluateForHovers = true
  let supportsStepBack = true
  let supportsSetVariable = true
  let supportsValueFormattingOptions = true
  let supportsDataBreakpoints = true
  let supportsReadMemoryRequest = true
  let supportsWriteMemoryRequest = true
  let supportsDisassembleRequest = true
  let supportsSteppingGranularity = true
  let supportsInstructionBreakpoints = true
}

enum JSON {
  static func encode(_ message: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(message) else {
      preconditionFailure("\(type(of: message)) is no JSON")
    }
    return Array(data)
  }

  static func decode<Content: Decodable>(
    _ type: Content.Type, _ bytes: [UInt8]
  ) throws(Failure) -> Content {
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
      throw Failure(words(error))
    }
  }

  private static func words(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "\(place(context.codingPath + [key])) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      return "\(place(context.codingPath)): not of the type that it has to be"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "\(place(context.codingPath)): not of the type that it has to be"
    default: return "this is no JSON"
    }
  }
}
