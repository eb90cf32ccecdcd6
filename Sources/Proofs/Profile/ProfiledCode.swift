import Emu
import MachineCode

/// What code has to be looked at for its functions to be told apart: where each begins, where it goes on behind a call, and where
/// it ends.
///
/// A function is a symbol with a size, or a label of assembly outside of those, up to the next one.
public struct ProfiledCode: Sendable {
  struct Look {
    let address: UInt64
    var function: Int32
    /// It is where a function begins.
    var isEntry = false
    /// Whose call it is behind; nil: none.
    var caller: Int32?
  }

  /// Code that no symbol is of.
  static let unknown: Int32 = 0

  /// As the symbols have them, by number.
  private(set) var names = [""]
  /// By address.
  private(set) var looks: [Look] = []
  private(set) var starts: [UInt64] = []
  /// Of what begins at each of these, and before the first.
  private(set) var functions = [Self.unknown]
  let isArm: Bool

  /// Of several images of one run; nil: none has a function with a name.
  public init?(_ images: [Image]) {
    let programs = images.compactMap(Program.init)
    isArm = programs.first?.machine == .arm
    var regions: [UInt64: Int32] = [:]
    var looks: [UInt64: Look] = [:]
    for program in programs { add(program, &regions, &looks) }
    if names.count == 1 { return nil }
    for (start, function) in regions.sorted(by: { $0.key < $1.key }) {
      starts.append(start)
      functions.append(function)
    }
    self.looks = looks.values.sorted { $0.address < $1.address }
  }

  private mutating func add(
    _ program: Program, _ regions: inout [UInt64: Int32], _ looks: inout [UInt64: Look]
  ) {
    var open = Self.functions(program)[...]
    for segment in program.code {
      let (start, end) = (segment.virtualAddress, segment.virtualAddress &+ segment.size)
      if end <= start { continue }
      if regions[start] == nil { regions[start] = Self.unknown }
      var (address, function) = (start, Self.unknown)
      open = open.drop { $0.address < start }
      while address < end {
        var stop = end
        if let next = open.first, next.address < end { stop = next.address }
        add(from: address, to: stop, function, program, &looks)
        guard let next = open.first, next.address < end else { break }
        open.removeFirst()
        function = Int32(names.count)
        names.append(next.name)
        looks[next.address, default: Look(address: next.address, function: function)].function =
          function
        looks[next.address]?.isEntry = true
        regions[next.address] = function
        let last = next.address &+ next.size
        guard next.size > 0, last < min(end, open.first?.address ?? end) else {
          address = next.address
          continue
        }
        add(from: next.address, to: last, function, program, &looks)
        (address, function) = (last, Self.unknown)
        regions[last] = Self.unknown
      }
      regions[end] = regions[end] ?? Self.unknown
    }
  }

  /// One for an address, in their order; of labels those that lie in no function.
  private static func functions(_ program: Program) -> [ELFContents.Symbol] {
    let executable = Set(
      (program.elf?.sections ?? []).filter(\.isExecutable).map(\.name))
    let all = (program.elf?.symbols ?? []).filter { symbol in
      symbol.kind != .object && symbol.section.map(executable.contains) ?? false
        && program.isCode(symbol.address) && !program.isMarkedData(symbol.address)
    }.sorted {
      ($0.address, $1.size, $0.isWeak ? 1 : 0, $0.name)
        < ($1.address, $0.size, $1.isWeak ? 1 : 0, $1.name)
    }
    var found: [ELFContents.Symbol] = []
    var end: UInt64 = 0
    for symbol in all {
      if symbol.size == 0 ? symbol.address < end : symbol.address == found.last?.address {
        continue
      }
      if symbol.address == found.last?.address { continue }
      found.append(symbol)
      end = max(end, symbol.address &+ symbol.size)
    }
    return found
  }

  private mutating func add(
    from start: UInt64, to end: UInt64, _ function: Int32, _ program: Program,
    _ looks: inout [UInt64: Look]
  ) {
    var address = start
    while address < end {
      guard !program.isMarkedData(address), let instruction = program.instruction(at: address)
      else {
        address += 2
        continue
      }
      address = instruction.end
      switch instruction.operation {
      case .call, .indirect(_, _, .some):
        looks[address, default: Look(address: address, function: function)].caller = function
      default: break
      }
    }
  }
}
