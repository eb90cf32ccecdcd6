import Emu
import Timeline

/// The run as one JSON object: keys, their order and their units are a promise to scripts (docs/cli.md).
enum Report {
  static func json(
    _ plan: RunPlan, _ machine: Machine, _ outputs: RunOutputs, _ findings: FindingReport,
    hostSeconds: Double
  ) -> String {
    let board = machine.board
    let waves = outputs.waves
    var json = JSONWriter(pretty: true)
    json.object {
      $0.object("image") { add(plan.image, to: &$0) }
      $0.add("board", board.name)
      $0.add("boardRevision", board.revision)
      $0.object("stop") { add(machine.stop, to: &$0) }
      $0.add("instructions", machine.retired)
      $0.add("index", machine.index)
      $0.add("virtualNanoseconds", machine.nanoseconds)
      $0.add("traceDigest", machine.traceDigest)
      $0.add("stateDigest", machine.stateDigest)
      $0.array("leds") {
        for (led, wave) in zip(board.leds, waves.leds) {
          $0.object { add(wave, waves.clock, led.milliamperes, to: &$0) }
        }
      }
      $0.array("uart") {
        $0.object {
          add("console", machine.console.bytes, to: &$0)
          let dropped = machine.console.forgotten
          if dropped > 0 { $0.add("droppedBytes", dropped) }
        }
        for (name, bytes) in otherUARTs(board, outputs) { $0.object { add(name, bytes, to: &$0) } }
      }
      $0.object("traps") { $0.add(machine.traps) }
      $0.array("memory") {
        for region in board.regions {
          $0.object {
            $0.add("region", region.name)
            $0.add("highWaterBytes", machine.memory.highWaterBytes(of: region))
          }
        }
      }
      // Microseconds: what is finer is noise.
      $0.add("hostSeconds", (hostSeconds * 1e6).rounded() / 1e6)
      $0.array("findings") { findings.add(to: &$0) }
    }
    return json.text
  }

  private static func add(_ image: Image, to json: inout JSONWriter) {
    json.add("path", image.path)
    json.add("format", image.format.rawValue)
    json.add("sha256", image.sha256)
    if let entry = image.entry {
      json.add("entry", hex: entry)
    } else {
      json.add("entry", nil as String?)
    }
    json.add("buildID", image.buildID)
  }

  private static func add(_ stop: Stop?, to json: inout JSONWriter) {
    guard let stop else { return }
    json.add("reason", stop.reason.rawValue)
    json.add("code", stop.code)
    json.add("hart", stop.hart)
    json.add("pc", hex: stop.pc)
    json.add("detail", stop.detail)
  }

  private static func add(
    _ wave: Waveform, _ clock: Clock, _ milliamperes: Double?, to json: inout JSONWriter
  ) {
    let figures = wave.figures
    json.add("name", wave.name)
    json.add("edges", figures.edges)
    json.add("onNanoseconds", clock.nanoseconds(at: figures.onTicks))
    json.add("frequencyHz", figures.frequency(clock))
    json.add("dutyCycle", figures.dutyCycle)
    json.add("jitterNanoseconds", figures.jitter.map(clock.nanoseconds))
    json.add("longestOnNanoseconds", clock.nanoseconds(at: figures.longestOn))
    json.add("longestOffNanoseconds", clock.nanoseconds(at: figures.longestOff))
    json.add(
      "chargeMillicoulombs", milliamperes.map { figures.charge(milliamperes: $0, clock) })
  }

  private static func add(_ name: String, _ bytes: [UInt8], to json: inout JSONWriter) {
    json.add("name", name)
    json.add("text", String(decoding: bytes, as: UTF8.self))
    if String(validating: bytes, as: UTF8.self) == nil { json.add("base64", base64: bytes) }
  }

  /// What devices sent that are UARTs but not the console's.
  private static func otherUARTs(
    _ board: Board, _ outputs: RunOutputs
  ) -> [(name: String, bytes: [UInt8])] {
    let slots = board.devices.indices.filter {
      board.devices[$0].name.hasPrefix("uart") && board.devices[$0].name != board.console
    }
    return slots.map { (board.devices[$0].name, outputs.texts[UInt16($0)] ?? []) }
  }
}
