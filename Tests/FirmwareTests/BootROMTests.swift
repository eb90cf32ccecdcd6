import Devices
import Emu
import Testing

/// Two harts of a supervisor say the same whatever SBI is below them. (Under OpenSBI: DifferentialTests.)
@Suite struct BootROMTests {
  static let text = """
    sbi-harts: hart 0 is here
    the other is stopped
    it is started
    it has what it was given
    it can not be started again
    it was called and has stopped
    a timer interrupt came

    """

  private func run(_ change: (inout MachineOptions) -> Void) throws -> Machine {
    let machine = try Firmware.machine("sbi-harts-rv64", options: change)
    _ = machine.run(until: RunLimit(tick: 100_000_000))
    return machine
  }

  @Test func underTheEmulatorsSBI() throws {
    let machine = try run { _ in }
    #expect(machine.console.text == Self.text)
    #expect(machine.stop?.reason == .sbiReset && machine.stop?.code == 0)
  }

  /// A firmware of our own at the boot ROM's address: every call is answered by it.
  @Test(arguments: [1, 37, 1_000, 5_000, 100_000] as [UInt64])
  func underItsOwnBootROM(quantum: UInt64) throws {
    let rom = try Image(path: Firmware.path("sbi-bootrom.bin"))
    let machine = try run { options in
      options.firmware = (rom, 0x1000)
      options.sbi = .firmware
      options.quantum = quantum
      options.trace.insert(.sbi)
    }
    #expect(machine.console.text == "sbi-bootrom: SBI 2.0 in Swift at 0x1000\n" + Self.text)
    #expect(machine.stop?.reason == .finisher && machine.stop?.code == 0)
    #expect(!machine.trace.contains { $0.kind == .sbi })
    #expect(machine.traps.ecall > 10)
  }
}
