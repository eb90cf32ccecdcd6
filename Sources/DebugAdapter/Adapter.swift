import Debugger
import Emu

/// A debugger at a machine: the Debug Adapter Protocol, as editors speak it (version 1.6x of its specification).
/// Bytes of the client go in by `receive`, bytes for it come out by `takeOutput`; while the debuggee runs, `run` moves the
/// machine. There are no files, sockets or threads here.
///
/// The client says what is to be run (`wanted`); whoever has this adapter makes the machine and calls `start`, or `refuse`.
public final class Adapter {
  /// What `launch` asks for.
  public struct Launch: Decodable, Sendable {
    /// The image.
    public var program: String
    public var board: String?
    /// As on the command line.
    public var args: [String]?
    /// Where relative paths begin.
    public var cwd: String?
    /// Where the names of sources begin that are relative in the image; nil: `cwd`.
    public var sourceRoot: String?
    public var stopOnEntry: Bool?
  }

  /// Not answered yet.
  public private(set) var wanted: Launch?
  public internal(set) var ending: DebuggerEnding?

  var target: Target?
  private var decoder = MessageDecoder()
  private var output: [UInt8] = []
  private var seq = 0
  private var launchRequest: Request?
  /// Lines and columns that the client counts from 0.
  var firstLine = 1
  private(set) var isConfigured = false
  /// Characters of the console that have not come whole.
  private var halfText: [UInt8] = []
  /// `message` is being answered.
  private var message: [UInt8] = []

  public init() {}

  public func receive(_ bytes: [UInt8]) {
    decoder.feed(bytes)
    while let item = decoder.next() {
      switch item {
      case .message(let bytes): take(bytes)
      case .damaged(let words):
        respond(to: Request(seq: 0, type: "request", command: ""), Failure(words))
      }
    }
  }

  public func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  private func take(_ bytes: [UInt8]) {
    message = bytes
    defer { message = [] }
    var request = Request(seq: 0, type: "request", command: "")
    do throws(Failure) {
      request = try JSON.decode(Request.self, bytes)
      // An answer to what is never asked.
      if request.type != "request" { return }
      try answer(request)
    } catch {
      respond(to: request, error)
    }
  }

  // MARK: The machine

  public func start(_ machine: Machine, sources root: String, _ disassemble: @escaping Disassemble)
  {
    guard let launch = wanted, let request = launchRequest else {
      preconditionFailure("nobody wanted a machine")
    }
    wanted = nil
    target = Target(machine, sources: root, stopsOnEntry: launch.stopOnEntry ?? false, disassemble)
    debuggee.passes = { [unowned self] in target.map(passes) ?? false }
    respond(to: request)
    send("initialized")
  }

  /// There is none: why, in a sentence.
  public func refuse(_ words: String) {
    guard let request = launchRequest else { preconditionFailure("nobody wanted a machine") }
    wanted = nil
    launchRequest = nil
    respond(to: request, Failure(words))
  }

  /// The run could not go on: why, in a sentence.
  public func end(_ words: String) {
    say(words + "\n")
    send("terminated")
  }

  /// Of code at an address: an entry an instruction, in order, without gaps. What is none is an entry of its own.
  public typealias Disassemble = (_ code: [UInt8], _ address: UInt64) -> [Instruction]

  public struct Instruction: Sendable, Hashable {
    public var address: UInt64
    /// In bytes.
    public var size: Int
    public var text: String

    public init(address: UInt64, size: Int, text: String) {
      self.address = address
      self.size = size
      self.text = text
    }
  }

  // MARK: Messages

  func arguments<Content: Decodable>(_ type: Content.Type) throws(Failure) -> Content {
    guard let content = try JSON.decode(Arguments<Content>.self, message).arguments else {
      throw Failure("arguments are missing")
    }
    return content
  }

  /// A body may be left out by the specification, and there are clients that want one.
  func respond(to request: Request, _ body: some Encodable = Nothing()) {
    put(
      Response(seq: next(), request: request.seq, command: request.command ?? "", body: body))
  }

  private func respond(to request: Request, _ failure: Failure) {
    put(
      Response(
        seq: next(), request: request.seq, success: false, command: request.command ?? "",
        message: failure.words, body: ErrorBody(error: .init(format: failure.words))))
  }

  func send(_ event: String, _ body: some Encodable = Nothing()) {
    put(Event(seq: next(), event: event, body: body))
  }

  private func next() -> Int {
    seq += 1
    return seq
  }

  private func put(_ message: some Encodable) { output += framed(JSON.encode(message)) }

  struct OutputBody: Encodable {
    var category: String
    var output: String
  }

  /// Text of the guest's console.
  public func print(_ text: [UInt8]) {
    halfText += text
    let whole = halfText.count - unfinished(halfText)
    if whole == 0 { return }
    let words = String(decoding: halfText.prefix(whole), as: UTF8.self)
    halfText.removeFirst(whole)
    send("output", OutputBody(category: "stdout", output: words))
  }

  /// Words of the emulator's own.
  public func say(_ words: String) {
    if !words.isEmpty { send("output", OutputBody(category: "console", output: words)) }
  }

  /// How many bytes at the end are the beginning of a character in UTF-8.
  private func unfinished(_ text: [UInt8]) -> Int {
    for (behind, byte) in text.suffix(3).reversed().enumerated() where byte & 0xC0 != 0x80 {
      let length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF8 ? 4 : 1
      return length > behind + 1 ? behind + 1 : 0
    }
    return 0
  }

  // MARK: Requests

  private func answer(_ request: Request) throws(Failure) {
    switch request.command {
    case "initialize": try initialize(request)
    case "launch": try launch(request)
    case "attach":
      throw Failure("there is nothing to attach to: launch says what to run")
    case "disconnect", "terminate":
      respond(to: request)
      ending = .killed
    default:
      guard let target else {
        throw Failure("nothing runs yet: launch says what is to be run")
      }
      try answer(request, target)
    }
  }

  private func answer(_ request: Request, _ target: Target) throws(Failure) {
    switch request.command {
    case "setBreakpoints": try setBreakpoints(request, target)
    case "setFunctionBreakpoints": try setFunctionBreakpoints(request, target)
    case "setInstructionBreakpoints": try setInstructionBreakpoints(request, target)
    case "dataBreakpointInfo": try dataBreakpointInfo(request, target)
    case "setDataBreakpoints": try setDataBreakpoints(request, target)
    case "setExceptionBreakpoints": respond(to: request)
    case "configurationDone": configurationDone(request, target)
    case "threads": threads(request, target)
    case "stackTrace": try stackTrace(request, target)
    case "scopes": try scopes(request, target)
    case "variables": try variables(request, target)
    case "setVariable": try setVariable(request, target)
    case "evaluate": try evaluate(request, target)
    case "continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue":
      try move(request, target)
    case "pause":
      respond(to: request)
      target.debuggee.interrupt()
    case "readMemory": try readMemory(request, target)
    case "writeMemory": try writeMemory(request, target)
    case "disassemble": try disassemble(request, target)
    case let command:
      throw Failure("there is no request \"\((command ?? "").prefix(64))\" here")
    }
  }

  private struct Initialize: Decodable {
    var linesStartAt1: Bool?
    var pathFormat: String?
  }

  private func initialize(_ request: Request) throws(Failure) {
    let arguments = try arguments(Initialize.self)
    if let format = arguments.pathFormat, format != "path" {
      throw Failure("pathFormat \(format.prefix(64)): only \"path\" is known here")
    }
    firstLine = arguments.linesStartAt1 ?? true ? 1 : 0
    respond(to: request, Capabilities())
  }

  private func launch(_ request: Request) throws(Failure) {
    if launchRequest != nil { throw Failure("one machine was launched already") }
    wanted = try arguments(Launch.self)
    launchRequest = request
  }

  private func configurationDone(_ request: Request, _ target: Target) {
    respond(to: request)
    if isConfigured { return }
    isConfigured = true
    if target.stopsOnEntry {
      tell(StoppedBody(reason: "entry", threadId: target.debuggee.latest.hart + 1))
    } else {
      target.go(.goOn, "")
    }
  }
}
