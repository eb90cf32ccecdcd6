import Emu

/// The platform-level interrupt controller: RISC-V Platform-Level Interrupt Controller Specification 1.0.0, with what QEMU's
/// `virt` leaves open there: sources 1..95, seven priorities, for each hart one context for M and one for S mode.
///
/// All gateways are level-triggered (chapter 4): a line that rises makes one request; until that is completed, it makes no
/// other; if it is high then, it makes the next one at once. "If the level-sensitive interrupt source deasserts the interrupt
/// after the PLIC core accepts the request and before the interrupt is serviced, the interrupt request remains present in
/// the IP bit of the PLIC core."
public struct PLIC: Device {
  public static let sources = 96

  public struct State: Codable, Hashable, Sendable {
    /// By source; 0 is no source.
    var priorities = [UInt8](repeating: 0, count: PLIC.sources)
    /// The levels of the sources' lines.
    var levels = Sources()
    /// The IP bits.
    var pending = Sources()
    /// Whose gateway has made a request that is not completed.
    var requested = Sources()
    var contexts: [Context]
  }

  struct Context: Codable, Hashable, Sendable {
    var enabled = Sources()
    var threshold: UInt8 = 0
  }

  public var state: State
  let contexts: Int

  /// - Parameter harts: up to 8.
  public init(harts: Int) {
    precondition(1...8 ~= harts, "a PLIC for \(harts) harts")
    contexts = 2 * harts
    state = State(contexts: Array(repeating: Context(), count: contexts))
  }

  /// The output line of a hart's external interrupt, by the mode that takes it: line 2·hart, and for S mode one more.
  public static func line(hart: Int, supervisor: Bool) -> Int { 2 * hart + (supervisor ? 1 : 0) }

  // MARK: Registers

  /// "Memory Map", chapter 3.
  private enum Offset {
    static let pending: UInt64 = 0x1000
    static let enable: UInt64 = 0x2000
    static let enableStride: UInt64 = 0x80
    static let context: UInt64 = 0x20_0000
    static let contextStride: UInt64 = 0x1000
    static let claim: UInt64 = 4
  }

  private static let words = UInt64(sources / 32)
  /// "Priority value 0 is reserved to mean 'never interrupt'".
  private static let priorityMask: UInt64 = 7

  public var map: RegisterMap {
    var registers: [RegisterMap.Register] = [
      .init("priority", 0, count: UInt64(Self.sources), fields: [.init("priority", 0...2)]),
      .init("pending", Offset.pending, count: Self.words, .readOnly),
    ]
    for number in 0..<UInt64(contexts) {
      let name = Self.name(ofContext: number)
      let base = Offset.context + Offset.contextStride * number
      registers += [
        .init(
          name + ".enable", Offset.enable + Offset.enableStride * number, count: Self.words),
        .init(name + ".threshold", base, fields: [.init("threshold", 0...2)]),
        .init(name + ".claim/complete", base + Offset.claim),
      ]
    }
    return RegisterMap(registers)
  }

  /// "hart0.M", "hart0.S", …
  private static func name(ofContext number: UInt64) -> String {
    "hart\(number / 2)." + (number % 2 == 0 ? "M" : "S")
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    let sets = [state.levels, state.pending, state.requested] + state.contexts.map(\.enabled)
    return state.priorities.count == Self.sources && state.contexts.count == contexts
      && sets.allSatisfy(\.isSound)
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let offset = access.offset
    switch offset {
    case ..<Offset.pending: return UInt64(state.priorities[Int(offset / 4)])
    case ..<Offset.enable: return state.pending.word(at: (offset - Offset.pending) / 4)
    case ..<Offset.context:
      let place = offset - Offset.enable
      let context = state.contexts[Int(place / Offset.enableStride)]
      return context.enabled.word(at: place % Offset.enableStride / 4)
    default:
      let place = offset - Offset.context
      let number = Int(place / Offset.contextStride)
      if place % Offset.contextStride == Offset.claim { return UInt64(claim(by: number)) }
      return UInt64(state.contexts[number].threshold)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let offset = access.offset
    switch offset {
    case 0..<4: port.guestError("priority of source 0, which does not exist")
    case ..<Offset.pending:
      state.priorities[Int(offset / 4)] = UInt8(value & Self.priorityMask)
    case ..<Offset.enable: port.guestError("store to the pending bits, which are read-only")
    case ..<Offset.context:
      let place = offset - Offset.enable
      state.contexts[Int(place / Offset.enableStride)].enabled.setWord(
        at: place % Offset.enableStride / 4, to: value)
    default:
      let place = offset - Offset.context
      let number = Int(place / Offset.contextStride)
      if place % Offset.contextStride == Offset.claim {
        complete(value, by: number, port)
      } else {
        state.contexts[number].threshold = UInt8(value & Self.priorityMask)
      }
    }
  }

  // MARK: Requests

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 1..<Self.sources ~= line else { return }
    state.levels[line] = level
    request(line)
  }

  private mutating func request(_ source: Int) {
    if state.levels[source] && !state.requested[source] {
      state.requested[source] = true
      state.pending[source] = true
    }
  }

  /// "The ID of the highest priority pending interrupt or zero if there is no pending interrupt. A successful claim will also
  /// atomically clear the corresponding pending bit"; "the claim operation is not affected by the setting of the priority
  /// threshold register".
  private mutating func claim(by context: Int) -> Int {
    let source = highest(for: state.contexts[context], above: 0)
    if source != 0 { state.pending[source] = false }
    return source
  }

  /// "If the completion ID does not match an interrupt source that is currently enabled for the target, the completion is
  /// silently ignored."
  private mutating func complete(_ value: UInt64, by context: Int, _ port: DevicePort) {
    guard 1..<UInt64(Self.sources) ~= value else {
      if value != 0 { port.guestError("completion of a source that does not exist") }
      return
    }
    let source = Int(value)
    guard state.contexts[context].enabled[source] else { return }
    state.requested[source] = false
    request(source)
  }

  /// Of the pending and enabled sources the one with the highest priority, if that is above; 0: none. "If multiple interrupts
  /// have the same priority, the one with the lowest ID is claimed."
  private func highest(for context: Context, above threshold: UInt8) -> Int {
    var best = 0
    var priority = threshold
    for source in state.pending.intersection(context.enabled)
    where state.priorities[source] > priority {
      best = source
      priority = state.priorities[source]
    }
    return best
  }

  /// "The PLIC will mask all PLIC interrupts of a priority less than or equal to threshold."
  public var lines: LineSet {
    if state.pending.isEmpty { return [] }
    var lines = LineSet()
    for number in 0..<contexts {
      let context = state.contexts[number]
      if highest(for: context, above: context.threshold) != 0 { lines.insert(.line(number)) }
    }
    return lines
  }
}

/// A set of interrupt sources, a bit each, in ascending order.
struct Sources: Codable, Hashable, Sendable, Sequence, IteratorProtocol {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init() {}

  subscript(source: Int) -> Bool {
    get { (source < 64 ? low >> UInt64(source) : high >> UInt64(source - 64)) & 1 == 1 }
    set {
      let bit: UInt64 = 1 << UInt64(source & 63)
      switch (source < 64, newValue) {
      case (true, true): low |= bit
      case (true, false): low &= ~bit
      case (false, true): high |= bit
      case (false, false): high &= ~bit
      }
    }
  }

  var isSound: Bool { high >> UInt64(PLIC.sources - 64) == 0 && low & 1 == 0 }
  var isEmpty: Bool { low | high == 0 }

  func intersection(_ other: Sources) -> Sources {
    var both = self
    both.low &= other.low
    both.high &= other.high
    return both
  }

  /// 32 of them, as a register shows them.
  func word(at number: UInt64) -> UInt64 {
    (number < 2 ? low : high) >> (number % 2 * 32) & 0xFFFF_FFFF
  }

  /// Source 0 stays out.
  mutating func setWord(at number: UInt64, to value: UInt64) {
    let shift = number % 2 * 32
    let mask: UInt64 = 0xFFFF_FFFF << shift
    if number < 2 {
      low = (low & ~mask | value << shift) & ~1
    } else {
      high = high & ~mask | value << shift
    }
  }

  mutating func next() -> Int? {
    if low != 0 {
      defer { low &= low - 1 }
      return low.trailingZeroBitCount
    }
    if high == 0 { return nil }
    defer { high &= high - 1 }
    return 64 + high.trailingZeroBitCount
  }
}

extension PLIC: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("plic", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "sifive,plic-1.0.0", "riscv,plic0")
    node.set("interrupt-controller")
    node.set("#address-cells", 0)
    node.set("#interrupt-cells", 1)
    node.set("riscv,ndev", .number(UInt32(Self.sources - 1)))
    let interrupts = (0..<place.harts).flatMap { hart -> [DeviceTreeNode.Cell] in
      let controller = DeviceTreePlace.interruptController(hart: hart)
      return [.phandle(controller), 11, .phandle(controller), 9]
    }
    node.set("interrupts-extended", .cells(interrupts))
    tree.addToBus(node)
  }
}
