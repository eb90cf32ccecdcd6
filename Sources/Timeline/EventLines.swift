import Emu

/// Events as JSON Lines: a first line that says what the numbers mean (format, board, clock, devices in slot order), then one
/// line an event, from which the event can be had back exactly.
public struct EventLines: Sendable {
  private let fields: EventFields
  private var json = JSONWriter()

  public init(_ names: EventNames, _ kinds: TraceKinds) {
    fields = EventFields(names: names, kinds: kinds)
    let board = names.board
    json.object {
      $0.add("format", "emurun-trace")
      $0.add("version", 1)
      $0.add("board", board.name)
      $0.add("boardRevision", board.revision)
      $0.add("hertz", board.clock.hertz)
      $0.array("devices") { for device in board.devices { $0.add(nil, device.name) } }
      $0.array("leds") { for led in board.leds { $0.add(nil, led.name) } }
    }
    json.endLine()
  }

  /// - Parameter findings: the machine's, as far as events name them.
  public mutating func add(_ event: Event, findings: [Finding] = []) {
    guard let kind = fields.kind(event) else { return }
    let fields = fields
    json.object {
      $0.add("ns", fields.names.board.clock.nanoseconds(at: event.tick))
      $0.add("tick", event.tick)
      $0.add("index", event.index)
      $0.add("hart", event.hart)
      $0.add("source", fields.names.source(event))
      $0.add("kind", kind)
      fields.add(event, findings, to: &$0)
    }
    json.endLine()
  }

  /// The lines so far, each with its newline, and forgets them.
  public mutating func take() -> [UInt8] { json.take() }
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
      json.add("register", names.register(event))
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
    case .reset: break
    case .stop:
      json.add("reason", names.stopReason(event))
      json.add("code", event.value)
    case .sleep, .wake, .itm: break
    }
  }
}
