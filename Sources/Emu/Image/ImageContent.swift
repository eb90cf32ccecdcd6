extension Image {
  /// The first two words of a Cortex-M image.
  public struct Vectors: Sendable, Hashable {
    public let address: UInt64
    public let initialStackPointer: UInt32
    public let reset: UInt32
  }

  /// The header of a RISC-V Linux-style boot image.
  public struct BootHeader: Sendable, Hashable {
    /// Where the image wants to lie, from the start of RAM.
    public let textOffset: UInt64
    /// In memory, with what follows the file; 0 where the image does not say.
    public let imageSize: UInt64
  }

  /// The words at address 0 where the image has some, else at its lowest address.
  public var vectors: Vectors? {
    guard let segment = segments.first(where: { !$0.bytes.isEmpty }), segment.bytes.count >= 8
    else { return nil }
    let words = ImageFile(path: path, bytes: segment.bytes)
    return Vectors(
      address: segment.address, initialStackPointer: words.load(at: 0), reset: words.load(at: 4))
  }

  /// Of a raw image that has one, HEX, SREC and UF2 being ways to write such an image down. An ELF's
  /// own headers say more.
  public var bootHeader: BootHeader? {
    guard format != .elf, let segment = segments.first(where: { !$0.bytes.isEmpty })
    else { return nil }
    let start = ImageFile(path: path, bytes: segment.bytes)
    guard start.holds(64, at: 0), start.load(UInt32.self, at: 0x38) == 0x0543_5352
    else { return nil }
    return BootHeader(textOffset: start.load(at: 8), imageSize: start.load(at: 16))
  }

  /// The architecture that the first bytes look like, or those at the entry where it is known.
  var guessedMachine: Machine? {
    if isText { return nil }
    if bootHeader != nil { return .riscv64 }
    if let vectors, vectors.looksLikeCortexM { return .arm }
    // An odd address is one of Thumb code.
    if let entry, entry % 2 == 1 { return .arm }
    return RISCVParcel.isInstruction(firstInstruction) ? .riscv64 : nil
  }

  /// Most letters are the first half of some RISC-V instruction; a file of nothing else is a wrong one.
  private var isText: Bool {
    format == .raw && contents.count >= 16
      && contents.prefix(64).allSatisfy { [9, 10, 13].contains($0) || 0x20...0x7E ~= $0 }
  }

  private var firstInstruction: ArraySlice<UInt8> {
    for segment in segments {
      let start = entry ?? segment.address
      if !segment.bytes.isEmpty, segment.address...segment.lastAddress ~= start {
        return segment.bytes.dropFirst(Int(start - segment.address)).prefix(4)
      }
    }
    return []
  }
}

extension Image.Vectors {
  /// A stack in some Cortex-M's SRAM and a Thumb address.
  var looksLikeCortexM: Bool {
    initialStackPointer % 4 == 0 && 0x1000_0000...0x3FFF_FFFF ~= initialStackPointer
      && reset % 2 == 1
  }
}
