import Emu

extension Program {
  /// Bytes of an image that are one sort of thing.
  public struct Piece: Sendable, Hashable {
    public let address: UInt64
    public let bytes: [UInt8]
    /// Else data among code: a literal pool, a table.
    public let isCode: Bool
    public var end: UInt64 { address &+ UInt64(bytes.count) }
  }

  /// What is code, with the data among it, between two addresses; in order.
  public func pieces(_ range: Range<UInt64>) -> [Piece] {
    code.flatMap { segment in
      stretches(of: segment).flatMap { stretch in
        pieces(stretch.clamped(to: range), of: segment)
      }
    }
  }

  /// By the sections, where there are any.
  private func stretches(of segment: Image.Segment) -> [Range<UInt64>] {
    let end = segment.virtualAddress &+ UInt64(segment.bytes.count)
    guard end > segment.virtualAddress else { return [] }
    let whole = segment.virtualAddress..<end
    guard let elf, !elf.sections.isEmpty else { return [whole] }
    return elf.sections.filter { section in
      section.isAllocated && section.isExecutable && !section.isEmptyInFile
        && section.address &+ section.size > section.address
    }.map { ($0.address..<$0.address &+ $0.size).clamped(to: whole) }
      .filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
  }

  private func pieces(_ range: Range<UInt64>, of segment: Image.Segment) -> [Piece] {
    var pieces: [Piece] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let isData = isMarkedData(start)
      var end = start
      while end < range.upperBound, isMarkedData(end) == isData { end += 1 }
      let first = Int(start - segment.virtualAddress)
      let bytes = segment.bytes[first..<first + Int(end - start)]
      pieces.append(Piece(address: start, bytes: Array(bytes), isCode: !isData))
      start = end
    }
    return pieces
  }

  /// The names of what begins there: functions first, then labels.
  public func beginnings(at address: UInt64) -> [String] {
    symbolsByAddress(address).map { demangled($0.name) }
  }

  /// Where the functions and labels of that name are, as the symbol has it or as people write it; to the end of each, or to the next
  /// symbol.
  public func ranges(named name: String) -> [Range<UInt64>] {
    let symbols = (elf?.symbols ?? []).filter { symbol in
      symbol.kind != .object && isCode(symbol.address)
        && (symbol.name == name || demangled(symbol.name) == name)
    }
    let found = Set(
      symbols.map { symbol in
        symbol.size > 0 && symbol.address &+ symbol.size > symbol.address
          ? symbol.address..<symbol.address &+ symbol.size
          : symbol.address..<nextSymbol(after: symbol.address)
      })
    return found.sorted { $0.lowerBound < $1.lowerBound }
  }

  private func symbolsByAddress(_ address: UInt64) -> [ELFContents.Symbol] {
    names.symbols(at: address).filter { $0.kind != .object }.sorted {
      ($0.kind == .function ? 0 : 1, $0.name) < ($1.kind == .function ? 0 : 1, $1.name)
    }
  }

  private func nextSymbol(after address: UInt64) -> UInt64 {
    let next = (elf?.symbols ?? []).filter { $0.kind != .object && $0.address > address }
      .map(\.address).min()
    let end = code.last { $0.virtualAddress <= address }
      .map { $0.virtualAddress &+ UInt64($0.bytes.count) }
    return max(min(next ?? .max, end ?? .max), address &+ 1)
  }
}
