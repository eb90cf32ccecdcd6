import Emu
import Timeline

/// The run as one JSON object: keys, their order and their units are a promise to scripts (docs/cli.md).
enum Report {
  static func json(_ plan: RunPlan, _ machine: Machine, hostSeconds: Double) -> String {
    let board = machine.board
    let trace = machine.trace
    let waves = Waveforms(board, trace, end: machine.now)
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
        for wave in waves.leds { $0.object { add(wave, board.clock, to: &$0) } }
      }
      $0.array("uart") {
        $0.object { add("console", machine.console.bytes, to: &$0) }
        for (name, bytes) in otherUARTs(board, trace) { $0.object { add(name, bytes, to: &$0) } }
      }
      $0.object("traps") { add(machine.traps, to: &$0) }
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

  private static func add(_ wave: Waveform, _ clock: Clock, to json: inout JSONWriter) {
    json.add("name", wave.name)
    json.add("edges", wave.edges.count)
    json.add("onNanoseconds", clock.nanoseconds(at: wave.onTicks))
    json.add("frequencyHz", wave.frequency(clock))
    json.add("dutyCycle", wave.dutyCycle)
  }

  private static func add(_ name: String, _ bytes: [UInt8], to json: inout JSONWriter) {
    json.add("name", name)
    json.add("text", String(decoding: bytes, as: UTF8.self))
    if String(validating: bytes, as: UTF8.self) == nil { json.add("base64", Base64.encode(bytes)) }
  }

  private static func add(_ traps: TrapCounts, to json: inout JSONWriter) {
    json.add("ecall", traps.ecall)
    json.add("ebreak", traps.ebreak)
    json.add("svc", traps.svc)
    json.add("interrupts", traps.interrupts)
    json.add("faults", traps.faults)
  }

  /// What devices sent that are UARTs but not the console's.
  private static func otherUARTs(_ board: Board, _ trace: Trace) -> [(name: String, bytes: [UInt8])]
  {
    let slots = board.devices.indices.filter {
      board.devices[$0].name.hasPrefix("uart") && board.devices[$0].name != board.console
    }
    return slots.map { slot in
      let bytes = trace.lazy.filter { $0.kind == .uart && Int($0.source) == slot }
      return (board.devices[slot].name, bytes.map { UInt8(truncatingIfNeeded: $0.value) })
    }
  }
}

/// RFC 4648, with padding.
enum Base64 {
  static func encode(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for place in 0..<3 {
        bits = bits << 8 | (place < group.count ? UInt32(group[start + place]) : 0)
      }
      for place in 0..<4 {
        let digit = alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63]
        text.append(place <= group.count ? digit : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
