import Emu
import MachineCode

/// What can be known of an image by looking at it.
public struct Inspection: Sendable {
  public let path: String
  /// nil: an ELF file that cannot be loaded; `findings` says why.
  public let image: Image?
  /// nil: another format, which has no sections and no symbols.
  public let elf: ELFContents?
  public let machine: Image.Machine?
  /// Whose memory the image is held against; nil: none fits.
  public let board: Board?
  public let buildID: String?
  /// As the file has it, with the Thumb bit.
  public let entry: UInt64?
  /// Of a Cortex-M's vector table.
  public let initialStackPointer: UInt32?
  public let vectors: [Vector]
  /// Of the lowest address that the image fills.
  public let firstBytes: ArraySlice<UInt8>
  public private(set) var findings: [Diagnostic] = []
  private let names: SymbolNames

  /// - Parameters:
  ///   - path: for messages.
  ///   - board: asked for where the image can be loaded; nil: none.
  /// - Throws: the sentence for the user whose file is no image at all.
  public init(
    bytes: [UInt8], path: String, board choose: (Image) throws -> Board?
  ) throws {
    self.path = path
    elf = ELFContents(bytes)
    do {
      image = try Image(bytes: bytes, path: path)
    } catch {
      guard elf?.segments.isEmpty == false else { throw error }
      image = nil
      findings.append(Diagnostic(.notLoadable, error.message))
    }
    board = try image.flatMap(choose)
    machine = elf?.machine ?? image?.machine
    buildID = image?.buildID
    entry = elf.map(\.entry) ?? image?.entry
    names = SymbolNames(elf?.symbols ?? [])
    firstBytes = image?.segments.first { !$0.bytes.isEmpty }?.bytes.prefix(64) ?? []
    let (elf, names, board) = (elf, names, board)
    vectors = image.map { Vector.table(of: $0, elf, names, board) } ?? []
    initialStackPointer = vectors.first?.value
    findings += Lints.findings(in: self)
  }

  /// Of the initial stack pointer.
  public var stackName: String? { vectors.first?.symbol }

  /// The name of a function or variable, as people write it: "main", "main+0x4".
  public func name(of address: UInt64) -> String? {
    names.place(of: machine == .arm ? address & ~1 : address)
  }
}

extension Inspection {
  /// Of a raw image for an RV64 kernel's boot loader, or of an ELF that begins with it.
  public var bootHeader: Image.BootHeader? {
    guard let image else { return nil }
    if image.format != .elf { return image.bootHeader }
    let raw = try? Image(bytes: Array(firstBytes), path: path, format: .raw)
    return raw?.bootHeader
  }

  /// What lies in which memory, in bytes.
  public struct Use: Sendable {
    public let region: String
    public let sections: [(name: String, size: UInt64)]
    public let total: UInt64
    /// nil: no board is known.
    public let capacity: UInt64?
  }

  /// Memory that is taken from the first to the last instruction: by the addresses at which
  /// sections run, and for what is copied also by those at which they are stored.
  public var uses: [Use] {
    guard let sections = elf?.sections.filter({ $0.isAllocated && $0.size > 0 }) else { return [] }
    guard let board else {
      let written = sections.filter { $0.isWritable || $0.isEmptyInFile }
      let stored = sections.filter { !$0.isEmptyInFile }
      return [Use("ram", written, nil), Use("stored", stored, nil)]
    }
    return board.regions.compactMap { region in
      let inside = sections.filter { section in
        region.holds(section.address)
          || !section.isEmptyInFile && region.holds(section.loadAddress)
      }
      return inside.isEmpty ? nil : Use(region.name, inside, region.size)
    }
  }

  /// Bytes of memory that the program can write to and has laid out itself.
  public var staticRAM: UInt64 {
    guard let elf else { return 0 }
    if elf.sections.isEmpty {
      return elf.segments.filter(\.isWritable).reduce(0) { $0 &+ $1.memorySize }
    }
    return elf.sections.filter { $0.isAllocated && ($0.isEmptyInFile || isVariable($0)) }
      .reduce(0) { $0 &+ $1.size }
  }

  /// A section may be writable and lie in a segment that is not: a table that the linker fills in.
  private func isVariable(_ section: ELFContents.Section) -> Bool {
    section.isWritable
      && segments.contains {
        $0.isWritable && section.address >= $0.address
          && section.address - $0.address < $0.memorySize
      }
  }

  /// Of an ELF file as its headers have them.
  public var segments: [ELFContents.Segment] {
    elf?.segments ?? (image?.segments ?? []).map(ELFContents.Segment.init)
  }

  /// Bytes that have to be stored.
  public var storedSize: UInt64 {
    image?.segments.reduce(0) { $0 + UInt64($1.bytes.count) } ?? 0
  }

  /// Initialised variables: where they run and where their first values are.
  public var data: [ELFContents.Section] {
    (elf?.sections ?? []).filter {
      $0.isAllocated && isVariable($0) && !$0.isExecutable && !$0.isEmptyInFile && $0.size > 0
    }
  }

  /// With a size, the largest first.
  public var symbolsBySize: [ELFContents.Symbol] {
    (elf?.symbols ?? []).filter { $0.size > 0 && !$0.isUndefined }
      .sorted { ($1.size, $0.address, $0.name) < ($0.size, $1.address, $1.name) }
  }

  public var weakSymbols: [ELFContents.Symbol] {
    (elf?.symbols ?? []).filter { $0.isWeak && !$0.isUndefined }
  }

  public var undefinedSymbols: [ELFContents.Symbol] {
    (elf?.symbols ?? []).filter(\.isUndefined)
  }
}

extension Inspection.Use {
  fileprivate init(_ region: String, _ sections: [ELFContents.Section], _ capacity: UInt64?) {
    self.region = region
    self.sections = sections.map { ($0.name, $0.size) }
    total = sections.reduce(0) { $0 &+ $1.size }
    self.capacity = capacity
  }
}

extension Board.Region {
  func holds(_ address: UInt64) -> Bool { address >= self.address && address - self.address < size }
}
