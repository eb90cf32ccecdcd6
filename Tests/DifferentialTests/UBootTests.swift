import EmurunCLI
import Foundation
import Testing

/// Debian's OpenSBI and U-Boot, unmodified, on both emulators with one command line, and the same lines typed.
@Suite(.enabled(if: QEMU.isHere || QEMU.isRequired, "qemu-system-riscv64 is not here"))
struct UBootTests {
  private static let opensbi = "/usr/lib/riscv64-linux-gnu/opensbi/generic/"
  private static let uboot = "/usr/lib/u-boot/"
  /// What QEMU's rv64 has beyond RV64GC is switched off.
  private static let cpu = "rv64,h=off,sstc=off,zba=off,zbb=off,zbc=off,zbs=off"

  struct Setup: Sendable, CustomTestStringConvertible {
    var firmware: String
    var payload: String?
    var more: [String]
    var lines: [String]
    var testDescription: String { firmware + " " + more.joined(separator: " ") }

    var arguments: [String] {
      var words = ["-machine", "virt", "-nographic", "-cpu", UBootTests.cpu, "-bios", firmware]
      if let payload { words += ["-kernel", payload] }
      return words + more
    }
  }

  private static let disk = [
    "virtio scan", "virtio info", "fatls virtio 0", "fatload virtio 0 84000000 hello.txt",
  ]

  /// The last line of the first ends with a load from memory that OpenSBI keeps to itself by PMP: U-Boot reports it and
  /// resets. `md` is in the last line, since it looks for Ctrl-C and so eats what is typed ahead.
  static let setups = [
    Setup(
      firmware: opensbi + "fw_jump.bin", payload: uboot + "qemu-riscv64_smode/u-boot.bin",
      more: ["-no-reboot", "-global", "virtio-mmio.force-legacy=false"],
      lines: ["version", "sbi", "bdinfo", "crc32 80200000 100"] + disk + [
        "crc32 84000000 20", "md 80200000 8; md.b 84000000 20; crc32 80000000 100",
      ]),
    Setup(
      firmware: opensbi + "fw_dynamic.bin", payload: uboot + "qemu-riscv64_smode/u-boot.bin",
      more: ["-smp", "4", "-m", "2G", "-global", "virtio-mmio.force-legacy=true"],
      lines: ["sbi", "bdinfo"] + disk + ["poweroff"]),
    Setup(
      firmware: opensbi + "fw_jump.elf", payload: uboot + "qemu-riscv64_smode/uboot.elf", more: [],
      lines: ["bdinfo", "poweroff"]),
    Setup(
      firmware: uboot + "qemu-riscv64/u-boot.bin", more: ["-m", "256"],
      lines: ["version", "bdinfo"] + disk + ["poweroff"]),
  ]

  @Test(arguments: setups) func saysTheSame(setup: Setup) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-uboot-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (image, keys) = (folder + "/disk.img", folder + "/keys")
    try FATImage.write(to: image, file: "HELLO   TXT", "hello from a FAT image on virtio-blk\n")
    let arguments =
      setup.arguments + [
        "-drive", "file=\(image),format=raw,if=none,id=hd0", "-device",
        "virtio-blk-device,drive=hd0",
      ]
    let theirs = try TypedSession.run(arguments, typing: setup.lines)

    // A key stops the countdown.
    try Data((" " + setup.lines.map { $0 + "\r" }.joined()).utf8)
      .write(to: URL(fileURLWithPath: keys))
    let (output, errors) = (Output(), Output())
    let code = Emurun.main(
      arguments + ["--input", keys, "--for", "1s"], on: Host(output: output, errors: errors))
    #expect(code == 0)
    #expect(
      errors.text.contains(setup.more.contains("-no-reboot") ? "reset by the guest" : "passed"))
    let (ours, others) = (Self.comparable(output.text), Self.comparable(theirs))
    #expect(ours == others)
    #expect(ours.count > 40)
    if setup.more.contains("-smp") {
      #expect(output.text.contains("Domain0 HARTs             : 0*,1*,2*,3*\r\n"))
    }
    #expect(output.text.contains("hello.txt") == setup.lines.contains("fatls virtio 0"))
  }

  /// What may differ, each line by its beginning: the rest of it does not count. docs/differences.md says why.
  private static let machine = [
    // The names of the machine and the core.
    "Platform Name ", "Model:", "CPU:", "  Architecture ID ", "  Implementation ID ",
    "Boot HART MHPM Count ", "Boot HART MEDELEG ",
    // How many devices U-Boot has drivers for, and how large their description is.
    "Core:", "Working FDT set to ", "fdt_blob ", "new_fdt ", "fdt_size ", " reserved[1]",
    " reserved[2]",
    // How long the countdown ran before somebody typed, and how long a file took, by the host's clock.
    "Hit any key", "37 bytes read in ",
  ]
  private static func comparable(_ text: String) -> [String] {
    // "\r\n" is one character.
    let bare = String(decoding: text.utf8.filter { $0 != 13 }, as: UTF8.self)
    let lines = bare.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.map { line in machine.first(where: line.hasPrefix) ?? String(line) }
  }

  /// Our own image is a payload like others: what it says is what it says under emurun's SBI.
  @Test(arguments: ["fw_jump.bin", "fw_dynamic.elf"], ["elf", "bin"])
  func carriesOurImages(firmware: String, format: String) throws {
    let image =
      #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      .joined(separator: "/") + "/images/sbi-heartbeat-rv64.\(format)"
    func run(_ more: String...) -> (text: String, code: Int32) {
      let output = Output()
      let code = Emurun.main(["-kernel", image] + more, on: Host(output: output, errors: Output()))
      return (output.text, code)
    }
    let (alone, carried) = (run(), run("-bios", Self.opensbi + firmware))
    #expect(alone.code == 0 && carried.code == 0)
    let (ours, all) = (Self.comparable(alone.text), Self.comparable(carried.text))
    #expect(all.contains("OpenSBI v1.1") && all.suffix(ours.count) == ours[...])
    #expect(ours.count > 5)
  }

  /// What U-Boot writes to a drive is in its file afterwards where that was asked for, and nowhere else. With four harts and
  /// twice, sliced differently: the same run.
  @Test(arguments: [false, true]) func writesToADrive(isKept: Bool) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-uboot-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (image, keys) = (folder + "/disk.img", folder + "/keys")
    let blank = Data(count: 8 * 512)
    try blank.write(to: URL(fileURLWithPath: image))
    let lines = ["mw.b 84000000 5a 200", "virtio scan", "virtio write 84000000 3 1", "poweroff"]
    try Data((" " + lines.map { $0 + "\r" }.joined()).utf8).write(to: URL(fileURLWithPath: keys))
    let code = Emurun.main(
      Self.setups[1].arguments + [
        "--drive", image + (isKept ? ",write" : ""), "--input", keys, "--for", "1s", "--twice",
      ],
      on: Host(output: Output(), errors: Output()))
    #expect(code == 0)
    let written =
      Data(count: 3 * 512) + Data(repeating: 0x5A, count: 512) + Data(count: 4 * 512)
    try #expect(Data(contentsOf: URL(fileURLWithPath: image)) == (isKept ? written : blank))
  }
}

/// A file system with one short file, by "Microsoft FAT Specification", sections 3 to 6: FAT12, a cluster a sector.
enum FATImage {
  /// - Parameter file: name and extension, 8 and 3 characters.
  static func write(to path: String, file name: String, _ text: String) throws {
    let (sectors, fatSectors, rootEntries) = (4096, 12, 16)
    var image = [UInt8](repeating: 0, count: sectors * 512)
    func put(_ bytes: [UInt8], at offset: Int) {
      image.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    func half(_ value: Int) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    put([0xEB, 0x3C, 0x90] + Array("EMURUN  ".utf8), at: 0)
    // Bytes a sector, sectors a cluster, reserved, FATs, root entries, sectors, media, sectors a FAT.
    put(half(512) + [1] + half(1) + [1] + half(rootEntries) + half(sectors) + [0xF8], at: 11)
    put(half(fatSectors) + half(32) + half(2), at: 22)
    put([0x80, 0, 0x29] + [1, 2, 3, 4] + Array("NO NAME    FAT12   ".utf8), at: 36)
    put([0x55, 0xAA], at: 510)
    // The first two entries are reserved; the file is cluster 2 alone.
    put([0xF8, 0xFF, 0xFF, 0xFF, 0x0F], at: 512)
    let root = (1 + fatSectors) * 512
    put(Array(name.utf8) + [0x20], at: root)
    put(half(2) + half(text.utf8.count) + half(0), at: root + 26)
    put(Array(text.utf8), at: root + rootEntries * 32)
    try Data(image).write(to: URL(fileURLWithPath: path))
  }
}
