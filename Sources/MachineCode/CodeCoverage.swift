import Emu

extension LCOV {
  /// What of an image's source was executed, by its symbols and its line table: 1 for a line of which
  /// an instruction was begun, else 0; likewise for functions by their first instruction. A branch is a
  /// conditional branch of the code, with the ways "taken" and "not taken".
  ///
  /// nil: the image has no functions with lines.
  public init?(_ image: Image, _ code: ExecutedCode) {
    self.init()
    guard let program = Program(image) else { return nil }
    Self.forEach(of: program) { site in
      let ways = code.instructions[site.instruction.address]
      files[site.place.file, default: File()].add(site.place.line, isExecuted: ways != nil)
      if site.isFirst {
        files[site.place.file]?.functions[site.function] =
          Function(line: site.place.line, count: ways == nil ? 0 : 1)
      }
      if let branch = site.branch {
        files[site.place.file]?.addBranch(branch, line: site.place.line, ways)
      }
    }
    if files.isEmpty { return nil }
  }

  /// What a tracefile of an image says of one of its instructions.
  public struct Note: Sendable, Hashable {
    /// Of its line; 0 in a function that nobody entered, whose line may be inlined elsewhere.
    public let count: UInt64
    /// A conditional branch: how often each way; nil: nobody came there.
    public var ways: Ways?
  }

  public struct Ways: Sendable, Hashable {
    public let taken: UInt64?
    public let passed: UInt64?
  }

  /// By the addresses of instructions that have lines which the tracefile knows.
  public func notes(on program: Program) -> [UInt64: Note] {
    let entered = files.values.reduce(into: [:]) { entered, file in
      entered.merge(file.functions.mapValues { $0.count > 0 }) { $0 || $1 }
    }
    var notes: [UInt64: Note] = [:]
    Self.forEach(of: program) { site in
      guard let file = files[site.place.file], let count = file.lines[site.place.line] else {
        return
      }
      var note = Note(count: entered[site.function] == false ? 0 : count)
      if let branch = site.branch {
        let way = { (way: Int) in
          file.branches[Branch(line: site.place.line, block: branch, way: way)] ?? nil
        }
        note.ways = Ways(taken: way(0), passed: way(1))
      }
      notes[site.instruction.address] = note
    }
    return notes
  }

  private struct Site {
    let instruction: Instruction
    let place: Place
    let function: String
    let isFirst: Bool
    /// Its number among the conditional branches of its line.
    let branch: Int?
  }

  /// Each instruction that has a line.
  private static func forEach(of program: Program, _ body: (Site) -> Void) {
    let debug = DebugInfo(program.image)
    let functions = functions(program)
    var branches: [Place: Int] = [:]
    for (function, name) in zip(functions, names(functions)) {
      var address = function.address
      let end = function.address &+ function.size
      while address < end {
        guard !program.isMarkedData(address), let instruction = program.instruction(at: address)
        else {
          address += 2
          continue
        }
        defer { address = instruction.end }
        guard let place = debug.sourceLine(at: address).map(Place.init) else { continue }
        var branch: Int?
        if instruction.isConditionalBranch {
          branch = branches[place, default: 0]
          branches[place, default: 0] += 1
        }
        body(
          Site(
            instruction: instruction, place: place, function: name,
            isFirst: address == function.address, branch: branch))
      }
    }
  }

  /// One for an address, in their order. One that has no size, as of TI's compiler and of assembly, reaches to the next. Where
  /// assembly does not say what functions are, they are its global labels.
  private static func functions(_ program: Program) -> [ELFContents.Symbol] {
    var end: UInt64 = 0
    var seen: Set<UInt64> = []
    var functions = (program.elf?.symbols ?? [])
      .filter { symbol in
        (symbol.kind == .function || symbol.kind == .label && symbol.isGlobal)
          && symbol.size < 1 << 24 && program.isCode(symbol.address)
      }
      .sorted {
        ($0.address, $0.kind == .label ? 1 : 0, $0.isWeak ? 1 : 0, $1.size, $0.name)
          < ($1.address, $1.kind == .label ? 1 : 0, $1.isWeak ? 1 : 0, $0.size, $1.name)
      }
      .filter { symbol in
        if symbol.kind == .label && symbol.address < end { return false }
        end = max(end, symbol.address &+ symbol.size)
        return seen.insert(symbol.address).inserted
      }
    var next: UInt64 = .max
    for place in functions.indices.reversed() {
      let function = functions[place]
      if function.size == 0, let section = program.elf?.section(at: function.address) {
        functions[place].size = min(next, section.address &+ section.size) &- function.address
      }
      next = function.address
    }
    return functions
  }

  /// As people write them, where that is one function's alone. A comma would end it for genhtml.
  private static func names(_ functions: [ELFContents.Symbol]) -> [String] {
    let names = functions.map { demangled($0.name).replacing(",", with: ";") }
    let count = names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    return zip(functions, names).map { count[$1] == 1 ? $1 : $0.name.replacing(",", with: ";") }
  }

  private struct Place: Hashable {
    let file: String
    let line: Int

    init(_ place: (file: String, line: Int)) {
      file = place.file
      line = place.line
    }
  }
}

extension LCOV.File {
  fileprivate mutating func add(_ line: Int, isExecuted: Bool) {
    lines[line] = max(lines[line] ?? 0, isExecuted ? 1 : 0)
  }

  fileprivate mutating func addBranch(_ block: Int, line: Int, _ ways: ExecutedCode.Ways?) {
    for (number, way) in [ExecutedCode.Ways.taken, .passed].enumerated() {
      branches[.init(line: line, block: block, way: number)] =
        .some(ways.map { $0.contains(way) ? 1 : 0 })
    }
  }
}

extension Instruction {
  /// RISC-V's; Thumb's B with a condition, CBZ and CBNZ.
  var isConditionalBranch: Bool {
    switch operation {
    case .branch: true
    case .jump: condition != .always
    default: false
    }
  }
}
