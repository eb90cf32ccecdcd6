import Emu

/// Events as lines of text, one an event; but what a UART sends or takes is one line a line of its text, at the time of its
/// first byte.
public struct EventText {
  /// The function at an address, for those who have debug information at hand.
  public var symbol: (UInt64) -> String? = { _ in nil }
  private let names: EventNames
  private let kinds: TraceKinds
  private var pending: Pending?
  private var output: [UInt8] = []

  private struct Pending {
    var first: Event
    var bytes: [UInt8] = []
  }

  public init(_ names: EventNames, _ kinds: TraceKinds) {
    self.names = names
    self.kinds = kinds
  }

  /// - Parameter findings: the machine's, as far as events name them.
  public mutating func add(_ event: Event, findings: [Finding] = []) {
    if event.isText {
      guard kinds.contains(.uart) else { return }
      if let first = pending?.first, first.rawKind != event.rawKind || first.source != event.source
      {
        flush()
      }
      if pending == nil { pending = Pending(first: event) }
      pending?.bytes.append(UInt8(truncatingIfNeeded: event.value))
      if event.value == 10 { flush() }
      return
    }
    guard let (kind, words) = describe(event, findings) else { return }
    flush()
    let isOneOfMany = names.board.harts > 1 && event.source == Event.core
    line(event, kind, (isOneOfMany ? "hart \(event.hart): " : "") + words)
  }

  /// What is still held back: half a line of a UART.
  public mutating func flush() {
    guard let pending else { return }
    self.pending = nil
    let who =
      pending.first.kind == .console
      ? names.consoleSource(pending.first) : names.source(pending.first)
    let verb = pending.first.kind == .uartInput ? "takes" : "sends"
    line(pending.first, "uart", "\(who) \(verb) \(Self.quoted(pending.bytes))")
  }

  /// The lines so far, each with its newline, and forgets them.
  public mutating func take() -> [UInt8] {
    defer { output.removeAll(keepingCapacity: true) }
    return output
  }

  private mutating func line(_ event: Event, _ kind: String, _ words: String) {
    let time = Self.seconds(names.board.clock.nanoseconds(at: event.tick))
    output.append(
      contentsOf: "\(pad(time, 16)) s \(pad(String(event.index), 12))  \(kind) \(words)\n".utf8)
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }

  static func seconds(_ nanoseconds: UInt64) -> String {
    let part = String(nanoseconds % 1_000_000_000)
    return "\(nanoseconds / 1_000_000_000)."
      + String(repeating: "0", count: 9 - part.count) + part
  }

  /// The kind's word, padded, and the sentence; nil: not asked for.
  private func describe(
    _ event: Event, _ findings: [Finding]
  ) -> (kind: String, words: String)? {
    switch event.kind {
    case .pin:
      if kinds.contains(.led), let led = names.led(event) {
        return ("led ", "\(led.name) \((event.value != 0) == led.activeHigh ? "on" : "off")")
      }
      guard kinds.contains(.gpio) else { return nil }
      let level = event.value == 0 ? "low" : "high"
      return ("gpio", "\(names.source(event)) pin \(event.detail) \(level)")
    case .mmioRead, .mmioWrite:
      guard kinds.contains(.mmio) else { return nil }
      let register = names.register(event) ?? Self.hex(UInt64(event.accessOffset))
      let arrow = event.kind == .mmioRead ? "->" : "<-"
      return (
        "mmio",
        "\(names.source(event)).\(register) \(arrow) "
          + Self.hex(event.value, bytes: event.accessWidth)
      )
    case .notModelled:
      guard kinds.contains(.mmio) else { return nil }
      let number = Int(event.detail)
      let name = number < findings.count ? findings[number].name : "finding \(number)"
      let kind = number < findings.count ? findings[number].kind : .notModelled
      return ("mmio", "\(names.source(event)): \(kind.rawValue): \(name)")
    case .interrupt:
      guard kinds.contains(.irq) else { return nil }
      return ("irq ", "\(names.interrupt(event)) at \(place(event.value))")
    case .interruptReturn:
      guard kinds.contains(.irq) else { return nil }
      let name = names.interrupt(event)
      let isChained = event.value >> 28 == 0xF
      let target = isChained ? "by EXC_RETURN \(Self.hex(event.value))" : "to \(place(event.value))"
      return ("irq ", "return from \(name) \(target)")
    case .trap:
      guard kinds.contains(.trap) else { return nil }
      return ("trap", "\(names.trap(event)) at \(place(event.value))")
    case .sbi:
      guard kinds.contains(.sbi) else { return nil }
      return ("sbi ", "\(names.sbi(event))(\(Self.hex(event.value & 0xFFFF_FFFF)))")
    case .reset: return ("run ", "guest reset, asked for by \(names.source(event))")
    case .stop:
      return ("run ", "end: \(names.stopReason(event)), code \(event.value)")
    case .sleep, .wake, .uart, .uartInput, .console, .itm: return nil
    }
  }

  private func place(_ pc: UInt64) -> String {
    Self.hex(pc) + (symbol(pc).map { " in \($0)" } ?? "")
  }

  private static func hex(_ value: UInt64, bytes: Int = 0) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, 2 * bytes - digits.count)) + digits
  }

  /// In quotes, with everything that is not printable written out.
  static func quoted(_ bytes: [UInt8]) -> String {
    var text = "\""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      text += scalar == "'" ? "'" : scalar.escaped(asASCII: false)
    }
    return text + "\""
  }
}

extension Event {
  /// A byte of console or UART text.
  var isText: Bool { kind == .uart || kind == .uartInput || kind == .console }
}
