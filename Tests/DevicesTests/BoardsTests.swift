import Devices
import Emu
import Testing

@Suite struct BoardsTests {
  @Test func names() throws {
    #expect(Boards.all.map(\.name) == Boards.names)
    #expect(try Boards.named("virt").name == "rv64-virt")
    #expect(try Boards.named("m4-led").name == "m4-led")
    #expect(
      throws: BoardError(
        "there is no board \"nrf\"; there are m4-led, lm3s6965evb, tm4c123gxl, rv64-virt")
    ) {
      try Boards.named("nrf")
    }
  }

  @Test func memory() throws {
    #expect(try Boards.named("virt").regions.last?.size == 128 << 20)
    #expect(try Boards.named("virt", memory: 8 << 30).regions.last?.end == 0x2_8000_0000)
    for size in [0, 4096, 65_537, 65 << 30] as [UInt64] {
      #expect(throws: BoardError.self) { try Boards.named("rv64-virt", memory: size) }
    }
    #expect(throws: BoardError.self) { try Boards.named("m4-led", memory: 65536) }
  }

  @Test func nothingOverlaps() {
    for board in Boards.all {
      let ranges =
        board.regions.map { ($0.address, $0.end) } + board.devices.map { ($0.address, $0.end) }
      let sorted = ranges.sorted { $0.0 < $1.0 }
      for (one, next) in zip(sorted, sorted.dropFirst()) { #expect(one.1 <= next.0) }
      #expect(board.slot(of: board.console) != nil)
      for led in board.leds { #expect(board.slot(of: led.device) != nil) }
    }
  }

  @Test func describesTheM4LED() {
    #expect(
      Board.m4LED.description == """
        m4-led  Cortex-M4F at 16 MHz, 1 cycle an instruction; three LEDs on port F
          memory
            0x0000_0000..0x001F_FFFF  flash     2 MiB, read-only
            0x2000_0000..0x2000_FFFF  sram      64 KiB
          devices
            0x4000_C000..0x4000_CFFF  uart0     console, IRQ 5
            0x400F_E000..0x400F_EFFF  gpiof     IRQ 30
          LEDs
            PF1  red, pin 1 of gpiof
            PF2  blue, pin 2 of gpiof
            PF3  green, pin 3 of gpiof

        """)
  }

  @Test func describesRV64Virt() {
    #expect(
      Board.rv64Virt.description == """
        rv64-virt  RV64GC, 1 ns an instruction; QEMU's virt, with LEDs
          memory
            0x0000_1000..0x0000_FFFF  boot-rom  60 KiB, read-only
            0x8000_0000..0x87FF_FFFF  dram      128 MiB
          devices
            0x0010_0000..0x0010_0FFF  test
            0x0010_1000..0x0010_1FFF  rtc       plic input 11
            0x0200_0000..0x0200_FFFF  clint     hart 0 mip bit 3, hart 0 mip bit 7
            0x0300_0000..0x0300_FFFF  pci-io
            0x0C00_0000..0x0C5F_FFFF  plic      hart 0 mip bit 11, hart 0 mip bit 9
            0x1000_0000..0x1000_00FF  uart0     console, plic input 10
            0x1000_1000..0x1000_1FFF  virtio0   plic input 1
            0x1000_2000..0x1000_2FFF  virtio1   plic input 2
            0x1000_3000..0x1000_3FFF  virtio2   plic input 3
            0x1000_4000..0x1000_4FFF  virtio3   plic input 4
            0x1000_5000..0x1000_5FFF  virtio4   plic input 5
            0x1000_6000..0x1000_6FFF  virtio5   plic input 6
            0x1000_7000..0x1000_7FFF  uart1     plic input 7
            0x1000_8000..0x1000_8FFF  rng       plic input 8
            0x1006_0000..0x1006_0FFF  gpio0     plic input 64..95
            0x1010_0000..0x1010_0017  fw-cfg
            0x2000_0000..0x23FF_FFFF  flash
            0x3000_0000..0x3FFF_FFFF  pci
            0x4000_0000..0x7FFF_FFFF  pci-mem
            0x0000_0004_0000_0000..0x0000_0007_FFFF_FFFF  pci-mem64
          LEDs
            led0  green, pin 0 of gpio0
            led1  green, pin 1 of gpio0
            led2  green, pin 2 of gpio0
            led3  green, pin 3 of gpio0

        """)
  }
}

@Suite struct BoardGuessTests {
  private func image(_ words: [UInt32], base: UInt64? = nil) throws -> Image {
    let bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }
    return try Image(bytes: bytes, path: "fw.bin", format: .raw, base: base)
  }

  private func sentence(_ image: Image) -> String {
    do {
      return "guessed \(try Boards.guess(for: image).board.name)"
    } catch {
      return error.message
    }
  }

  @Test func aVectorTable() throws {
    let guess = try Boards.guess(for: image([0x2001_0000, 0x101]))
    #expect(guess.board.name == "m4-led" && guess.others == ["lm3s6965evb"])
    let small = try Boards.guess(for: image([0x2000_8000, 0x101]))
    #expect(small.others == ["lm3s6965evb", "tm4c123gxl"])
    #expect(guess.reason == "SP 0x2001_0000 is in its sram, PC 0x0000_0100 is in its flash")
  }

  @Test func aStackThatNoBoardHas() throws {
    #expect(
      try sentence(image([0x2002_0000, 0x101]))
        == "fw.bin: SP 0x2002_0000 and PC 0x0000_0100 fit no built-in board of its architecture "
        + "(m4-led, lm3s6965evb, tm4c123gxl); link it for one of them, or name a board with --board"
    )
    #expect(try sentence(image([0x2000_0000, 0x101])).hasPrefix("fw.bin: SP 0x2000_0000 and"))
    #expect(try sentence(image([0x2001_0000, 0x0800_0101])).hasPrefix("fw.bin: SP"))
    #expect(try sentence(image([0x2001_0000, 0x2000_0001])).hasPrefix("fw.bin: SP"))
  }

  @Test func riscvCode() throws {
    let guess = try Boards.guess(for: image([0x0000_0297]))
    #expect(guess.board.name == "rv64-virt" && guess.reason == "a RISC-V image")
    #expect(
      try sentence(image([0x0000_0297], base: 0x2000_0000))
        == "fw.bin: PC 0x2000_0000 fits no built-in board of its architecture (rv64-virt); "
        + "link it for one of them, or name a board with --board")
  }

  @Test func neither() throws {
    #expect(try sentence(image([0, 0])).contains("--board"))
  }
}
