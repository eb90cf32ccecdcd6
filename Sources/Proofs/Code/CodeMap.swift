import Emu
import MachineCode

/// The code that an image may run, from the places where the hardware starts it and from every
/// function whose address stands in it.
///
/// It is more than what runs: a call by address is taken to reach every function whose address
/// is anywhere in the image. It is not all that an image could do to run other code: what it
/// copies or makes is not seen, nor is an address that it computes in a way that is not followed.
public struct CodeMap: Sendable {
  public let program: Program
  /// By entry.
  public private(set) var functions: [UInt64: FunctionCode] = [:]
  public let roots: [(address: UInt64, root: Program.Root)]
  /// What a call to a computed address may reach.
  public private(set) var addressTaken: Set<UInt64> = []
  /// The image is no larger than what is looked at.
  public private(set) var isComplete = true
  private var known: Set<UInt64> = []

  public init(_ program: Program) {
    self.program = program
    roots = program.roots
    let pointers = program.pointersInData
    explore(pointers)
    var neverReturn: Set<UInt64> = []
    // What does not return is known only when it has been looked at; then its callers are shorter.
    for _ in 0..<8 {
      let new = silent().subtracting(neverReturn)
      if new.isEmpty { break }
      neverReturn.formUnion(new)
      for function in functions.values
      where function.calls.contains(where: { call in
        !call.isTail && call.target.map(new.contains) ?? false
      }) {
        functions[function.entry] = explored(function.entry, neverReturn)
      }
    }
  }

  /// Of all functions together; a damaged file may have more than there is memory for.
  private static let mostInstructions = 1 << 21

  private mutating func explore(_ pointers: Set<UInt64>) {
    addressTaken = pointers
    var open = roots.map(\.address) + pointers.sorted()
    known = Set(open)
    var total = 0
    while let entry = open.popLast() {
      let function = explored(entry, [])
      functions[entry] = function
      total += function.instructions.count
      if total > Self.mostInstructions {
        isComplete = false
        return
      }
      let found = function.calls.compactMap(\.target) + function.pointers.sorted()
      addressTaken.formUnion(function.pointers)
      for target in found where program.isCode(target) && known.insert(target).inserted {
        open.append(target)
      }
    }
  }

  private func explored(_ entry: UInt64, _ neverReturn: Set<UInt64>) -> FunctionCode {
    var explorer = FunctionExplorer(
      program, entry: entry,
      isEntry: { [program, known] in known.contains($0) || program.isFunction($0) },
      neverReturns: { neverReturn.contains($0) })
    return explorer.explored()
  }

  /// Functions with no way out but into others that have none either.
  private func silent() -> Set<UInt64> {
    var silent = Set(
      functions.values.filter { function in
        !function.returns && function.unresolved.isEmpty && !function.isTrapHandler
          && !function.calls.contains { $0.isTail && $0.target == nil }
      }.map(\.entry))
    while true {
      let talking = silent.filter { entry in
        functions[entry]?.calls.contains { call in
          call.isTail && call.target.map { !silent.contains($0) } ?? true
        } ?? true
      }
      if talking.isEmpty { return silent }
      silent.subtract(talking)
    }
  }

  /// Whether an instruction at an address was seen: what runs elsewhere is a mistake of this map.
  public func holds(_ address: UInt64) -> Bool {
    functions.values.contains { $0.instructions[address] != nil }
  }

  /// All addresses of instructions.
  public var addresses: Set<UInt64> {
    functions.values.reduce(into: []) { $0.formUnion($1.instructions.keys) }
  }

  /// How each function may come to be running: by which root, and called by whom first.
  public var callers: [UInt64: UInt64?] {
    var callers: [UInt64: UInt64?] = [:]
    var open: [UInt64] = []
    func add(_ entry: UInt64, by caller: UInt64?) {
      if functions[entry] != nil, callers[entry] == nil {
        callers[entry] = .some(caller)
        open.append(entry)
      }
    }
    for (address, root) in roots where root == .entry { add(address, by: nil) }
    for (address, _) in roots { add(address, by: nil) }
    var place = 0
    while true {
      while place < open.count {
        let entry = open[place]
        place += 1
        for call in functions[entry]?.calls ?? [] {
          if let target = call.target { add(target, by: entry) }
        }
      }
      guard
        let next = addressTaken.sorted().first(where: {
          functions[$0] != nil && callers[$0] == nil
        })
      else { return callers }
      add(next, by: nil)
    }
  }

  /// "reset > main > report", by one way of calls.
  public func path(to entry: UInt64, _ callers: [UInt64: UInt64?]) -> [UInt64] {
    var path = [entry]
    while let next = callers[path[0]], let caller = next, path.count < 64, !path.contains(caller) {
      path.insert(caller, at: 0)
    }
    return path
  }
}

extension Program {
  public enum Root: Sendable, Hashable {
    case entry
    /// By its number in the table.
    case vector(Int, String)
    /// A function whose address stands in code or data: it may be called from anywhere.
    case addressTaken
  }

  /// Where the hardware starts code of the image.
  var roots: [(address: UInt64, root: Root)] {
    guard machine == .arm else {
      return (image.virtualEntry ?? image.entry).map { [($0, .entry)] } ?? []
    }
    return Vector.table(of: image, elf, names, nil).dropFirst().compactMap { vector in
      guard vector.value != 0, vector.name != "reserved" else { return nil }
      let root = vector.number == 1 ? Root.entry : .vector(vector.number, vector.name)
      return (plain(UInt64(vector.value)), root)
    }
  }

  /// Functions whose addresses stand among the data of the image, where they are told from
  /// numbers by being the exact addresses of symbols of code.
  var pointersInData: Set<UInt64> {
    let entries = Set(
      (elf?.symbols ?? []).filter { $0.kind != .object && !$0.isUndefined }.map(\.address))
    let step = Int(wordSize)
    var found = unwinds ? unwindersPointers : []
    for segment in image.segments {
      let first = Int(-Int64(bitPattern: segment.virtualAddress) & Int64(step - 1))
      segment.bytes.withUnsafeBytes { bytes in
        for offset in stride(from: first, to: bytes.count - step + 1, by: step) {
          let value =
            step == 4
            ? UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            : bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          if machine == .arm && value & 1 == 0 { continue }
          if isCode(plain(value)), !isMarkedData(plain(value)),
            entries.isEmpty || entries.contains(plain(value))
          {
            found.insert(plain(value))
          }
        }
      }
    }
    return found
  }

  /// What the tables of exceptions lead to by distances: what decides where they land, and parts that are elsewhere.
  private var unwindersPointers: Set<UInt64> {
    Set(
      (elf?.symbols ?? []).filter { symbol in
        symbol.kind == .function && !symbol.isUndefined
          && (symbol.name.contains("_personality_")
            || symbol.name.hasPrefix("__aeabi_unwind_cpp_pr") || symbol.name.hasSuffix(".cold"))
      }.map(\.address))
  }

  /// Where a function begins, by the symbols.
  func isFunction(_ address: UInt64) -> Bool {
    names.symbol(at: address).map { $0.address == address && $0.kind == .function } ?? false
  }

  /// An address that code has made, and that somebody may call or return to. Many numbers of a Cortex-M are addresses in its flash:
  /// with symbols, those are none where no symbol begins.
  func mayBePointer(_ address: UInt64) -> Bool {
    guard isCode(address), !isMarkedData(address) else { return false }
    return machine == .riscv64 || elf?.symbols.isEmpty ?? true || names.begins(at: address)
  }
}
