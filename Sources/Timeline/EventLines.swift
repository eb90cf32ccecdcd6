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
  private var bytes: [UInt8] = []
  /// What lines have after their times, by what makes them differ. A place is taken by whatever came last.
  private var endings = Array(repeating: Ending.none, count: 256)
  /// Their bytes.
  private var texts = [UInt8](repeating: 0, count: 256 * Ending.room)

  fileprivate struct Ending: Sendable {
    static let room = 256
    static let none = Ending(what: .max, value: 0, count: 0)
    /// `Event.what`, and `Event.value` where it does not follow.
    var what: UInt64
    var value: UInt64
    var count: Int
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
  public mutating func add(_ events: UnsafeBufferPointer<Event>, findings: [Finding] = []) {
    var number = 0
    while number < events.count {
      number += addKnown(UnsafeBufferPointer(rebasing: events[number...]))
      if number < events.count { addNew(events[number], findings) }
      number += 1
    }
  }

  /// As many as have the ending of one that came before. Of these there may be millions: they are looked at where they lie.
  private mutating func addKnown(_ events: UnsafeBufferPointer<Event>) -> Int {
    let (clock, endings, endingInValue) = (clock, endings, endingInValue)
    var number = 0
    texts.withUnsafeBufferPointer { texts in
      bytes.append(room: events.count * (112 + Ending.room)) { line in
        while number < events.count {
          let what = events[number].what
          let value = events[number].value
          let endsInValue = endingInValue >> UInt32(what >> 16 & 0xFF) & 1 == 1
          let place = Event.place(what, endsInValue ? 0 : value)
          let ending = endings[place]
          if ending.what != what || !endsInValue && ending.value != value { return }
          if ending.count > 0 {
            line.put(timesOf: events[number], clock)
            let start = place * Ending.room
            line.put(UnsafeBufferPointer(rebasing: texts[start..<start + ending.count]))
            if endsInValue {
              line.put(hex: value)
              line.put("\"}\n")
            }
          }
          number += 1
        }
      }
    }
    return number
  }

  private mutating func addNew(_ event: Event, _ findings: [Finding]) {
    clock.follow(event)
    let endsInValue = endingInValue >> UInt32(event.rawKind) & 1 == 1
    let place = Event.place(event.what, endsInValue ? 0 : event.value)
    guard let kind = fields.kind(event) else {
      endings[place] = Ending(what: event.what, value: event.value, count: 0)
      return
    }
    var json = JSONWriter()
    json.object {
      $0.add("hart", event.hart)
      $0.add("source", fields.names.source(event))
      $0.add("kind", kind)
      fields.add(event, findings, to: &$0)
    }
    // Behind other members.
    var text = [UInt8(ascii: ",")] + json.take().dropFirst() + [UInt8(ascii: "\n")]
    bytes.append(room: 112) { $0.put(timesOf: event, clock) }
    bytes += text
    if !fields.keeps(event) { return }
    if endsInValue { text.removeLast(3 + String(event.value, radix: 16).utf8.count) }
    if text.count > Ending.room { return }
    texts.replaceSubrange(place * Ending.room..<place * Ending.room + text.count, with: text)
    endings[place] = Ending(what: event.what, value: event.value, count: text.count)
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
  /// All but when and the value, in one word.
  @inline(__always) fileprivate var what: UInt64 {
    UInt64(detail) << 32 | UInt64(hart) << 24 | UInt64(rawKind) << 16 | UInt64(source)
  }

  /// Where to look for its line's ending.
  @inline(__always) fileprivate static func place(_ what: UInt64, _ value: UInt64) -> Int {
    Int(((what ^ value &* 0x9E37_79B9_7F4A_7C15) &* 0x9E37_79B9_7F4A_7C15) >> 56)
  }
}

extension Scratch {
  @inline(__always) fileprivate mutating func put(timesOf event: Event, _ clock: Clock) {
    put(#"{"ns":"#)
    put(decimal: clock.nanoseconds(at: event.tick))
    put(#","tick":"#)
    put(decimal: event.tick)
    put(#","index":"#)
    put(decimal: event.index)
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

  /// Says the line of one like it the same? The clock is to follow each of its events, a finding's name can be had only with
  /// the findings, and fields are made of values.
  func keeps(_ event: Event) -> Bool {
    switch event.kind {
    case .clock, .notModelled: false
    case .mmioRead, .mmioWrite: names.known(event) == nil
    default: true
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
