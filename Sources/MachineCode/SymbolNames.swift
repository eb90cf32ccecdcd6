import Emu

/// Symbols with a size by address, and labels where there is nothing better.
package struct SymbolNames: Sendable {
  private let symbols: [ELFContents.Symbol]

  package init(_ all: [ELFContents.Symbol]) {
    symbols = all.filter { !$0.isUndefined && $0.section != nil }
      .sorted { ($0.address, $1.size, $1.name) < ($1.address, $0.size, $0.name) }
  }

  /// The symbol that covers an address: a function or variable, else a label at it.
  package func symbol(at address: UInt64) -> ELFContents.Symbol? {
    var index = upperBound(address)
    // Labels lie within functions; a function's own symbol is not far in front of them.
    for _ in 0..<64 where index > 0 {
      index -= 1
      let symbol = symbols[index]
      if address - symbol.address < symbol.size { return symbol }
      if symbol.size > 0 { break }
    }
    index = upperBound(address)
    while index > 0, symbols[index - 1].address == address {
      index -= 1
      if symbols[index].size == 0 { return symbols[index] }
    }
    return nil
  }

  /// Whether a function, or a label of assembly, is at exactly this address.
  package func begins(at address: UInt64) -> Bool {
    var index = upperBound(address)
    while index > 0, symbols[index - 1].address == address {
      index -= 1
      if symbols[index].kind != .object { return true }
    }
    return false
  }

  package func symbols(at address: UInt64) -> [ELFContents.Symbol] {
    Array(symbols[..<upperBound(address)].reversed().prefix { $0.address == address })
  }

  /// The nearest label of assembly before an address, with nothing else in between.
  package func label(before address: UInt64, in section: String) -> ELFContents.Symbol? {
    let index = upperBound(address)
    guard index > 0 else { return nil }
    let symbol = symbols[index - 1]
    return symbol.size == 0 && symbol.section == section ? symbol : nil
  }

  /// The label that is exactly there: of a stack, its end, where something else may begin.
  package func label(at address: UInt64) -> String? {
    var index = upperBound(address)
    while index > 0, symbols[index - 1].address == address {
      index -= 1
      if symbols[index].size == 0 { return symbols[index].name }
    }
    return nil
  }

  package func place(of address: UInt64) -> String? {
    symbol(at: address).map {
      demangled($0.name) + (address > $0.address ? "+" + hex(address - $0.address) : "")
    }
  }

  private func upperBound(_ address: UInt64) -> Int {
    symbols.firstIndexAfter { $0.address <= address }
  }
}
