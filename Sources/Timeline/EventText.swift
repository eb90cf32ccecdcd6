import Emu

/// Events as lines of text, one an event; but what a UART sends or takes is one line a line of its text, at the time of its
/// first byte.
public struct EventText {
  /// The function at an address, for those who have debug information at hand.
  public var symbol: (UInt64) -> String? = { _ in nil }
  private let names: EventNames
  private let kinds: TraceKinds
  private var clock: Clock
  private var pending: Pending?
  private var output: [UInt8] = []
  /// The middles of lines of accesses; a place is taken by whatever came last.
  private var accesses: [(key: UInt64, words: [UInt8])] = Array(repeating: (0, []), count: 256)

  private struct Pending {
    var first: Event
    var bytes: [UInt8] = []
  }

  /// - Parameter clock: where not all events come by, the machine's; nil: the board's, and then as the events say.
  public init(_ names: EventNames, _ kinds: TraceKinds, clock: Clock? = nil) {
    self.names = names
    self.kinds = kinds
    self.clock = clock ?? names.board.clock
  }

  /// - Parameter findings: the machine's, as far as events name them.
  public mutating func add(_ event: Event, findings: [Finding] = []) {
    clock.follow(event)
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
    if event.kind == .mmioRead || event.kind == .mmioWrite { return addAccess(event) }
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

  /// What was written so far, whole lines, and forgets it.
  public mutating func take() -> [UInt8] {
    defer { output = [] }
    return output
  }

  /// The same for whoever writes millions: its room stays.
  public mutating func drain<E: Error>(_ body: ([UInt8]) throws(E) -> Void) throws(E) {
    try output.drain(body)
  }

  private mutating func line(_ event: Event, _ kind: String, _ words: String) {
    addTimes(event)
    output.append(contentsOf: "  \(kind) \(words)\n".utf8)
  }

  private mutating func addTimes(_ event: Event) {
    let nanoseconds = clock.nanoseconds(at: event.tick)
    output.append(room: 64) { Self.put(nanoseconds, event.index, &$0) }
  }

  private static func put(_ nanoseconds: UInt64, _ index: UInt64, _ line: inout Scratch) {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    line.put(decimal: seconds, width: 6)
    line.put(".")
    line.put(decimals: rest, count: 9)
    line.put(" s ")
    line.put(decimal: index, width: 12)
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
    case .notModelled:
      guard kinds.contains(.mmio) else { return nil }
      let number = Int(event.detail)
      let name = number < findings.count ? findings[number].name : "finding \(number)"
      let kind = number < findings.count ? findings[number].kind : .notModelled
      let device = number < findings.count ? findings[number].device : names.source(event)
      return ("mmio", "\(device): \(kind.rawValue): \(name)")
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
    case .clock: return ("run ", "core clock \(Self.hertz(event))")
    case .input:
      let what = ["is driven low", "is driven high", "is let go"][Int(min(event.value, 2))]
      return ("run ", "input \(event.detail) of \(names.source(event)) \(what)")
    case .reset: return ("run ", "guest reset, asked for by \(names.resetSource(event))")
    case .stop:
      return ("run ", "end: \(names.stopReason(event)), code \(event.value)")
    case .sleep, .wake, .uart, .uartInput, .console, .itm, .mmioRead, .mmioWrite: return nil
    }
  }

  /// Of these there may be millions, of few registers.
  private mutating func addAccess(_ event: Event) {
    guard kinds.contains(.mmio) else { return }
    if pending != nil { flush() }
    let key = UInt64(event.rawKind) << 48 | UInt64(event.source) << 32 | UInt64(event.detail)
    let place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 56)
    if accesses[place].key != key {
      let arrow = event.kind == .mmioRead ? "->" : "<-"
      accesses[place] = (key, Array("  mmio \(names.access(event)) \(arrow) 0x".utf8))
    }
    let words = accesses[place].words
    let nanoseconds = clock.nanoseconds(at: event.tick)
    output.append(room: 64 + words.count + 16) { line in
      Self.put(nanoseconds, event.index, &line)
      words.withUnsafeBufferPointer { line.put($0) }
      line.put(hex: event.value, digits: 2 * event.accessWidth)
    }
    if let (register, address) = names.known(event) {
      let fields = register.fields(in: event.value, at: address)
      if !fields.isEmpty {
        let words = fields.map { "\($0.name)=\(Self.hex($0.value))" }.joined(separator: " ")
        output.append(contentsOf: " {\(words)}".utf8)
      }
    }
    output.append("\n")
  }

  private static func hertz(_ event: Event) -> String {
    Quantity.hertz(Double(event.value) / Double(max(1, event.detail)))
  }

  private func place(_ pc: UInt64) -> String {
    Self.hex(pc) + (symbol(pc).map { " in \($0)" } ?? "")
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// In quotes, with everything that is not printable written out.
  public static func quoted(_ bytes: [UInt8]) -> String {
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
