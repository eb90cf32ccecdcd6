import Emu

/// System control of the TM4C123GH6PM: datasheet SPMS376E, chapter 5.
///
/// RCC and RCC2 make the core clock, and time follows at the instruction that writes them. The main oscillator is the board's 16
/// MHz crystal; the PLL locks 1,024 of its periods after it is powered. A peripheral answers two ticks after its bit of RCGC is
/// set, and PR says so: "There must be a delay of 3 system clocks after a peripheral module clock is enabled in the RCGC register
/// before any module registers are accessed", and a store and the load of an address, which is all that much software has between,
/// take the chip more than three clocks and are two instructions. Software resets, the legacy registers (which are the same bits once more) and the
/// causes of a reset are modelled.
///
/// While the core sleeps, SCGC or DCGC decide which peripherals are clocked if RCC.ACG says so, and DSLPCLKCFG makes the clock of
/// deep sleep. A peripheral that is not clocked stands still.
///
/// Brown-out, the verification of the main oscillator and power modes can be read back and do nothing more.
///
/// Of the registers of flash that lie here (section 8.5), FMPREn and FMPPEn protect its blocks of 2 KiB: a cleared bit counts from that
/// store on and stays cleared, whatever resets the chip; only power-on sets it again, and a run has one. What is protected from
/// loads is not from being executed; programming is the flash controller's business. USER_REGn keep what is stored. BOOTCFG is that
/// of a new chip.
public struct TM4CSystemControl: Device {
  public static var reachesMemory: Bool { true }

  public struct State: Codable, Hashable, Sendable {
    var rcc: UInt32 = 0x078E_3AD1
    var rcc2: UInt32 = 0x07C0_6810
    /// GPIOHBCTL.
    var advancedBus: UInt8 = 0
    var resetCauses: UInt32 = 0x2
    var rawInterrupts: UInt16 = 0
    var interruptMask: UInt16 = 0
    /// Gates in run mode, sleep and deep sleep, and software resets, by number of their kind.
    var gates = Kind.all.map(\.reset)
    var sleepGates = Kind.all.map(\.reset)
    var deepSleepGates = Kind.all.map(\.reset)
    var resets = Kind.all.map { _ in UInt32(0) }
    /// Peripherals that answer in run mode, and those that are clocked now.
    var ready = Kind.all.map(\.reset)
    var clocked = Kind.all.map { _ in UInt32(0) }
    var sleep = CoreSleep.awake
    var deepSleepClock: UInt32 = 0x0780_0000
    /// What is on its way to be ready, the first one first.
    var waiting: [Waiting] = []
    /// When the PLL locks: by a clock of 16 MHz, and as a tick; nil: it has, or it is off.
    var lockCycle: UInt64?
    var lockTick: Tick = 0
    var isLocked = false
    /// FMPREn and FMPPEn: a bit for each 2 KiB of flash.
    var readable = [UInt32](repeating: .max, count: 4)
    var programmable = [UInt32](repeating: .max, count: 4)
    var userWords = [UInt32](repeating: .max, count: 4)
    /// What software keeps here, by the order of `kept`.
    var kept = TM4CSystemControl.kept.map(\.reset)
  }

  struct Waiting: Codable, Hashable, Sendable {
    var tick: Tick
    var kind: Int
    var bits: UInt32
  }
  public var state = State()
  let watchdogs: [String]

  /// - Parameter watchdogs: names of the devices whose resets are RESC.WDT0 and WDT1.
  public init(watchdogs: [String]) { self.watchdogs = watchdogs }

  // MARK: Peripherals

  /// A kind of peripheral, which has a bit for each in a register of every group: PP, SR, RCGC, SCGC, DCGC and PR.
  struct Kind: Sendable {
    var name: String
    var offset: UInt64
    var present: UInt32
    var reset: UInt32 = 0
    /// Where its bits are in the legacy registers: which of the three, and the bit of number 0, 1, ...
    var legacy: (register: Int, bits: [UInt32])?

    /// The name of a gate: "UART0", "GPIOA".
    func gate(_ number: Int) -> String {
      name == "GPIO"
        ? name + String(UnicodeScalar(UInt8(ascii: "A") + UInt8(number))) : name + String(number)
    }

    static let all: [Kind] = [
      Kind(name: "WD", offset: 0x00, present: 0x3, legacy: (0, [3, 28])),
      Kind(name: "TIMER", offset: 0x04, present: 0x3F, legacy: (1, [16, 17, 18, 19])),
      Kind(name: "GPIO", offset: 0x08, present: 0x3F, legacy: (2, [0, 1, 2, 3, 4, 5])),
      Kind(name: "DMA", offset: 0x0C, present: 0x1, legacy: (2, [13])),
      Kind(name: "HIB", offset: 0x14, present: 0x1, reset: 1, legacy: (0, [6])),
      Kind(name: "UART", offset: 0x18, present: 0xFF, legacy: (1, [0, 1, 2])),
      Kind(name: "SSI", offset: 0x1C, present: 0xF, legacy: (1, [4, 5])),
      Kind(name: "I2C", offset: 0x20, present: 0xF, legacy: (1, [12, 14])),
      Kind(name: "USB", offset: 0x28, present: 0x1, legacy: (2, [16])),
      Kind(name: "CAN", offset: 0x34, present: 0x3, legacy: (0, [24, 25])),
      Kind(name: "ADC", offset: 0x38, present: 0x3, legacy: (0, [16, 17])),
      Kind(name: "ACMP", offset: 0x3C, present: 0x1, legacy: (1, [24])),
      Kind(name: "PWM", offset: 0x40, present: 0x3, legacy: (0, [20])),
      Kind(name: "QEI", offset: 0x44, present: 0x3, legacy: (1, [8, 9])),
      Kind(name: "EEPROM", offset: 0x58, present: 0x1),
      Kind(name: "WTIMER", offset: 0x5C, present: 0x3F),
    ]
  }

  private enum Group {
    static let present: UInt64 = 0x300
    static let reset: UInt64 = 0x500
    static let run: UInt64 = 0x600
    static let sleep: UInt64 = 0x700
    static let deepSleep: UInt64 = 0x800
    static let ready: UInt64 = 0xA00
  }

  private enum Offset {
    static let rawInterrupts: UInt64 = 0x050
    static let interruptMask: UInt64 = 0x054
    static let maskedInterrupts: UInt64 = 0x058
    static let resetCauses: UInt64 = 0x05C
    static let rcc: UInt64 = 0x060
    static let advancedBus: UInt64 = 0x06C
    static let rcc2: UInt64 = 0x070
    static let pllStatus: UInt64 = 0x168
    static let legacyResets: UInt64 = 0x040
    static let legacyGates: UInt64 = 0x100
    static let legacySleep: UInt64 = 0x110
    static let legacyDeepSleep: UInt64 = 0x120
    static let deepSleepClock: UInt64 = 0x144
    static let romControl: UInt64 = 0x0F0
    static let bootConfiguration: UInt64 = 0x1D0
    /// FMPRE0 and FMPPE0 once more, where older chips have them.
    static let oldReadable: UInt64 = 0x130
    static let oldProgrammable: UInt64 = 0x134
    static let userWords: UInt64 = 0x1E0
    static let readable: UInt64 = 0x200
    static let programmable: UInt64 = 0x400
  }

  private static let fixed: [(name: String, offset: UInt64, value: UInt32)] = [
    ("DID0", 0x000, 0x1805_0102), ("DID1", 0x004, 0x10A1_606E), ("DC0", 0x008, 0x007F_007F),
    ("DC1", 0x010, 0x1333_2FFF), ("DC2", 0x014, 0x030F_F337), ("DC3", 0x018, 0xBFFF_8FFF),
    ("DC4", 0x01C, 0x0004_F03F), ("DC5", 0x020, 0x0130_00FF), ("DC6", 0x024, 0x0000_0013),
    ("DC7", 0x028, 0xFFFF_FFFF), ("DC8", 0x02C, 0x0FFF_0FFF), ("SYSPROP", 0x14C, 0x0000_1D31),
    ("PIOSCSTAT", 0x154, 0x0000_0040), ("PLLFREQ0", 0x160, 0x0000_0032),
    ("PLLFREQ1", 0x164, 0x0000_0001), ("DC9", 0x190, 0x00FF_00FF), ("NVMSTAT", 0x1A0, 1),
  ]

  /// Registers of flash that are words in a row: where, and whose.
  private static let flash: [(name: String, offset: UInt64, count: UInt64, words: Words)] = [
    ("FMPRE", Offset.oldReadable, 1, \.readable),
    ("FMPPE", Offset.oldProgrammable, 1, \.programmable),
    ("USER_REG", Offset.userWords, 4, \.userWords), ("FMPRE", Offset.readable, 4, \.readable),
    ("FMPPE", Offset.programmable, 4, \.programmable),
  ]
  private typealias Words = WritableKeyPath<State, [UInt32]> & Sendable
  private static let newBootConfiguration: UInt32 = 0xFFFF_FFFE

  /// Registers that keep what is written to them, and do nothing more.
  struct Kept: Sendable {
    var name: String
    var offset: UInt64
    var reset: UInt32 = 0
  }

  static let kept: [Kept] = [
    Kept(name: "PBORCTL", offset: 0x030), Kept(name: "MOSCCTL", offset: 0x07C),
    Kept(name: "PIOSCCAL", offset: 0x150), Kept(name: "SLPPWRCFG", offset: 0x188),
    Kept(name: "DSLPPWRCFG", offset: 0x18C), Kept(name: "LDOSPCTL", offset: 0x1B4, reset: 0x18),
    Kept(name: "LDODPCTL", offset: 0x1BC, reset: 0x12),
  ]

  /// The registers with a bit for each peripheral, all of which software can write.
  private static let groups: [(name: String, group: UInt64, legacy: UInt64, bits: Bits)] = [
    ("SR", Group.reset, Offset.legacyResets, \.resets),
    ("RCGC", Group.run, Offset.legacyGates, \.gates),
    ("SCGC", Group.sleep, Offset.legacySleep, \.sleepGates),
    ("DCGC", Group.deepSleep, Offset.legacyDeepSleep, \.deepSleepGates),
  ]
  private typealias Bits = WritableKeyPath<State, [UInt32]> & Sendable

  public let map = RegisterMap(registers)

  private static let registers: [RegisterMap.Register] = {
    var all: [RegisterMap.Register] = [
      .init("RIS", Offset.rawInterrupts, .readOnly, fields: interrupts),
      .init("IMC", Offset.interruptMask, fields: interrupts),
      .init("MISC", Offset.maskedInterrupts, fields: interrupts),
      .init("RESC", Offset.resetCauses, reset: 0x2),
      .init("RCC", Offset.rcc, reset: 0x078E_3AD1, fields: rccFields),
      .init("GPIOHBCTL", Offset.advancedBus),
      .init("RCC2", Offset.rcc2, reset: 0x07C0_6810, fields: rcc2Fields),
      .init("RMCTL", Offset.romControl, fields: [.init("BA", 0)]),
      .init(
        "BOOTCFG", Offset.bootConfiguration, .readOnly, reset: UInt64(newBootConfiguration)),
      .init("PLLSTAT", Offset.pllStatus, .readOnly, fields: [.init("LOCK", 0, .readOnly)]),
      .init(
        "DSLPCLKCFG", Offset.deepSleepClock, reset: 0x0780_0000,
        fields: [
          .init("PIOSCPD", 1, modelled: false), .init("DSOSCSRC", 4...6),
          .init("DSDIVORIDE", 23...28),
        ]),
    ]
    for one in fixed {
      all.append(.init(one.name, one.offset, .readOnly, reset: UInt64(one.value)))
    }
    for one in flash {
      all.append(.init(one.name, one.offset, count: one.count, reset: 0xFFFF_FFFF))
    }
    for one in kept { all.append(.init(one.name, one.offset, reset: UInt64(one.reset))) }
    for group in groups {
      let isReset = group.name == "SR"
      for number in 0..<3 as Range<UInt64> {
        all.append(
          .init(
            (isReset ? "SRCR" : group.name) + String(number), group.legacy + 4 * number,
            reset: number == 0 && !isReset ? 0x40 : 0))
      }
      for kind in Kind.all {
        all.append(
          .init(
            group.name + kind.name, group.group + kind.offset,
            reset: isReset ? 0 : UInt64(kind.reset)))
      }
    }
    for kind in Kind.all {
      all.append(
        .init(
          "PP" + kind.name, Group.present + kind.offset, .readOnly, reset: UInt64(kind.present)))
      all.append(
        .init(
          "PR" + kind.name, Group.ready + kind.offset, .readOnly, reset: UInt64(kind.reset)))
    }
    return all
  }()

  private static let rccFields: [RegisterMap.Field] = [
    .init("MOSCDIS", 0), .init("OSCSRC", 4...5), .init("XTAL", 6...10), .init("BYPASS", 11),
    .init("PWRDN", 13), .init("PWMDIV", 17...19), .init("USEPWMDIV", 20),
    .init("USESYSDIV", 22), .init("SYSDIV", 23...26), .init("ACG", 27),
  ]

  private static let rcc2Fields: [RegisterMap.Field] = [
    .init("OSCSRC2", 4...6), .init("BYPASS2", 11), .init("PWRDN2", 13), .init("USBPWRDN", 14),
    .init("SYSDIV2LSB", 22), .init("SYSDIV2", 23...28), .init("DIV400", 30),
    .init("USERCC2", 31),
  ]

  private static let interrupts: [RegisterMap.Field] = [
    .init("BOR1", 1), .init("MOF", 3), .init("USBPLLL", 7), .init("PLLL", 6), .init("MOSCPUP", 8),
    .init("VDDA", 10), .init("BOR0", 11),
  ]

  private enum Interrupt {
    static let pllLocked: UInt16 = 1 << 6
    static let oscillatorReady: UInt16 = 1 << 8
    static let all: UInt16 = 0x0DCA
  }

  // MARK: Accesses

  private func kind(_ offset: UInt64, in group: UInt64) -> Int? {
    offset & ~0xFF == group ? Kind.all.firstIndex { $0.offset == offset & 0xFF } : nil
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    func fits(_ bits: [UInt32]) -> Bool {
      bits.count == Kind.all.count && zip(bits, Kind.all).allSatisfy { $0 & ~$1.present == 0 }
    }
    let bits = [
      state.gates, state.sleepGates, state.deepSleepGates, state.resets, state.ready,
      state.clocked,
    ]
    let words = [state.readable, state.programmable, state.userWords]
    return bits.allSatisfy(fits) && words.allSatisfy { $0.count == 4 }
      && state.kept.count == Self.kept.count && state.lockCycle ?? 0 < 1 << 62
      && state.waiting.allSatisfy { waiting in
        Kind.all.indices.contains(waiting.kind)
          && waiting.bits & ~Kind.all[waiting.kind].present == 0
      }
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    UInt64(word(access.offset))
  }

  private func word(_ offset: UInt64) -> UInt32 {
    switch offset {
    case Offset.rcc: return state.rcc
    case Offset.rcc2: return state.rcc2
    case Offset.advancedBus: return UInt32(state.advancedBus)
    case Offset.resetCauses: return state.resetCauses
    case Offset.rawInterrupts: return UInt32(state.rawInterrupts)
    case Offset.interruptMask: return UInt32(state.interruptMask)
    case Offset.maskedInterrupts: return UInt32(state.rawInterrupts & state.interruptMask)
    case Offset.pllStatus: return state.isLocked ? 1 : 0
    case Offset.deepSleepClock: return state.deepSleepClock
    case Offset.bootConfiguration: return Self.newBootConfiguration
    // It is flash that lies at zero.
    case Offset.romControl: return 0
    default: break
    }
    for group in Self.groups {
      let bits = state[keyPath: group.bits]
      if let kind = kind(offset, in: group.group) { return bits[kind] }
      if group.legacy..<group.legacy + 12 ~= offset {
        return Self.legacy(bits, Int(offset - group.legacy) / 4)
      }
    }
    if let kind = kind(offset, in: Group.ready) { return state.ready[kind] }
    if let kind = kind(offset, in: Group.present) { return Kind.all[kind].present }
    if let number = Self.kept.firstIndex(where: { $0.offset == offset }) {
      return state.kept[number]
    }
    if let one = Self.flash.first(where: { offset &- $0.offset < 4 * $0.count }) {
      return state[keyPath: one.words][Int(offset - one.offset) / 4]
    }
    return Self.fixed.first { $0.offset == offset }?.value ?? 0
  }

  /// Bits by kind as a legacy register has them.
  private static func legacy(_ bits: [UInt32], _ register: Int) -> UInt32 {
    var word: UInt32 = 0
    for (kind, bits) in zip(Kind.all, bits) {
      guard let legacy = kind.legacy, legacy.register == register else { continue }
      for (number, bit) in legacy.bits.enumerated() { word |= (bits >> UInt32(number) & 1) << bit }
    }
    return word
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let word = UInt32(truncatingIfNeeded: value)
    let offset = access.offset
    switch offset {
    case Offset.rcc, Offset.rcc2: writeClock(offset, word, &port)
    case Offset.advancedBus:
      state.advancedBus = UInt8(word & 0x3F)
      setApertures(port)
    // "Writing a 0 clears".
    case Offset.resetCauses: state.resetCauses &= word
    case Offset.interruptMask:
      state.interruptMask = UInt16(truncatingIfNeeded: word) & Interrupt.all
    case Offset.maskedInterrupts: state.rawInterrupts &= ~UInt16(truncatingIfNeeded: word)
    case Offset.deepSleepClock: state.deepSleepClock = word & 0x1F80_0072
    default:
      for group in Self.groups {
        if let kind = kind(offset, in: group.group) { return set(group.bits, kind, word, port) }
        if group.legacy..<group.legacy + 12 ~= offset {
          for part in Self.parts(of: word, Int(offset - group.legacy) / 4) {
            let old = state[keyPath: group.bits][part.kind]
            set(group.bits, part.kind, old & ~part.mask | part.bits, port)
          }
          return
        }
      }
      if let number = Self.kept.firstIndex(where: { $0.offset == offset }) {
        state.kept[number] = word
      } else if let one = Self.flash.first(where: { offset &- $0.offset < 4 * $0.count }) {
        keep(word, one.words, Int(offset - one.offset) / 4, port)
      }
    }
  }

  /// The bits of a protection can only be cleared.
  private mutating func keep(_ word: UInt32, _ words: Words, _ number: Int, _ port: DevicePort) {
    if words == \.userWords {
      state.userWords[number] = word
      return
    }
    let new = state[keyPath: words][number] & word
    if state[keyPath: words][number] == new { return }
    state[keyPath: words][number] = new
    port.protect(
      from: 0, blocksOf: 2048, unreadable: state.readable.map { ~$0 },
      fixed: state.programmable.map { ~$0 })
  }

  /// What a store to a legacy register means for each kind: which of its bits are there, and their new values.
  private static func parts(
    of word: UInt32, _ register: Int
  ) -> [(kind: Int, mask: UInt32, bits: UInt32)] {
    Kind.all.enumerated().compactMap { number, kind in
      guard let legacy = kind.legacy, legacy.register == register else { return nil }
      var bits: UInt32 = 0
      for (place, bit) in legacy.bits.enumerated() { bits |= (word >> bit & 1) << UInt32(place) }
      return (number, (1 << UInt32(legacy.bits.count)) - 1, bits)
    }
  }

  // MARK: Gates and resets

  private static let ticksUntilReady: Tick = 2

  private mutating func set(_ group: Bits, _ kind: Int, _ word: UInt32, _ port: DevicePort) {
    let bits = word & Kind.all[kind].present
    let old = state[keyPath: group][kind]
    state[keyPath: group][kind] = bits
    switch group {
    case \.gates:
      stop(kind, old & ~bits, port)
      wait(kind, bits & ~old & ~state.resets[kind], port)
    case \.resets:
      let begun = bits & ~old
      for number in 0..<32 where begun >> UInt32(number) & 1 == 1 {
        port.resetPeripheral(Kind.all[kind].gate(number))
      }
      stop(kind, begun, port)
      wait(kind, old & ~bits & state.gates[kind], port)
    default: setClocks(kind, port)
    }
  }

  private mutating func stop(_ kind: Int, _ bits: UInt32, _ port: DevicePort) {
    if bits == 0 { return }
    state.ready[kind] &= ~bits
    for number in state.waiting.indices where state.waiting[number].kind == kind {
      state.waiting[number].bits &= ~bits
    }
    state.waiting.removeAll { $0.bits == 0 }
    setClocks(kind, port)
  }

  private mutating func wait(_ kind: Int, _ bits: UInt32, _ port: DevicePort) {
    if bits == 0 { return }
    state.waiting.append(
      Waiting(tick: port.now + Self.ticksUntilReady, kind: kind, bits: bits))
  }

  /// RCC.ACG: "The SCGCn or DCGCn registers are used to control the clocks distributed to the peripherals when the microcontroller is
  /// in a sleep mode."
  private mutating func setClocks(_ kind: Int, _ port: DevicePort) {
    var wanted = state.ready[kind]
    if state.rcc & Self.gatesAutomatically != 0 {
      switch state.sleep {
      case .awake: break
      case .asleep: wanted &= state.sleepGates[kind]
      case .deeplyAsleep: wanted &= state.deepSleepGates[kind]
      }
    }
    let changed = wanted ^ state.clocked[kind]
    state.clocked[kind] = wanted
    for number in 0..<32 where changed >> UInt32(number) & 1 == 1 {
      port.setGate(Kind.all[kind].gate(number), isOpen: wanted >> UInt32(number) & 1 == 1)
    }
  }
  private static let gatesAutomatically: UInt32 = 1 << 27

  public static var followsSleep: Bool { true }

  public mutating func sleepChanged(to sleep: CoreSleep, _ port: inout DevicePort) {
    if sleep == state.sleep { return }
    let wasDeep = state.sleep == .deeplyAsleep
    state.sleep = sleep
    if state.rcc & Self.gatesAutomatically != 0 {
      for kind in Kind.all.indices { setClocks(kind, port) }
    }
    // "... hardware brings the system clock back to the source and frequency it had at the onset of Deep-Sleep mode".
    if wasDeep || sleep == .deeplyAsleep { port.setClock(systemClock) }
  }

  private func setApertures(_ port: DevicePort) {
    guard let gpio = Kind.all.first(where: { $0.name == "GPIO" }) else { return }
    for number in 0..<6 {
      port.setAperture(gpio.gate(number), Int(state.advancedBus >> UInt8(number) & 1))
    }
  }

  // MARK: The clock

  private var tree: TM4CClockTree { TM4CClockTree(rcc: state.rcc, rcc2: state.rcc2) }

  private var systemClock: Ratio {
    state.sleep == .deeplyAsleep
      ? TM4CClockTree.deepSleepClock(state.deepSleepClock) : tree.systemClock
  }

  private mutating func writeClock(_ offset: UInt64, _ word: UInt32, _ port: inout DevicePort) {
    let before = tree
    if offset == Offset.rcc { state.rcc = word } else { state.rcc2 = word }
    if before.isOscillatorOff && !tree.isOscillatorOff {
      state.rawInterrupts |= Interrupt.oscillatorReady
    }
    if before.isPowered != tree.isPowered {
      state.isLocked = false
      state.lockCycle =
        tree.isPowered ? port.cycles(of: TM4CClockTree.crystal) + 1024 : nil
      setLockTick(port)
    }
    // What has been said of an earlier store is not said again.
    for mistake in tree.mistakes where !before.mistakes.contains(mistake) {
      port.guestError(mistake)
    }
    port.setClock(systemClock)
  }

  private mutating func setLockTick(_ port: DevicePort) {
    guard let cycle = state.lockCycle else { return }
    state.lockTick = max(port.now + 1, port.tick(reaching: cycle, of: TM4CClockTree.crystal))
  }

  public mutating func clockChanged(_ port: inout DevicePort) { setLockTick(port) }

  // MARK: Time

  public var deadline: Tick? {
    let ready = state.waiting.first?.tick
    guard state.lockCycle != nil else { return ready }
    return min(state.lockTick, ready ?? .max)
  }

  public mutating func advance(_ port: inout DevicePort) {
    while let next = state.waiting.first, next.tick <= port.now {
      state.waiting.removeFirst()
      state.ready[next.kind] |= next.bits
      setClocks(next.kind, port)
    }
    if state.lockCycle != nil && state.lockTick <= port.now {
      state.lockCycle = nil
      state.isLocked = true
      state.rawInterrupts |= Interrupt.pllLocked
    }
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    var causes = state.resetCauses
    switch port.resetCause {
    case .powerOn: causes = initial.resetCauses
    case .core: causes |= 1 << 4
    case .device(let name):
      switch watchdogs.firstIndex(of: name) {
      case 0: causes |= 1 << 3
      case 1: causes |= 1 << 5
      default: causes |= 1 << 4
      }
    }
    let old = state
    state = initial
    if port.resetCause != .powerOn {
      (state.readable, state.programmable) = (old.readable, old.programmable)
      state.userWords = old.userWords
    }
    state.resetCauses = causes
    state.clocked = old.clocked
    for kind in Kind.all.indices { setClocks(kind, port) }
    setApertures(port)
    port.setClock(systemClock)
  }

  /// Line 0 is the interrupt; 1 to 4 are RCC.USEPWMDIV and, while that is set, PWMDIV.
  public var lines: LineSet {
    let divisor = state.rcc >> 20 & 1 == 0 ? 0 : 1 | state.rcc >> 16 & 0xE
    let isRaised = state.rawInterrupts & state.interruptMask != 0
    return LineSet(rawValue: UInt64(divisor) << 1 | (isRaised ? 1 : 0))
  }
}
