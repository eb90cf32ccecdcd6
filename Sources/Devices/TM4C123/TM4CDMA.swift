import Emu

/// The µDMA controller of the TM4C123GH6PM: datasheet SPMS376E, chapter 9, "Micro Direct Memory Access (μDMA)", and Arm's PL230
/// (DDI 0417), which it is.
///
/// Basic, auto-request, ping-pong, memory and peripheral scatter-gather transfers, by the control table in SRAM. One arbitration takes a
/// tick, the control structure four (three words read, one written), and each item two, a read and a write; the items of one
/// arbitration are moved together, at the last of these ticks. The processor loses no time to it. What was under way when its
/// channel is disabled is finished. Flash and ROM are out of reach.
///
/// Inputs 2 · n and 2 · n + 1 are the single and the burst request of source n (`sources`); those of timers, converters and ports, which
/// "occur whenever a raw interrupt condition occurs", change their level with each. Line 0 is the interrupt of software channels, 1 that
/// of bus errors, and 2 + n the completions of channels that peripheral n of `vectors` has: "automatically cleared when the
/// interrupt handler is activated", so a pulse of a tick.
public struct TM4CDMA: Device {
  public static var reachesMemory: Bool { true }

  public struct State: Codable, Hashable, Sendable {
    var isEnabled = false
    var base: UInt32 = 0
    // A bit a channel.
    var enabled: UInt32 = 0
    var useBurst: UInt32 = 0
    var masked: UInt32 = 0
    var alternate: UInt32 = 0
    var highPriority: UInt32 = 0
    var software: UInt32 = 0
    var completed: UInt32 = 0
    /// Transfers that go on without another request, and those of them that go on item by item.
    var continuing: UInt32 = 0
    var continuingSingly: UInt32 = 0
    var assignment = [UInt8](repeating: 0, count: 32)
    var hasError = false
    /// A bit a source.
    var single = Bits()
    var burst = Bits()
    /// Which of them have had an event since their channel was served.
    var events = Bits()
    var active: Active?
    /// When channels are looked at again.
    var arbitration: Tick?
    /// Lines of completions, and when they fall.
    var pulses: UInt64 = 0
    var pulseEnd: Tick = 0
  }

  /// One arbitration's worth of a transfer.
  struct Active: Codable, Hashable, Sendable {
    var channel: Int
    var isBurst: Bool
    var end: Tick
  }

  struct Bits: Codable, Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    subscript(number: Int) -> Bool {
      get { (number < 64 ? low : high) >> UInt64(number & 63) & 1 == 1 }
      set {
        let bit: UInt64 = 1 << UInt64(number & 63)
        switch (number < 64, newValue) {
        case (true, true): low |= bit
        case (true, false): low &= ~bit
        case (false, true): high |= bit
        case (false, false): high &= ~bit
        }
      }
    }
  }
  public var state = State()

  public init() {}

  // MARK: Channels and their sources: table 9-1

  /// By channel, what encodings 0 to 3 of DMACHMAPn give it to; a dash: software only.
  private static let table: [[Substring]] = """
    - UART2RX - TIMER4A|- UART2TX - TIMER4B|- TIMER3A - -|- TIMER3B - -|- TIMER2A - GPIOA|\
    - TIMER2B - GPIOB|- TIMER2A UART5RX GPIOC|- TIMER2B UART5TX GPIOD|UART0RX UART1RX - TIMER5A|\
    UART0TX UART1TX - TIMER5B|SSI0RX SSI1RX UART6RX WTIMER0A|SSI0TX SSI1TX UART6TX WTIMER0B|\
    - UART2RX SSI2RX WTIMER1A|- UART2TX SSI2TX WTIMER1B|ADC0SS0 TIMER2A SSI3RX GPIOE|\
    ADC0SS1 TIMER2B SSI3TX GPIOF|ADC0SS2 - UART3RX WTIMER2A|ADC0SS3 - UART3TX WTIMER2B|\
    TIMER0A TIMER1A UART4RX GPIOB|TIMER0B TIMER1B UART4TX -|TIMER1A - UART7RX -|\
    TIMER1B - UART7TX -|UART1RX - - -|UART1TX - - -|SSI1RX ADC1SS0 - WTIMER3A|\
    SSI1TX ADC1SS1 - WTIMER3B|- ADC1SS2 - WTIMER4A|- ADC1SS3 - WTIMER4B|- - - WTIMER5A|\
    - - - WTIMER5B|- - - -|- - - -
    """.split(separator: "|").map { $0.split(separator: " ") }

  /// Who has an interrupt that completions go to, and who makes requests, in the order of lines and inputs.
  public static let vectors: [String] =
    (0..<8).map { "UART\($0)" } + (0..<4).map { "SSI\($0)" }
    + (0..<8).map { "ADC\($0 / 4)SS\($0 % 4)" }
    + ["TIMER", "WTIMER"].flatMap { kind in
      (0..<12).map { "\(kind)\($0 / 2)\($0 % 2 == 0 ? "A" : "B")" }
    }
    + ["A", "B", "C", "D", "E", "F"].map { "GPIO\($0)" }

  static let sources: [String] = vectors.flatMap { name in
    name.hasPrefix("UART") || name.hasPrefix("SSI") ? [name + "RX", name + "TX"] : [name]
  }

  /// The input that is a request of this source.
  public static func request(_ source: String, isBurst: Bool) -> Int {
    guard let number = sources.firstIndex(of: source) else {
      preconditionFailure("\(source) makes no requests")
    }
    return 2 * number + (isBurst ? 1 : 0)
  }

  /// Level requests follow a FIFO; the others are events.
  private static let firstEvent = 24

  /// By channel and encoding: a source, or -1.
  private static let channelSources: [[Int]] = table.map { row in
    row.map { name in sources.firstIndex { $0 == name } ?? -1 }
  }

  private static let vectorOfSource: [Int] = sources.map { source in
    vectors.firstIndex { source.hasPrefix($0) } ?? 0
  }

  private func source(of channel: Int) -> Int? {
    let encoding = Int(state.assignment[channel])
    guard encoding < 4 else { return nil }
    let source = Self.channelSources[channel][encoding]
    return source < 0 ? nil : source
  }

  // MARK: Registers

  private enum Offset {
    static let status: UInt64 = 0x000
    static let configuration: UInt64 = 0x004
    static let base: UInt64 = 0x008
    static let alternateBase: UInt64 = 0x00C
    static let waiting: UInt64 = 0x010
    static let software: UInt64 = 0x014
    static let pairs: UInt64 = 0x018
    static let pairsEnd: UInt64 = 0x040
    static let error: UInt64 = 0x04C
    static let secondary: UInt64 = 0x500
    static let completed: UInt64 = 0x504
    static let assignment: UInt64 = 0x510
    static let assignmentEnd: UInt64 = 0x520
  }

  private static let identity = PrimeCellIdentity([0x30, 0xB2, 0x0B, 0x00], upper: 0x04)
  private static let waitingAtReset: UInt64 = 0x03C3_CF00

  public let map = RegisterMap(
    [
      .init("DMASTAT", Offset.status, .readOnly, reset: 0x001F_0000),
      .init("DMACFG", Offset.configuration, .writeOnly),
      .init("DMACTLBASE", Offset.base),
      .init("DMAALTBASE", Offset.alternateBase, .readOnly, reset: 0x200),
      .init("DMAWAITSTAT", Offset.waiting, .readOnly, reset: waitingAtReset),
      .init("DMASWREQ", Offset.software, .writeOnly),
      .init("DMAERRCLR", Offset.error),
      .init("DMACHASGN", Offset.secondary),
      .init("DMACHIS", Offset.completed),
    ] + pairs + assignments + identity.registers("DMA"))

  private static let pairs: [RegisterMap.Register] =
    ["USEBURST", "REQMASK", "ENA", "ALT", "PRIO"].enumerated().flatMap { number, name in
      let offset = Offset.pairs + 8 * UInt64(number)
      return [
        RegisterMap.Register("DMA\(name)SET", offset),
        RegisterMap.Register("DMA\(name)CLR", offset + 4, .writeOnly),
      ]
    }

  private static let assignments: [RegisterMap.Register] = (0..<4).map { number in
    RegisterMap.Register("DMACHMAP\(number)", Offset.assignment + 4 * UInt64(number))
  }

  /// The registers that come as SET and CLR, in their order.
  private static func pair(_ offset: UInt64) -> WritableKeyPath<State, UInt32> {
    switch (offset - Offset.pairs) / 8 {
    case 0: \.useBurst
    case 1: \.masked
    case 2: \.enabled
    case 3: \.alternate
    default: \.highPriority
    }
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.assignment.count == 32 && state.assignment.allSatisfy { $0 < 16 }
      && 0..<32 ~= state.active?.channel ?? 0
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.part(of: value(of: access.register()))
  }

  private func value(of register: UInt64) -> UInt64 {
    switch register {
    // STATE: 0 is idle, 5 "writing destination data".
    case Offset.status:
      0x001F_0000 | (state.active == nil ? 0 : 0x50) | (state.isEnabled ? 1 : 0)
    case Offset.base: UInt64(state.base)
    case Offset.alternateBase: UInt64(state.base &+ 0x200)
    case Offset.waiting: Self.waitingAtReset
    case Offset.pairs..<Offset.pairsEnd:
      register & 4 == 0 ? UInt64(state[keyPath: Self.pair(register)]) : 0
    case Offset.error: state.hasError ? 1 : 0
    case Offset.secondary:
      state.assignment.enumerated().reduce(0) {
        $0 | ($1.element == 1 ? 1 << UInt64($1.offset) : 0)
      }
    case Offset.completed: UInt64(state.completed)
    case Offset.assignment..<Offset.assignmentEnd:
      (0..<8).reduce(0) {
        $0 | UInt64(state.assignment[Int(register - Offset.assignment) * 2 + $1]) << UInt64(4 * $1)
      }
    default: Self.identity.value(at: register) ?? 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let word = UInt32(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.configuration: state.isEnabled = word & 1 == 1
    // "The base address ... must be aligned on a 1024-byte boundary."
    case Offset.base: state.base = word & ~0x3FF
    case Offset.software: request(word, port)
    case Offset.pairs..<Offset.pairsEnd:
      let pair = Self.pair(access.offset)
      if access.offset & 4 == 0 {
        state[keyPath: pair] |= word
      } else {
        state[keyPath: pair] &= ~word
      }
      if pair == \.enabled { forget(~state.enabled) }
    case Offset.error: if word & 1 == 1 { state.hasError = false }
    case Offset.secondary: selectSecondary(word)
    case Offset.completed: state.completed &= ~word
    case Offset.assignment..<Offset.assignmentEnd:
      let first = Int(access.offset - Offset.assignment) * 2
      for number in 0..<8 {
        state.assignment[first + number] = UInt8(word >> UInt32(4 * number) & 0xF)
      }
    default: break
    }
    arbitrate(at: port.now + 1, port)
  }

  /// DMACHASGN, of older software: encodings 0 and 1. What it leaves as it reads is left.
  private mutating func selectSecondary(_ word: UInt32) {
    for channel in 0..<32
    where (word >> UInt32(channel) & 1 == 1) != (state.assignment[channel] == 1) {
      state.assignment[channel] = UInt8(word >> UInt32(channel) & 1)
    }
  }

  private mutating func request(_ channels: UInt32, _ port: DevicePort) {
    if channels & ~state.enabled != 0 {
      port.guestError(
        "DMASWREQ for a channel that is not enabled", value: UInt64(channels & ~state.enabled))
    }
    state.software |= channels & state.enabled
  }

  private mutating func forget(_ channels: UInt32) {
    state.software &= ~channels
    state.continuing &= ~channels
  }

  // MARK: Arbitration

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    let source = line / 2
    guard Self.sources.indices.contains(source) else { return }
    if source >= Self.firstEvent {
      if line & 1 == 0 || state.burst[source] == level { return }
      state.burst[source] = level
      state.events[source] = isAwaited(source)
    } else if line & 1 == 0 {
      state.single[source] = level
    } else {
      state.burst[source] = level
    }
    arbitrate(at: port.now + 1, port)
  }

  private func isAwaited(_ source: Int) -> Bool {
    (0..<32).contains { state.enabled >> UInt32($0) & 1 == 1 && self.source(of: $0) == source }
  }

  private enum Request { case single, burst }

  private func request(of channel: Int) -> Request? {
    let bit: UInt32 = 1 << UInt32(channel)
    if state.enabled & bit == 0 { return nil }
    if state.continuing & bit != 0 { return state.continuingSingly & bit == 0 ? .burst : .single }
    if state.software & bit != 0 { return .burst }
    guard state.masked & bit == 0, let source = source(of: channel) else { return nil }
    if source >= Self.firstEvent { return state.events[source] ? .burst : nil }
    if state.burst[source] { return .burst }
    return state.single[source] && state.useBurst & bit == 0 ? .single : nil
  }

  /// "Channels ... at high priority ... are serviced before", and of equals the lowest number.
  private mutating func arbitrate(at tick: Tick, _ port: DevicePort) {
    guard state.isEnabled, state.active == nil, state.arbitration == nil, state.enabled != 0 else {
      return
    }
    for channels in [state.enabled & state.highPriority, state.enabled & ~state.highPriority] {
      var rest = channels
      while rest != 0 {
        let channel = rest.trailingZeroBitCount
        rest &= rest - 1
        guard let request = request(of: channel) else { continue }
        return begin(channel, request, at: tick, port)
      }
    }
  }

  private mutating func begin(
    _ channel: Int, _ request: Request, at tick: Tick, _ port: DevicePort
  ) {
    let bit: UInt32 = 1 << UInt32(channel)
    if state.continuing & bit == 0 {
      if state.software & bit != 0 {
        state.software &= ~bit
      } else if let source = source(of: channel) {
        state.events[source] = false
      }
    }
    state.continuing &= ~bit
    let control = port.memory.load(structure(of: channel) + 8, as: UInt32.self).map(Control.init)
    let items = control?.items(isBurst: request == .burst) ?? 0
    state.active = Active(
      channel: channel, isBurst: request == .burst, end: tick + 4 + 2 * Tick(items))
  }

  /// Where the control structure is that the channel uses next.
  private func structure(of channel: Int) -> UInt64 {
    let isAlternate = state.alternate >> UInt32(channel) & 1 == 1
    return UInt64(state.base) + UInt64(channel) * 16 + (isAlternate ? 0x200 : 0)
  }

  // MARK: Transfers

  /// Section 9.5, DMACHCTL.
  private struct Control {
    enum Mode: UInt32 {
      case stop, basic, auto, pingPong, memory, alternateMemory, peripheral, alternatePeripheral
    }
    var word: UInt32

    var mode: Mode { Mode(rawValue: word & 7) ?? .stop }
    var nextUsesBurst: Bool { word & 8 != 0 }
    var remaining: UInt32 { (word >> 4 & 0x3FF) + 1 }
    var arbitrationSize: UInt32 { 1 << min(word >> 14 & 0xF, 10) }
    /// As powers of two; an increment of 3 is none.
    var sourceSize: UInt32 { word >> 24 & 3 }
    var sourceIncrement: UInt32 { word >> 26 & 3 }
    var destinationSize: UInt32 { word >> 28 & 3 }
    var destinationIncrement: UInt32 { word >> 30 }

    func items(isBurst: Bool) -> UInt32 {
      mode == .stop ? 0 : min(isBurst ? arbitrationSize : 1, remaining)
    }

    /// "at the completion of a transfer, XFERSIZE is 0 and XFERMODE is Stop".
    mutating func setRemaining(_ count: UInt32) {
      word &= ~0x3FF0
      if count == 0 { word &= ~7 } else { word |= (count - 1) << 4 }
    }
  }

  public var deadline: Tick? {
    if state.active == nil && state.arbitration == nil && state.pulses == 0 { return nil }
    let next = min(state.active?.end ?? .max, state.arbitration ?? .max)
    return state.pulses == 0 ? next : min(next, state.pulseEnd)
  }

  public mutating func advance(_ port: inout DevicePort) {
    if state.pulseEnd <= port.now { state.pulses = 0 }
    if let active = state.active, active.end <= port.now {
      state.active = nil
      state.pulseEnd = port.now + 1
      perform(active, port)
      // Requests that fall because of it are known behind this call.
      state.arbitration = port.now + 1
    } else if let tick = state.arbitration, tick <= port.now {
      state.arbitration = nil
      arbitrate(at: port.now, port)
    }
  }

  private mutating func perform(_ active: Active, _ port: DevicePort) {
    let structure = structure(of: active.channel)
    guard let source = port.memory.load(structure, as: UInt32.self),
      let destination = port.memory.load(structure + 4, as: UInt32.self),
      let word = port.memory.load(structure + 8, as: UInt32.self)
    else { return fail(active.channel, "the control table is not in memory", port) }
    var control = Control(word: word)
    let (mode, total) = (control.mode, control.remaining)
    let count = control.items(isBurst: active.isBurst)
    if mode == .stop { return disable(active.channel) }
    if control.sourceSize == 3 || control.sourceSize != control.destinationSize {
      return fail(active.channel, "DMACHCTL: SRCSIZE and DSTSIZE are not the same", port)
    }
    // The table is copied to one structure, whatever the number of its tasks.
    let isTask = mode == .memory || mode == .peripheral
    let isCopied = !isTask && copy(count, of: total, control, from: source, to: destination, port)
    for item in 0..<(isCopied ? 0 : count) {
      let left = total - 1 - item
      let from = Self.address(source, left, control.sourceIncrement, control.sourceSize)
      let to = Self.address(
        destination, isTask ? left & 3 : left, control.destinationIncrement, control.sourceSize)
      let width = UInt8(1) << UInt8(control.sourceSize)
      guard let value = Self.isReachable(from) ? port.load(from, width: width) : nil,
        Self.isReachable(to), port.store(value, at: to, width: width)
      else {
        control.setRemaining(total - item)
        port.memory.store(control.word, at: structure + 8)
        return fail(active.channel, "a µDMA transfer ended with a bus error", port)
      }
    }
    control.setRemaining(total - count)
    port.memory.store(control.word, at: structure + 8)
    goOn(active, mode, left: total - count, control)
  }

  /// Items that lie side by side in memory, here and there, are moved at once; false: these are none.
  private func copy(
    _ count: UInt32, of total: UInt32, _ control: Control, from source: UInt32,
    to destination: UInt32, _ port: DevicePort
  ) -> Bool {
    let size = control.sourceSize
    guard control.sourceIncrement == size, control.destinationIncrement == size else {
      return false
    }
    let bytes = UInt64(count) << UInt64(size)
    let from = Self.address(source, total - 1, size, size)
    let to = Self.address(destination, total - 1, size, size)
    guard from + bytes <= to || to + bytes <= from, Self.isReachable(from), Self.isReachable(to)
    else { return false }
    let isDone = port.memory.withBytes(at: from, count: bytes) { items in
      port.memory.withWritableBytes(at: to, count: bytes) { $0.copyMemory(from: items) } != nil
    }
    return isDone ?? false
  }

  /// The end pointer is that of the last item, or of any byte of it.
  private static func address(
    _ end: UInt32, _ left: UInt32, _ increment: UInt32, _ size: UInt32
  ) -> UInt64 {
    let start = increment == 3 ? end : end &- left << increment
    let rest: UInt32 = 1 << size - 1
    return UInt64(start & ~rest)
  }

  /// "... it is not possible to transfer data from the Flash memory or ROM with the µDMA controller."
  private static func isReachable(_ address: UInt64) -> Bool { address >= 0x2000_0000 }

  /// What is next for a channel that has moved its items: section 9.2.6, "Transfer Modes".
  private mutating func goOn(
    _ active: Active, _ mode: Control.Mode, left: UInt32, _ control: Control
  ) {
    let (channel, bit) = (active.channel, UInt32(1) << UInt32(active.channel))
    // "... automatically cleared ... when the remaining number of items is less than the arbitration size".
    if 1..<control.arbitrationSize ~= left { state.useBurst &= ~bit }
    switch mode {
    case .stop: break
    case .basic: if left == 0 { complete(channel, isLast: true) }
    case .auto: if left == 0 { complete(channel, isLast: true) } else { goOnByItself(active) }
    case .pingPong:
      if left > 0 { return }
      state.alternate ^= bit
      complete(channel, isLast: false)
    // A task has come into the alternate structure, and is done at once.
    case .memory, .peripheral:
      state.alternate |= bit
      goOnByItself(active)
    case .alternateMemory:
      if left == 0 { state.alternate &= ~bit }
      goOnByItself(active)
    case .alternatePeripheral:
      if left > 0 { return }
      state.alternate &= ~bit
      if control.nextUsesBurst { state.useBurst |= bit }
    }
  }

  private mutating func goOnByItself(_ active: Active) {
    let bit = UInt32(1) << UInt32(active.channel) & state.enabled
    state.continuing |= bit
    if active.isBurst { state.continuingSingly &= ~bit } else { state.continuingSingly |= bit }
  }

  private mutating func disable(_ channel: Int) {
    state.enabled &= ~(1 << UInt32(channel))
    forget(1 << UInt32(channel))
  }

  private mutating func complete(_ channel: Int, isLast: Bool) {
    if isLast { disable(channel) }
    state.completed |= 1 << UInt32(channel)
    let line = source(of: channel).map { 2 + Self.vectorOfSource[$0] } ?? 0
    state.pulses |= 1 << UInt64(line)
  }

  /// "... it disables the μDMA channel that caused the error and generates an interrupt on the μDMA error interrupt vector."
  private mutating func fail(_ channel: Int, _ why: String, _ port: DevicePort) {
    port.guestError(why, value: UInt64(channel))
    disable(channel)
    state.hasError = true
  }

  /// Requests are the peripherals'.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    state.single = before.single
    state.burst = before.burst
  }

  public var lines: LineSet {
    LineSet(rawValue: state.pulses | (state.hasError ? 2 : 0))
  }
}
