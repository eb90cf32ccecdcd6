/// What an ELF image tells of its source: symbols, lines and how to find a caller.
///
/// Nothing is read before it is asked for. Addresses are the program's own (virtual). An image of
/// another format, or one without that information, has no answers. libelf and libdw do the
/// reading; one instance must not be used by two threads at once.
public final class DebugInfo {
  let machine: Image.Machine?
  private let image: Image
  private(set) lazy var dwarf = image.format == .elf ? DWARFHandle(image.contents) : nil
  private(set) lazy var symbols = SymbolTable(image)
  private(set) lazy var lines = LineTable(dwarf?.dwarf)
  private(set) lazy var globals = GlobalVariables(dwarf?.dwarf)

  public init(_ image: Image) {
    self.image = image
    machine = image.machine
  }

  /// The function or variable at an address and how far into it that is.
  public func symbol(at address: UInt64) -> (name: String, offset: UInt64)? {
    symbols.symbol(at: address).map { ($0.name, address - $0.address) }
  }

  /// The same, a Swift name as people write it.
  public func function(at address: UInt64) -> (name: String, offset: UInt64)? {
    symbol(at: address).map { (demangled($0.name), $0.offset) }
  }

  /// The same in words, as a backtrace has it: `main+0x4`, and Swift's names as people write them.
  public func place(at address: UInt64) -> String? { symbol(at: address).map(Self.words) }

  static func words(_ symbol: (name: String, offset: UInt64)) -> String {
    demangled(symbol.name)
      + (symbol.offset > 0 ? "+0x" + String(symbol.offset, radix: 16) : "")
  }

  public func address(ofSymbol name: String) -> UInt64? { symbols.address(of: name) }

  /// The line of source that an instruction was made from.
  public func sourceLine(at address: UInt64) -> (file: String, line: Int)? {
    // A label does not say how far its code reaches.
    let function = symbols.symbol(at: address).flatMap { $0.size > 0 ? $0.address : nil }
    return lines.line(at: address, function: function)
  }

  func isCode(_ address: UInt64) -> Bool { symbols.isCode(address) }

  func sizedSymbol(at address: UInt64) -> Image.Symbol? {
    symbols.symbol(at: address).flatMap {
      $0.address == address && $0.size > 0 && !$0.isFunction ? $0 : nil
    }
  }

  var imagePath: String { image.path }
}
