import Emu
import MachineCode
import Proofs
import Timeline

/// An inspection for people.
struct InspectionWords {
  let inspection: Inspection
  /// How many symbols to list.
  let symbols: Int

  init(_ inspection: Inspection, symbols: Int) {
    self.inspection = inspection
    self.symbols = symbols
  }

  func text() -> String {
    ([heading] + sections + firstBytes + memory + largest + names + findings)
      .joined(separator: "\n")
  }

  // MARK: Parts

  private var heading: String {
    var lines = ["\(inspection.path): \(format), \(bytes(inspection.storedSize)) to load"]
    var facts = Columns("ll")
    facts.add("board", inspection.board?.name ?? "none of the built-in ones fits")
    if let entry = inspection.entry { facts.add("entry", place(entry)) }
    if let stack = inspection.initialStackPointer {
      facts.add("initial SP", hex(UInt64(stack)) + (inspection.stackName.map { " \($0)" } ?? ""))
    }
    if let id = inspection.buildID { facts.add("build ID", id) }
    for (name, value) in inspection.elf?.attributes ?? [] {
      facts.add(name, value.printable)
    }
    lines += facts.lines()
    return lines.joined(separator: "\n")
  }

  private var format: String {
    let core =
      switch inspection.machine {
      case .riscv64: " for RV64"
      case .arm:
        inspection.elf?.otherProfile.map { " for Arm-\($0.printable)" } ?? " for Arm Cortex-M"
      case nil: ""
      }
    return (inspection.image?.format ?? .elf).rawValue.uppercased() + core
  }

  private var sections: [String] {
    guard let all = inspection.elf?.sections.filter(\.isAllocated), !all.isEmpty else {
      return segments
    }
    var table = Columns("lllrrl")
    table.add("section", "runs at", "stored at", "bytes", "align", "may")
    for section in all {
      let stored = section.isEmptyInFile ? "-" : hex(section.loadAddress)
      table.add(
        section.name.printable, hex(section.address), stored, grouped(section.size),
        grouped(section.alignment), permissions(section.isWritable, section.isExecutable))
    }
    return [""] + table.lines(indent: 0)
  }

  /// Of a file without sections.
  private var segments: [String] {
    var table = Columns("llrl")
    table.add("segment at", "stored at", "bytes", "may")
    for segment in inspection.segments {
      table.add(
        hex(segment.address), hex(segment.loadAddress), grouped(segment.memorySize),
        inspection.elf == nil ? "" : permissions(segment.isWritable, segment.isExecutable))
    }
    return [""] + table.lines(indent: 0)
  }

  private var firstBytes: [String] {
    if inspection.vectors.isEmpty { return plainBytes }
    var table = Columns("rlll")
    for vector in inspection.vectors {
      let problem = vector.problem.map { "  <- \($0.rawValue)" } ?? ""
      // A handler that many exceptions share stands out by its name.
      table.add(
        "\(vector.number)", vector.name, hex(UInt64(vector.value)),
        (vector.symbol?.printable ?? (vector.value == 0 ? "-" : "")) + problem)
    }
    return ["", "vector table"] + table.lines()
  }

  private var plainBytes: [String] {
    guard let first = inspection.image?.segments.first(where: { !$0.bytes.isEmpty }) else {
      return []
    }
    var lines = ["", "first \(inspection.firstBytes.count) bytes"]
    if let header = inspection.bootHeader {
      lines.append(
        "  boot-image header: text offset \(hex(header.textOffset)), image size "
          + hex(header.imageSize))
    }
    let bytes = Array(inspection.firstBytes)
    var table = Columns("lll")
    for start in stride(from: 0, to: bytes.count, by: 16) {
      let row = bytes[start..<min(start + 16, bytes.count)]
      let digits = row.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let address = first.virtualAddress &+ UInt64(start)
      table.add(
        hex(address), digits.joined(separator: " "), inspection.name(of: address)?.printable ?? "")
    }
    return lines + table.lines()
  }

  private var memory: [String] {
    var table = Columns("lrrl")
    for use in inspection.uses {
      let share = use.capacity.map {
        "of \(grouped($0)) bytes (\(Quantity.percent(Double(use.total) / Double(max(1, $0)))))"
      }
      table.add(
        use.region, grouped(use.total), share ?? "",
        use.sections.map { "\($0.name.printable) \(grouped($0.size))" }.joined(separator: ", "))
    }
    var lines = table.lines()
    lines.append("  static RAM \(bytes(inspection.staticRAM))")
    for section in inspection.data {
      lines.append(
        "  \(section.name.printable) runs at \(hex(section.address)), "
          + (section.address == section.loadAddress
            ? "and is stored there" : "stored at \(hex(section.loadAddress))"))
    }
    return inspection.elf == nil ? [] : ["", "memory"] + lines
  }

  private var largest: [String] {
    let all = inspection.symbolsBySize
    if all.isEmpty || symbols == 0 { return [] }
    var table = Columns("rlll")
    for symbol in all.prefix(symbols) {
      table.add(
        grouped(symbol.size), symbol.kind.rawValue, symbol.section?.printable ?? "",
        demangled(symbol.name).printable)
    }
    return ["", "symbols by size (\(min(symbols, all.count)) of \(grouped(all.count)))"]
      + table.lines()
  }

  private var names: [String] {
    var lines: [String] = []
    for (what, list) in [
      ("weak", inspection.weakSymbols), ("undefined", inspection.undefinedSymbols),
    ] where !list.isEmpty {
      let shown = list.prefix(max(1, symbols)).map { demangled($0.name).printable }
      let rest = list.count - shown.count
      lines.append(
        "\(what): " + shown.joined(separator: ", ")
          + (rest > 0 ? " and \(grouped(rest)) more (--symbols)" : ""))
    }
    return lines.isEmpty ? [] : [""] + lines
  }

  private var findings: [String] {
    if inspection.findings.isEmpty { return ["", "nothing wrong found"] }
    return [""]
      + inspection.findings.map { "\($0.rule.level.rawValue): \($0.message) [\($0.rule.id)]" }
  }

  // MARK: Views

  func table(_ alignment: Alignment) -> String {
    var table = Columns("lllrl")
    table.add("section", "virtual", "physical", "alignment", "held")
    for row in alignment.rows {
      table.add(
        row.section.name.printable, hex(row.section.address), hex(row.section.loadAddress),
        grouped(alignment.required), row.isMet ? "yes" : "no")
    }
    return table.lines(indent: 0).joined(separator: "\n")
  }

  func growth(from old: Inspection) -> String {
    let growth = Growth(from: old, to: inspection)
    var lines = ["\(old.path) -> \(inspection.path)"]
    var totals = Columns("lrrr")
    for change in growth.sections + [growth.stored, growth.staticRAM] {
      totals.add(change.name.printable, size(change.before), size(change.after), delta(change))
    }
    lines += totals.lines()
    if growth.symbols.isEmpty {
      return (lines + ["no symbol changed its size"]).joined(separator: "\n")
    }
    var table = Columns("rrrl")
    for change in growth.symbols.prefix(symbols) {
      table.add(
        size(change.before), size(change.after), delta(change), demangled(change.name).printable)
    }
    lines.append(
      "symbols (\(min(symbols, growth.symbols.count)) of \(grouped(growth.symbols.count)) that "
        + "changed)")
    return (lines + table.lines()).joined(separator: "\n")
  }

  // MARK: Words

  private func size(_ size: UInt64?) -> String { size.map { grouped($0) } ?? "-" }

  private func delta(_ change: Growth.Change) -> String {
    change.delta == 0 ? "=" : (change.delta > 0 ? "+" : "") + grouped(change.delta)
  }

  private func place(_ address: UInt64) -> String {
    hex(address) + (inspection.name(of: address).map { " \($0.printable)" } ?? "")
  }

  private func bytes(_ count: UInt64) -> String { "\(grouped(count)) bytes" }

  private func grouped(_ number: some BinaryInteger) -> String { Quantity.grouped(number) }

  private func permissions(_ isWritable: Bool, _ isExecutable: Bool) -> String {
    "r" + (isWritable ? "w" : "-") + (isExecutable ? "x" : "-")
  }
}
