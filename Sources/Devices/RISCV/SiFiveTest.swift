import Emu

/// The test finisher of SiFive's designs, as QEMU's `virt` has it (`hw/misc/sifive_test.c`; it is in no chip's manual): how
/// a program with nothing below it ends the run, and how Linux and OpenSBI power off and reboot.
///
/// One register. The lower half of a store says what to do, the upper half is a failure's code.
public struct SiFiveTest: Device {
  /// It remembers nothing.
  public struct State: Codable, Hashable, Sendable {}
  public var state = State()

  public init() {}

  public let map = RegisterMap([
    .init(
      "FINISHER", 0, widths: [.half, .word], .writeOnly,
      fields: [.init("COMMAND", 0...15, .writeOnly), .init("CODE", 16...31, .writeOnly)])
  ])

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 { 0 }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    guard access.offset == 0 else {
      port.notModelled("FINISHER.CODE alone", value: value)
      return
    }
    let code = UInt32(truncatingIfNeeded: value >> 16)
    switch value & 0xFFFF {
    case 0x5555: port.stop(.finisher)
    // A failure that gives no code is still one.
    case 0x3333: port.stop(.finisher, code: code == 0 ? 1 : code)
    case 0x7777: port.reset()
    default:
      port.notModelled("FINISHER: another command", value: value)
    }
  }
}

extension SiFiveTest: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("test", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "sifive,test1", "sifive,test0", "syscon")
    tree.addToBus(node)
    for (name, command) in [("poweroff", UInt32(0x5555)), ("reboot", 0x7777)] {
      var node = DeviceTreeNode(name)
      node.set("compatible", "syscon-" + name)
      node.set("regmap", .phandle(place.name))
      node.set("offset", 0)
      node.set("value", .number(command))
      tree.children.append(node)
    }
  }
}
