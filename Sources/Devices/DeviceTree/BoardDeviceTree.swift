import Emu

extension DeviceTreeNode {
  /// The whole tree of an RV64 board.
  ///
  /// - Parameter seed: of the kernel's first entropy.
  public init(_ board: Board, seed: UInt64 = 0) {
    self = .frame(of: board, seed: seed)
    for device in board.devices {
      guard let described = device.device as? any DescribedInDeviceTree else { continue }
      described.describe(
        DeviceTreePlace(
          name: device.name, address: device.address, size: device.size,
          interrupts: device.interruptSources, harts: board.harts),
        into: &self)
    }
    if !board.leds.isEmpty { add(leds: board.leds) }
  }

  /// The tree without its devices: harts, memory, what the kernel is told.
  private static func frame(of board: Board, seed: UInt64) -> DeviceTreeNode {
    guard case .rv64(let timebase) = board.core,
      let memory = board.regions.first(where: \.writable)
    else { preconditionFailure("board \(board.name): a device tree for no RV64 with RAM") }
    let harts = board.harts
    let ticks = board.clock.hertz.multipliedFullWidth(by: timebase.numerator)
    let timebaseFrequency = UInt32(
      clamping: ticks.high == 0 ? ticks.low / timebase.denominator : .max)
    var root = DeviceTreeNode("/")
    root.set("compatible", "emurun,\(board.name)", "riscv-virtio")
    root.set("model", "emurun,\(board.name)")
    root.set("#address-cells", 2)
    root.set("#size-cells", 2)

    var chosen = DeviceTreeNode("chosen")
    if let console = board.devices.first(where: { $0.name == board.console }),
      console.device is UART16550
    {
      chosen.set("stdout-path", "/soc/serial@" + String(console.address, radix: 16))
    }
    var random = SplitMix(seed: seed)
    chosen.set(
      "rng-seed", .cells((0..<8).map { _ in .number(UInt32(truncatingIfNeeded: random.next())) }))

    var cpus = DeviceTreeNode("cpus")
    cpus.set("#address-cells", 1)
    cpus.set("#size-cells", 0)
    cpus.set("timebase-frequency", .number(timebaseFrequency))
    cpus.children = (0..<harts).map(Self.hart) + [Self.map(ofHarts: harts)]

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

  /// One cluster, in which every hart is a core.
  private static func map(ofHarts harts: Int) -> DeviceTreeNode {
    var map = DeviceTreeNode("cpu-map")
    var cluster = DeviceTreeNode("cluster0")
    for number in 0..<harts {
      var core = DeviceTreeNode("core\(number)")
      core.set("cpu", .phandle("cpu\(number)"))
      cluster.children.append(core)
    }
    map.children = [cluster]
    return map
  }

  private static func hart(_ number: Int) -> DeviceTreeNode {
    var hart = DeviceTreeNode("cpu@" + String(number, radix: 16), label: "cpu\(number)")
    hart.set("device_type", "cpu")
    hart.set("reg", .number(UInt32(number)))
    hart.set("status", "okay")
    hart.set("compatible", "riscv")
    hart.set("riscv,isa", "rv64imafdc_zicntr_zicsr_zifencei_zihpm")
    hart.set("mmu-type", "riscv,sv57")
    var controller = DeviceTreeNode(
      "interrupt-controller", label: DeviceTreePlace.interruptController(hart: number))
    controller.set("compatible", "riscv,cpu-intc")
    controller.set("interrupt-controller")
    controller.set("#address-cells", 0)
    controller.set("#interrupt-cells", 1)
    hart.children = [controller]
    return hart
  }

  private mutating func add(leds: [Board.LED]) {
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

extension Placement {
  /// The sources of its lines at the PLIC, from line 0 up.
  fileprivate var interruptSources: [Int] {
    var sources: [Int] = []
    while case .input(let source, of: "plic")? = wires[sources.count]?.first {
      sources.append(source)
    }
    return sources
  }
}
