import Devices
import Emu

/// A guest that nobody would write, from a number: random code and data, jumps to anywhere, traps, sleeps, stores to every register of
/// every device and to its own code. The same number is the same guest, in every run and on every host.
struct HostileGuest {
  let seed: UInt64
  let board: Board
  let image: Image
  let options: MachineOptions
  /// The run goes on to this tick or this index, whichever is first.
  let end: (tick: Tick, index: UInt64)

  /// - Parameters:
  ///   - victims: good images of the board, to be damaged; may be empty.
  ///   - harts: several of them run an RV64's noise, all the same.
  init(seed: UInt64, victims: [(board: String, bytes: [UInt8])], harts: Int = 1) throws {
    self.seed = seed
    var random = SplitMix(seed: seed)
    var options = MachineOptions()
    let isRV64 = harts > 1 || random.oneIn(2)
    board = isRV64 ? .rv64Virt(harts: harts) : .m4LED
    if harts > 1 { options.quantum = random.one(of: [1, 2, 5, 30, 1000]) }
    var bytes: [UInt8]
    let fit = victims.filter { $0.board == (isRV64 ? "rv64-virt" : "m4-led") }
    if !fit.isEmpty, random.oneIn(5) {
      bytes = random.one(of: fit).bytes
      for _ in 0...random.below(20) {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
    } else if isRV64 {
      let mode: MachineOptions.Mode = random.oneIn(3) ? .supervisor : .machine
      var noise = RV64Noise(random: random, mode: mode, harts: harts)
      bytes = noise.image()
      options.mode = mode
    } else {
      var noise = ThumbNoise(random: random)
      bytes = noise.image()
      options.loads = [
        (address: ThumbNoise.ram, bytes: noise.code(at: ThumbNoise.ram, count: 2000))
      ]
    }
    image = try Image(bytes: bytes, path: "hostile-\(seed).bin", format: .raw)
    if random.oneIn(2) { options.semihosting = SemihostingOptions(commandLine: "a b") }
    if random.oneIn(2) { options.input = (0..<random.below(40)).map { UInt8($0) &* 37 } }
    options.stopsAtReset = random.oneIn(4)
    self.options = options
    let length = 100 << random.below(11)
    end = (Tick(length * (random.oneIn(4) ? 50 : 3)), UInt64(length))
  }
}

struct SplitMix {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
  mutating func one<T>(of all: [T]) -> T { all[below(all.count)] }
  mutating func bits(_ count: Int) -> UInt32 { UInt32(next() & ((1 << UInt64(count)) - 1)) }
}

// MARK: RV64

private struct RV64Noise {
  var random: SplitMix
  private var code: [UInt8] = []
  private let mode: MachineOptions.Mode
  private let start: UInt64
  private let harts: Int

  init(random: SplitMix, mode: MachineOptions.Mode, harts: Int) {
    self.random = random
    self.mode = mode
    self.harts = harts
    start = mode == .machine ? 0x8000_0000 : 0x8020_0000
  }

  mutating func image() -> [UInt8] {
    // What is half sane goes further before it dies.
    let wildness = random.below(20)
    if !random.oneIn(3) {
      // A vector: somewhere in the code, nowhere good, or a handler that goes on at a random place, so that there is no end.
      let vector = start + UInt64(random.below(0x800) & ~3)
      load(
        5,
        random.one(of: [
          random.next(), vector, start + 64, start + 64, start + 64, start + 64, start + 65,
        ]))
      if mode == .machine { word(0x3052_9073) }  // csrw mtvec, t0
      if mode == .supervisor || random.oneIn(2) { word(0x1052_9073) }  // csrw stvec, t0
      word(0x0380_006F)  // jal over the handler
      while code.count < 64 { word(0x13) }
      for instruction in [
        0x3400_22F3,  // csrr t0, mscratch
        0x0052_9313, 0x0062_82B3,  // t0 *= 33
        0x1F72_8293, 0x3402_9073,  // t0 += 503; csrw mscratch, t0
        0x7FC2_F293,  // andi t0, t0, 0x7FC
        0x0000_0317, 0xFA83_0313,  // auipc t1; addi t1, t1, start - here
        0x0062_82B3, 0x3412_9073,  // csrw mepc, t0
        0x3020_0073,
      ] as [UInt32] {
        // The same registers of S mode have bit 9 of their number clear, and so has sret.
        let isPrivileged = instruction & 0x7F == 0x73
        word(mode == .supervisor && isPrivileged ? instruction & ~0x2000_0000 : instruction)
      }
    }
    let count = 64 + random.below(1500)
    while code.count < count {
      if random.oneIn(4 + wildness) {
        word(UInt32(truncatingIfNeeded: random.next()))
      } else if random.oneIn(6) {
        half(UInt16(truncatingIfNeeded: random.next()))
      } else if random.oneIn(4) {
        scene()
      } else {
        plain()
      }
    }
    return code
  }

  private mutating func half(_ value: UInt16) {
    code += [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
  }
  private mutating func word(_ value: UInt32) {
    half(UInt16(truncatingIfNeeded: value))
    half(UInt16(value >> 16))
  }
  /// Any constant: auipc, ld, a jump over it, the constant.
  private mutating func load(_ register: UInt32, _ value: UInt64) {
    word(0x17 | register << 7)
    word(0x3003 | register << 7 | register << 15 | 12 << 20)
    word(0x00C0_006F)
    word(UInt32(truncatingIfNeeded: value))
    word(UInt32(value >> 32))
  }
  private mutating func register() -> UInt32 {
    random.oneIn(3) ? random.bits(5) : 5 + random.bits(3)
  }

  private mutating func address() -> UInt64 {
    let bases: [UInt64] = [
      0x1000_0000, 0x1000_0000, 0x10_0000, 0x200_0000, 0x200_4000, 0x200_BFF8, 0x1006_0000, 0x1000,
      0x8000_0000,
      0x87FF_FFF8, 0x8800_0000, 0x7FFF_FFFC, 0xFFFF_FFFF_FFFF_F000, 0xFFFF_FFFF_FFFF_FFF8, 0,
      0x1_0000,
      start + UInt64(code.count), start + UInt64(code.count),
    ]
    return random.one(of: bases)
      &+ (random.oneIn(3) ? UInt64(random.below(64)) : UInt64(random.below(16) * 4))
  }

  private static let csrs: [UInt32] = [
    0x001, 0x002, 0x003, 0x100, 0x104, 0x105, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180,
    0x180, 0x300, 0x300, 0x301, 0x302,
    0x303, 0x304, 0x304, 0x305, 0x306, 0x320, 0x323, 0x340, 0x341, 0x342, 0x343, 0x344, 0x344,
    0x3A0, 0x3A1, 0x3A2, 0x3B0, 0x3B1,
    0x3B2, 0x3BF, 0x7A0, 0x7A1, 0x7B0, 0xB00, 0xB02, 0xB03, 0xC00, 0xC01, 0xC02, 0xC03, 0xF11,
    0xF12, 0xF14, 0x600, 0x5C0, 0x800,
    0x200, 0x240, 0x280, 0xB80, 0xC80, 0x3A3, 0x310,
  ]

  /// One instruction that is probably legal.
  private mutating func plain() {
    let (rd, rs1, rs2) = (register(), register(), register())
    let f3 = random.bits(3)
    let r = rd << 7 | rs1 << 15
    switch random.below(16) {
    case 0: word(0x37 | rd << 7 | random.bits(20) << 12)
    case 1: word(0x17 | rd << 7 | random.bits(4) << 12)
    case 2:  // jal, near
      word(
        0x6F | (random.oneIn(2) ? rd << 7 : 0) | random.bits(6) << 22
          | (random.oneIn(3) ? 0xFF1F_F000 : 0))
    case 3: word(0x67 | r | random.bits(4) << 21)
    case 4:
      word(
        0x63 | f3 << 12 | rs1 << 15 | rs2 << 20 | random.bits(3) << 9
          | (random.oneIn(3) ? 0xFE00_0080 : 0))
    case 5: word(0x03 | r | f3 << 12 | random.bits(6) << 20)
    case 6: word(0x23 | f3 << 12 | rs1 << 15 | rs2 << 20 | random.bits(5) << 7)
    case 7: word(0x13 | r | f3 << 12 | random.bits(12) << 20)
    case 8:
      word(
        (random.oneIn(2) ? 0x33 : 0x3B) | r | f3 << 12 | rs2 << 20
          | random.one(of: [0, 1 << 25, 1 << 30]))
    case 9:
      word(
        0x2F | r | (2 + random.bits(1)) << 12 | rs2 << 20 | random.bits(2) << 25 | random.one(of: [
          0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28,
        ]) << 27)
    case 10: word(0x53 | r | f3 << 12 | rs2 << 20 | random.bits(7) << 25)
    case 11: word((random.oneIn(2) ? 0x07 : 0x27) | r | (2 + random.bits(1)) << 12 | rs2 << 20)
    case 12:
      word(
        (0x43 + random.bits(2) * 4) | r | 7 << 12 | rs2 << 20 | random.bits(5) << 27 | random.bits(
          1) << 25)
    default: csr()
    }
  }

  private mutating func csr() {
    let number = random.oneIn(20) ? random.bits(12) : random.one(of: Self.csrs)
    word(
      0x73 | register() << 7 | random.one(of: [1, 2, 3, 5, 6, 7]) << 12 | register() << 15 | number
        << 20)
  }

  /// SBI between harts: HSM, IPI, RFENCE, PMU, SUSP; on harts, and at addresses, that are there or
  /// not.
  private mutating func hartCall() {
    load(
      17, random.one(of: [0x48_534D, 0x48_534D, 0x73_5049, 0x5246_4E43, 0x50_4D55, 0x5355_5350]))
    load(16, UInt64(random.below(4)))
    load(10, random.oneIn(8) ? random.next() : UInt64(random.below(harts + 1)))
    let place = start + UInt64(random.below(0x400) & ~1)
    load(11, random.one(of: [0, 1, .max, place, place, address()]))
    load(12, random.one(of: [0, 1, 5, random.next()]))
    word(0x73)
  }

  /// A few instructions that mean something together.
  private mutating func scene() {
    let (a, b) = (register(), register())
    switch random.below(12) {
    case 0, 1:  // store to a device, or to the code here
      load(a, address())
      if random.oneIn(2) { load(b, random.oneIn(2) ? random.next() : UInt64(random.below(256))) }
      for _ in 0...random.below(3) {
        word(0x23 | random.bits(2) << 12 | a << 15 | b << 20 | random.bits(5) << 7)
      }
    case 2:
      load(a, address())
      for _ in 0...random.below(3) {
        word(0x03 | random.bits(3) << 12 | a << 15 | b << 7 | random.bits(4) << 20)
      }
    case 3:
      word(
        random.one(of: [
          0x73, 0x10_0073, 0x3020_0073, 0x1020_0073, 0x1050_0073, 0x1200_0073, 0x100F, 0xF,
        ]))
    case 4:  // semihosting
      load(10, UInt64(random.below(0x34)))
      load(11, address())
      for word in [0x01F0_1013, 0x0010_0073, 0x4070_5013] as [UInt32] { self.word(word) }
    case 5 where harts > 1 && random.oneIn(2): hartCall()
    case 5:  // SBI
      load(
        17,
        random.one(of: [
          0, 1, 2, 3, 4, 5, 8, 0x10, 0x5449_4D45, 0x73_5049, 0x5352_5354, 0x4442_434E,
        ]))
      load(16, UInt64(random.below(4)))
      load(10, random.oneIn(2) ? UInt64(random.below(100_000)) : random.next())
      load(11, address())
      if random.oneIn(2) { word(0x613) }
      word(0x73)
    case 6:  // a CSR with something in it that matters
      load(
        a,
        random.one(of: [
          UInt64.max, 0x888, 0x222, 0xAAA, 0x1808, 0x8, 0x2_1800, 0x6000, 1 << 63,
          8 << 60 | 0x8_0000, 9 << 60 | 0x8_0001, 0x8000_0000 >> 2,
          0x1F1F_1F1F_1F1F_1F1F, 0x0F0F_9F1F, start, start + 1, 0x2_0000 | 0x800, random.next(),
        ]))
      word(0x1073 | a << 15 | random.one(of: Self.csrs) << 20)
    case 7:  // a timer soon, enabled
      load(a, 0x200_4000)
      load(b, UInt64(random.below(60)))
      word(0x3023 | a << 15 | b << 20)
      load(b, 0x888)
      word(0x3040_2073 | b << 15)
      word(0x3004_6073)
      if random.oneIn(2) { word(0x1050_0073) }
    case 8:  // Sv39 with one giant page that is itself
      load(a, 0x8000_1010)
      load(b, random.oneIn(2) ? 0x2000_00CF : 0x2000_0001 | random.next() & 0xFF)
      word(0x3023 | a << 15 | b << 20)
      load(b, 8 << 60 | 0x8_0001)
      word(0x1800_1073 | b << 15)
      load(b, random.one(of: [0x2_1800, 0x800, 0x2_0800, 0xE_0800]))
      word(0x3000_2073 | b << 15)
      if random.oneIn(2) {
        load(b, start + UInt64(code.count) + 40)
        word(0x3410_1073 | b << 15)
        word(0x3020_0073)
      }
    case 9:  // a loop
      word(0x13 | a << 7 | random.bits(8) << 20)
      let top = code.count
      for _ in 0...random.below(3) { plain() }
      word(0xFFF0_0013 | a << 7 | a << 15)
      let back = UInt32(bitPattern: Int32(top - code.count))
      word(
        0x1063 | a << 15 | (back >> 12 & 1) << 31 | (back >> 5 & 0x3F) << 25 | (back >> 1 & 15) << 8
          | (back >> 11 & 1) << 7)
    case 10:  // everything open by PMP
      load(a, .max)
      word(0x3B00_1073 | a << 15)
      load(a, random.oneIn(2) ? 0x1F : random.next())
      word(0x3A00_1073 | a << 15)
    default:
      load(a, address())
      word(0x67 | a << 15 | random.bits(5) << 7)
    }
  }
}

// MARK: Cortex-M4

private struct ThumbNoise {
  var random: SplitMix
  static let ram: UInt64 = 0x2000_1000
  private var bytes: [UInt8] = []
  private var base: UInt64 = 0

  init(random: SplitMix) { self.random = random }

  mutating func image() -> [UInt8] {
    var table: [UInt8] = []
    let isSane = !random.oneIn(4)
    let size = random.oneIn(4) ? 16 : 80
    for number in 0..<size {
      var entry = number == 0 ? stack() : target(isSane: isSane)
      // Faults go to a handler that goes on at a random place, so that there is no end.
      if (3...6).contains(number), !random.oneIn(5) { entry = UInt32(size * 4) | 1 }
      if random.oneIn(isSane ? 60 : 4) { entry = UInt32(truncatingIfNeeded: random.next()) }
      table += (0..<4).map { UInt8(truncatingIfNeeded: entry >> ($0 * 8)) }
    }
    return table + handler(at: UInt64(table.count))
      + code(at: UInt64(table.count), count: 64 + random.below(1500))
  }

  /// A new stack, a new frame on it, and out.
  private mutating func handler(at address: UInt64) -> [UInt8] {
    bytes = []
    base = address
    load(0, 0x2000_7F00)
    for instruction in [
      0x4685,  // mov sp, r0
      // ldr r1, [r0, #0x60]; lsls r2, r1, #5; adds r1, r1, r2; adds r1, #247; str
      0x6E01, 0x014A, 0x1889, 0x31F7, 0x6601,
      0x0549, 0x0D49, 0x0049,  // lsls r1, #21; lsrs r1, #21; lsls r1, #1
    ] as [UInt32] { half(instruction) }
    load(2, UInt32(Self.ram))
    // adds r1, r1, r2; str r1, [r0, #24]
    for instruction in [0x1889, 0x6181] as [UInt32] { half(instruction) }
    load(1, 0x0100_0000)
    half(0x61C1)  // str r1, [r0, #28]
    load(1, 0xFFFF_FFF9)
    half(0x4708)  // bx r1
    return bytes
  }

  private mutating func stack() -> UInt32 {
    random.oneIn(2)
      ? 0x2000_8000
      : random.one(of: [
        0x2001_0000, 0x2000_0000, 0x2000_0010, 0x4000_C040, 0, 0xE000_E200, 0xFFFF_FFF8,
        0x2000_1004, 0x400F_E610,
      ])
  }
  private mutating func target(isSane: Bool) -> UInt32 {
    let inRAM = UInt32(Self.ram) + UInt32(random.below(0x200) * 2)
    return (random.oneIn(2) ? inRAM : 0x140 + UInt32(random.below(0x100) * 2))
      | (isSane || !random.oneIn(3) ? 1 : 0)
  }

  mutating func code(at address: UInt64, count: Int) -> [UInt8] {
    bytes = []
    base = address
    let wildness = random.below(20)
    while bytes.count < count {
      if random.oneIn(4 + wildness) {
        half(UInt32(random.bits(16)))
      } else if random.oneIn(8) {
        half(0xE800 + random.bits(11) | random.bits(1) << 12)
        half(random.bits(16))
      } else if random.oneIn(3) {
        scene()
      } else {
        plain()
      }
    }
    return bytes
  }

  private mutating func half(_ value: UInt32) {
    bytes += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
  }
  private mutating func wide(_ value: UInt32) {
    half(value >> 16)
    half(value)
  }
  /// movw, movt
  private mutating func load(_ register: UInt32, _ value: UInt32) {
    for (opcode, part) in [(0xF240_0000, value & 0xFFFF), (0xF2C0_0000, value >> 16)]
      as [(UInt32, UInt32)]
    {
      wide(
        opcode | register << 8 | (part >> 12) << 16 | (part >> 11 & 1) << 26 | (part >> 8 & 7) << 12
          | part & 0xFF)
    }
  }

  private mutating func address() -> UInt32 {
    let here = UInt32(truncatingIfNeeded: base) + UInt32(bytes.count)
    let bases: [UInt32] = [
      0x4000_C000, 0x4000_C000, 0x400F_E604, 0x400F_E608, 0xE000_E010, 0xE000_E014, 0xE000_E018,
      0xE000_E100, 0xE000_E180, 0xE000_E200,
      0xE000_E280, 0xE000_E400, 0xE000_ED04, 0xE000_ED08, 0xE000_ED0C, 0xE000_ED10, 0xE000_ED14,
      0xE000_ED18, 0xE000_ED24, 0xE000_ED88,
      0xE000_EF34, 0xE000_EF00, 0xE000_ED94, 0xE000_EDFC, 0xE000_1000, 0xE000_EF38, 0x2000_0000,
      0x2000_FFFC, 0x2001_0000, 0x1F_FFFE, 0, 0xFFFF_FFFC,
      0x2200_0000, 0x4200_0000, here, here, here,
    ]
    return random.one(of: bases)
      &+ (random.oneIn(3) ? random.bits(6) : random.oneIn(2) ? 0 : random.bits(4) * 4)
  }
  private mutating func value() -> UInt32 {
    random.one(of: [
      0, 1, 2, 3, 7, 0xF, 0xFF, 0x100, 0x300, 0xFFFF_FFFF, 0x05FA_0004, 0x05FA_0700, 0x05FA_0001,
      0x1000_0000, 0x0400_0000, 0x8000_0000, 0xF0_0000, 0x70000,
      0xC000_0000, 0x2000_0000, 0x2000_1000, 0x2000_1001, 0x80, 0xE0,
      UInt32(truncatingIfNeeded: random.next()),
    ])
  }

  private mutating func plain() {
    switch random.below(14) {
    case 0: half(0x2000 | random.bits(11))  // movs
    case 1: half(0x3000 | random.bits(12))
    case 2: half(0x4000 | random.bits(10))
    case 3: half(0x4400 | random.bits(9))
    case 4: half(0xD000 | random.bits(4) << 8 | random.bits(4) | (random.oneIn(3) ? 0xF0 : 0))
    case 5: half(0xE000 | random.bits(3))
    case 6: half(0x5000 | random.bits(13))
    case 7: half(0x9000 | random.bits(12))
    case 8: half(random.one(of: [0xB400, 0xBC00]) | random.bits(9))
    case 9: half(0xC000 | random.bits(12))
    case 10:
      half(
        random.one(of: [0xBF10, 0xBF20, 0xBF30, 0xBF40, 0xBF00, 0xB662, 0xB672, 0xB661, 0xB671]))
    case 11: half(random.one(of: [0xDF00, 0xBE00]) | random.bits(8))
    case 12:
      half(0xBF00 | random.bits(4) << 4 | 1 + random.bits(3))
      for _ in 0..<random.below(5) { half(random.oneIn(3) ? 0xDF01 : 0x3001 | random.bits(3) << 8) }
    default: wide(0xEE00_0A00 | random.bits(24) & ~0xF00 | 0xA00)  // FP
    }
  }

  private mutating func scene() {
    let (a, b) = (random.bits(3), random.bits(3))
    switch random.below(14) {
    case 0, 1, 2:
      load(a, address())
      if !random.oneIn(3) { load(b, value()) }
      for _ in 0...random.below(3) { half(0x6000 | random.bits(2) << 6 | a << 3 | b) }
    case 3:
      load(a, address())
      half(random.one(of: [0x6800, 0x7800, 0x8800]) | a << 3 | b)
    case 4:
      load(a, address())
      wide(
        random.one(of: [
          0xE8B0_0000, 0xE8A0_0000, 0xE920_0000, 0xE9C0_0000, 0xE950_0000, 0xED90_0A00, 0xEC80_0B00,
        ]) | a << 16 | random.bits(10))
    case 5:
      load(a, address())
      wide(0xE850_0F00 | a << 16 | b << 12)
      wide(0xE840_0000 | a << 16 | b << 12 | random.bits(3) << 8)
    case 6:  // msr, mrs
      load(a, value())
      wide(
        0xF380_8800 | a << 16 | random.one(of: [0, 3, 5, 8, 9, 16, 17, 18, 19, 20, random.bits(8)]))
      wide(0xF3EF_8000 | b << 8 | random.one(of: [0, 3, 5, 8, 9, 16, 17, 18, 19, 20]))
    case 7:  // jump anywhere
      load(
        a,
        random.one(of: [
          0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD, 0xFFFF_FFE9, 0xFFFF_FFE1, 0xFFFF_FFED, 0xFFFF_FF01,
          address(), address() | 1,
        ]))
      half(0x4700 | a << 3 | (random.oneIn(2) ? 0x80 : 0))
    case 8:  // SysTick, often
      load(a, 0xE000_E010)
      load(b, random.oneIn(2) ? 1 : random.bits(6))
      if a != b {
        half(0x6040 | a << 3 | b)
        load(b, 7)
        half(0x6000 | a << 3 | b)
      }
    case 9:  // an interrupt to itself
      load(a, random.one(of: [0xE000_E100, 0xE000_E200]))
      load(b, UInt32(truncatingIfNeeded: random.next()))
      half(0x6000 | a << 3 | b)
    case 10:  // semihosting
      load(0, UInt32(random.below(0x34)))
      load(1, address())
      half(0xBEAB)
    case 11:  // FP on
      load(a, 0xE000_ED88)
      load(b, 0xF0_0000)
      half(0x6000 | a << 3 | b)
      wide(0xEE30_0A00 | random.bits(8))
    case 12:
      load(a, stack())
      half(0x4685 | a << 3)  // mov sp, a
    default:
      half(0x2000 | a << 8 | random.bits(5))
      let top = bytes.count
      for _ in 0...random.below(3) { plain() }
      half(0x3801 | a << 8)
      let back = (top - bytes.count - 4) / 2
      half(0xD100 | UInt32(back & 0xFF))
    }
  }
}
