import Emu

/// `rv64-virt`: what software for QEMU's `virt` finds, where it finds it (hw/riscv/virt.c), and LEDs on a GPIO port that QEMU
/// has not.
///
/// The UART's interrupt, 10, leads to no one: this board has no PLIC yet.
extension Board {
  public static var rv64Virt: Board { rv64Virt() }

  /// - Parameters:
  ///   - memory: bytes of DRAM, a multiple of 4 KiB.
  ///   - harts: 1 to 8.
  public static func rv64Virt(memory: UInt64 = 128 << 20, harts: Int = 1) -> Board {
    let timebase = Ratio(1, 100)
    let leds = (0..<4).map { Board.LED("led\($0)", .green, device: "gpio0", pin: $0) }
    let dram = Board.Region("dram", at: 0x8000_0000, size: memory, writable: true)

    // Slot numbers are in traces and digests: only append.
    var parts = RV64VirtParts(
      tree: .rv64Virt(
        memory: dram, harts: harts, timebaseFrequency: 10_000_000))
    parts.add("uart0", UART16550(), at: 0x1000_0000, size: 0x100, harts: harts)
    parts.add("test", SiFiveTest(), at: 0x10_0000, size: 0x1000, harts: harts)
    var timerWires: [Int: [Board.Wire]] = [:]
    for hart in 0..<harts {
      timerWires[CLINT.softwareLine(hart: hart)] = [.interrupt(3, hart: hart)]
      timerWires[CLINT.timerLine(hart: hart)] = [.interrupt(7, hart: hart)]
    }
    parts.add(
      "clint", CLINT(harts: harts, timebase: timebase), at: 0x0200_0000, size: 0x1_0000,
      wires: timerWires, harts: harts)
    parts.add("gpio0", SiFiveGPIO(), at: 0x1006_0000, size: 0x1000, harts: harts)
    parts.tree.add(leds: leds)

    return Board(
      name: "rv64-virt", revision: 1,
      summary: "RV64GC, 1 ns an instruction; QEMU's virt, with LEDs",
      core: .rv64(timebase: timebase), harts: harts, clock: Clock(hertz: 1_000_000_000),
      regions: [.init("boot-rom", at: 0x1000, size: 0xF000, writable: false), dram],
      devices: parts.placements, leds: leds, console: "uart0", deviceTree: parts.tree.blob())
  }
}

/// Puts each device on the bus and into the device tree.
private struct RV64VirtParts {
  var tree: DeviceTreeNode
  var placements: [Placement] = []

  init(tree: DeviceTreeNode) { self.tree = tree }

  mutating func add<D: Device & DescribedInDeviceTree>(
    _ name: String, _ device: D, at address: UInt64, size: UInt64,
    wires: [Int: [Board.Wire]] = [:], harts: Int
  ) {
    placements.append(Placement(name, device, at: address, size: size, wires: wires))
    device.describe(
      DeviceTreePlace(name: name, address: address, size: size, harts: harts), into: &tree)
  }
}

extension DeviceTreeNode {
  /// The tree without its devices: harts, memory, what the kernel is told.
  fileprivate static func rv64Virt(
    memory: Board.Region, harts: Int, timebaseFrequency: UInt32
  ) -> DeviceTreeNode {
    var root = DeviceTreeNode("/")
    root.set("compatible", "emurun,rv64-virt", "riscv-virtio")
    root.set("model", "emurun,rv64-virt")
    root.set("#address-cells", 2)
    root.set("#size-cells", 2)

    var chosen = DeviceTreeNode("chosen")
    chosen.set("stdout-path", "/soc/serial@10000000")

    var cpus = DeviceTreeNode("cpus")
    cpus.set("#address-cells", 1)
    cpus.set("#size-cells", 0)
    cpus.set("timebase-frequency", .number(timebaseFrequency))
    cpus.children = (0..<harts).map(Self.hart)

    var ram = DeviceTreeNode("memory", at: memory.address, size: memory.size)
    ram.set("device_type", "memory")

    var bus = DeviceTreeNode(Self.bus)
    bus.set("compatible", "simple-bus")
    bus.set("#address-cells", 2)
    bus.set("#size-cells", 2)
    bus.set("ranges")

    root.children = [chosen, cpus, ram, bus]
    return root
  }

  private static func hart(_ number: Int) -> DeviceTreeNode {
    var hart = DeviceTreeNode("cpu@" + String(number, radix: 16), label: "cpu\(number)")
    hart.set("device_type", "cpu")
    hart.set("reg", .number(UInt32(number)))
    hart.set("status", "okay")
    hart.set("compatible", "riscv")
    hart.set("riscv,isa", "rv64imafdc")
    hart.set("mmu-type", "riscv,sv39")
    var controller = DeviceTreeNode(
      "interrupt-controller", label: DeviceTreePlace.interruptController(hart: number))
    controller.set("compatible", "riscv,cpu-intc")
    controller.set("interrupt-controller")
    controller.set("#address-cells", 0)
    controller.set("#interrupt-cells", 1)
    hart.children = [controller]
    return hart
  }

  fileprivate mutating func add(leds: [Board.LED]) {
    var node = DeviceTreeNode("leds")
    node.set("compatible", "gpio-leds")
    for led in leds {
      var child = DeviceTreeNode("led-\(led.pin)")
      child.set("label", led.name)
      let activeLow: UInt32 = led.activeHigh ? 0 : 1
      child.set("gpios", .phandle(led.device), .number(UInt32(led.pin)), .number(activeLow))
      node.children.append(child)
    }
    children.append(node)
  }
}
