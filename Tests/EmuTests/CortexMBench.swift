@testable import Emu

/// Pulls 16 interrupt lines: at once by a store, or at a tick that it is given beforehand. A store to +12 ends the run, with the
/// value as its code; one to +16 is a mark, seen in the trace as a pin event.
struct Puller: Device {
  struct State: Codable, Hashable, Sendable {
    var levels: UInt64 = 0
    var alarm: Tick?
    /// What the alarm asserts.
    var lines: UInt64 = 0
    /// Falls again one tick later.
    var isPulse = false
    var marks: [UInt32] = []
  }
  var state = State()

  init(_ lines: UInt64 = 0, at tick: Tick? = nil, pulse: Bool = false) {
    state.lines = lines
    state.alarm = tick
    state.isPulse = pulse
  }

  static let address: UInt32 = 0x4000_0000
  static let raise = address
  static let lower = address + 4
  static let end = address + 12
  static let mark = address + 16

  var map: RegisterMap {
    RegisterMap(
      [
        .init("RAISE", 0), .init("LOWER", 4), .init("LEVELS", 8, .readOnly), .init("END", 12),
        .init("MARK", 16),
      ], reserved: .fault)
  }
  mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.offset == 8 ? state.levels : 0
  }
  mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    switch access.offset {
    case 0: state.levels |= value
    case 4: state.levels &= ~value
    case 12: port.stop(.finisher, code: UInt32(value))
    default: state.marks.append(UInt32(value))
    }
  }
  mutating func advance(_ port: inout DevicePort) {
    state.alarm = nil
    if state.levels & state.lines == 0 {
      state.levels |= state.lines
      if state.isPulse { state.alarm = port.now + 1 }
    } else {
      state.levels &= ~state.lines
    }
  }
  var deadline: Tick? { state.alarm }
  var lines: LineSet { LineSet(rawValue: state.levels) }
}

/// A Cortex-M4 with 64 KiB of flash at 0, 64 KiB of SRAM, 64 interrupts, and a puller on the first 16 of them.
struct CortexMBench {
  let machine: Machine
  let program: Thumb

  init(
    _ puller: Puller = Puller(), stack: UInt32 = 0x2000_1000, vectors: [Int: String] = [:],
    raw: [Int: UInt32] = [:], trace: Event.Mask = .all, semihosting: SemihostingOptions? = nil,
    priorityBits: Int = 3, nmi: Bool = false, timing: MachineOptions.Timing = .unit,
    _ build: (inout Thumb) -> Void
  ) throws {
    let image = Thumb.image(stack: stack, vectors: vectors, raw: raw, build)
    program = image.program
    var options = MachineOptions()
    options.trace = trace
    options.semihosting = semihosting
    options.timing = timing
    machine = try Machine(
      Self.board(puller, priorityBits: priorityBits, nmi: nmi),
      image: Image(bytes: image.bytes, path: "test", format: .raw),
      options: options)
  }

  /// - Parameter nmi: line 0 is the NMI.
  static func board(_ puller: Puller, priorityBits: Int = 3, nmi: Bool = false) -> Board {
    Board(
      name: "m4-test", revision: 1, summary: "for tests",
      core: .cortexM4(priorityBits: priorityBits, interrupts: 64), clock: Clock(hertz: 16_000_000),
      regions: [
        .init("flash", at: 0, size: 0x1_0000, writable: false),
        .init("sram", at: 0x2000_0000, size: 0x1_0000, writable: true),
      ],
      devices: [
        Placement(
          "puller", puller, at: UInt64(Puller.address), size: 0x100,
          wires: Dictionary(
            uniqueKeysWithValues: (0..<16).map { ($0, nmi && $0 == 0 ? [.nmi] : [.interrupt($0)]) })
        )
      ], console: "puller")
  }

  var core: CortexM {
    guard let core = machine.hart as? CortexM else { preconditionFailure("not a Cortex-M") }
    return core
  }
  var state: CortexMState { core.state }

  /// Runs to the end, which must come within a million instructions.
  @discardableResult
  func run() -> Stop? {
    if case .asleep = machine.run(until: RunLimit(tick: 1_000_000)) { machine.end(.idle) }
    return machine.stop
  }

  /// Runs until an instruction index.
  func run(to index: UInt64) {
    if case .asleep = machine.run(until: RunLimit(index: index)) { machine.end(.idle) }
  }

  func word(_ address: UInt32) -> UInt32 { machine.memory.load(UInt64(address)) ?? 0xDEAD_DEAD }

  /// What was stored to the mark register, in order.
  var marks: [UInt32] {
    machine.trace.filter { $0.kind == .mmioWrite && $0.source == 0 && $0.detail & 0xFF_FFFF == 16 }
      .map { UInt32($0.value) }
  }

  /// Exceptions entered, in order.
  var entered: [Int] {
    machine.trace.filter { $0.kind == .interrupt }.map { Int($0.detail) }
  }

  /// Indexes at which they were.
  var entries: [UInt64] { machine.trace.filter { $0.kind == .interrupt }.map(\.index) }
}

/// Addresses of the System Control Space.
enum SCS {
  static let systCSR: UInt32 = 0xE000_E010
  static let systRVR: UInt32 = 0xE000_E014
  static let systCVR: UInt32 = 0xE000_E018
  static let iser: UInt32 = 0xE000_E100
  static let icer: UInt32 = 0xE000_E180
  static let ispr: UInt32 = 0xE000_E200
  static let icpr: UInt32 = 0xE000_E280
  static let iabr: UInt32 = 0xE000_E300
  static let ipr: UInt32 = 0xE000_E400
  static let icsr: UInt32 = 0xE000_ED04
  static let vtor: UInt32 = 0xE000_ED08
  static let aircr: UInt32 = 0xE000_ED0C
  static let scr: UInt32 = 0xE000_ED10
  static let ccr: UInt32 = 0xE000_ED14
  static let shpr1: UInt32 = 0xE000_ED18
  static let shpr2: UInt32 = 0xE000_ED1C
  static let shpr3: UInt32 = 0xE000_ED20
  static let shcsr: UInt32 = 0xE000_ED24
  static let cfsr: UInt32 = 0xE000_ED28
  static let hfsr: UInt32 = 0xE000_ED2C
  static let mmfar: UInt32 = 0xE000_ED34
  static let bfar: UInt32 = 0xE000_ED38
  static let cpacr: UInt32 = 0xE000_ED88
  static let demcr: UInt32 = 0xE000_EDFC
  static let stir: UInt32 = 0xE000_EF00
  static let fpccr: UInt32 = 0xE000_EF34
  static let fpcar: UInt32 = 0xE000_EF38
  static let fpdscr: UInt32 = 0xE000_EF3C
  static let mpuCTRL: UInt32 = 0xE000_ED94
  static let mpuRBAR: UInt32 = 0xE000_ED9C
  static let cyccnt: UInt32 = 0xE000_1004
  static let dwtCTRL: UInt32 = 0xE000_1000
  static let pendSV: UInt32 = 1 << 28
  static let pendNMI: UInt32 = 1 << 31
}

extension Thumb {
  /// Ends the run. Uses r6 and r7.
  mutating func end(_ code: Int = 0) {
    load(6, Puller.end)
    movs(7, code)
    str(7, 6)
  }
  /// Leaves a mark. Uses r0 and r1 or the two that are named, which an exception handler need not save.
  mutating func mark(_ value: Int, by: Int = 0, with: Int = 1) {
    load(by, Puller.mark)
    movs(with, value)
    str(with, by)
  }
  mutating func returnFromHandler() { bx(14) }
}
