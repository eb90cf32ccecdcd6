import CElf

/// The line number of every address: all line tables of a file in one.
struct LineTable {
  private struct Row {
    let address: UInt64
    let line: Int
    /// Into `files`; nil after the last instruction of a stretch of code.
    let file: Int?
    /// A good place for a breakpoint, as the compiler has it.
    let isStatement: Bool
  }

  private var rows: [Row] = []
  private var files: [String] = []
  /// By the place of the name in libdw's memory, which all rows of a file share.
  private var indices: [UnsafePointer<CChar>: Int] = [:]

  init(_ dwarf: OpaquePointer?) {
    guard let dwarf else { return }
    var offset: Dwarf_Off = 0
    var unit: OpaquePointer?
    while true {
      var next: Dwarf_Off = 0
      var lines: OpaquePointer?
      var count = 0
      let result = dwarf_next_lines(dwarf, offset, &next, &unit, nil, nil, &lines, &count)
      guard result == 0, next > offset else { break }
      offset = next
      for index in 0..<count {
        guard let line = dwarf_onesrcline(lines, index) else { break }
        append(line)
      }
    }
    indices = [:]
    // Where one stretch ends and another begins, the beginning counts: it comes last.
    rows.sort { ($0.address, $0.file == nil ? 0 : 1) < ($1.address, $1.file == nil ? 0 : 1) }
  }

  private mutating func append(_ line: OpaquePointer) {
    var address: Dwarf_Addr = 0
    var number: Int32 = 0
    var isEnd = false
    var isStatement = false
    guard dwarf_lineaddr(line, &address) == 0, dwarf_lineno(line, &number) == 0,
      dwarf_lineendsequence(line, &isEnd) == 0, dwarf_linebeginstatement(line, &isStatement) == 0
    else { return }
    if isEnd {
      rows.append(Row(address: address, line: 0, file: nil, isStatement: false))
    } else if let name = dwarf_linesrc(line, nil, nil) {
      rows.append(
        Row(
          address: address, line: Int(number), file: index(of: name), isStatement: isStatement))
    }
  }

  private mutating func index(of name: UnsafePointer<CChar>) -> Int {
    if let index = indices[name] { return index }
    // A build that is the same on every machine calls its directory ".".
    let path = String(cString: name)
    files.append(path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
    indices[name] = files.count - 1
    return files.count - 1
  }

  /// Looks back from `address` as far as `function`, the start of its function where known: the
  /// lines of functions that the linker has thrown away lie at 0, among those of a Cortex-M's
  /// real code, and so do their ends.
  func line(at address: UInt64, function: UInt64?) -> (file: String, line: Int)? {
    let end = rows.firstIndexAfter { $0.address <= address }
    for row in rows[..<end].reversed() {
      guard row.address >= function ?? 0 else { return nil }
      // Line 0 is a compiler's word for code that no line of source has asked for.
      if let file = row.file { return row.line > 0 ? (files[file], row.line) : nil }
      if function == nil { return nil }
    }
    return nil
  }

  /// Where a line begins that the one before it is not, and statements begin, within some code.
  func beginnings(in code: Range<UInt64>) -> [(address: UInt64, file: String, line: Int)] {
    var found: [(address: UInt64, file: String, line: Int)] = []
    var last: (file: Int, line: Int)?
    var place = rows.firstIndexAfter { $0.address < code.lowerBound }
    while place < rows.count, rows[place].address < code.upperBound {
      // Of several at one address the last statement counts, if there is one, or else the last: gcc has views, of which the last
      // mostly is none.
      var row = rows[place]
      place += 1
      while place < rows.count, rows[place].address == row.address {
        if rows[place].isStatement || !row.isStatement || row.file == nil { row = rows[place] }
        place += 1
      }
      guard let file = row.file, row.line > 0 else { continue }
      if row.isStatement && (last.map { $0 != (file, row.line) } ?? true) {
        found.append((row.address, files[file], row.line))
      }
      last = (file, row.line)
    }
    return found
  }

  /// Where a line of a file begins, or the next one behind it that there is code of.
  func beginnings(
    ofLine line: Int, inFile isMeant: (String) -> Bool
  ) -> (file: String, line: Int, addresses: [UInt64])? {
    let meant = files.map(isMeant)
    var found: (file: Int, line: Int, addresses: [UInt64])?
    for row in rows where row.isStatement && row.line >= line {
      guard let file = row.file, meant[file], row.line <= found?.line ?? .max else { continue }
      if row.line != found?.line { found = (file, row.line, []) }
      found?.addresses.append(row.address)
    }
    return found.map { (files[$0.file], $0.line, $0.addresses) }
  }
}
