import Emu

/// `rv64-virt`: what software for QEMU's `virt` finds, where it finds it (hw/riscv/virt.c), and LEDs on a GPIO port that QEMU
/// has not.
extension Board {
  public static let rv64Virt = rv64Virt()

  fileprivate static let virtioSlots = 8
  /// The last two virtio slots are taken.
  public static let mostDrives = virtioSlots - 2

  /// - Parameters:
  ///   - memory: bytes of DRAM, a multiple of 4 KiB.
  ///   - harts: 1 to 8.
  ///   - drives: disks in the virtio slots from 0x1000_1000 up, at most `mostDrives`.
  ///   - virtio: of all slots.
  ///   - seed: of what passes for random: virtio-rng, and the kernel's first entropy in the device tree.
  public static func rv64Virt(
    memory: UInt64 = 128 << 20, harts: Int = 1, drives: [Drive] = [],
    virtio: VirtioVersion = .modern, seed: UInt64 = 0
  ) -> Board {
    precondition(drives.count <= mostDrives, "\(drives.count) drives on rv64-virt")
    let clock = Clock(hertz: 1_000_000_000)
    let timebase = Ratio(1, 100)
    let leds = (0..<4).map {
      Board.LED("led\($0)", .green, device: "gpio0", pin: $0, milliamperes: 5)
    }
    let dram = Board.Region("dram", at: 0x8000_0000, size: memory, writable: true)

    // Slot numbers are in traces and digests: only append.
    var parts = RV64VirtParts()
    parts.add("uart0", UART16550(), at: 0x1000_0000, size: 0x100, interrupts: [10])
    parts.add("test", SiFiveTest(), at: 0x10_0000, size: 0x1000)
    parts.add(
      "clint", CLINT(harts: harts, timebase: timebase), at: 0x0200_0000, size: 0x1_0000,
      wires: .harts(harts) {
        [CLINT.softwareLine(hart: $0): 3, CLINT.timerLine(hart: $0): 7]
      })
    // Those of QEMU's platform bus, which has nothing on it unless asked.
    parts.add(
      "gpio0", SiFiveGPIO(), at: 0x1006_0000, size: 0x1000, interrupts: Array(64..<96))
    parts.add(
      "plic", PLIC(harts: harts), at: 0x0C00_0000, size: 0x60_0000,
      wires: .harts(harts) {
        [PLIC.line(hart: $0, supervisor: false): 11, PLIC.line(hart: $0, supervisor: true): 9]
      })
    parts.add("rtc", GoldfishRTC(clock: clock), at: 0x10_1000, size: 0x1000, interrupts: [11])
    for slot in 0..<virtioSlots { parts.addVirtio(slot, drives, virtio, seed: seed) }
    parts.add("flash", CFIFlash(), at: 0x2000_0000, size: 0x400_0000)
    parts.addPCI(memoryEnd: dram.end)
    parts.add(
      "fw-cfg", DeclaredPeripheral.firmwareConfiguration, at: 0x1010_0000, size: 0x18)

    var board = Board(
      name: "rv64-virt", revision: 3,
      summary: "RV64GC, 1 ns an instruction; QEMU's virt, with LEDs",
      core: .rv64(timebase: timebase), harts: harts, clock: clock,
      regions: [.init("boot-rom", at: 0x1000, size: 0xF000, writable: false), dram],
      devices: parts.placements, leds: leds, console: "uart0")
    board.deviceTree = DeviceTreeNode(board, seed: seed).blob()
    return board
  }
}

/// The devices, with interrupts as the PLIC's sources.
private struct RV64VirtParts {
  var placements: [Placement] = []

  /// - Parameter interrupts: the PLIC's sources that its lines are, from line 0 up.
  mutating func add<D: Device>(
    _ name: String, _ device: D, at address: UInt64, size: UInt64, interrupts: [Int] = [],
    wires: [Int: [Board.Wire]] = [:]
  ) {
    var wires = wires
    for (line, source) in interrupts.enumerated() {
      wires[line] = [.input(source, of: "plic")]
    }
    placements.append(Placement(name, device, at: address, size: size, wires: wires))
  }
}

extension RV64VirtParts {
  /// The configuration space and three windows; the high one is above all memory.
  mutating func addPCI(memoryEnd: UInt64) {
    let highSize: UInt64 = 16 << 30
    let windows = PCIWindows(
      ports: .init(address: 0x0300_0000, size: 0x1_0000),
      memory: .init(address: 0x4000_0000, size: 0x4000_0000),
      highMemory: .init(address: (memoryEnd + highSize - 1) / highSize * highSize, size: highSize),
      firstInterrupt: 32)
    let ecam = Board.Range(address: 0x3000_0000, size: 0x1000_0000)
    for (name, range) in [
      ("pci", ecam), ("pci-io", windows.ports), ("pci-mem", windows.memory),
      ("pci-mem64", windows.highMemory),
    ] {
      add(
        name, PCIHost(name, size: range.size, windows: name == "pci" ? windows : nil),
        at: range.address, size: range.size)
    }
  }

  /// Drives from the first slot up, so that they are found in their order; what every board has, in the last ones.
  mutating func addVirtio(
    _ slot: Int, _ drives: [Drive], _ version: VirtioVersion, seed: UInt64
  ) {
    let address = 0x1000_1000 + 0x1000 * UInt64(slot)
    func add(_ name: String, _ device: some Device) {
      self.add(name, device, at: address, size: 0x1000, interrupts: [slot + 1])
    }
    switch slot {
    case 6: add("uart1", VirtioMMIO(VirtioConsole(), version: version))
    case 7: add("rng", VirtioMMIO(VirtioEntropy(seed: seed), version: version))
    case ..<drives.count:
      let drive = drives[slot]
      let disk = VirtioBlock(
        drive.image, isReadOnly: drive.access == .readOnly, identifier: Drive.name(slot))
      add(Drive.name(slot), VirtioMMIO(disk, version: version))
    default: add("virtio\(slot)", VirtioEmptySlot(version: version))
    }
  }
}

extension [Int: [Board.Wire]] {
  /// Lines of a device that lead to bits in the `mip` of each hart.
  fileprivate static func harts(_ harts: Int, _ bits: (Int) -> [Int: Int]) -> Self {
    var wires: Self = [:]
    for hart in 0..<harts {
      for (line, bit) in bits(hart) { wires[line] = [.interrupt(bit, hart: hart)] }
    }
    return wires
  }
}
