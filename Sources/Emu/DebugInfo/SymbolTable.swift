/// Symbols by address and by name.
struct SymbolTable {
  /// With a size, by address.
  private let sized: [Image.Symbol]
  /// Labels among code, by address.
  private let labels: [Image.Symbol]
  private let addresses: [String: UInt64]
  private let code: [ClosedRange<UInt64>]

  init(_ image: Image) {
    let symbols = image.symbols()
    sized = symbols.filter { $0.size > 0 }.sorted(by: Self.precedes)
    labels = symbols.filter { $0.size == 0 && $0.isFunction }.sorted(by: Self.precedes)
    // Global symbols come last in the table: they win over local ones of the same name.
    addresses = Dictionary(symbols.map { ($0.name, $0.address) }) { $1 }
    code = image.segments.filter(\.isExecutable).compactMap { segment in
      let (last, wraps) = segment.virtualAddress.addingReportingOverflow(segment.size - 1)
      return wraps ? nil : segment.virtualAddress...last
    }
  }

  func address(of name: String) -> UInt64? { addresses[name] }

  func isCode(_ address: UInt64) -> Bool { code.contains { $0.contains(address) } }

  /// The symbol that covers an address, else the last label before it in the same segment, where
  /// no function or variable with an end lies in between.
  func symbol(at address: UInt64) -> Image.Symbol? {
    let symbol = Self.last(sized, notAfter: address)
    if let symbol, address - symbol.address < symbol.size { return symbol }
    guard let label = Self.last(labels, notAfter: address),
      symbol.map({ $0.address < label.address }) ?? true,
      code.contains(where: { $0.contains(address) && $0.contains(label.address) })
    else { return nil }
    return label
  }

  /// Among aliases the functions last, and so found first.
  private static func precedes(_ left: Image.Symbol, _ right: Image.Symbol) -> Bool {
    if left.address != right.address { return left.address < right.address }
    if left.isFunction != right.isFunction { return right.isFunction }
    return left.name > right.name
  }

  private static func last(_ symbols: [Image.Symbol], notAfter address: UInt64) -> Image.Symbol? {
    let index = symbols.firstIndexAfter { $0.address <= address }
    return index == 0 ? nil : symbols[index - 1]
  }
}

extension Array {
  /// How many elements at the front satisfy a condition that none satisfies from there on.
  package func firstIndexAfter(_ isBefore: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
