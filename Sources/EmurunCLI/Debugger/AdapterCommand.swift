import ArgumentParser
import DebugAdapter
import Emu
import Glibc

/// `emurun dap`: an editor starts it, and says by the protocol what to run.
struct AdapterCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "dap",
    abstract: "Serve an editor's debugger by the Debug Adapter Protocol.",
    discussion: """
      On standard input and output. What to run, and with which options, is in the editor's \
      launch configuration: program, board, args, cwd, sourceRoot, stopOnEntry.
      """)

  func run(on host: Host) throws(Refusal) -> Int32 {
    guard host.input >= 0, let output = host.output.descriptor else {
      throw Refusal(ExitCode.usage, "dap: there is no standard input and output")
    }
    host.catchSignals()
    let link = DebuggerPipe(input: host.input, output: output)
    let adapter = Adapter()
    while adapter.ending == nil && link.isConnected && !host.isInterrupted() {
      adapter.receive(link.receive(patience: 0.1))
      if let launch = adapter.wanted {
        do { try serve(launch, adapter, link, host) } catch {
          if adapter.wanted != nil {
            adapter.refuse(error.sentence)
          } else {
            adapter.end(error.sentence)
          }
        }
      }
      link.send(adapter.takeOutput())
    }
    return ExitCode.success
  }

  private func serve(
    _ launch: Adapter.Launch, _ adapter: Adapter, _ link: DebuggerPipe, _ host: Host
  ) throws(Refusal) {
    if let folder = launch.cwd, chdir(folder) != 0 {
      throw Refusal(ExitCode.noInput, "cwd \(folder): \(describe(errno))")
    }
    let given = (launch.board.map { ["--board", $0] } ?? []) + (launch.args ?? [])
    let words = [launch.program] + given
    let recalled = try parse(words).recalled(words, standardInput: -1)
    var command = recalled.command
    if command.debugger.address != nil || command.debugger.waits {
      throw Refusal(
        ExitCode.usage, "args: leave --gdb, -s and -S out; the editor is the debugger here")
    }
    if command.dtbDump != nil {
      throw Refusal(ExitCode.usage, "args: with --dtb-dump there is nothing to debug")
    }
    command.debugger.gdb = .stdio
    let plan = try command.plan(
      standardInput: -1, types: host.deviceTypes, words: recalled.words,
      replaying: recalled.recording)
    // The protocol has both streams: what would go there is said by it.
    var own = host
    own.input = -1
    own.output = Output()
    own.errors = Output()
    let said = own.errors
    let root = launch.sourceRoot ?? Host.folder
    let debugging = Debugging(
      command.debugger, own, link: link, console: own.output,
      passWords: { adapter.say(String(decoding: said.take(), as: UTF8.self)) },
      meet: { machine in
        adapter.start(machine, sources: root) { code, address in
          Disassembly.lines(code, at: address, machine.board.core.machine).map {
            Adapter.Instruction(address: $0.address, size: $0.size, text: $0.text)
          }
        }
        return adapter
      })
    defer { host.errors.say(said.text) }
    _ = try command.run(plan, on: own, debugging: debugging)
  }

  private func parse(_ words: [String]) throws(Refusal) -> Emurun {
    do { return try Emurun.parse(words) } catch {
      throw Refusal(ExitCode.usage, Emurun.message(for: error))
    }
  }
}
