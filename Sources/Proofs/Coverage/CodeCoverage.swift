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
    let debug = DebugInfo(image)
    let functions = Self.functions(program)
    var branches: [Place: Int] = [:]
    for (function, name) in zip(functions, Self.names(functions)) {
      add(function, name, program, debug, code.instructions, &branches)
    }
    if files.isEmpty { return nil }
  }

  /// One for an address, in their order.
  private static func functions(_ program: Program) -> [ELFContents.Symbol] {
    var seen: Set<UInt64> = []
    return (program.elf?.symbols ?? [])
      .filter {
        $0.kind == .function && $0.size > 0 && $0.size < 1 << 24 && program.isCode($0.address)
      }
      .sorted {
        ($0.address, $0.isWeak ? 1 : 0, $0.name) < ($1.address, $1.isWeak ? 1 : 0, $1.name)
      }
      .filter { seen.insert($0.address).inserted }
  }

  /// As people write them, where that is one function's alone. A comma would end it for genhtml.
  private static func names(_ functions: [ELFContents.Symbol]) -> [String] {
    let names = functions.map { demangled($0.name).replacing(",", with: ";") }
    let count = names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    return zip(functions, names).map { count[$1] == 1 ? $1 : $0.name.replacing(",", with: ";") }
  }

  private mutating func add(
    _ function: ELFContents.Symbol, _ name: String, _ program: Program, _ debug: DebugInfo,
    _ executed: [UInt64: ExecutedCode.Ways], _ branches: inout [Place: Int]
  ) {
    var address = function.address
    let end = function.address + function.size
    while address < end {
      guard !program.isMarkedData(address), let instruction = program.instruction(at: address)
      else {
        address += 2
        continue
      }
      defer { address = instruction.end }
      guard let place = debug.sourceLine(at: address).map(Place.init) else { continue }
      let ways = executed[address]
      files[place.file, default: File()].add(place.line, isExecuted: ways != nil)
      if address == function.address {
        files[place.file]?.functions[name] = Function(line: place.line, count: ways == nil ? 0 : 1)
      }
      if instruction.isConditionalBranch {
        let number = branches[place, default: 0]
        branches[place] = number + 1
        files[place.file]?.addBranch(number, line: place.line, ways)
      }
    }
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
