import Emu

/// Events as JSON Lines: a first line that says what the numbers mean (format, board, clock, devices in slot order), then one
/// line an event, from which the event can be had back exactly, and a last one with what a digest needs beside events.
public struct EventLines: Sendable {
  private let fields: EventFields
  private var clock: Clock
  /// The value is the last thing that their lines say, and one of many.
  private let endingInValue = Event.Mask(
    .mmioRead, .mmioWrite, .interrupt, .interruptReturn, .trap
  ).rawValue
  private let clocks = Event.Mask(.clock).rawValue
  private var bytes: [UInt8] = []
  /// What lines have after their times, by what makes them differ. A place is taken by whatever came last.
  private var endings: [Ending?] = Array(repeating: nil, count: 256)
  /// Their bytes.
  private var texts = [UInt8](repeating: 0, count: 256 * Ending.room)

  fileprivate struct Ending: Sendable {
    static let room = 256
    var event: Event
    var count: Int
    /// The value follows, in hexadecimal, and three more characters.
    var endsInValue: Bool
  }

  /// - Parameter quantum: of the machine, `MachineOptions.quantum`.
  public init(_ names: EventNames, _ kinds: TraceKinds, quantum: UInt64) {
    fields = EventFields(names: names, kinds: kinds)
    let board = names.board
    clock = board.clock
    var json = JSONWriter()
    json.object {
      $0.add("format", "emurun-trace")
      $0.add("version", 2)
      $0.add("board", board.name)
      $0.add("boardRevision", board.revision)
      $0.add("hertz", board.clock.hertz)
      $0.add("harts", board.harts)
      $0.add("quantum", quantum)
      $0.array("kinds") {
        for (name, kind) in TraceKinds.names where kinds.contains(kind) { $0.add(nil, name) }
      }
      $0.array("devices") { for device in board.devices { $0.add(nil, device.name) } }
      $0.array("leds") {
        for led in board.leds {
          $0.object {
            $0.add("name", led.name)
            $0.add("colour", led.colour.rawValue)
            if let part = led.part { $0.add("part", part) }
          }
        }
      }
    }
    json.endLine()
    bytes = json.take()
  }

  /// - Parameter findings: the machine's, as far as events name them.
  public mutating func add(_ event: Event, findings: [Finding] = []) {
    let bit: UInt32 = 1 << UInt32(event.rawKind)
    let endsInValue = endingInValue & bit != 0
    if clocks & bit != 0 { clock.follow(event) }
    let place = Int(truncatingIfNeeded: event.place(endsInValue))
    if let known = endings[place], known.isEnding(of: event) {
      if known.count > 0 { addLine(event, known, texts, from: place * Ending.room) }
      return
    }
    guard let kind = fields.kind(event) else {
      endings[place] = Ending(event: event, count: 0, endsInValue: false)
      return
    }
    var json = JSONWriter()
    json.object {
      $0.add("hart", event.hart)
      $0.add("source", fields.names.source(event))
      $0.add("kind", kind)
      fields.add(event, findings, to: &$0)
    }
    // Behind other members, and the last one to come.
    var text = [UInt8(ascii: ",")] + json.take().dropFirst()
    if endsInValue {
      text.removeLast(2)
      text.removeLast(String(event.value, radix: 16).utf8.count)
    } else {
      text.append(UInt8(ascii: "\n"))
    }
    let ending = Ending(event: event, count: text.count, endsInValue: endsInValue)
    addLine(event, ending, text, from: 0)
    // A finding's name can be had only with the findings.
    if event.kind == .notModelled || text.count > Ending.room { return }
    texts.replaceSubrange(place * Ending.room..<place * Ending.room + text.count, with: text)
    endings[place] = ending
  }

  private mutating func addLine(_ event: Event, _ ending: Ending, _ text: [UInt8], from: Int) {
    let nanoseconds = clock.nanoseconds(at: event.tick)
    bytes.append(room: 112 + ending.count) { line in
      line.put(#"{"ns":"#)
      line.put(decimal: nanoseconds)
      line.put(#","tick":"#)
      line.put(decimal: event.tick)
      line.put(#","index":"#)
      line.put(decimal: event.index)
      text.withUnsafeBufferPointer {
        line.put(UnsafeBufferPointer(rebasing: $0[from..<from + ending.count]))
      }
      if ending.endsInValue {
        line.put(hex: event.value)
        line.put("\"}\n")
      }
    }
  }

  /// The last line: where the machine is, and what its digest is made of beside events.
  public mutating func end(_ machine: Machine) {
    var json = JSONWriter()
    json.object {
      $0.add("ns", machine.nanoseconds)
      $0.add("tick", machine.now)
      $0.add("index", machine.index)
      $0.add("kind", "end")
      $0.add("retired", machine.retired)
      $0.object("traps") { $0.add(machine.traps) }
      $0.add("flow", hex: machine.flow)
      $0.add("traceDigest", machine.traceDigest)
    }
    json.endLine()
    bytes += json.take()
  }

  /// What was written so far, whole lines, and forgets it.
  public mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// The same for whoever writes millions: its room stays.
  public mutating func drain<E: Error>(_ body: ([UInt8]) throws(E) -> Void) throws(E) {
    try bytes.drain(body)
  }
}

extension JSONWriter {
  public mutating func add(_ traps: TrapCounts) {
    add("ecall", traps.ecall)
    add("ebreak", traps.ebreak)
    add("svc", traps.svc)
    add("interrupts", traps.interrupts)
    add("faults", traps.faults)
  }
}

extension Event {
  /// Where to look for its line's ending.
  @inline(__always) fileprivate func place(_ endsInValue: Bool) -> UInt8 {
    var word = UInt64(detail) << 32 | UInt64(source) << 16 | UInt64(rawKind) << 8 | UInt64(hart)
    if !endsInValue { word ^= value &* 0x9E37_79B9_7F4A_7C15 }
    return UInt8(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 56)
  }
}

extension EventLines.Ending {
  @inline(__always) fileprivate func isEnding(of other: Event) -> Bool {
    event.rawKind == other.rawKind && event.source == other.source && event.detail == other.detail
      && event.hart == other.hart && (endsInValue || event.value == other.value)
  }
}

/// What each kind of event has of its own.
private struct EventFields: Sendable {
  let names: EventNames
  let kinds: TraceKinds

  /// How the event is called; nil: not asked for.
  func kind(_ event: Event) -> String? {
    switch event.kind {
    case .pin:
      if kinds.contains(.led) && names.led(event) != nil { return "led" }
      return kinds.contains(.gpio) ? "gpio" : nil
    case .uart: return kinds.contains(.uart) ? "uart" : nil
    case .uartInput: return kinds.contains(.uart) ? "uart-input" : nil
    case .console: return kinds.contains(.uart) ? "console" : nil
    case .mmioRead: return kinds.contains(.mmio) ? "read" : nil
    case .mmioWrite: return kinds.contains(.mmio) ? "write" : nil
    case .notModelled: return kinds.contains(.mmio) ? "not-modelled" : nil
    case .interrupt: return kinds.contains(.irq) ? "irq" : nil
    case .interruptReturn: return kinds.contains(.irq) ? "irq-return" : nil
    case .trap: return kinds.contains(.trap) ? "trap" : nil
    case .sbi: return kinds.contains(.sbi) ? "sbi" : nil
    case .reset: return "reset"
    case .clock: return "clock"
    case .input: return "input"
    case .stop: return "stop"
    case .sleep, .wake, .itm: return nil
    }
  }

  func add(_ event: Event, _ findings: [Finding], to json: inout JSONWriter) {
    switch event.kind {
    case .pin:
      json.add("pin", event.detail)
      json.add("level", event.value)
      if kinds.contains(.led), let led = names.led(event) {
        json.add("led", led.name)
        json.add("on", (event.value != 0) == led.activeHigh)
      }
    case .uart, .uartInput: json.add("byte", event.value)
    case .console:
      json.add("by", names.consoleSource(event))
      json.add("byte", event.value)
    case .mmioRead, .mmioWrite:
      if let (register, address) = names.known(event) {
        json.add("register", "\(register.peripheral).\(register.name)")
        json.object("fields") {
          for field in register.fields(in: event.value, at: address) {
            $0.add(field.name, hex: field.value)
          }
        }
      } else {
        json.add("register", names.register(event))
      }
      json.add("offset", event.accessOffset)
      json.add("width", event.accessWidth)
      json.add("value", hex: event.value)
    case .notModelled:
      let number = Int(event.detail)
      json.add("finding", number)
      json.add("name", number < findings.count ? findings[number].name : nil as String?)
      json.add("value", hex: event.value)
    case .interrupt, .interruptReturn:
      json.add("number", event.detail)
      json.add("name", names.interrupt(event))
      json.add("pc", hex: event.value)
    case .trap:
      json.add("cause", event.detail)
      json.add("name", names.trap(event))
      json.add("pc", hex: event.value)
    case .sbi:
      json.add("extension", hex: UInt64(event.detail))
      json.add("function", event.value >> 32)
      json.add("name", names.sbi(event))
      json.add("argument", hex: event.value & 0xFFFF_FFFF)
    case .clock:
      json.add("numerator", event.value)
      json.add("denominator", event.detail)
    case .input:
      json.add("pin", event.detail)
      json.add("level", event.value)
    case .reset: json.add("by", names.resetSource(event))
    case .stop:
      json.add("reason", names.stopReason(event))
      json.add("code", event.value)
    case .sleep, .wake, .itm: break
    }
  }
}
