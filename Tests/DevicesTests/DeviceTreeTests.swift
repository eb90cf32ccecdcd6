import CFdt
import Devices
import Emu
import Foundation
import Testing

@Suite struct DeviceTreeTests {
  private let blob = Board.rv64Virt(memory: 8 << 30).deviceTree

  /// Not a word from dtc, where it is installed.
  @Test func dtcFindsNoFault() throws {
    let dtc = "/usr/bin/dtc"
    guard FileManager.default.isExecutableFile(atPath: dtc) else { return }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-dtb-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("board.dtb")
    let tree = Board.rv64Virt.deviceTree
    try Data(tree).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: dtc)
    process.arguments = ["-I", "dtb", "-O", "dts", "-o", "/dev/null", file.path]
    let words = Pipe()
    process.standardError = words
    try process.run()
    let said = words.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(String(decoding: said, as: UTF8.self) == "")
  }

  /// What libfdt finds at a path, as bytes.
  private func property(_ path: String, _ name: String) -> [UInt8]? {
    blob.withUnsafeBytes { tree in
      var length: Int32 = 0
      let node = fdt_path_offset(tree.baseAddress, path)
      guard node >= 0, let value = fdt_getprop(tree.baseAddress, node, name, &length) else {
        return nil
      }
      return Array(UnsafeRawBufferPointer(start: value, count: Int(length)))
    }
  }

  private func cells(_ path: String, _ name: String) -> [UInt32]? {
    property(path, name).map { bytes in
      stride(from: 0, to: bytes.count, by: 4).map { start in
        bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
      }
    }
  }

  private func strings(_ path: String, _ name: String) -> [String]? {
    property(path, name).map { bytes in
      bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
  }

  @Test func saysWhatABootLoaderAsks() {
    #expect(cells("/cpus", "timebase-frequency") == [10_000_000])
    #expect(
      strings("/cpus/cpu@0", "riscv,isa") == ["rv64imafdc_zicntr_zicsr_zifencei_zihpm"])
    #expect(strings("/cpus/cpu@0", "mmu-type") == ["riscv,sv57"])
    #expect(cells("/memory@80000000", "reg") == [0, 0x8000_0000, 2, 0])
    #expect(strings("/chosen", "stdout-path") == ["/soc/serial@10000000"])
    #expect(strings("/soc/serial@10000000", "compatible") == ["ns16550a"])
    #expect(cells("/soc/serial@10000000", "reg") == [0, 0x1000_0000, 0, 0x100])
    #expect(cells("/soc/serial@10000000", "clock-frequency") == [3_686_400])
    let controller = cells("/cpus/cpu@0/interrupt-controller", "phandle")?[0] ?? 0
    #expect(cells("/soc/clint@2000000", "interrupts-extended") == [controller, 3, controller, 7])
  }

  @Test func powerOffAndRebootGoThroughTheTestDevice() {
    let test = cells("/soc/test@100000", "phandle")
    #expect(
      strings("/soc/test@100000", "compatible") == ["sifive,test1", "sifive,test0", "syscon"])
    for (node, value) in [("poweroff", UInt32(0x5555)), ("reboot", 0x7777)] {
      #expect(strings("/\(node)", "compatible") == ["syscon-\(node)"])
      #expect(cells("/\(node)", "regmap") == test && cells("/\(node)", "value") == [value])
    }
  }

  @Test func theLEDsAreOnTheGPIOPort() {
    let port = cells("/soc/gpio@10060000", "phandle")?[0] ?? 0
    #expect(strings("/soc/gpio@10060000", "compatible") == ["sifive,gpio0"])
    #expect(strings("/leds", "compatible") == ["gpio-leds"])
    for pin in 0..<4 as Range<UInt32> {
      #expect(cells("/leds/led-\(pin)", "gpios") == [port, pin, 0])
      #expect(strings("/leds/led-\(pin)", "label") == ["led\(pin)"])
    }
  }

  @Test func isTheSameEveryTime() {
    #expect(Board.rv64Virt.deviceTree == Board.rv64Virt.deviceTree)
  }

  @Test func growsAsItMust() {
    var root = DeviceTreeNode("/")
    root.set("text", String(repeating: "x", count: 100_000))
    #expect(root.blob().count > 100_000)
  }
}
