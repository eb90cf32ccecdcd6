import Debugger
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
  /// For a debugger that has come.
  private let meet: (Machine) -> any DebuggerSession
  /// Whatever was said meanwhile.
  private let passWords: () -> Void
  private var session: (any DebuggerSession)?
  /// A debugger has written something: the run is no longer the one of the command line.
  private(set) var hasChanged = false

  /// nil: nobody asked for one. From here on the console of a run with `--gdb stdio` is the debugger's.
  init?(_ options: DebuggerOptionsGroup, _ host: inout Host) throws(Refusal) {
    history = options.historyBytes
    guard let address = options.address else {
      if options.waits {
        throw Refusal(ExitCode.usage, "-S waits for a debugger: add --gdb PORT, or -s")
      }
      return nil
    }
    passWords = {}
    switch address {
    case .stdio:
      meet = { Session($0, isStarted: true) }
      guard host.input >= 0, let output = host.output.descriptor else {
        throw Refusal(ExitCode.usage, "--gdb stdio: there is no standard input and output")
      }
      link = DebuggerPipe(input: host.input, output: output)
      let console = Output()
      host.output = console
      self.console = console
      waits = true
    case .socket(let name, let port):
      meet = { Session($0) }
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

  /// An editor that has started this process, and that has said what it wants to run.
  ///
  /// - Parameters:
  ///   - console: where the console's text goes; the editor gets it from there.
  ///   - meet: makes a session of the machine.
  init(
    _ options: DebuggerOptionsGroup, _ host: Host, link: any DebuggerLink, console: Output,
    passWords: @escaping () -> Void, meet: @escaping (Machine) -> any DebuggerSession
  ) {
    history = options.historyBytes
    self.link = link
    self.host = host
    self.console = console
    self.passWords = passWords
    self.meet = meet
    waits = true
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
        let session = meet(machine)
        if history > 0 { session.debuggee.keepHistory(budget: history) }
        self.session = session
        waits = false
      }
      if let session {
        pause = try serve(session, plan, outputs, pace.next())
        machine = session.debuggee.machine
      } else if waits {
        link.wait(patience: 0.1)
      } else if machine.stop == nil {
        pause = plan.slice(machine, size: pace.next())
        try outputs.update(machine)
        _ = console?.take()
        if pause == .asleep, keyboard == nil { machine.end(.idle) }
      }
      if host.isInterrupted() {
        machine.end(.interrupted)
        // One that waits for the run is told so first.
        if session?.debuggee.isRunning != true { return machine }
      }
      keyboard?.pass(to: machine, patience: pause == .asleep ? 0.05 : 0)
      if session == nil && machine.stop != nil { return machine }
      if session?.debuggee.isRunning ?? !waits { pace.took(host.seconds() - begin) }
    }
  }

  /// What the debugger wants now, and a part of the run that it waits for.
  private func serve(
    _ session: any DebuggerSession, _ plan: RunPlan, _ outputs: RunOutputs, _ size: UInt64
  ) throws(Refusal) -> Pause {
    let debuggee = session.debuggee
    session.receive(link.receive(patience: debuggee.isRunning ? 0 : 0.1))
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
    for notice in debuggee.takeNotices() { host.errors.say("emurun: \(notice)") }
    passWords()
    link.send(session.takeOutput())
    hasChanged = hasChanged || debuggee.hasChanged
    if let failure { throw failure }
    let isOver = debuggee.machine.stop != nil && session.hasEnded
    if session.ending == nil && link.isConnected && !isOver { return last }
    leave(session)
    return last
  }

  private func leave(_ session: any DebuggerSession) {
    let machine = session.debuggee.machine
    let isLost = session.ending == nil && !link.isConnected
    if machine.stop == nil {
      if session.ending == .killed {
        machine.end(.interrupted, detail: "by the debugger")
      } else if isLost && !link.takesOthers {
        machine.end(.interrupted, detail: "the debugger has gone")
      } else if isLost {
        host.errors.say("emurun: the debugger has gone; the run goes on")
      }
    }
    link.hangUp()
    self.session = nil
  }
}
