import Devices
import Emu
import Testing

/// Protection of flash, against the TM4C123GH6PM datasheet, sections 8.2.3 and 8.5: what a cleared bit of FMPREn and FMPPEn does to
/// its block of 2 KiB.
@Suite struct TM4CFlashProtectionTests {
  private enum Address {
    static let address: UInt32 = 0x400F_D000
    static let data: UInt32 = 0x400F_D004
    static let control: UInt32 = 0x400F_D008
    static let raw: UInt32 = 0x400F_D00C
    static let oldReadable: UInt32 = 0x400F_E130
    static let userWord: UInt32 = 0x400F_E1E0
    static let readable: UInt32 = 0x400F_E200
    static let programmable: UInt32 = 0x400F_E400
    static let reset: UInt32 = 0xE000_ED0C
  }
  private static let write: UInt32 = 0xA442_0001
  private static let erase: UInt32 = 0xA442_0002
  private static let eraseAll: UInt32 = 0xA442_0004
  private static let commit: UInt32 = 0xA442_0008

  /// Block 4, from 0x2000 on, is not to be programmed: neither is it erased, by its page or with all others, and ARIS says so. Its
  /// neighbour can be.
  @Test func aFixedBlockStays() throws {
    var guest = ThumbGuest()
    guest.write(~(1 << 4), to: Address.programmable)
    guest.write(0x2010, to: Address.address)
    guest.write(0, to: Address.data)
    guest.write(Self.write, to: Address.control)
    guest.write(Self.erase, to: Address.control)
    guest.load(3, Address.raw)
    guest.fetch(4, at: 3)
    guest.write(0x2800, to: Address.address)
    guest.write(Self.write, to: Address.control)
    guest.write(Self.eraseAll, to: Address.control)
    let machine = try guest.machine()
    machine.memory.store(0x1234_5678 as UInt32, at: 0x2010)
    machine.memory.store(0xFFFF_FFFF as UInt32, at: 0x2800)
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.memory.load(0x2010) == 0x1234_5678 as UInt32)
    #expect(machine.memory.load(0x2800) == 0 as UInt32)
    #expect(machine.register("r4").map { $0 & 1 } == 1)
    #expect(machine.traps.faults == 0 && machine.findings.isEmpty)
  }

  /// A bit can be cleared and not set; FMPRE0 is at its old place as well, and so is FMPPE0.
  @Test func bitsAreClearedOnly() {
    let bench = DeviceBench(TM4CSystemControl(watchdogs: []), clock: Clock(hertz: 16_000_000))
    bench.write(0x200, 0xFFFF_FF0F)
    bench.write(0x130, 0xFFFF_FFFE)
    bench.write(0x40C, 0x7FFF_FFFF)
    bench.write(0x134, 0x0FFF_FFFF)
    bench.write(0x200, 0xFFFF_FFFF)
    #expect(bench.read(0x200) == 0xFFFF_FF0E && bench.read(0x130) == 0xFFFF_FF0E)
    #expect(bench.read(0x40C) == 0x7FFF_FFFF && bench.read(0x400) == 0x0FFF_FFFF)
    #expect(bench.findings.isEmpty)
  }

  /// A function in block 4 that loads its argument and returns, called before and after the block cannot be read.
  private func executeOnly(loading address: UInt32) -> ThumbGuest {
    var guest = ThumbGuest()
    guest.load(5, 0x2001)
    guest.load(0, address)
    guest.branchAndLink(5)
    guest.copy(6, 0)
    guest.write(~(1 << 4), to: Address.readable)
    guest.move(0, 0)
    guest.branchAndLink(5)
    guest.copy(7, 0)
    guest.load(0, address)
    guest.branchAndLink(5)
    return guest
  }

  /// Loads the word at r0, if that is no zero, and returns.
  private func place(in machine: Machine) {
    for (number, half) in ([0x2800, 0xD000, 0x6800, 0x4770] as [UInt16]).enumerated() {
      machine.memory.store(half, at: 0x2000 + 2 * UInt64(number))
    }
  }

  /// Code runs there as before, and a load of data is a precise bus fault: with the address, and a finding with its place. A word
  /// that only ends there is one, too.
  @Test(arguments: [(0x2004, 0x2004), (0x27FC, 0x27FC), (0x1FFE, 0x2000)] as [(UInt32, UInt64)])
  func anUnreadableBlockRuns(address: UInt32, fault: UInt64) throws {
    let machine = try executeOnly(loading: address).machine()
    place(in: machine)
    _ = machine.run(until: RunLimit(tick: 200))
    #expect(machine.register("r6") != nil && machine.register("r7") == 0)
    #expect(machine.pc == 0x1C0 && machine.traps.faults == 1)
    #expect(machine.findings.map(\.kind) == [.guestError])
    #expect(machine.findings.first?.pc == 0x2004)
    #expect(machine.findings.first?.name == "a load from memory that is protected from it")
    let cfsr = machine.registers.first { $0.name == "cfsr" }?.value
    if let cfsr { #expect(cfsr & 0x8200 == 0x8200) }
  }

  /// The block behind it can be read, and so can that before it.
  @Test(arguments: [0x1FFC, 0x2800] as [UInt32]) func neighboursCanBeRead(address: UInt32) throws {
    let machine = try executeOnly(loading: address).machine()
    place(in: machine)
    machine.memory.store(0x5555 as UInt32, at: UInt64(address))
    _ = machine.run(until: RunLimit(tick: 200))
    #expect(machine.register("r0") == 0x5555 && machine.traps.faults == 0)
    #expect(machine.findings.isEmpty)
  }

  /// However the run is cut, and over snapshots and their files.
  @Test func isTheSameHoweverItIsCut() throws {
    func machine() throws -> Machine {
      let machine = try executeOnly(loading: 0x2004).machine()
      place(in: machine)
      return machine
    }
    let whole = try machine()
    _ = whole.run(until: RunLimit(tick: 60))
    var pieces = try machine()
    for tick in 1...60 as ClosedRange<Tick> {
      _ = pieces.run(until: RunLimit(tick: tick))
      pieces = try Machine(pieces.snapshot())
    }
    #expect(whole.traps.faults == 1 && pieces.traps.faults == 1)
    #expect(pieces.traceDigest == whole.traceDigest && pieces.stateDigest == whole.stateDigest)
  }

  /// A machine that is made anew, of an engine that another one has used, has nothing of it.
  @Test func theNextMachineIsNotProtected() throws {
    for _ in 0..<3 {
      let protected = try executeOnly(loading: 0x2004).machine()
      place(in: protected)
      _ = protected.run(until: RunLimit(tick: 200))
      #expect(protected.traps.faults == 1)
      var guest = ThumbGuest()
      guest.load(1, 0x2004)
      guest.fetch(0, at: 1)
      let free = try guest.machine()
      place(in: free)
      _ = free.run(until: RunLimit(tick: 50))
      #expect(free.register("r0") == 0x4770_6800 && free.traps.faults == 0)
    }
  }

  /// Neither FMPREn nor USER_REGn hear of a reset that is not a power-on.
  @Test func aResetLeavesIt() throws {
    var guest = ThumbGuest()
    guest.load(1, Address.readable)
    guest.fetch(4, at: 1)
    guest.load(1, Address.userWord)
    guest.fetch(5, at: 1)
    guest.write(~(1 << 4), to: Address.readable)
    guest.write(0x0012_3456, to: Address.userWord)
    guest.write(0x05FA_0004, to: Address.reset)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 200))
    #expect(machine.register("r4") == 0xFFFF_FFEF && machine.register("r5") == 0x0012_3456)
    #expect(machine.findings.isEmpty)
  }

  /// COMT with what FMA calls a register; user words are committed once, and others there are none.
  @Test func commits() {
    let bench = DeviceBench(TM4CFlashControl(size: 256 << 10))
    func commit(_ register: UInt64) -> UInt64? {
      bench.write(0x000, register)
      bench.write(0x008, UInt64(Self.commit))
      defer { bench.write(0x014, 3) }
      return bench.read(0x00C)
    }
    for register in [0, 7, 0x8000_0000, 0x8000_0003, 0x7510_0000] as [UInt64] {
      #expect(commit(register) == 2)
    }
    #expect(bench.findings.isEmpty)
    #expect(commit(0x8000_0000) == 2 && commit(8) == 3 && bench.findings.count == 2)
    // Of an address in flash only what flash has of it is left.
    #expect(bench.read(0x000) == 8)
  }

  /// FlashProtectSet, which takes nothing back, FlashProtectGet, FlashUserSet and FlashUserGet through the ROM.
  @Test func throughTheROM() throws {
    var guest = ThumbGuest()
    for (address, protection, result) in [(0x2000, 2, 3), (0x2800, 1, 4), (0x2800, 0, 5)]
      as [(UInt32, UInt16, UInt16)]
    {
      guest.load(0, address)
      guest.move(1, protection)
      guest.call(table: 7, function: 5)
      guest.copy(result, 0)
    }
    guest.load(0, 0x2000)
    guest.call(table: 7, function: 4)
    guest.copy(7, 0)
    guest.load(0, 0x2800)
    guest.call(table: 7, function: 4)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 200))
    #expect(machine.register("r3") == 0 && machine.register("r4") == 0)
    #expect(machine.register("r5") == 0xFFFF_FFFF)
    #expect(machine.register("r7") == 2 && machine.register("r0") == 1)
    #expect(machine.findings.isEmpty && machine.traps.faults == 0)
  }
}

/// Locks of the EEPROM's blocks: section 8.2.4 and the registers EEUNLOCK, EEPROT, EEPASSn and EEHIDE of section 8.4.
@Suite struct TM4CEEPROMLockTests {
  private enum R {
    static let block: UInt64 = 0x004
    static let offset: UInt64 = 0x008
    static let data: UInt64 = 0x010
    static let done: UInt64 = 0x018
    static let unlock: UInt64 = 0x020
    static let protection: UInt64 = 0x030
    static let password: UInt64 = 0x034
    static let hide: UInt64 = 0x050
    static let massErase: UInt64 = 0x080
  }
  private static let refused: UInt64 = 0x10
  private let bench = DeviceBench(TM4CEEPROM())
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }
  private func write(_ offset: UInt64, _ value: UInt64) { bench.write(offset, value) }

  /// What a block allows that is open, and one that has a password and is locked: loads, stores.
  @Test(
    arguments: [
      (0, [true, true], [true, false]), (1, [true, true], [false, false]),
      (2, [true, false], [false, false]),
    ] as [(UInt64, [Bool], [Bool])])
  func protection(_ protection: UInt64, open: [Bool], locked: [Bool]) {
    write(R.block, 3)
    write(R.data, 77)
    write(R.protection, protection)
    func allowed(_ word: UInt64) -> [Bool] {
      let before = read(R.data)
      write(R.data, word)
      let isStored = read(R.done) == 0
      if isStored { write(R.data, 77) }
      return [before == 77, isStored]
    }
    #expect(allowed(1) == open)
    write(R.password, 0xCAFE)
    #expect(read(R.password) == 1 && read(R.password + 4) == 0 && allowed(2) == open)
    write(R.unlock, 0xFFFF_FFFF)
    #expect(read(R.unlock) == 0 && allowed(3) == locked)
    write(R.unlock, 0xCAFF)
    #expect(read(R.unlock) == 0)
    write(R.unlock, 0xCAFE)
    #expect(read(R.unlock) == 1 && allowed(4) == open)
    #expect(bench.findings.isEmpty)
  }

  /// Three words, given in the other order; with another one among them, or without the last, it stays locked.
  @Test func longPasswords() {
    write(R.block, 2)
    for number in 0..<3 as Range<UInt64> { write(R.password + 4 * number, number + 10) }
    #expect((0..<3).map { read(R.password + 4 * $0) } == [1, 1, 1])
    func opens(_ words: [UInt64]) -> Bool {
      write(R.unlock, 0xFFFF_FFFF)
      for word in words { write(R.unlock, word) }
      return read(R.unlock) == 1
    }
    #expect(!opens([10]) && !opens([10, 11, 12]) && !opens([12, 11]) && !opens([12, 10, 11]))
    #expect(opens([12, 11, 10]))
    // A password is for ever, and the words of one come in order.
    write(R.password, 99)
    #expect(read(R.done) == Self.refused)
    write(R.block, 4)
    write(R.password + 4, 1)
    #expect(read(R.done) == Self.refused && read(R.password) == 0)
    write(R.password, 0xFFFF_FFFF)
    #expect(read(R.done) == Self.refused && read(R.password) == 0)
  }

  /// A reset locks what has a password; with one for block 0 nothing else can be chosen before it is unlocked.
  @Test func blockZeroLocksAll() {
    write(R.password, 5)
    write(R.block, 7)
    write(R.data, 1)
    #expect(read(R.block) == 7)
    bench.reset()
    write(R.block, 7)
    #expect(read(R.block) == 0 && read(R.unlock) == 0)
    write(R.unlock, 5)
    write(R.block, 7)
    #expect(read(R.block) == 7 && read(R.data) == 1 && read(R.unlock) == 1)
  }

  /// A hidden block is there again behind a reset, and block 0 cannot be hidden.
  @Test func hiding() {
    write(R.hide, 1 << 5 | 1)
    write(R.hide, 1 << 6)
    #expect(read(R.hide) == 0x60)
    for (block, chosen) in [(4, 4), (5, 0), (7, 7), (6, 0), (32, 0)] as [(UInt64, UInt64)] {
      write(R.block, block)
      #expect(read(R.block) == chosen)
    }
    bench.reset()
    write(R.block, 5)
    #expect(read(R.block) == 5 && read(R.hide) == 0)
  }

  /// EEPROT.ACC: supervisors alone; of block 0, of all blocks.
  @Test(arguments: [3, 0] as [UInt64]) func supervisors(block: UInt64) {
    write(R.block, 3)
    write(R.data, 42)
    write(R.block, block)
    write(R.protection, 8)
    write(R.block, 3)
    #expect(bench.read(R.data, privileged: false) == 0xFFFF_FFFF && read(R.data) == 42)
    bench.write(R.data, 43, privileged: false)
    #expect(read(R.done) == Self.refused && read(R.data) == 42)
    write(R.data, 43)
    #expect(read(R.done) == 0 && read(R.data) == 43)
  }

  /// The debugger's mass erase makes it new: no locks are left.
  @Test func massEraseOpens() {
    write(R.block, 3)
    write(R.data, 42)
    write(R.password, 5)
    write(R.unlock, 0xFFFF_FFFF)
    write(R.massErase, 0xE37B_0001)
    #expect(read(R.unlock) == 1 && read(R.password) == 0 && read(R.data) == 0xFFFF_FFFF)
  }

  /// EEPROMBlockPasswordSet, EEPROMBlockLock and EEPROMBlockUnlock of two words through the ROM.
  @Test func throughTheROM() throws {
    var guest = ThumbGuest()
    guest.write(1, to: 0x400F_E658)
    guest.write(0x1111, to: 0x2000_1000)
    guest.write(0x2222, to: 0x2000_1004)
    func call(_ function: UInt16, _ result: UInt16) {
      guest.move(0, 3)
      guest.load(1, 0x2000_1000)
      guest.move(2, 2)
      guest.call(table: 24, function: function)
      guest.copy(result, 0)
    }
    call(4, 4)
    call(3, 5)
    call(7, 7)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 200))
    #expect([4, 5, 7].map { machine.register("r\($0)") } == [0, 0, 1])
    #expect(machine.findings.isEmpty && machine.traps.faults == 0)
  }
}
