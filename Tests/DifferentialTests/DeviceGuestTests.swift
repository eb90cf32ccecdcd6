import Devices
import Emu
import Foundation
import Testing

/// A guest that takes interrupts through the PLIC, from the UART and from a disk that it reads and writes.
@Suite struct DeviceGuestTests {
  private let image: Image
  private let disk: [UInt8]

  init() throws {
    image = try Image(path: Guest.build("devices.c"))
    var disk = [UInt8](repeating: 0, count: 100 * 512)
    disk.replaceSubrange(0..<22, with: Array("sector zero of a disk\n".utf8))
    self.disk = disk
  }

  private func machine(_ drive: Drive, _ version: VirtioVersion = .modern) throws -> Machine {
    try Machine(.rv64Virt(drives: [drive], virtio: version), image: image)
  }

  private func text(_ machine: Machine) -> String {
    _ = machine.run(until: RunLimit(tick: 1_000_000_000))
    #expect(machine.stop?.reason == .finisher && machine.stop?.code == 0)
    return machine.console.text
  }

  @Test(arguments: VirtioVersion.allCases)
  func readsAndWrites(version: VirtioVersion) throws {
    let machine = try machine(Drive(DiskImage(bytes: disk)), version)
    #expect(
      text(machine) == """
        uart interrupt, cause 11, then 0
        sectors 100
        read interrupt, cause 11, then 0
        status 0, written 1025
        sector zero of a disk
        write interrupt, cause 11, then 0
        status 0, written 1
        read interrupt, cause 11, then 0
        status 0, written 513
        SECTORread interrupt, cause 11, then 0
        status 1
        done

        """)
    #expect(machine.findings == [])
  }

  @Test(
    .enabled(if: QEMU.isHere || QEMU.isRequired, "qemu-system-riscv64 is not here"),
    arguments: VirtioVersion.allCases)
  func seesWhatItSeesInQEMU(version: VirtioVersion) throws {
    let path = try file()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let theirs = try QEMU.console(
      image.path, bios: "none",
      [
        "-global", "virtio-mmio.force-legacy=\(version == .legacy)",
        "-drive", "file=\(path),if=none,format=raw,id=disk",
        "-device", "virtio-blk-device,drive=disk,bus=virtio-mmio-bus.0",
      ])
    #expect(try text(machine(Drive(DiskImage(bytes: disk)), version)) == theirs.text)
  }

  /// However it is sliced, and on whatever machine it goes on: the same to the last bit, disk included.
  @Test func oneDigest() throws {
    let drive = Drive(DiskImage(bytes: disk))
    let whole = try machine(drive)
    _ = text(whole)
    for step in [1, 7, 1000, 2311] as [UInt64] {
      var sliced = try machine(drive)
      // As one slice a quarter of the way would leave most of the run whole.
      var count = 0
      while sliced.stop == nil {
        _ = sliced.run(until: RunLimit(index: sliced.index + step))
        count += 1
        if count % 64 == 0 { sliced = try Machine(sliced.snapshot()) }
      }
      #expect(sliced.traceDigest == whole.traceDigest, "\(step)")
      #expect(sliced.stateDigest == whole.stateDigest, "\(step)")
    }
  }

  /// Two machines from one snapshot write to disks of their own, and neither to the file.
  @Test func theDiskIsTheMachinesOwn() throws {
    let path = try file()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let drive = Drive(try DiskImage(path: path), .commit)
    let machine = try machine(drive)
    let fresh = machine.snapshot()
    let first = text(machine)
    #expect(try text(Machine(fresh)) == first)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(disk))
    try machine.commit([drive])
    let written = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(written.count == disk.count && written.prefix(512) == Data(disk.prefix(512)))
    #expect(written[512..<534] == Data(disk.prefix(22).map { $0 ^ 0x20 }))
  }

  @Test func aDiskThatIsReadOnly() throws {
    let machine = try machine(Drive(DiskImage(bytes: disk), .readOnly))
    #expect(text(machine).contains("write interrupt, cause 11, then 0\nstatus 1\n"))
  }

  private func file() throws -> String {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-disk-\(UUID().uuidString).img").path
    try Data(disk).write(to: URL(fileURLWithPath: path))
    return path
  }
}
