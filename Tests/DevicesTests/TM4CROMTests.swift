import Devices
import Emu
import Testing

/// Flash, EEPROM and hibernation by the ROM's functions, and the EEPROM's interrupt, which is the flash controller's: TM4C123GH6PM
/// datasheet, chapters 7 and 8, and the ROM user's guide.
@Suite struct TM4CROMTests {
  private enum Address {
    static let eepromGate: UInt32 = 0x400F_E658
    static let interruptEnable: UInt32 = 0xE000_E100
    static let data: UInt32 = 0x2000_0100
    static let copy: UInt32 = 0x2000_0200
  }
  private enum Table {
    static let flash: UInt32 = 7
    static let hibernation: UInt32 = 19
    static let eeprom: UInt32 = 24
  }

  private func guest() -> ThumbGuest {
    var guest = ThumbGuest()
    guest.write(1, to: Address.eepromGate)
    guest.write(0x1234_5678, to: Address.data)
    guest.write(0x8765_4321, to: Address.data + 4)
    return guest
  }

  private func run(_ guest: ThumbGuest) throws -> Machine {
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 1_000))
    #expect(machine.traps.faults == 0 && machine.findings.isEmpty)
    return machine
  }

  private func words(_ machine: Machine, _ address: UInt32) -> [UInt32?] {
    [machine.memory.load(UInt64(address)), machine.memory.load(UInt64(address) + 4)]
  }

  private func call(
    _ table: UInt32, _ function: UInt16, _ arguments: [UInt32], _ guest: inout ThumbGuest
  ) {
    for (register, argument) in arguments.enumerated() {
      guest.load(UInt16(register), argument)
    }
    guest.call(table: table, function: function)
  }

  /// Across the end of a block of 16 words.
  @Test func eepromByTheROM() throws {
    var guest = guest()
    call(Table.eeprom, 17, [], &guest)
    guest.copy(4, 0)
    call(Table.eeprom, 13, [Address.data, 0x7C, 8], &guest)
    call(Table.eeprom, 0, [Address.copy, 0x7C, 8], &guest)
    call(Table.eeprom, 15, [], &guest)
    guest.copy(5, 0)
    call(Table.eeprom, 1, [], &guest)
    let machine = try run(guest)
    #expect(words(machine, Address.copy) == [0x1234_5678, 0x8765_4321])
    #expect(["r4", "r5", "r0"].map(machine.register) == [0, 2_048, 32])
  }

  /// "EEINT ... an interrupt is generated when the EEPROM module transitions to not busy": ERIS of the flash controller.
  @Test(arguments: [true, false]) func eepromInterrupt(isEnabled: Bool) throws {
    var guest = guest()
    guest.write(1 << 29, to: Address.interruptEnable)
    if isEnabled { call(Table.eeprom, 10, [], &guest) }
    call(Table.eeprom, 14, [7, 0], &guest)
    let machine = try run(guest)
    let entered = machine.trace.filter { $0.kind == .interrupt }.prefix(1).map(\.detail)
    #expect(entered == (isEnabled ? [16 + 29] : []))
  }

  @Test func flashByTheROM() throws {
    var guest = guest()
    call(Table.flash, 3, [0x8000], &guest)
    guest.copy(4, 0)
    call(Table.flash, 0, [Address.data, 0x8000, 8], &guest)
    guest.copy(5, 0)
    call(Table.flash, 4, [0x8000], &guest)
    let machine = try run(guest)
    #expect(words(machine, 0x8000) == [0x1234_5678, 0x8765_4321])
    #expect(machine.memory.load(0x8008) == 0xFFFF_FFFF as UInt32)
    #expect(["r4", "r5", "r0"].map(machine.register) == [0, 0, 0])
  }

  @Test func hibernationByTheROM() throws {
    var guest = guest()
    call(Table.hibernation, 18, [Address.data, 2], &guest)
    call(Table.hibernation, 19, [Address.copy, 2], &guest)
    call(Table.hibernation, 1, [], &guest)
    call(Table.hibernation, 10, [1_000], &guest)
    call(Table.hibernation, 4, [], &guest)
    call(Table.hibernation, 11, [], &guest)
    let machine = try run(guest)
    #expect(words(machine, Address.copy) == [0x1234_5678, 0x8765_4321])
    #expect(machine.register("r0") == 1_000)
  }
}
