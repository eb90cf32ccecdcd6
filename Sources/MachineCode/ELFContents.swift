import CElf
import Emu
import Glibc

/// What the headers of an ELF file say, for people who look at it. What is loaded and where is
/// `Image`'s to decide.
public struct ELFContents: Sendable {
  public struct Section: Sendable, Hashable {
    public let name: String
    /// `SHT_`...
    public let type: UInt32
    /// Where the program sees it, and where the file has it put.
    public let address: UInt64
    public let loadAddress: UInt64
    public let size: UInt64
    /// At least 1.
    public let alignment: UInt64
    public let isAllocated: Bool
    public let isWritable: Bool
    public let isExecutable: Bool
    /// It takes memory and no bytes of the file.
    public var isEmptyInFile: Bool { type == UInt32(SHT_NOBITS) }

    package func contains(_ address: UInt64) -> Bool {
      isAllocated && address >= self.address && address - self.address < size
    }
  }

  /// Of type `PT_LOAD`.
  public struct Segment: Sendable, Hashable {
    public let address: UInt64
    public let loadAddress: UInt64
    public let fileSize: UInt64
    public let memorySize: UInt64
    public let isReadable: Bool
    public let isWritable: Bool
    public let isExecutable: Bool
  }

  public struct Symbol: Sendable, Hashable {
    public enum Kind: String, Sendable {
      case function
      case object
      case label
    }
    public let name: String
    /// Without the Thumb bit.
    public let address: UInt64
    public internal(set) var size: UInt64
    public let kind: Kind
    public let isWeak: Bool
    /// Known to other files.
    package let isGlobal: Bool
    /// nil: defined nowhere, or not in a section.
    public let section: String?
    public let isUndefined: Bool
  }

  public private(set) var machine: Image.Machine
  public private(set) var entry: UInt64
  public private(set) var sections: [Section] = []
  public private(set) var segments: [Segment] = []
  /// Named ones, in the order of the table.
  public private(set) var symbols: [Symbol] = []
  /// Marks of the ABIs ($t, $d, $x): where code begins and where data does.
  public private(set) var marks: [(address: UInt64, isCode: Bool)] = []
  public private(set) var attributes: [(name: String, value: String)] = []
  /// Arm: what it is built for where that is no Cortex-M.
  public var otherProfile: String? {
    attributes.first { $0.name == BuildAttributes.profile && $0.value != "M" }?.value
  }
  /// Of the sections that are loaded: how many entries wait for a loader to do something.
  public private(set) var relocations: UInt64 = 0

  /// nil: no ELF file for one of our two architectures.
  public init?(_ bytes: [UInt8]) {
    guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]), let file = ELFHandle(bytes) else {
      return nil
    }
    var header = GElf_Ehdr()
    guard gelf_getehdr(file.elf, &header) != nil else { return nil }
    switch (Int32(header.e_machine), gelf_getclass(file.elf)) {
    case (EM_RISCV, ELFCLASS64): machine = .riscv64
    case (EM_ARM, ELFCLASS32): machine = .arm
    default: return nil
    }
    entry = header.e_entry
    readSegments(file)
    readSections(file, names: header.e_shstrndx)
    readSymbols(file)
  }

  private mutating func readSegments(_ file: ELFHandle) {
    var count = 0
    guard elf_getphdrnum(file.elf, &count) == 0 else { return }
    for index in 0..<min(count, 1 << 16) {
      var header = GElf_Phdr()
      guard gelf_getphdr(file.elf, Int32(index), &header) != nil else { break }
      guard header.p_type == UInt32(PT_LOAD), header.p_memsz > 0 || header.p_filesz > 0 else {
        continue
      }
      segments.append(
        Segment(
          address: header.p_vaddr, loadAddress: header.p_paddr, fileSize: header.p_filesz,
          memorySize: header.p_memsz, isReadable: header.p_flags & UInt32(PF_R) != 0,
          isWritable: header.p_flags & UInt32(PF_W) != 0,
          isExecutable: header.p_flags & UInt32(PF_X) != 0))
    }
  }

  private mutating func readSections(_ file: ELFHandle, names: UInt16) {
    for (section, header) in file.sections() {
      let flags = header.sh_flags
      let isAllocated = flags & UInt64(SHF_ALLOC) != 0
      sections.append(
        Section(
          name: Self.name(header.sh_name, file, Int(names)), type: header.sh_type,
          address: header.sh_addr, loadAddress: loadAddress(of: header), size: header.sh_size,
          alignment: max(1, header.sh_addralign), isAllocated: isAllocated,
          isWritable: flags & UInt64(SHF_WRITE) != 0,
          isExecutable: flags & UInt64(SHF_EXECINSTR) != 0))
      switch Int32(bitPattern: header.sh_type) {
      case SHT_REL, SHT_RELA:
        if isAllocated { relocations += header.sh_size / max(1, header.sh_entsize) }
      case 0x7000_0003:  // SHT_RISCV_ATTRIBUTES and SHT_ARM_ATTRIBUTES
        if let data = elf_rawdata(section, nil), let start = data.pointee.d_buf {
          let bytes = UnsafeRawBufferPointer(start: start, count: data.pointee.d_size)
          attributes = BuildAttributes.read(Array(bytes), machine)
        }
      default: break
      }
    }
  }

  /// By the segment that the section lies in; an empty one may lie at the end of it.
  private func loadAddress(of header: GElf_Shdr) -> UInt64 {
    let (first, size) = (header.sh_addr, header.sh_size)
    let home = segments.first {
      first >= $0.address && first - $0.address <= $0.memorySize
        && size <= $0.memorySize - (first - $0.address)
        && (size == 0 || first - $0.address < $0.memorySize)
    }
    return home.map { first &- $0.address &+ $0.loadAddress } ?? first
  }

  private mutating func readSymbols(_ file: ELFHandle) {
    let thumb: UInt64 = machine == .arm ? 1 : 0
    for entry in file.symbolTable() {
      if entry.isMark {
        switch entry.name.utf8.dropFirst().first {
        case UInt8(ascii: "t"), UInt8(ascii: "a"), UInt8(ascii: "x"):
          marks.append((entry.value, true))
        case UInt8(ascii: "d"): marks.append((entry.value, false))
        default: break
        }
        continue
      }
      guard entry.type <= STT_FUNC else { continue }
      let home = Int(entry.section) - 1
      let section = sections.indices.contains(home) ? sections[home] : nil
      let isFunction = entry.type == STT_FUNC
      symbols.append(
        Symbol(
          name: entry.name, address: isFunction ? entry.value & ~thumb : entry.value,
          size: entry.size,
          kind: isFunction ? .function : entry.type == STT_OBJECT ? .object : .label,
          isWeak: entry.binding == STB_WEAK, isGlobal: entry.binding != STB_LOCAL,
          section: section?.name,
          isUndefined: entry.section == SHN_UNDEF))
    }
  }

  private static func name(_ offset: UInt32, _ file: ELFHandle, _ table: Int) -> String {
    guard let start = elf_strptr(file.elf, table, Int(offset)) else { return "" }
    return String(
      decoding: UnsafeRawBufferPointer(start: start, count: strnlen(start, 256)), as: UTF8.self)
  }

  package func section(at address: UInt64) -> Section? { sections.first { $0.contains(address) } }
}

extension ELFContents.Segment {
  /// Of an image without headers.
  package init(_ segment: Image.Segment) {
    self.init(
      address: segment.virtualAddress, loadAddress: segment.address,
      fileSize: UInt64(segment.bytes.count), memorySize: segment.size, isReadable: true,
      isWritable: segment.isWritable, isExecutable: segment.isExecutable)
  }
}
