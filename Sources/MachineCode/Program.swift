import Emu

/// An image as a core fetches it: its bytes by the addresses that code has for them, decoded.
public struct Program: Sendable {
  public let image: Image
  public let machine: Image.Machine
  package let elf: ELFContents?
  package let names: SymbolNames
  package let marks: CodeMarks
  /// Functions by their names of which a compiler has put the parts that rarely run elsewhere.
  package let divided: Set<String>
  /// It throws exceptions: where they land is known to tables that are not read.
  package let unwinds: Bool
  private let rv64 = RV64Decoder()
  private let thumb = ThumbDecoder()
  /// By address; what may be code.
  package let code: [Image.Segment]

  /// nil: its architecture is not known.
  public init?(_ image: Image) {
    guard let machine = image.machine else { return nil }
    self.image = image
    self.machine = machine
    elf = ELFContents(image.contents)
    names = SymbolNames(elf?.symbols ?? [])
    marks = CodeMarks(elf?.marks ?? [])
    divided = Set(
      (elf?.symbols ?? []).compactMap { symbol in
        symbol.name.firstRange(of: ".cold").map { String(symbol.name[..<$0.lowerBound]) }
      })
    unwinds =
      elf?.symbols.contains { $0.name == "_Unwind_RaiseException" && !$0.isUndefined } == true
      || elf?.sections.contains {
        $0.name.hasPrefix(".gcc_except_table") || $0.name.hasPrefix(".ARM.extab")
      } == true
    code = image.segments.filter { $0.isExecutable && !$0.bytes.isEmpty }
      .sorted { $0.virtualAddress < $1.virtualAddress }
  }

  /// Two or four bytes of what may be code, in the lower bits; nil: there are none.
  package func fetch(_ address: UInt64) -> (word: UInt32, count: Int)? {
    guard address & 1 == 0, let segment = segment(of: address) else { return nil }
    let offset = Int(address - segment.virtualAddress)
    guard offset + 2 <= segment.bytes.count else { return nil }
    let bytes = segment.bytes[offset..<min(offset + 4, segment.bytes.count)]
    let word = bytes.reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    return bytes.count == 4 ? (word, 4) : (word & 0xFFFF, 2)
  }

  private func segment(of address: UInt64) -> Image.Segment? {
    code.last { $0.virtualAddress <= address && address - $0.virtualAddress < $0.size }
  }

  /// - Parameter condition: of its place in an IT block.
  /// - Returns: nil: there are no bytes of the image.
  package func instruction(at address: UInt64, inBlock condition: Condition? = nil) -> Instruction?
  {
    guard let (word, count) = fetch(address) else { return nil }
    let isWide = machine == .arm ? ThumbDecoder.isWide(word) : word & 3 == 3
    if isWide && count < 4 { return nil }
    return machine == .arm
      ? thumb.decode(word, at: address, inBlock: condition) : rv64.decode(word, at: address)
  }

  package var stackPointer: RegisterNumber { machine == .arm ? 13 : 2 }
  package var linkRegister: RegisterNumber { machine == .arm ? 14 : 1 }
  package var wordSize: UInt64 { machine == .arm ? 4 : 8 }

  /// An address without the Thumb bit.
  package func plain(_ address: UInt64) -> UInt64 {
    machine == .arm ? address & 0xFFFF_FFFE : address
  }

  /// "main", "main+0x4", "0x100".
  public func name(_ address: UInt64) -> String {
    if let place = names.place(of: address) { return place }
    guard let section = elf?.section(at: address)?.name,
      let label = names.label(before: address, in: section)
    else { return hex(address) }
    return label.name + "+" + hex(address - label.address)
  }

  /// A name out of one register.
  public func name(ofRegister number: RegisterNumber) -> String {
    if machine == .arm {
      switch number {
      case 13: return "sp"
      case 14: return "lr"
      case 15: return "pc"
      default: return "r\(number)"
      }
    }
    switch number {
    case 0: return "zero"
    case 1: return "ra"
    case 2: return "sp"
    case 3: return "gp"
    case 4: return "tp"
    case 5...7: return "t\(number - 5)"
    case 8...9: return "s\(number - 8)"
    case 10...17: return "a\(number - 10)"
    case 18...27: return "s\(number - 16)"
    default: return "t\(number - 25)"
    }
  }
}

extension Program {
  /// A place that may hold an instruction, by the segments and by the marks of the ABI.
  package func isCode(_ address: UInt64) -> Bool {
    guard address & 1 == 0, let segment = segment(of: address) else { return false }
    return address - segment.virtualAddress < UInt64(segment.bytes.count)
      && elf.map { $0.sections.isEmpty || $0.section(at: address)?.isExecutable == true } ?? true
  }

  /// By the marks of the Arm ABI: a literal pool or a table among code.
  package func isMarkedData(_ address: UInt64) -> Bool { marks.isData(address) }
}

/// Where code ends and data among it begins, by the marks that the ABIs of both cores have symbols
/// for.
package struct CodeMarks: Sendable {
  private let marks: [(address: UInt64, isCode: Bool)]

  init(_ marks: [(address: UInt64, isCode: Bool)]) {
    // Of two at one address, that of an empty piece came first.
    self.marks = marks.enumerated().sorted {
      ($0.element.address, $0.offset) < ($1.element.address, $1.offset)
    }.map(\.element)
  }

  package func isData(_ address: UInt64) -> Bool {
    let next = next(behind: address)
    return next > 0 && !marks[next - 1].isCode
  }

  /// Where code begins again behind data; nil: that is none, or there is no more code.
  package func endOfData(_ address: UInt64) -> UInt64? {
    let next = next(behind: address)
    guard next > 0, !marks[next - 1].isCode else { return nil }
    return marks[next...].first { $0.isCode }?.address
  }

  private func next(behind address: UInt64) -> Int {
    marks.firstIndexAfter { $0.address <= address }
  }
}

package func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
