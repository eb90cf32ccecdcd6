import Debugger
import Emu

/// What makes the machine go and what is told when it stands: "continue", "next", "stepIn", "stepOut", "stepBack" and
/// "reverseContinue", and the events "stopped", "exited" and "terminated".
extension Adapter: DebuggerSession {
  public var debuggee: Debuggee {
    guard let target else { preconditionFailure("no machine was made yet") }
    return target.debuggee
  }

  /// The client has been told, and has said good-bye.
  public var hasEnded: Bool { false }

  public func run(_ slice: (Machine, RunLimit) -> Pause) {
    guard let target else { return }
    target.debuggee.run(slice)
    if let halt = target.debuggee.takeHalt() { tell(halt, target) }
    for notice in target.debuggee.takeNotices() { say(notice + "\n") }
  }

  private struct MoveArguments: Decodable {
    var threadId: Int
    var granularity: String?
  }

  private struct ContinueBody: Encodable {
    let allThreadsContinued = true
  }

  func move(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(MoveArguments.self)
    let hart = try target.hart(arguments.threadId)
    if target.debuggee.isRunning { throw Failure("the machine runs; pause stops it") }
    let command = request.command ?? ""
    let isBackwards = command == "stepBack" || command == "reverseContinue"
    if target.isOver && !isBackwards { throw Failure("the run is over") }
    let motion = try motion(
      command, hart: hart, byInstruction: arguments.granularity == "instruction", target)
    if isBackwards && target.debuggee.history == nil {
      throw Failure("nothing is kept of the past: leave --history 0 out")
    }
    if command == "continue" { respond(to: request, ContinueBody()) } else { respond(to: request) }
    target.go(motion, "step", isBackwards: isBackwards)
  }

  private func motion(
    _ command: String, hart: Int, byInstruction: Bool, _ target: Target
  ) throws(Failure) -> Motion {
    let machine = target.machine
    switch command {
    case "continue": return .goOn
    case "reverseContinue": return .back(hart: nil)
    case "stepBack":
      return byInstruction ? .back(hart: hart) : target.steps.back(hart, machine)
    case "stepIn": return byInstruction ? .step(hart: hart) : target.steps.into(hart, machine)
    case "next":
      return byInstruction
        ? target.steps.overInstruction(hart, machine) : target.steps.over(hart, machine)
    default:
      guard let motion = target.steps.out(hart, machine) else {
        throw Failure("where this function was called from is not known")
      }
      return motion
    }
  }

  // MARK: Halts

  struct StoppedBody: Encodable {
    var reason: String
    var description: String?
    var threadId: Int
    var text: String?
    var hitBreakpointIds: [Int]?
    let allThreadsStopped = true
  }

  private struct ExitedBody: Encodable {
    var exitCode: Int
  }

  func tell(_ body: StoppedBody) {
    target?.containers = []
    target?.isOver = false
    send("stopped", body)
  }

  private func tell(_ halt: Halt, _ target: Target) {
    var body = StoppedBody(reason: target.reason, threadId: halt.hart + 1)
    switch halt.reason {
    case .arrived:
      if let touched = target.touched {
        target.touched = nil
        body.reason = "data breakpoint"
        body.hitBreakpointIds = touched
      } else if target.reason.isEmpty {
        body.reason = "goto"
      }
    case .interrupted: body.reason = "pause"
    case .breakpoint:
      let hit = target.breakpoints.hits(target.machine.harts[halt.hart].pc)
      body.reason = hit.reason
      body.hitBreakpointIds = hit.ids
    case .watchpoint(_, let address, let isDone):
      let ids = target.breakpoints.watches(at: address)
      if isDone && !target.isBackwards {
        body.reason = "data breakpoint"
        body.hitBreakpointIds = ids
        return tell(body)
      }
      // On the way there it stands before the access, on the way back behind it. The client wants to see what came of it,
      // or what was before.
      let touched = Array(Set((target.touched ?? []) + ids)).sorted()
      target.debuggee.start(target.isBackwards ? .back(hart: halt.hart) : .step(hart: halt.hart))
      target.touched = touched
      return
    case .beginning:
      body.reason = "entry"
      body.description = "Here history begins"
    case .died(let words):
      body.reason = "exception"
      body.description = "The guest died"
      body.text = words
    case .ended(let code):
      target.isOver = true
      send("exited", ExitedBody(exitCode: Int(code)))
      return send("terminated")
    }
    tell(body)
  }
}
