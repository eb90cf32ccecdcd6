import Emu
import Timeline

/// What a person is told of a run, before and after.
struct Words {
  let plan: RunPlan
  let style: TextStyle

  /// "m4-led (Cortex-M4F, 16 MHz), raw image, 2 312 bytes".
  var opening: String {
    let board = plan.board
    let cores = board.harts == 1 ? board.coreWords : "\(board.harts) harts of \(board.coreWords)"
    let firmware = plan.options.firmware.map { "firmware \($0.image.path), " } ?? ""
    return "\(board.name) (\(cores), \(clock)), \(firmware)\(format), \(content)"
      + (plan.choice.others.isEmpty
        ? "" : "; would also fit \(plan.choice.others.joined(separator: ", ")) (--board)")
  }

  private var clock: String {
    let hertz = plan.board.clock.hertz
    for (unit, name) in [(1_000_000_000 as UInt64, "GHz"), (1_000_000, "MHz"), (1000, "kHz")]
    where hertz >= unit {
      return hertz % unit == 0
        ? "\(hertz / unit) \(name)"
        : "\(Quantity.fixed(Double(hertz) / Double(unit), decimals: 3)) \(name)"
    }
    return "\(hertz) Hz"
  }

  private var format: String {
    switch plan.image.format {
    case .elf: "ELF image"
    case .raw: "raw image"
    case .ihex: "Intel HEX image"
    case .srec: "SREC image"
    case .uf2: "UF2 image"
    }
  }

  private var content: String {
    let segments = plan.image.segments
    let bytes = segments.reduce(0) { $0 + $1.bytes.count }
    let place =
      plan.image.needsBase || segments.isEmpty
      ? "" : " at 0x" + String(segments[0].address, radix: 16)
    return "\(Quantity.grouped(bytes)) bytes" + place
  }

  /// The picture and the sentence at the end.
  func closing(_ machine: Machine, _ waves: Waveforms, hostSeconds: Double) -> String {
    let picture = DrawnTimeline.draw(waves.leds, waves.clock, style: style)
    return (picture.isEmpty ? "" : picture + "\n") + sentence(machine)
      + " (\(Quantity.fixed(hostSeconds, decimals: 3)) s host)"
  }

  /// "passed after 5.000 s virtual, 63 039 instructions, asleep 99.99 %"
  func sentence(_ machine: Machine) -> String { "\(reason(machine)) after \(figures(machine))" }

  /// "5.000 s virtual, 63 039 instructions, asleep 99.99 %"
  func figures(_ machine: Machine) -> String {
    let time = Quantity.time(
      picoseconds: machine.clock.picoseconds(at: machine.now), micro: style.micro)
    var text = "\(time) virtual, "
    text += "\(Quantity.grouped(machine.retired)) "
    text += machine.retired == 1 ? "instruction" : "instructions"
    if machine.asleep > 0 {
      text += ", asleep \(Quantity.percent(Double(machine.asleep) / Double(machine.now)))"
    }
    return text
  }

  private func reason(_ machine: Machine) -> String {
    guard let stop = machine.stop else { return "stopped" }
    switch stop.reason {
    case .finisher, .semihosting, .htif, .sbiReset:
      let isClamped = stop.code > ExitCode.largestOfGuest
      let exit = isClamped ? ", exit code \(ExitCode.largestOfGuest)," : ""
      return stop.code == 0 ? "passed" : "failed with code \(stop.code)\(exit)"
    case .reset: return "reset by the guest"
    case .timeLimit, .instructionLimit: return "stopped"
    case .expectText: return "\(quoted(plan.expectedText)) came"
    case .failText: return "\(quoted(plan.failText)) came"
    case .idle: return "asleep for good"
    case .lockup, .trapLoop, .fault: return "died"
    case .interrupted: return "interrupted"
    case .script: return stop.code == 0 ? "the script passed" : "the script failed"
    }
  }

  /// What was asked for and did not happen; nil: nothing, or it happened.
  func unmet(_ machine: Machine) -> String? {
    if let script = plan.script, let stop = machine.stop {
      if stop.reason != .script {
        return "the script \(script.path) did not come to its end"
          + (stop.detail.isEmpty ? "" : ":\n" + stop.detail)
      }
      if stop.code != 0 { return stop.detail }
    }
    guard let text = plan.expectedText, machine.stop?.reason != .expectText else { return nil }
    return "\(quoted(text)) was never printed"
  }

  /// Swift's own checks among the last traps: the firmware need not say a word for that.
  func failedChecks(_ machine: Machine) -> [String] {
    let debug = DebugInfo(plan.image)
    var seen: Set<UInt64> = []
    return machine.recent.compactMap { event in
      guard event.kind == .trap, seen.insert(event.value).inserted,
        let check = debug.runtimeCheck(at: event.value)
      else { return nil }
      let time = Quantity.time(
        picoseconds: machine.clock.picoseconds(at: event.tick), micro: style.micro)
      return "\(check.what) at \(check.file):\(check.line), at \(time)"
    }
  }

  private func quoted(_ text: String?) -> String { "\"\(text ?? "")\"" }
}
