/// A program as a file holds it: what goes where in memory, and where it starts.
///
/// Reading an image does only what a machine needs in order to boot it; what other users ask for
/// (symbols, the note, the hash) is worked out from `contents` when they ask.
public struct Image: Sendable {
  public enum Format: String, Sendable, CaseIterable {
    case elf
    case raw
    case ihex
    case srec
    case uf2
  }

  public enum Machine: String, Sendable, CaseIterable {
    case riscv64
    case arm
  }

  /// Memory to fill before the start: `bytes`, and zeros after them up to `size`.
  public struct Segment: Sendable, Hashable {
    /// The physical address.
    public var address: UInt64
    /// Where the program itself sees the segment: the physical address, but in an ELF file that
    /// says otherwise.
    public var virtualAddress: UInt64
    public var bytes: [UInt8]
    /// In memory; never less than `bytes.count`, and not to be allocated without a look at it.
    public var size: UInt64
    public var isExecutable = true
    public var isWritable = true

    /// The address of the last byte: no segment wraps, but one may end with the address space.
    public var lastAddress: UInt64 { address &+ (size &- 1) }
  }

  /// As the user wrote it.
  public let path: String
  public let format: Format
  /// The whole file.
  public let contents: [UInt8]
  /// From an ELF file's header, otherwise a guess by the first instructions; nil when neither
  /// architecture fits.
  public internal(set) var machine: Machine?
  /// Sorted by physical address, none empty, no two overlapping.
  public internal(set) var segments: [Segment]
  /// The physical address of the first instruction, where the file says it and it lies in a
  /// segment. Bit 0 is kept: it is the Thumb bit.
  public internal(set) var entry: UInt64?
  /// The start address as the file has it.
  public internal(set) var virtualEntry: UInt64?
  /// The file does not say where it belongs (raw): its one segment is at 0 until it is `placed`.
  public internal(set) var needsBase: Bool
  /// Where an RV64 program talks to its host.
  let hostInterface: HTIF.Addresses?
  /// The UF2 family ID, which names a chip.
  public internal(set) var family: UInt32?

  /// Reads a file.
  public init(path: String) throws(ImageError) {
    try self.init(ImageFile(path: path), format: nil)
  }

  /// Reads a file's bytes, by the format that they are in unless one is given; `base` is for a
  /// format without addresses.
  public init(
    bytes: [UInt8], path: String, format: Format? = nil, base: UInt64? = nil
  ) throws(ImageError) {
    try self.init(ImageFile(path: path, bytes: bytes), format: format)
    if let base { self = try placed(at: base) }
  }

  private init(_ file: ImageFile, format: Format?) throws(ImageError) {
    guard !file.bytes.isEmpty else {
      throw file.bad("is empty; build it again, or check the path")
    }
    self.format = format ?? Format(recognising: file.bytes)
    let layout =
      switch self.format {
      case .elf: try ELFImage.layout(of: file)
      case .ihex: try IntelHex.layout(of: file)
      case .srec: try SRecord.layout(of: file)
      case .uf2: try UF2.layout(of: file)
      case .raw: ImageLayout(raw: file.bytes)
      }
    path = file.path
    contents = file.bytes
    machine = layout.machine
    segments = layout.segments
    entry = layout.entry
    virtualEntry = layout.virtualEntry
    family = layout.family
    needsBase = self.format == .raw
    hostInterface = self.format == .elf ? HTIF.Addresses(in: file, layout) : nil
    if machine == nil { machine = guessedMachine }
  }
}

/// What the reader of a format finds.
struct ImageLayout {
  var segments: [Image.Segment]
  var machine: Image.Machine?
  var entry: UInt64?
  var virtualEntry: UInt64?
  var family: UInt32?
}

extension ImageLayout {
  init(raw bytes: [UInt8]) {
    let size = UInt64(bytes.count)
    segments = [.init(address: 0, virtualAddress: 0, bytes: bytes, size: size)]
  }

  /// A layout in physical addresses alone; `start` is the entry where there is something at it.
  init(_ segments: [Image.Segment], start: UInt64?) {
    self.segments = segments
    virtualEntry = start
    entry = start.flatMap { start in
      // Bit 0 says Thumb, not where the instruction is.
      segments.contains { $0.address...$0.lastAddress ~= start & ~1 } ? start : nil
    }
  }
}

extension Image {
  /// The bytes of a file that may be an image, or the sentence for the user that it cannot be.
  package static func contents(ofFile path: String) throws(ImageError) -> [UInt8] {
    try ImageFile(path: path).bytes
  }

  var file: ImageFile { ImageFile(path: path, bytes: contents) }

  /// The same image at `base`, where it is one that needs a base; others know their addresses.
  /// Its entry is then its first byte, whatever it looks like: the board knows better. A Cortex-M
  /// starts by its `vectors` and not by an entry.
  public func placed(at base: UInt64) throws(ImageError) -> Image {
    guard needsBase, let segment = segments.first else { return self }
    guard !base.addingReportingOverflow(segment.size - 1).overflow else {
      throw file.bad(
        "its \(segment.size) bytes wrap around the end of the address space at \(file.hex(base)); "
          + "load it at a lower address")
    }
    var image = self
    image.segments[0].address = base
    image.segments[0].virtualAddress = base
    image.needsBase = false
    image.entry = base
    image.virtualEntry = base
    return image
  }

  /// The architecture, or the sentence for the user whose image does not show it.
  public func knownMachine() throws(ImageError) -> Machine {
    if let machine { return machine }
    throw file.bad(
      "shows neither a Cortex-M vector table nor RISC-V code in its first bytes; "
        + "name its board with --board")
  }

  /// The entry, or the sentence for the user whose image has none.
  public func knownEntry() throws(ImageError) -> UInt64 {
    if let entry { return entry }
    guard let virtualEntry, virtualEntry != 0 else {
      throw file.bad("has no entry point; link it with ENTRY(_start), or as a raw image")
    }
    throw file.bad(
      "its entry point \(file.hex(virtualEntry)) lies in none of its segments; "
        + "check ENTRY and the addresses in its linker script")
  }
}
