import Emu
import MachineCode
import Proofs
import Timeline

/// An inspection for scripts; keys and their order are a promise (docs/inspect.md).
enum InspectionJSON {
  static func text(
    _ inspection: Inspection, _ old: Inspection?, _ alignment: Alignment?, _ symbols: Int
  ) -> String {
    var json = JSONWriter(pretty: true)
    json.object {
      $0.object("image") { add(inspection, to: &$0) }
      $0.add("board", inspection.board?.name)
      add("entry", inspection.entry, inspection, to: &$0)
      if let stack = inspection.initialStackPointer {
        $0.add("initialStackPointer", hex: UInt64(stack))
      }
      $0.object("attributes") {
        for (name, value) in inspection.elf?.attributes ?? [] { $0.add(name, value) }
      }
      $0.array("sections") {
        for section in inspection.elf?.sections ?? [] where section.isAllocated {
          $0.object { add(section, to: &$0) }
        }
      }
      $0.array("segments") {
        for segment in inspection.segments { $0.object { add(segment, to: &$0) } }
      }
      $0.array("vectors") {
        for vector in inspection.vectors { $0.object { add(vector, to: &$0) } }
      }
      $0.add("firstBytes", base64: Array(inspection.firstBytes))
      $0.array("memory") { for use in inspection.uses { $0.object { add(use, to: &$0) } } }
      $0.add("staticRAM", inspection.staticRAM)
      $0.array("symbols") {
        for symbol in inspection.symbolsBySize.prefix(symbols) {
          $0.object { add(symbol, to: &$0) }
        }
      }
      $0.array("weak") { for symbol in inspection.weakSymbols { $0.add(nil, symbol.name) } }
      $0.array("undefined") {
        for symbol in inspection.undefinedSymbols { $0.add(nil, symbol.name) }
      }
      if let alignment { $0.object("alignment") { add(alignment, to: &$0) } }
      if let old { $0.object("growth") { add(Growth(from: old, to: inspection), to: &$0) } }
      $0.array("findings") {
        for finding in inspection.findings { $0.object { $0.add(finding) } }
      }
    }
    return json.text
  }

  private static func add(_ inspection: Inspection, to json: inout JSONWriter) {
    json.add("path", inspection.path)
    json.add("format", (inspection.image?.format ?? .elf).rawValue)
    json.add("machine", inspection.machine?.rawValue)
    json.add("sha256", inspection.image?.sha256)
    json.add("buildID", inspection.buildID)
    json.add("storedBytes", inspection.storedSize)
  }

  private static func add(
    _ key: String, _ address: UInt64?, _ inspection: Inspection, to json: inout JSONWriter
  ) {
    guard let address else { return json.add(key, nil as String?) }
    json.object(key) {
      $0.add("address", hex: address)
      $0.add("symbol", inspection.name(of: address))
    }
  }

  private static func add(_ section: ELFContents.Section, to json: inout JSONWriter) {
    json.add("name", section.name)
    json.add("address", hex: section.address)
    json.add("loadAddress", hex: section.loadAddress)
    json.add("size", section.size)
    json.add("alignment", section.alignment)
    json.add("writable", section.isWritable)
    json.add("executable", section.isExecutable)
    json.add("inFile", !section.isEmptyInFile)
  }

  private static func add(_ segment: ELFContents.Segment, to json: inout JSONWriter) {
    json.add("address", hex: segment.address)
    json.add("loadAddress", hex: segment.loadAddress)
    json.add("fileSize", segment.fileSize)
    json.add("size", segment.memorySize)
  }

  private static func add(_ vector: Vector, to json: inout JSONWriter) {
    json.add("number", vector.number)
    json.add("name", vector.name)
    json.add("value", hex: UInt64(vector.value))
    json.add("symbol", vector.symbol)
    json.add("problem", vector.problem?.rawValue)
  }

  private static func add(_ use: Inspection.Use, to json: inout JSONWriter) {
    json.add("region", use.region)
    json.add("bytes", use.total)
    json.add("capacity", use.capacity)
  }

  private static func add(_ symbol: ELFContents.Symbol, to json: inout JSONWriter) {
    json.add("name", symbol.name)
    json.add("address", hex: symbol.address)
    json.add("size", symbol.size)
    json.add("kind", symbol.kind.rawValue)
    json.add("section", symbol.section)
  }

  private static func add(_ alignment: Alignment, to json: inout JSONWriter) {
    json.add("required", alignment.required)
    json.add("isMet", alignment.isMet)
    json.array("sections") {
      for row in alignment.rows {
        $0.object {
          $0.add("name", row.section.name)
          $0.add("isMet", row.isMet)
        }
      }
    }
  }

  private static func add(_ growth: Growth, to json: inout JSONWriter) {
    func add(_ change: Growth.Change, to json: inout JSONWriter) {
      json.object {
        $0.add("name", change.name)
        $0.add("before", change.before)
        $0.add("after", change.after)
      }
    }
    json.array("sections") { for change in growth.sections { add(change, to: &$0) } }
    json.array("symbols") { for change in growth.symbols { add(change, to: &$0) } }
    json.array("totals") {
      for change in [growth.stored, growth.staticRAM] { add(change, to: &$0) }
    }
  }
}

extension JSONWriter {
  mutating func add(_ finding: Diagnostic) {
    add("rule", finding.rule.id)
    add("level", finding.rule.level.rawValue)
    add("message", finding.message)
    if let address = finding.address { add("address", hex: address) }
    if let function = finding.function { add("function", function) }
    if let file = finding.file { add("file", file) }
    if let line = finding.line { add("line", line) }
  }
}
