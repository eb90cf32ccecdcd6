import CFdt
import Devices
import Emu
import Foundation
import Testing

/// Our device tree against the one that QEMU's `virt` gives its software: the same nodes with the same properties, phandles by
/// the path of what they point at, but for what is listed here.
@Suite(.enabled(if: QEMU.isHere || QEMU.isRequired, "qemu-system-riscv64 is not here"))
struct DeviceTreeDifferenceTests {
  /// By path, or path and property; and why.
  static let excused = [
    "/ compatible": "the board's own name comes first",
    "/ model": "the board's own name",
    "/pmu": "there are no counters for events",
    "/fw-cfg@10100000": "not modelled",
    "/platform-bus@4000000": "not modelled",
    "/chosen rng-seed": "from the seed",
    "/cpus/cpu@0 riscv,isa": "what this core has",
    "/cpus/cpu@1 riscv,isa": "what this core has",
    "/cpus/cpu@0 mmu-type": "Sv39 only",
    "/cpus/cpu@1 mmu-type": "Sv39 only",
    "/cpus/cpu@0/interrupt-controller #address-cells": "the specification wants it",
    "/cpus/cpu@1/interrupt-controller #address-cells": "the specification wants it",
    "/soc/plic@c000000 riscv,ndev": "the highest source is 95; QEMU 7.2 says 96",
    "/soc/gpio@10060000": "QEMU has no GPIO port",
    "/leds": "nor LEDs",
  ]

  @Test func isQEMUs() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-virt-\(UUID().uuidString).dtb").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try QEMU.run(
      "/usr/bin/qemu-system-riscv64",
      ["-M", "virt,dumpdtb=\(path)", "-smp", "2", "-m", "256M", "-display", "none"])
    let theirs = Tree(Array(try Data(contentsOf: URL(fileURLWithPath: path))))
    let ours = Tree(Board.rv64Virt(memory: 256 << 20, harts: 2).deviceTree)
    var differences: Set<String> = []
    for key in Set(theirs.properties.keys).union(ours.properties.keys)
    where theirs.properties[key] != ours.properties[key] {
      differences.insert(key)
    }
    let unexplained = differences.filter { key in
      let node = key.split(separator: " ").first.map(String.init) ?? ""
      return !Self.excused.keys.contains { key == $0 || node == $0 || node.hasPrefix($0 + "/") }
    }
    #expect(unexplained.sorted() == [])
    // No excuse without a need for it.
    let needless = Self.excused.keys.filter { excuse in
      !differences.contains { key in
        key == excuse || key.hasPrefix(excuse + " ") || key.hasPrefix(excuse + "/")
      }
    }
    #expect(needless.sorted() == [])
  }
}

/// "path property" → its bytes as text, with phandles as paths.
private struct Tree {
  private(set) var properties: [String: String] = [:]
  private var phandles: [UInt32: String] = [:]

  init(_ blob: [UInt8]) {
    var raw: [(path: String, name: String, bytes: [UInt8])] = []
    blob.withUnsafeBytes { tree in
      var path: [String] = []
      var depth: Int32 = 0
      var node: Int32 = 0
      while node >= 0 && depth >= 0 {
        path = Array(path.prefix(Int(depth)))
        path.append(fdt_get_name(tree.baseAddress, node, nil).map { String(cString: $0) } ?? "")
        let name = path.count == 1 ? "/" : path.joined(separator: "/")
        properties[name + " "] = ""
        var property = fdt_first_property_offset(tree.baseAddress, node)
        while property >= 0 {
          var length: Int32 = 0
          var key: UnsafePointer<CChar>?
          if let value = fdt_getprop_by_offset(tree.baseAddress, property, &key, &length),
            let key
          {
            let bytes = Array(UnsafeRawBufferPointer(start: value, count: Int(length)))
            raw.append((name, String(cString: key), bytes))
          }
          property = fdt_next_property_offset(tree.baseAddress, property)
        }
        node = fdt_next_node(tree.baseAddress, node, &depth)
      }
    }
    for one in raw where one.name == "phandle" { phandles[Self.cells(one.bytes)[0]] = one.path }
    for one in raw where one.name != "phandle" {
      properties["\(one.path) \(one.name)"] = text(one.name, one.bytes)
    }
  }

  private func text(_ name: String, _ bytes: [UInt8]) -> String {
    /// Which cells of a property are phandles.
    let isPhandle: (Int) -> Bool
    switch name {
    case "interrupt-parent", "cpu", "regmap": isPhandle = { $0 == 0 }
    case "interrupts-extended": isPhandle = { $0 % 2 == 0 }
    case "interrupt-map": isPhandle = { $0 % 6 == 4 }
    default: return bytes.map { String($0) }.joined(separator: " ")
    }
    return Self.cells(bytes).enumerated().map { index, cell in
      isPhandle(index) ? phandles[cell] ?? "?" : String(cell)
    }.joined(separator: " ")
  }

  private static func cells(_ bytes: [UInt8]) -> [UInt32] {
    stride(from: 0, to: bytes.count & ~3, by: 4).map { start in
      bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
  }
}
