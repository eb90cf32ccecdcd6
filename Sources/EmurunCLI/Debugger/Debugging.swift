import Emu
import GDBStub

/// A run with a debugger at it, or one that may still come: `RunPlan.drive` with somebody who says when.
final class Debugging {
  private let link: any DebuggerLink
  private let host: Host
  private let waits: Bool
  /// Bytes for the past.
  private let history: Int
  /// Where the console's text goes, too, for a debugger on standard input and output.
  private let console: Output?
  private var session: Session?
  /// A debugger has written something: the run is no longer the one of the command line.
  private(set) var hasChanged = false

  /// nil: nobody asked for one. From here on the console of a run with `--gdb stdio` is the debugger's.
  init?(_ options: DebuggerOptionsGroup, _ host: inout Host) throws(Refusal) {
    history = options.history?.bytes ?? 256 << 20
    guard let address = options.address else {
      if options.waits {
        throw Refusal(ExitCode.usage, "-S waits for a debugger: add --gdb PORT, or -s")
      }
      return nil
    }
    switch address {
    case .stdio:
      guard host.input >= 0, let output = host.output.descriptor else {
        throw Refusal(ExitCode.usage, "--gdb stdio: there is no standard input and output")
      }
      link = DebuggerPipe(input: host.input, output: output)
      let console = Output()
      host.output = console
      self.console = console
      waits = true
    case .socket(let name, let port):
      let socket = try DebuggerSocket(host: name, port: port)
      link = socket
      console = nil
      waits = options.waits
      host.errors.say(
        "emurun: \(waits ? "waiting for" : "serving") GDB at \(socket.place): target remote \(socket.place)"
      )
      if let name, !["127.0.0.1", "localhost", "::1"].contains(name) {
        host.errors.say(
          "emurun: warning: whoever reaches \(socket.place) can read and write everything of this guest; there is no password"
        )
      }
    }
    self.host = host
  }

  /// Runs a machine, or the ones that a debugger makes of it, to the end. Gives back the last one.
  func drive(
    _ machine: Machine, _ plan: RunPlan, _ keyboard: Keyboard?, _ outputs: RunOutputs
  ) throws(Refusal) -> Machine {
    defer { link.close() }
    var machine = machine
    var pace = Pace.start
    var waits = waits
    while true {
      let begin = host.seconds()
      var pause = Pause.limit
      if session == nil, link.isConnected {
        let session = Session(machine)
        if history > 0 { session.keepHistory(budget: history) }
        self.session = session
        waits = false
      }
      if let session {
        pause = try serve(session, plan, outputs, pace.next())
        machine = session.machine
      } else if waits {
        link.wait(patience: 0.1)
      } else if machine.stop == nil {
        pause = plan.slice(machine, size: pace.next())
        try outputs.update(machine)
        if pause == .asleep, keyboard == nil { machine.end(.idle) }
      }
      if machine.stop == nil && host.isInterrupted() { machine.end(.interrupted) }
      keyboard?.pass(to: machine, patience: pause == .asleep ? 0.05 : 0)
      if session == nil && machine.stop != nil { return machine }
      if session?.isRunning ?? !waits { pace.took(host.seconds() - begin) }
    }
  }

  /// What the debugger wants now, and a part of the run that it waits for.
  private func serve(
    _ session: Session, _ plan: RunPlan, _ outputs: RunOutputs, _ size: UInt64
  ) throws(Refusal) -> Pause {
    session.receive(link.receive(patience: session.isRunning ? 0 : 0.1))
    var last = Pause.limit
    var failure: Refusal?
    session.run { machine, limit in
      last = plan.slice(machine, size: size, stops: limit)
      // Before the debugger is told that the machine stands: it listens to text only until then.
      do throws(Refusal) { try outputs.update(machine) } catch { failure = error }
      if let console { session.print(console.take()) }
      return last
    }
    if last == .asleep { session.receive(link.receive(patience: 0.05)) }
    link.send(session.takeOutput())
    for notice in session.takeNotices() { host.errors.say("emurun: \(notice)") }
    hasChanged = hasChanged || session.hasChanged
    if let failure { throw failure }
    let isOver = session.machine.stop != nil && session.hasEnded
    if session.ending == .killed && session.machine.stop == nil {
      session.machine.end(.interrupted, detail: "by the debugger")
    }
    if session.ending == nil && link.isConnected && !isOver { return last }
    if session.ending == nil && !link.isConnected && session.machine.stop == nil {
      host.errors.say("emurun: the debugger has gone; the run goes on")
    }
    link.hangUp()
    self.session = nil
    return last
  }
}
