import Emu

/// What pictures of a run are made of: two-valued signals (LEDs, other pins, interrupt handlers), what UARTs sent and took, and
/// what happened at single moments (traps, calls, resets). A fold over events, each with its tick and index.
public struct Recording: Sendable {
  /// A two-valued signal.
  public struct Signal: Sendable {
    public enum Kind: String, Sendable {
      case led
      case pin
      /// On while a handler is active.
      case interrupt = "irq"
    }
    public let kind: Kind
    public fileprivate(set) var wave: Waveform
    /// Of each edge.
    public fileprivate(set) var indexes: [UInt64] = []
    public let milliamperes: Double?

    public var name: String { wave.name }

    mutating func set(_ on: Bool, _ event: Event) {
      let before = wave.edges.count
      wave.set(on, at: event.tick)
      if wave.edges.count > before { indexes.append(event.index) }
      if wave.edges.count < before { indexes.removeLast() }
    }
  }

  /// The bytes of one UART, in one direction.
  public struct Stream: Sendable {
    public let name: String
    /// The guest takes them.
    public let isInput: Bool
    public fileprivate(set) var bytes: [UInt8] = []
    public fileprivate(set) var moments = Moments()

    /// Its lines, each with the newline that ends it, as far as one does.
    public var lines: [Line] {
      var lines: [Line] = []
      var start = 0
      while start < bytes.count {
        let end = bytes[start...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
        lines.append(
          Line(
            tick: moments.ticks[start], end: moments.ticks[end - 1], index: moments.indexes[start],
            text: String(decoding: bytes[start..<end], as: UTF8.self)))
        start = end
      }
      return lines
    }
  }

  public struct Line: Sendable, Hashable {
    /// Of its first byte, and of its last.
    public var tick: Tick
    public var end: Tick
    public var index: UInt64
    /// Bytes that are no UTF-8 are U+FFFD.
    public var text: String

    /// Without what ends it.
    public var words: String {
      String(text.reversed().drop { $0.isNewline }.reversed())
    }
  }

  /// Things of one sort that have no duration.
  public struct Marks: Sendable {
    public let name: String
    public fileprivate(set) var moments = Moments()
    /// Of each, its place in `labels`.
    public fileprivate(set) var names: [Int] = []
    public fileprivate(set) var labels: [String] = []
    private var places: [String: Int] = [:]

    init(name: String) { self.name = name }

    mutating func add(_ label: String, _ event: Event) {
      moments.add(event)
      if let place = places[label] { return names.append(place) }
      names.append(labels.count)
      places[label] = labels.count
      labels.append(label)
    }
  }

  public struct Moments: Sendable {
    public private(set) var ticks: [Tick] = []
    public private(set) var indexes: [UInt64] = []
    public var count: Int { ticks.count }

    mutating func add(_ event: Event) {
      ticks.append(event.tick)
      indexes.append(event.index)
    }
  }

  public let board: Board
  /// LEDs in the board's order, then pins, buttons and handlers in the order in which they first did something.
  public private(set) var signals: [Signal]
  public private(set) var streams: [Stream] = []
  public private(set) var marks: [Marks] = []
  /// Up to where it is known.
  public private(set) var end: Tick = 0
  /// More happened than is kept: nothing behind `end` is here.
  public private(set) var isFull = false
  /// What a file says of that, for who was not there when it was written.
  static let cut = "more happened than is kept"

  private var time: EvenTime
  private let names: EventNames
  private let most: Int
  private var count = 0
  private var places: [Key: Int] = [:]

  private enum Key: Hashable {
    case pin(source: UInt16, pin: UInt32)
    case input(source: UInt16, pin: UInt32)
    case interrupt(hart: UInt8, number: UInt32)
    case stream(source: UInt16, kind: UInt8, by: UInt32)
    case marks(Event.Kind)
  }

  /// What a machine must record for it.
  public static let mask: Event.Mask = [.visible, .interrupts, .traps, .sbi]

  /// - Parameter most: events that are kept; 40 bytes each at most.
  public init(_ board: Board, most: Int = 1 << 24) {
    self.board = board
    self.most = most
    time = EvenTime(board)
    names = EventNames(board)
    signals = board.leds.map {
      Signal(kind: .led, wave: Waveform($0), milliamperes: $0.milliamperes)
    }
    for (number, led) in board.leds.enumerated() {
      guard let slot = board.slot(of: led.device) else { continue }
      places[.pin(source: UInt16(slot), pin: UInt32(led.pin))] = number
    }
  }

  /// A whole trace at once.
  public init(_ board: Board, _ events: some Sequence<Event>, end: Tick) {
    self.init(board)
    for event in events { add(event) }
    extend(to: end)
  }

  /// What the ticks in it are ticks of.
  public var clock: Clock { time.drawn }

  public mutating func add(_ event: Event) {
    if isFull { return }
    if event.kind == .clock { time.follow(event) }
    var event = event
    event.tick = time(event.tick)
    switch event.kind {
    case .pin: setPin(event)
    case .input: setInput(event)
    case .interrupt, .interruptReturn: setInterrupt(event)
    case .uart, .uartInput, .console: addByte(event)
    case .trap:
      let place = "at 0x\(String(event.value, radix: 16))"
      mark("traps", "\(hart(event))\(names.trap(event)) \(place)", event)
    case .sbi: mark("SBI", hart(event) + names.sbi(event), event)
    case .reset:
      for number in signals.indices where signals[number].kind == .interrupt {
        signals[number].set(false, event)
      }
      mark("resets", "reset by \(names.resetSource(event))", event)
    default: return
    }
    end = event.tick
    count += 1
    isFull = count >= most
  }

  public mutating func extend(to tick: Tick) {
    if !isFull { end = max(end, time(tick)) }
    for number in signals.indices { signals[number].wave.extend(to: end) }
  }

  // MARK: Folds

  private mutating func setPin(_ event: Event) {
    let number = place(.pin(source: event.source, pin: event.detail)) { names in
      Signal(
        kind: .pin, wave: Waveform(name: "\(names.source(event)) \(event.detail)"),
        milliamperes: nil)
    }
    // LEDs come first, in the board's order.
    let isOn = number < board.leds.count ? board.leds[number].activeHigh : true
    signals[number].set((event.value != 0) == isOn, event)
  }

  /// On while a button is pressed, or whatever else the world drives is high.
  private mutating func setInput(_ event: Event) {
    let button = board.buttons.first {
      board.slot(of: $0.device) == Int(event.source) && $0.pin == Int(event.detail)
    }
    let number = place(.input(source: event.source, pin: event.detail)) { names in
      Signal(
        kind: .pin,
        wave: Waveform(name: button?.name ?? "\(names.source(event)) \(event.detail) in"),
        milliamperes: nil)
    }
    let level: UInt64 = button?.pressed == false ? 0 : 1
    signals[number].set(event.value == level, event)
  }

  /// A Cortex-M says when a handler returns. RV64 cannot, so there an interrupt is a moment.
  private mutating func setInterrupt(_ event: Event) {
    if board.core.machine == .riscv64 {
      return mark("interrupts", hart(event) + names.interrupt(event), event, kind: .interrupt)
    }
    let number = place(.interrupt(hart: event.hart, number: event.detail)) { names in
      Signal(
        kind: .interrupt, wave: Waveform(name: names.interrupt(event)), milliamperes: nil)
    }
    signals[number].set(event.kind == .interrupt, event)
  }

  /// Whose it is, where there are several.
  private func hart(_ event: Event) -> String {
    board.harts > 1 ? "hart \(event.hart): " : ""
  }

  private mutating func addByte(_ event: Event) {
    let key = Key.stream(
      source: event.source, kind: event.rawKind, by: event.kind == .console ? event.detail : 0)
    let number: Int
    if let known = places[key] {
      number = known
    } else {
      number = streams.count
      places[key] = number
      let who = event.kind == .console ? names.consoleSource(event) : names.source(event)
      streams.append(
        Stream(
          name: event.kind == .uartInput ? "\(who) in" : who, isInput: event.kind == .uartInput))
    }
    streams[number].bytes.append(UInt8(truncatingIfNeeded: event.value))
    streams[number].moments.add(event)
  }

  private mutating func mark(
    _ name: String, _ label: String, _ event: Event, kind: Event.Kind? = nil
  ) {
    let key = Key.marks(kind ?? event.kind)
    let number = places[key] ?? marks.count
    if number == marks.count {
      places[key] = number
      marks.append(Marks(name: name))
    }
    marks[number].add(label, event)
  }

  private mutating func place(_ key: Key, _ new: (EventNames) -> Signal) -> Int {
    if let known = places[key] { return known }
    places[key] = signals.count
    signals.append(new(names))
    return signals.count - 1
  }
}

extension Recording {
  /// Those signals and texts that did something.
  public var active: [Signal] { signals.filter { $0.wave.edgeCount > 0 } }
}
