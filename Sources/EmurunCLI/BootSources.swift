import Emu

/// Which file is the image, and what starts before it. See docs/boot.md.
struct BootSources {
  let image: Image
  /// What starts in M mode, with the image as its payload.
  private(set) var firmware: (image: Image, address: UInt64?)?
  /// Where the image goes, if it is raw and somebody said so.
  private(set) var base: UInt64?
  /// The image is what `--bios` names: there is no other.
  let isFirmwareAlone: Bool
  /// The image is what `--kernel` names.
  private let isKernel: Bool
  /// What was asked for that only an RV64 board has.
  let wordsOfRV64: [String]
  /// To be said before the run.
  private(set) var notices: [String] = []

  /// `--bios`: a file, or one of two words.
  private enum BIOS {
    case file(path: String, address: UInt64?)
    case word(Needs.BIOS)

    init(_ text: String) {
      if let word = Needs.BIOS(rawValue: text) {
        self = .word(word)
      } else if let file = FileAtAddress(argument: text) {
        self = .file(path: file.path, address: file.address)
      } else {
        self = .file(path: text, address: nil)
      }
    }
  }

  init(_ command: Emurun) throws(Refusal) {
    let options = command.boot
    if let kernel = options.kernel, let image = command.image {
      throw Refusal(
        ExitCode.usage,
        "\(image) and --kernel \(kernel) are two images; what starts first is --bios, and more "
          + "files go into memory with --load")
    }
    let bios = options.bios.map(BIOS.init)
    wordsOfRV64 = command.wordsOfRV64
    isKernel = options.kernel != nil
    var firmware: (image: Image, address: UInt64?)?
    if case .file(let path, let address) = bios {
      let image = try Self.read(path)
      var place = address
      if options.passThrough && address == nil && Self.isBootROM(image) {
        place = Self.bootROM.lowerBound
        notices.append("\(path): \(image.contents.count) bytes, a boot ROM at 0x1000")
      }
      firmware = (image, place)
    }
    if let path = command.image ?? options.kernel {
      image = try Self.read(path)
      self.firmware = firmware
      isFirmwareAlone = false
    } else if let firmware {
      image = firmware.image
      base = firmware.address
      isFirmwareAlone = true
    } else if command.dtbDump != nil {
      image = try Self.nothing()
      isFirmwareAlone = false
    } else {
      throw Refusal(ExitCode.usage, "which image? Usage: emurun IMAGE [OPTIONS]; see emurun --help")
    }
  }

  /// The region of the reset ROM, which a boot ROM takes over.
  private static let bootROM: Range<UInt64> = 0x1000..<0x1_0000

  private static func isBootROM(_ image: Image) -> Bool {
    image.needsBase && image.contents.count <= bootROM.count
  }

  /// A device tree can be had with no image: a wfi stands for one.
  private static func nothing() throws(Refusal) -> Image {
    do {
      return try Image(bytes: [0x73, 0x00, 0x50, 0x10], path: "nothing", format: .raw)
    } catch { throw Refusal(error.exitCode, error.description) }
  }

  private static func read(_ path: String) throws(Refusal) -> Image {
    let image: Image
    do { image = try Image(path: path) } catch {
      throw Refusal(error.exitCode, error.description)
    }
    if let (_, name, tool) = packers.first(where: { image.contents.starts(with: $0.magic) }) {
      throw Refusal(
        ExitCode.badData,
        "\(path): is compressed (\(name)), and nothing would unpack it; use \(tool)")
    }
    return image
  }

  /// How kernels are packed: the first bytes are no RISC-V program's.
  private static let packers: [(magic: [UInt8], name: String, tool: String)] = [
    ([0x1F, 0x8B, 8], "gzip", "gunzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz", "unxz"),
    ([0x28, 0xB5, 0x2F, 0xFD], "Zstandard", "unzstd"),
    ([0x4D, 0x5A, 0, 0, 0x7A, 0x69, 0x6D, 0x67], "an EFI zboot image", "the kernel's own vmlinux"),
  ]

  /// The mode of the first instruction, where it is not the image that decides.
  func mode(_ needs: Needs) throws(Refusal) -> MachineOptions.Mode? {
    if firmware != nil || isFirmwareAlone {
      if needs.mode == .supervisor {
        throw Refusal(
          ExitCode.usage, "--mode s: what --bios names starts in M mode; leave one of them out")
      }
      return .machine
    }
    if let mode = needs.mode { return mode }
    switch needs.bios {
    case .nothing: return .machine
    case .builtIn: return .supervisor
    // As under QEMU, where a kernel that does not say where it lies has OpenSBI below it.
    case nil: return image.needsBase && isKernel ? .supervisor : nil
    }
  }
}

extension Emurun {
  fileprivate var wordsOfRV64: [String] {
    let words = [
      ("--bios", boot.bios != nil), ("--kernel", boot.kernel != nil),
      ("--initrd", boot.initrd != nil), ("--sbi", boot.sbi != nil || boot.passThrough),
      ("--mode", boot.mode != nil), ("--dtb", boot.dtb != nil), ("--dtb-dump", dtbDump != nil),
      ("-cpu", machine.cpu != nil), ("--drive", !drives.drive.isEmpty),
      ("-device", !drives.device.isEmpty), ("--virtio", drives.virtio != nil),
      ("-global", !drives.global.isEmpty),
    ]
    return words.filter(\.1).map(\.0)
  }
}
