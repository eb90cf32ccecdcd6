import Devices
import Emu

extension Machine {
  func register(_ name: String) -> UInt64? { registers.first { $0.name == name }?.value }
}

/// A few instructions on the board `tm4c123gxl`, then a loop; faults end in another loop, and interrupts return at once.
struct ThumbGuest {
  private var code: [UInt16] = []
  private var literals: [UInt32] = []
  private static let literalBase = 0x400
  private static let codeBase = 0x200
  private static let fault: UInt32 = 0x1C0
  private static let handler: UInt32 = 0x1C4
  private static let size = 0x600

  /// ldr rd, =value
  mutating func load(_ register: UInt16, _ value: UInt32) {
    let number = literals.firstIndex(of: value) ?? literals.count
    if number == literals.count { literals.append(value) }
    let pc = (Self.codeBase + code.count * 2 + 4) & ~3
    code.append(0x4800 | register << 8 | UInt16((Self.literalBase + number * 4 - pc) / 4))
  }
  mutating func move(_ register: UInt16, _ value: UInt16) {
    code.append(0x2000 | register << 8 | value)
  }
  mutating func copy(_ to: UInt16, _ from: UInt16) { code.append(0x4600 | from << 3 | to) }
  mutating func moveToStack(_ from: UInt16) { code.append(0x4685 | from << 3) }
  /// str rt, [rn]
  mutating func store(_ register: UInt16, at base: UInt16) {
    code.append(0x6000 | base << 3 | register)
  }
  /// By way of r0 and r1: two instructions, and the store.
  mutating func write(_ value: UInt32, to address: UInt32) {
    load(0, address)
    load(1, value)
    store(1, at: 0)
  }
  /// ldr rt, [rn]
  mutating func fetch(_ register: UInt16, at base: UInt16) {
    code.append(0x6800 | base << 3 | register)
  }
  /// The same for ever.
  mutating func poll(_ register: UInt16, at base: UInt16) {
    fetch(register, at: base)
    code.append(0xE7FD)
  }
  mutating func nop() { code.append(0xBF00) }
  mutating func sleepForEver() { code.append(contentsOf: [0xBF30, 0xE7FD]) }
  mutating func waitForInterrupt() { code.append(0xBF30) }
  /// cpsid i: an interrupt ends a sleep, and is not entered.
  mutating func disableInterrupts() { code.append(0xB672) }
  mutating func raw(_ halves: UInt16...) { code.append(contentsOf: halves) }
  /// blx rm
  mutating func branchAndLink(_ register: UInt16) { code.append(0x4780 | register << 3) }

  /// Where the next instruction goes, and an unconditional branch there.
  var here: Int { code.count }
  var address: UInt64 { UInt64(Self.codeBase + code.count * 2) }
  mutating func branch(to place: Int) {
    code.append(0xE000 | UInt16(truncatingIfNeeded: place - code.count - 2) & 0x7FF)
  }

  /// By the ROM's tables, through r6.
  mutating func call(table: UInt32, function: UInt16) {
    load(6, 0x0100_0010 + 4 * table)
    fetch(6, at: 6)
    // ldr r6, [r6, #4 · function]
    code.append(contentsOf: [0xF8D6, 0x6000 | function * 4])
    branchAndLink(6)
  }

  func machine(on board: Board = .tm4c123GXL) throws -> Machine {
    var options = MachineOptions()
    options.trace = [.visible, .interrupts]
    var words = [UInt32](repeating: 0, count: Self.size / 4)
    words[0] = 0x2000_8000
    words[1] = UInt32(Self.codeBase) | 1
    for exception in 2..<16 { words[exception] = Self.fault | 1 }
    for exception in 16..<100 { words[exception] = Self.handler | 1 }
    // The system exception module's; those between are the handlers.
    words[16 + 106] = Self.handler | 1
    words[Int(Self.fault) / 4] = 0xE7FE_E7FE
    words[Int(Self.handler) / 4] = 0x4770_BF00
    precondition(Self.codeBase + code.count * 2 < Self.literalBase, "no room for the code")
    precondition(Self.literalBase + literals.count * 4 <= Self.size, "no room for the literals")
    for (place, half) in (code + [0xE7FE]).enumerated() {
      words[Self.codeBase / 4 + place / 2] |= UInt32(half) << UInt32(place % 2 * 16)
    }
    for (place, literal) in literals.enumerated() { words[Self.literalBase / 4 + place] = literal }
    let bytes = words.flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
    return try Machine(
      board, image: Image(bytes: bytes, path: "guest.bin", format: .raw, base: 0), options: options)
  }
}
