import ArgumentParser
import Emu
import MachineCode
import Proofs
import Timeline

/// `emurun frames IMAGE`: every function's stack frame, and the most stack that the program needs.
struct FramesCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "frames",
    abstract: "Show every function's stack frame, and how much stack the program may need.",
    discussion: """
      Frames come from the call frame information, held against what the instructions do, or from \
      the instructions alone. What stands in the way of a bound is named. Nothing runs.
      """)

  @Argument(help: "ELF, raw, Intel HEX, SREC or UF2.")
  var image: String

  @Option(
    help: ArgumentHelp(
      """
      Cortex-M: the priority of an exception by its name in the vector table, SysTick=1: those of \
      one priority do not nest. May be repeated.
      """, valueName: "name=n"))
  var priority: [String] = []

  @Flag(help: "One JSON object instead of words.")
  var json = false

  func run(on host: Host) throws(Refusal) -> Int32 {
    let priorities = try priorities()
    let map = CodeMap(try ProofImage.program(image))
    let table = FrameTable(map)
    let bounds = StackBounds(table)
    let exceptions = ExceptionStack(table, bounds)
    for name in priorities.keys.sorted() {
      guard let exceptions else {
        throw Refusal(ExitCode.usage, "--priority \(name): \(image) is no Cortex-M's; leave it out")
      }
      if !exceptions.handlers.contains(where: { $0.name == name && $0.number > 3 }) {
        throw Refusal(
          ExitCode.usage,
          "--priority \(name): the vector table has no such exception whose priority can be set")
      }
    }
    let report = FrameReport(
      table: table, bounds: bounds, exceptions: exceptions, priorities: priorities)
    try host.output.write(((json ? report.json(image) : report.text()) + "\n").utf8)
    return ExitCode.success
  }

  private func priorities() throws(Refusal) -> [String: Int] {
    var known: [String: Int] = [:]
    for text in priority {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let level = Int(parts[1]), 0...255 ~= level else {
        throw Refusal(ExitCode.usage, "--priority \(text): write it as SysTick=1, from 0 to 255")
      }
      known[String(parts[0])] = level
    }
    return known
  }
}

/// An image whose code is looked at.
enum ProofImage {
  static func program(_ path: String) throws(Refusal) -> Program {
    do {
      let image = try Image(path: path)
      _ = try image.knownMachine()
      if image.needsBase, image.machine == .riscv64 {
        // A raw image of RV64 lies at the beginning of RAM.
        guard let program = Program(try image.placed(at: 0x8000_0000)) else {
          preconditionFailure("\(path): its architecture was known")
        }
        return program
      }
      guard let program = Program(image) else {
        preconditionFailure("\(path): its architecture was known")
      }
      return program
    } catch { throw Refusal(error.exitCode, error.description) }
  }
}

/// Frames and bounds, in words and as JSON.
struct FrameReport {
  let table: FrameTable
  let bounds: StackBounds
  let exceptions: ExceptionStack?
  let priorities: [String: Int]

  private var program: Program { table.map.program }

  // MARK: Words

  func text() -> String {
    var rows = Columns("lllll")
    rows.add("frame", "cfa", "saved", "by", "function")
    for frame in table.frames {
      let size = frame.size.map(String.init) ?? "?"
      let sp = frame.size.map { $0 == 0 ? "cfa" : "cfa-\($0)" } ?? "?"
      let saved = frame.saved.map { "\($0.register) \(Self.place($0.offset))" }
      rows.add(
        "{sp: \(sp), ip: \(frame.returnAddress), frame_size: \(size)}", frame.cfa,
        saved.joined(separator: ", "), frame.source.rawValue, frame.name.printable)
    }
    var lines = rows.lines(indent: 0)
    for frame in table.frames {
      lines += frame.problems.map { "\(frame.name.printable): \($0)" }
    }
    return (lines + ["", "worst-case stack"] + worst).joined(separator: "\n")
  }

  private var worst: [String] {
    var rows = Columns("lrl")
    var notes: [String] = []
    for (name, entry) in entries {
      guard let bound = bounds[entry] else { continue }
      let path = bound.path.map { program.name($0).printable }.joined(separator: " > ")
      rows.add(name, words(bound.bytes, isKnown: bound.unknown.isEmpty), path)
      notes += bound.unknown.map { "  \(name): not bounded: \($0.printable)" }
    }
    if let exceptions {
      let isKnown = exceptions.unknown.isEmpty
      let note = "with \(exceptions.frameSize) bytes of the core's for each exception"
      if priorities.isEmpty {
        rows.add(
          "all priorities alike", words(exceptions.bytes { _ in 0 }, isKnown: isKnown),
          "as after a reset; \(note)")
      } else {
        let given = priorities.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        rows.add(
          "with \(given.joined(separator: " "))",
          words(exceptions.bytes { priorities[$0.name] ?? 0 }, isKnown: isKnown),
          "others 0; \(note)")
      }
      rows.add(
        "every one nested", words(exceptions.bytes { _ in nil }, isKnown: isKnown),
        "whatever the priorities")
    }
    return rows.lines() + notes
  }

  /// Where the hardware starts code, each function once.
  private var entries: [(name: String, entry: UInt64)] {
    var names: [UInt64: String] = [:]
    var order: [UInt64] = []
    for (address, root) in table.map.roots {
      let name: String
      switch root {
      case .entry: name = "entry"
      case .vector(_, let exception): name = exception
      case .addressTaken: continue
      }
      if names[address] == nil { order.append(address) }
      names[address] = names[address].map { "\($0), \(name)" } ?? name
    }
    for function in table.map.functions.values.sorted(by: { $0.entry < $1.entry })
    where function.isTrapHandler && names[function.entry] == nil {
      order.append(function.entry)
      names[function.entry] = "trap handler"
    }
    // Many vectors lead to one handler for what nobody expects.
    return order.map { (Self.short(names[$0] ?? ""), $0) }
  }

  private static func short(_ names: String) -> String {
    let parts = names.split(separator: ",")
    return parts.count > 3 ? "\(parts[0]) and \(parts.count - 1) more" : names
  }

  private func words(_ bytes: Int, isKnown: Bool) -> String {
    (isKnown ? "" : ">= ") + "\(Quantity.grouped(bytes)) bytes"
  }

  private static func place(_ offset: Int) -> String {
    offset < 0 ? "cfa\(offset)" : "cfa+\(offset)"
  }

  // MARK: JSON

  func json(_ path: String) -> String {
    var json = JSONWriter(pretty: true)
    json.object {
      $0.add("image", path)
      $0.array("frames") { for frame in table.frames { $0.object { add(frame, to: &$0) } } }
      $0.array("worstCase") {
        for (name, entry) in entries {
          guard let bound = bounds[entry] else { continue }
          $0.object {
            $0.add("root", name)
            $0.add("entry", hex: entry)
            $0.add("bytes", bound.bytes)
            $0.add("isBounded", bound.unknown.isEmpty)
            $0.array("path") { for entry in bound.path { $0.add(nil, program.name(entry)) } }
            $0.array("unknown") { for reason in bound.unknown { $0.add(nil, reason) } }
          }
        }
      }
      if let exceptions {
        $0.object("exceptions") {
          $0.add("frameSize", exceptions.frameSize)
          $0.add("bytes", exceptions.bytes { priorities[$0.name] ?? 0 })
          $0.add("nestedBytes", exceptions.bytes { _ in nil })
          $0.add("isBounded", exceptions.unknown.isEmpty)
        }
      }
    }
    return json.text
  }

  private func add(_ frame: Frame, to json: inout JSONWriter) {
    json.add("function", frame.name)
    json.add("entry", hex: frame.entry)
    json.object("frame") {
      $0.add("sp", frame.size.map { $0 == 0 ? "cfa" : "cfa-\($0)" })
      $0.add("ip", frame.returnAddress)
      $0.add("frame_size", frame.size.map(UInt64.init))
    }
    json.add("cfa", frame.cfa)
    json.object("saved") { for (name, offset) in frame.saved { $0.add(name, offset) } }
    json.add("source", frame.source.rawValue)
    json.array("problems") { for problem in frame.problems { $0.add(nil, problem) } }
  }
}
