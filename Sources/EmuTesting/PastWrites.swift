import Emu

extension Machine {
  /// Who wrote there last, whether it changed anything or not; nil: nobody has since power-on.
  ///
  /// - Throws: `VariableError` where there is no such variable, `RewindError` where the past cannot be had again.
  public func lastWrite(to place: WrittenPlace) throws -> PastWrite? {
    let (range, history) = (try place.range(self), try pastAnew())
    let start =
      memory.contains(range.lowerBound, count: UInt64(range.count))
      ? try history.latestStore(to: range, before: end)?.index
      : try history.latestStop(before: index, Self.watch(range))?.machine.index
    guard let start, let machine = try history.machine(at: max(start, 1) - 1) else { return nil }
    return writes(to: range, history, from: machine, most: 1).last
  }

  /// Everybody who wrote there since power-on, in order.
  ///
  /// - Parameter most: only the latest so many.
  public func history(of place: WrittenPlace, most: Int = 10_000) throws -> [PastWrite] {
    let (range, history) = (try place.range(self), try pastAnew())
    guard let machine = try history.machine(at: history.begin) else { return [] }
    return writes(to: range, history, from: machine, most: most)
  }

  private var end: RunLimit { RunLimit(tick: now, index: index + 1, sleepsOn: true) }

  private static func watch(_ range: Range<UInt64>) -> Breakpoints {
    Breakpoints(watches: [Breakpoints.Watch(range, loads: false)])
  }

  /// From where a machine of the past is up to here.
  private func writes(
    to range: Range<UInt64>, _ history: History, from machine: Machine, most: Int
  ) -> [PastWrite] {
    func content() -> [UInt8] { machine.peek(range.lowerBound, count: range.count) }
    var limit = end
    if memory.contains(range.lowerBound, count: UInt64(range.count)) {
      limit.store = range
    } else {
      limit.breakpoints = Self.watch(range)
    }
    var writes: [PastWrite] = []
    var old = content()
    func add(_ storer: Storer) {
      let new = content()
      writes.append(PastWrite(storer, machine, before: old, after: new))
      old = new
      if writes.count >= 2 * most { writes.removeFirst(writes.count - most) }
    }
    while true {
      switch history.run(machine, until: limit) {
      case .event: if let storer = machine.storer { add(storer) }
      case .watchpoint(let touch):
        let index = machine.index
        _ = history.run(machine, until: RunLimit(index: index + 1))
        add(.instruction(hart: touch.hart, pc: touch.pc, index: index))
      case .limit, .instructions, .breakpoint, .asleep, .stopped: return writes.suffix(most)
      }
    }
  }
}

/// Bytes that somebody may have written.
public struct WrittenPlace: Sendable {
  fileprivate let range: @Sendable (Machine) throws -> Range<UInt64>

  /// A variable or a part of it, by its name in the source: `ticks`, `table[3].sum`.
  public static func symbol(_ path: String) -> WrittenPlace {
    WrittenPlace { machine in
      let variable = try machine.variable(path)
      return variable.address..<variable.address + max(1, variable.size)
    }
  }

  /// In memory or in a device, by physical address.
  public static func address(_ address: UInt64, count: UInt64 = 1) -> WrittenPlace {
    WrittenPlace { _ in
      let (end, isTooFar) = address.addingReportingOverflow(max(1, count))
      if isTooFar { throw RewindError("\(count) bytes at \(address) are too many") }
      return address..<end
    }
  }
}

/// What somebody wrote into memory or a device.
public struct PastWrite: Sendable, Hashable, CustomStringConvertible {
  public enum Author: Sendable, Hashable {
    case instruction(hart: Int, pc: UInt64)
    /// The stacking of an exception, or the answer to a call.
    case core
    /// By DMA.
    case device(String)
  }

  public var author: Author
  /// Before the instruction, or where there is none, when it was done: instructions begun since power-on.
  public var index: UInt64
  /// As a backtrace has it: `main+0x4`.
  public var function: String?
  public var file: String?
  public var line: Int?
  public var before: [UInt8]
  public var after: [UInt8]

  /// Of the instruction.
  public var pc: UInt64? { if case .instruction(_, let pc) = author { pc } else { nil } }

  fileprivate init(_ storer: Storer, _ machine: Machine, before: [UInt8], after: [UInt8]) {
    index = machine.index
    self.before = before
    self.after = after
    switch storer {
    case .instruction(let hart, let pc, let index):
      author = .instruction(hart: hart, pc: pc)
      self.index = index
      (function, file, line) = SharedDebugInfo.of(machine.image) { debug in
        let line = debug.sourceLine(at: pc)
        return (debug.place(at: pc), line?.file, line?.line)
      }
    case .core: author = .core
    case .device(let number): author = .device(machine.board.devices[number].name)
    }
  }

  public var description: String {
    func words(_ bytes: [UInt8]) -> String {
      bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: " ")
    }
    let who =
      switch author {
      case .instruction(_, let pc): function ?? "0x" + String(pc, radix: 16)
      case .core: "the core itself"
      case .device(let name): name
      }
    let source = file.flatMap { file in line.map { " (\(file):\($0))" } } ?? ""
    return "index \(index): \(who)\(source) wrote \(words(after)) over \(words(before))"
  }
}
