import Emu

/// What a run found, with the places in its source: for people, for a JSON report, and as SARIF.
public struct FindingReport {
  public struct Row: Sendable {
    public let finding: Finding
    /// "gpiof.GPIODIR"; what has no register: "gpiof: " and words.
    public let what: String
    /// What was touched, as far as it has names.
    public let peripheral: String
    public let register: String?
    public let fields: [String]
    /// "uart_init", and how far into it the instruction is.
    public let function: (name: String, offset: UInt64)?
    public let line: (file: String, line: Int)?
  }

  public let rows: [Row]
  private let clock: Clock

  /// - Parameters:
  ///   - debug: of the images that ran, the first one that knows a place names it.
  ///   - registers: the vendor's names, which go before the board's own.
  public init(_ machine: Machine, debug: [DebugInfo], registers: RegisterNames? = nil) {
    clock = machine.clock
    rows = machine.findings.map { Self.row($0, debug, registers) }
  }

  private static func row(
    _ finding: Finding, _ debug: [DebugInfo], _ registers: RegisterNames?
  ) -> Row {
    var function: (name: String, offset: UInt64)?
    var line: (file: String, line: Int)?
    if let pc = finding.pc, let info = debug.first(where: { $0.symbol(at: pc) != nil }) {
      function = info.function(at: pc)
      line = info.sourceLine(at: pc)
    }
    let isWords = finding.name.contains(" ")
    let register =
      finding.register ?? (isWords ? nil : String(finding.name.prefix { $0 != "." }))
    var fields: [String] = []
    if let register, finding.name.hasPrefix(register + ".") {
      fields = [String(finding.name.dropFirst(register.count + 1))]
    }
    guard let address = finding.address, let known = registers?.register(at: address) else {
      return Row(
        finding: finding, what: finding.device + (isWords ? ": " : ".") + finding.name,
        peripheral: finding.device, register: register, fields: fields, function: function,
        line: line)
    }
    if finding.isStore { fields = known.fields(in: finding.value, at: address).map(\.name) }
    let what = "\(known.peripheral).\(known.name)"
    return Row(
      finding: finding,
      what: isWords
        ? "\(what): \(finding.name)"
        : what + (fields.isEmpty ? "" : " {\(fields.joined(separator: " "))}"),
      peripheral: known.peripheral, register: known.name, fields: fields, function: function,
      line: line)
  }

  // MARK: For people

  /// One line each, of the first `most`, and how many more there are.
  public func words(most: Int = 8, style: TextStyle) -> [String] {
    var lines = rows.prefix(most).map { row in
      let finding = row.finding
      let time = Quantity.time(
        picoseconds: clock.picoseconds(at: finding.tick), micro: style.micro)
      let count = finding.count == 1 ? "once" : "\(Quantity.grouped(finding.count)) times, first"
      return "\(finding.kind.rawValue): \(row.what)\(Self.by(row)), \(count) at \(time)"
    }
    let rest = rows.count - lines.count
    if rest > 0 { lines.append("and \(rest) more of these; --json and --sarif have them all") }
    return lines
  }

  /// " (read by uart_init+0x12, uart.c:41)"
  private static func by(_ row: Row) -> String {
    guard let pc = row.finding.pc else { return "" }
    var places: [String] = []
    if let function = row.function {
      let offset = function.offset == 0 ? "" : "+0x" + String(function.offset, radix: 16)
      places.append(function.name + offset)
    }
    if let line = row.line { places.append("\(basename(line.file)):\(line.line)") }
    if places.isEmpty { places.append("0x" + String(pc, radix: 16)) }
    let verb = row.finding.address == nil ? "" : row.finding.isStore ? "written " : "read "
    return " (\(verb)by \(places.joined(separator: ", ")))"
  }

  private static func basename(_ path: String) -> Substring {
    path.split(separator: "/").last ?? path[...]
  }

  // MARK: JSON

  /// The elements of the report's array `findings`.
  public func add(to json: inout JSONWriter) {
    for row in rows {
      let finding = row.finding
      json.object {
        $0.add("kind", finding.kind.rawValue)
        $0.add("device", finding.device)
        $0.add("name", finding.name)
        $0.add("register", row.register)
        $0.array("fields") { for field in row.fields { $0.add(nil, field as String?) } }
        $0.add("access", finding.address == nil ? nil : finding.isStore ? "write" : "read")
        if let address = finding.address {
          $0.add("address", hex: address)
        } else {
          $0.add("address", nil as String?)
        }
        $0.object("place") {
          if let pc = finding.pc {
            $0.add("pc", hex: pc)
          } else {
            $0.add("pc", nil as String?)
          }
          $0.add("function", row.function?.name)
          $0.add("file", row.line?.file)
          $0.add("line", row.line.map { UInt64($0.line) })
        }
        $0.add("count", finding.count)
        $0.add("index", finding.index)
        $0.add("nanoseconds", clock.nanoseconds(at: finding.tick))
      }
    }
  }
}
