import Emu

/// The run as one JSON object: keys, their order and their units are a promise to scripts (docs/cli.md).
public struct RunReport {
  private let machine: Machine
  private let waves: Waveforms
  /// What devices sent that are UARTs but not the console's, by slot.
  private let texts: [UInt16: [UInt8]]
  private let findings: FindingReport

  /// Folded by whoever saw all of a long run.
  ///
  /// - Parameter findings: nil: with the names and places that the machine's image knows.
  public init(
    _ machine: Machine, waves: Waveforms, texts: [UInt16: [UInt8]], findings: FindingReport? = nil
  ) {
    self.findings = findings ?? FindingReport(machine, debug: [DebugInfo(machine.image)])
    self.machine = machine
    self.waves = waves
    self.texts = texts
  }

  /// As far as the machine keeps its events.
  public init(_ machine: Machine) {
    var texts: [UInt16: [UInt8]] = [:]
    for event in machine.trace where event.kind == .uart {
      texts[event.source, default: []].append(UInt8(truncatingIfNeeded: event.value))
    }
    self.init(
      machine,
      waves: Waveforms(machine.board, machine.trace, end: machine.now, clock: machine.clock),
      texts: texts)
  }

  /// - Parameters:
  ///   - hostSeconds: nil where the report is to be the same each time.
  ///   - more: what else there is to say of the run, behind the rest.
  public func json(
    hostSeconds: Double?, _ more: (inout JSONWriter) -> Void = { _ in }
  ) -> String {
    let board = machine.board
    var json = JSONWriter(pretty: true)
    json.object {
      $0.object("image") { Self.add(machine.image, to: &$0) }
      $0.add("board", board.name)
      $0.add("boardRevision", board.revision)
      $0.object("stop") { Self.add(machine.stop, to: &$0) }
      $0.add("instructions", machine.retired)
      $0.add("index", machine.index)
      $0.add("virtualNanoseconds", machine.nanoseconds)
      $0.add("traceDigest", machine.traceDigest)
      $0.add("stateDigest", machine.stateDigest)
      $0.array("leds") {
        for (led, wave) in zip(board.leds, waves.leds) {
          $0.object { Self.add(wave, waves.clock, led.milliamperes, to: &$0) }
        }
      }
      $0.array("uart") {
        $0.object {
          Self.add("console", machine.console.bytes, to: &$0)
          let dropped = machine.console.forgotten
          if dropped > 0 { $0.add("droppedBytes", dropped) }
        }
        for (name, bytes) in otherUARTs(board) { $0.object { Self.add(name, bytes, to: &$0) } }
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
      $0.add("hostSeconds", hostSeconds.map { ($0 * 1e6).rounded() / 1e6 })
      $0.array("findings") { findings.add(to: &$0) }
      more(&$0)
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

  private func otherUARTs(_ board: Board) -> [(name: String, bytes: [UInt8])] {
    let slots = board.devices.indices.filter {
      board.devices[$0].name.hasPrefix("uart") && board.devices[$0].name != board.console
    }
    return slots.map { (board.devices[$0].name, texts[UInt16($0)] ?? []) }
  }
}
