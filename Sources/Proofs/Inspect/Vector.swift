import Emu
import MachineCode

/// An entry of a Cortex-M's vector table (Armv7-M ARM, B1.5.3).
public struct Vector: Sendable, Hashable {
  public let number: Int
  /// Of the exception: "HardFault", "IRQ 5".
  public let name: String
  public let value: UInt32
  /// The function, as people write its name.
  public let symbol: String?
  /// What is wrong with it.
  public let problem: Problem?

  public enum Problem: String, Sendable {
    case noThumbBit = "no Thumb bit"
    case notCode = "not code of this image"
    case reserved = "reserved, and not 0"
  }

  private static let names = [
    "initial SP", "Reset", "NMI", "HardFault", "MemManage", "BusFault", "UsageFault", nil, nil, nil,
    nil, "SVCall", "DebugMonitor", nil, "PendSV", "SysTick",
  ]

  static func table(
    of image: Image, _ elf: ELFContents?, _ names: SymbolNames, _ board: Board?
  ) -> [Vector] {
    guard image.machine == .arm, let segment = image.segments.first(where: { !$0.bytes.isEmpty })
    else { return [] }
    let most = min(count(at: segment.virtualAddress, elf, names), segment.bytes.count / 4)
    return (0..<most).map { number in
      let value = segment.bytes[(4 * number)..<(4 * number + 4)].reversed()
        .reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
      return Vector(number, value, image, elf, names, board)
    }
  }

  /// By the section or the symbol that the table is; else those of the core alone.
  private static func count(at address: UInt64, _ elf: ELFContents?, _ names: SymbolNames) -> Int {
    let most = 16 + 240
    if let section = elf?.section(at: address), section.address == address {
      let name = section.name.lowercased()
      if name.contains("vec") || name.contains("isr") {
        return max(2, min(most, Int(clamping: section.size / 4)))
      }
    }
    guard let table = names.symbol(at: address), table.address == address, table.kind == .object,
      table.size >= 64
    else { return 16 }
    return min(most, Int(clamping: table.size / 4))
  }

  private init(
    _ number: Int, _ value: UInt32, _ image: Image, _ elf: ELFContents?, _ names: SymbolNames,
    _ board: Board?
  ) {
    self.number = number
    self.value = value
    let known = Self.names.indices.contains(number) ? Self.names[number] : "IRQ \(number - 16)"
    name = known ?? "reserved"
    if number == 0 {
      symbol = names.label(at: UInt64(value))
      problem = nil
      return
    }
    let address = UInt64(value & ~1)
    symbol = value == 0 ? nil : names.place(of: address)
    let isCode =
      image.segments.contains {
        $0.isExecutable && address >= $0.virtualAddress && address - $0.virtualAddress < $0.size
      } && elf?.section(at: address)?.isExecutable != false
      // A handler in the board's own ROM.
      || board?.regions.contains { !$0.content.isEmpty && $0.holds(address) } == true
    problem =
      switch value {
      case 0: number == 1 ? .notCode : nil
      case _ where known == nil: .reserved
      case _ where value & 1 == 0: .noThumbBit
      default: isCode ? nil : .notCode
      }
  }
}
