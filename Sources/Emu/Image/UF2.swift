/// UF2: blocks of 512 bytes, each with an address and up to 476 bytes for it, in any order.
enum UF2 {
  private static let blockSize = 512
  private static let magics: [(offset: UInt64, value: UInt32)] = [
    (0, 0x0A32_4655), (4, 0x9E5D_5157), (508, 0x0AB1_6F30),
  ]

  static func recognises(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x55, 0x46, 0x32, 0x0A, 0x57, 0x51, 0x5D, 0x9E])
  }

  static func layout(of file: ImageFile) throws(ImageError) -> ImageLayout {
    guard file.bytes.count % blockSize == 0 else {
      throw file.bad(
        "is \(file.bytes.count) bytes long, not a multiple of \(blockSize); "
          + "the file is cut short: copy or build it again")
    }
    var blocks: [Block] = []
    for index in 0..<file.bytes.count / blockSize { blocks.append(try Block(index, file)) }
    let family = try commonFamily(blocks, file)
    var memory = SegmentBuilder()
    var seen = [Bool](repeating: false, count: blocks.count)
    for block in blocks {
      try block.check(&seen, file)
      if block.isMainFlash {
        let start = block.index * blockSize + 32
        memory.append(file.bytes[start..<start + Int(block.size)], at: UInt64(block.address))
      }
    }
    let segments = try memory.finished(file)
    // The format has no word for an entry, so it is the first byte, as with a raw image.
    var layout = ImageLayout(segments, start: segments.first?.address)
    layout.family = family
    layout.machine = family.flatMap { families[$0]?.machine }
    return layout
  }

  private static func commonFamily(
    _ blocks: [Block], _ file: ImageFile
  ) throws(ImageError) -> UInt32? {
    let families = blocks.compactMap(\.family)
    guard let first = families.first else { return nil }
    if let other = families.first(where: { $0 != first }) {
      throw file.bad(
        "is for several chips (\(describe(first)) and \(describe(other))); build one file a chip")
    }
    return first
  }

  private struct Block {
    let index: Int
    let flags: UInt32
    let address: UInt32
    let size: UInt32
    let number: UInt32
    let total: UInt32
    private let sizeOrFamily: UInt32

    var isMainFlash: Bool { flags & 1 == 0 }
    var family: UInt32? { flags & 0x2000 != 0 ? sizeOrFamily : nil }

    init(_ index: Int, _ file: ImageFile) throws(ImageError) {
      let base = UInt64(index * UF2.blockSize)
      for magic in UF2.magics where file.load(UInt32.self, at: base + magic.offset) != magic.value {
        throw file.bad(
          "block \(index) lacks the magic number at byte \(magic.offset); "
            + "the file is damaged: build or copy it again")
      }
      self.index = index
      flags = file.load(at: base + 8)
      address = file.load(at: base + 12)
      size = file.load(at: base + 16)
      number = file.load(at: base + 20)
      total = file.load(at: base + 24)
      sizeOrFamily = file.load(at: base + 28)
    }

    func check(_ seen: inout [Bool], _ file: ImageFile) throws(ImageError) {
      guard flags & 0x1000 == 0 else {
        throw file.bad("carries files, not a flash image; convert the program itself to UF2")
      }
      guard total == seen.count else {
        throw file.bad(
          "has \(seen.count) blocks and block \(index) speaks of \(total); "
            + "the file is incomplete: copy or build it again")
      }
      guard number < total, !seen[Int(number)] else {
        throw file.bad(
          "block \(index) has the number \(number), which is taken or too high; "
            + "the file is damaged: build or copy it again")
      }
      seen[Int(number)] = true
      guard size <= 476 else {
        throw file.bad(
          "block \(index) claims \(size) bytes of data, 476 fit; "
            + "the file is damaged: build or copy it again")
      }
      guard !address.addingReportingOverflow(max(size, 1) - 1).overflow else {
        throw file.bad(
          "block \(index) at \(file.hex(address)) wraps around the end of the address space; "
            + "check its linker script")
      }
    }
  }
}

extension UF2 {
  /// The families of chips near our boards, from the list that Microsoft keeps with the format.
  /// What is not here is judged by its first instructions, as a raw image is.
  private static let families: [UInt32: (name: String, machine: Image.Machine)] = [
    0xE48B_FF56: ("RP2040", .arm),
    0xE48B_FF59: ("RP2350 Arm", .arm),
    0xADA5_2840: ("nRF52840", .arm),
    0x1B57_745F: ("nRF52", .arm),
    0x6863_1D5B: ("SAMD21", .arm),
    0x5511_4460: ("SAMD51", .arm),
    0x5775_5A57: ("STM32F4", .arm),
    0x5EE2_1072: ("STM32F1", .arm),
    0x4FB2_D5BD: ("i.MX RT10xx", .arm),
  ]

  /// A family's name, or its number where we know no name.
  static func describe(_ family: UInt32) -> String {
    families[family]?.name ?? "0x" + String(family, radix: 16)
  }
}

extension Image {
  /// The chip that a UF2 file is for.
  public var familyName: String? { family.map(UF2.describe) }
}
