import Debugger
import Emu

/// "evaluate": an expression; in a debug console also words that move the machine or tell of it, and input for the guest.
extension Adapter {
  private struct EvaluateArguments: Decodable {
    var expression: String
    var frameId: Int?
    var context: String?
    var format: ValueFormat?
  }

  private struct EvaluateBody: Encodable {
    var result: String
    var type: String?
    var variablesReference = 0
    var memoryReference: String?
  }

  func evaluate(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(EvaluateArguments.self)
    let text = arguments.expression
    if arguments.context == "repl", try answered(text, request, target) { return }
    let frame = try arguments.frameId.map { id throws(Failure) in try FrameID(id, target) }
    let evaluation = Evaluation(
      target, hart: frame?.hart ?? target.debuggee.latest.hart,
      isHex: arguments.format?.hex ?? false, frame)
    let value = try evaluation.value(of: text)
    var body = EvaluateBody(result: evaluation.words(value), type: value.type)
    body.memoryReference = value.address.map { "0x\(hex($0))" }
    if value.hasParts {
      body.variablesReference = target.reference(
        to: .variable(value.path ?? text.filter { $0 != " " }, frame))
    }
    respond(to: request, body)
  }

  /// False: it is an expression.
  private func answered(
    _ line: String, _ request: Request, _ target: Target
  ) throws(Failure) -> Bool {
    if line.hasPrefix(">") {
      target.machine.send(Array(line.dropFirst().utf8) + [10])
      respond(to: request, EvaluateBody(result: ""))
      return true
    }
    let words = line.split(separator: " ")
    guard let first = words.first, first == "monitor" || Debuggee.words.contains(String(first))
    else { return false }
    if target.debuggee.isRunning { throw Failure("the machine runs; pause stops it") }
    let machine = target.machine
    let (index, resets) = (machine.index, machine.resets)
    let answer = target.debuggee.answer(
      words.dropFirst(first == "monitor" ? 1 : 0).joined(separator: " "))
    guard case .text(let text) = answer else {
      respond(to: request, EvaluateBody(result: "on the way"))
      target.go(target.debuggee.motion ?? .goOn, "goto")
      return true
    }
    respond(to: request, EvaluateBody(result: text))
    for notice in target.debuggee.takeNotices() { say(notice + "\n") }
    if target.machine !== machine || machine.index != index || machine.resets != resets {
      tell(StoppedBody(reason: "goto", threadId: target.debuggee.latest.hart + 1))
    }
    return true
  }
}
