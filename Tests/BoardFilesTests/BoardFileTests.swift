import BoardFiles
import Devices
import Emu
import Glibc
import Testing

@Suite struct BoardFileTests {
  static let small = """
    name: small
    core: {type: cortex-m4, priority-bits: 3, interrupts: 32}
    clock: 48 MHz
    memory:
      - {name: flash, at: 0, size: 128 KiB, read-only: true}
      - {name: sram, at: 0x2000_0000, size: 16 KiB}
    devices:
      - {name: uart0, type: pl011, at: 0x4000_0000, interrupt: 3}
      - name: port
        type: stellaris-gpio
        at: [0x4000_4000, 0x4005_8000]
        gate: GPIOA
        wires: {0: [irq 4, uart0.2], 1..4: uart0.8, 7: nmi}
        parameters: {chip: tm4c123, nmi: 0x01}
    leds:
      - {name: D1, colour: amber, pin: port.1, active: low, milliamperes: 2.5}
    buttons:
      - {name: K1, pin: port.0, pressed: low}

    """

  private func read(_ text: String) throws -> Board { try BoardFile().read(text, path: "b.yaml") }

  @Test func everythingIsTaken() throws {
    let board = try read(Self.small)
    #expect(board.name == "small" && board.revision == 1 && board.clock.hertz == 48_000_000)
    #expect(board.core == .cortexM4(priorityBits: 3, interrupts: 32))
    #expect(
      board.regions == [
        .init("flash", at: 0, size: 128 << 10, writable: false),
        .init("sram", at: 0x2000_0000, size: 16 << 10, writable: true),
      ])
    let port = board.devices[1]
    #expect(port.address == 0x4000_4000 && port.others == [0x4005_8000] && port.size == 0x1000)
    #expect(port.gate == "GPIOA" && port.device is StellarisGPIO)
    #expect(port.wires[0] == [.interrupt(4), .input(2, of: "uart0")])
    #expect((1...4).map { port.wires[$0] } == (8...11).map { [.input($0, of: "uart0")] })
    #expect(port.wires[7] == [.nmi])
    #expect(
      board.leds == [
        .init("D1", .amber, device: "port", pin: 1, activeHigh: false, milliamperes: 2.5)
      ])
    #expect(board.buttons == [.init("K1", device: "port", pin: 0, pressed: false)])
    #expect(try read(#require(board.yaml)).yaml == board.yaml)
  }

  /// What extends another board says only what is different.
  @Test func extending() throws {
    let board = try read(
      """
      extends: m4-led
      name: big
      clock: 80 MHz
      memory:
        - {name: sram, size: 256 KiB}
        - {name: more, at: 0x6000_0000, size: 1 MiB}
      devices:
        - {name: uart0, interrupt: 6}
        - {name: uart1, type: pl011, at: 0x4000_D000, interrupt: 5}
      leds:
        - {name: PF2, remove: true}
        - {name: PF3, colour: white}

      """)
    #expect(board.name == "big" && board.clock.hertz == 80_000_000)
    #expect(board.regions.map(\.name) == ["flash", "sram", "more"])
    #expect(board.regions[1].size == 256 << 10 && board.regions[1].address == 0x2000_0000)
    #expect(board.devices.map(\.name) == ["uart0", "gpiof", "uart1"])
    #expect(board.devices[0].wires == [0: [.interrupt(6)]])
    #expect(board.leds.map(\.name) == ["PF1", "PF3"] && board.leds[1].colour == .white)
    #expect(board.leds[1].device == "gpiof" && board.revision == 3)
  }

  /// A device of somebody's own.
  private struct Dial: BoardDevice {
    struct State: Codable, Hashable, Sendable { var position: UInt32 }
    var state: State
    static let typeName = "dial"
    init(_ parameters: inout DeviceParameters) throws(ParameterError) {
      state = State(position: try parameters.number("position", default: 0, in: 0...9))
    }
    var map: RegisterMap { RegisterMap([.init("POSITION", 0)]) }
    mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
      UInt64(state.position)
    }
    mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {}
  }

  @Test func ownTypes() throws {
    let types = DeviceTypes.builtIn.adding(Dial.self)
    let text =
      "extends: m4-led\ndevices:\n  - {name: dial, type: dial, at: 0x5000_0000, parameters: {position: POS}}\n"
    let board = try BoardFile(types: types).read(
      text.replacing("POS", with: "7"), path: "b.yaml")
    #expect((board.devices.last?.device as? Dial)?.state.position == 7)
    do {
      _ = try BoardFile(types: types).read(text.replacing("POS", with: "12"), path: "b.yaml")
      Issue.record("a position of 12")
    } catch {
      #expect(
        "\(error)" == "b.yaml:3:60: dial: position is a number from 0 to 9, not \"12\"")
    }
  }

  /// What is wrong, and where: a change of the small board, and what is said of it.
  @Test(
    arguments: [
      (
        "clock: 48 MHz", "clock: 48 MHZ",
        "3:8: here is to be a frequency such as 16 MHz, not \"48 MHZ\""
      ),
      ("clock: 48 MHz\n", "", "1:1: \"clock\" is missing"),
      ("clock:", "clck:", "3:1: there is no key \"clck\" here; is clock meant?"),
      ("priority-bits: 3", "priority-bits: 9", "2:7: priority-bits are 1 to 8, not 9"),
      (
        "type: cortex-m4", "type: cortex-m7",
        "2:14: there is no core \"cortex-m7\"; there are cortex-m4 and rv64"
      ),
      ("size: 128 KiB", "size: 100", "5:5: memory begins at, and is, a multiple of 4 KiB"),
      (
        "at: 0x2000_0000", "at: 0x0001_0000",
        "6:5: memory sram at 0x0001_0000..0x0001_3FFF overlaps memory flash"
      ),
      ("type: pl011", "type: pl01", "8:25: there is no device type \"pl01\"; there are cfi-flash,"),
      ("interrupt: 3", "interrupt: 32", "8:5: there is no interrupt 32; this core has 0 to 31"),
      ("chip: tm4c123", "chip: tm4c129", "14:18: stellaris-gpio: chip is one of lm3s6965, tm4c123"),
      (
        "chip: tm4c123", "chips: tm4c123",
        "14:18: stellaris-gpio has no parameter \"chips\"; it has chip, jtag"
      ),
      (
        "at: 0x4000_0000", "at: 0x4000_4000",
        "9:5: device port at 0x4000_4000..0x4000_4FFF overlaps device uart0"
      ),
      (
        "at: 0x4000_0000", "at: 0xE000_E000",
        "8:5: device uart0 at 0xE000_E000..0xE000_EFFF overlaps the core's private"
      ),
      ("at: 0x4000_0000", "at: 0xFFFF_F004", "8:5: goes beyond the last address, 0xFFFF_FFFF"),
      ("interrupt: 3", "size: 64", "8:5: its window of 0x0000_0040 bytes is too small"),
      ("uart0.8", "uart9.8", "9:5: it leads to uart9, which is no device here"),
      ("7: nmi", "7: nmu", "13:52: here is to be where a line leads: irq 5"),
      ("7: nmi", "64: nmi", "13:49: here is to be a line from 0 to 63"),
      ("name: uart0, ", "name: port, ", "9:11: there are two entries for \"port\""),
      ("name: uart0, ", "", "8:5: \"name\" is missing"),
      ("pin: port.1", "pin: porto.1", "16:5: D1 hangs on porto, which is no device here"),
      ("colour: amber", "colour: mauve", "16:24: here is to be red, green, blue, amber or white"),
      ("pressed: low", "pressed: 0", "18:38: here is to be high or low, not \"0\""),
      (
        "clock: 48 MHz", "clock: 48 MHz\nconsole: tty",
        "4:10: there is no device \"tty\" for a console; there are uart0, port"
      ),
      ("name: small", "name: small\nname: large", "1:1: \"name\" is there twice"),
      ("name: small", "name: [small]", "1:7: here is to be a name"),
      (
        "name: small", "name: small\nextends: m5",
        "2:10: there is no board \"m5\"; there are m4-led"
      ),
      ("name: small", "name: \"small", "19:1: found unexpected end of stream"),
      ("devices:", "devices: 7\nother:", "7:10: here is to be a list"),
    ] as [(String, String, String)])
  func mistakes(_ old: String, _ new: String, _ said: String) throws {
    #expect(Self.small.contains(old))
    var text = Self.small
    if let range = text.firstRange(of: old) { text.replaceSubrange(range, with: new) }
    do {
      _ = try read(text)
      Issue.record("\(new) was taken")
    } catch {
      #expect("\(error)".hasPrefix("b.yaml:\(said)"), "\(error)")
    }
  }

  @Test(arguments: ["", "- a", "hello", "a: [", String(repeating: "[", count: 100_000), "\u{0}"])
  func noBoardAtAll(_ text: String) {
    #expect(throws: FileError.self) { try read(text) }
  }

  /// Nothing that is read is trusted: any file is a board or a refusal.
  @Test func damagedFiles() throws {
    var random = Damage(seed: 7)
    for _ in 0..<600 { _ = try? BoardFile().read(random.damaged(Self.small), path: "b.yaml") }
  }

  @Test func circles() throws {
    let folder = "/tmp/emurun-boards-\(UInt64.random(in: 0 ... .max))"
    #expect(mkdir(folder, 0o755) == 0)
    defer {
      unlink(folder + "/a.yaml")
      rmdir(folder)
    }
    let file = fopen(folder + "/a.yaml", "w")
    fputs("extends: a.yaml\n", file)
    fclose(file)
    #expect(throws: FileError.self) { try BoardFile().read(path: folder + "/a.yaml") }
    do { _ = try BoardFile().read(path: folder + "/b.yaml") } catch { #expect(error.isMissing) }
  }
}
