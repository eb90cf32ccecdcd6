import Emu
import MachineCode

/// What a run of the same image did, held against what was said of it.
public struct Witness: Sendable {
  /// A trap or an interrupt that was taken.
  public struct Departure: Sendable, Hashable {
    /// Instructions before it.
    public let index: UInt64
    public let nanoseconds: UInt64
    public let isInterrupt: Bool
    public let pc: UInt64
    /// nil: the emulator answered a call or a breakpoint itself.
    public let event: Event?
  }

  /// The first one.
  public private(set) var departure: Departure?
  /// Instructions that ran and were looked up in what the static side has.
  public private(set) var compared: UInt64 = 0
  /// It ran, and the image marks it as data: the code map ends there.
  public private(set) var dataThatRan: UInt64?
  /// It ran, and the code map cannot see from where it came: from what is no code of the image, from behind what is no instruction, from
  /// a table that is not known, or from a trap's return to an address that was computed.
  public private(set) var cameFromOutside: UInt64?
  /// What the static side had excluded: a mistake of ours.
  public private(set) var contradiction: String?
  public private(set) var index: UInt64 = 0
  public private(set) var nanoseconds: UInt64 = 0
  public private(set) var end: StopReason?
  /// Calls of functions in ROM: breakpoints to the engine, which answers them, and calls to the program.
  private var answered: UInt64 = 0

  /// - Parameters:
  ///   - machine: at power-on; it records traps and interrupts.
  ///   - limit: how far to run.
  ///   - most: instructions that are looked up one by one; the rest runs at full speed.
  public init(
    _ machine: Machine, _ map: CodeMap, _ proof: ZeroTrapProof, until limit: Moment, most: UInt64,
    isInterrupted: () -> Bool = { false }
  ) {
    let known = map.addresses
    // Jumps of which the code map does not have all targets.
    let openTables = map.functions.values.reduce(
      into: Set(
        proof.obligations.filter { $0.kind == .jump }.map(\.address)
          .filter { map.program.isTableBranch($0) })
    ) { $0.formUnion($1.unbounded) }
    let memory = MemoryMap(machine.board, map.program)
    // The first instruction is nobody's consequence.
    var (isInside, wasInside) = (false, true)
    // What comes behind a trap is in the code map as well.
    while machine.stop == nil, machine.index < most {
      let pc = machine.pc
      let index = machine.index
      // What is there by the image's own addresses, and not something else that runs at them.
      let size = map.program.instruction(at: pc)?.size ?? 0
      let isNow = size > 0 && map.program.isCode(pc) && memory.canFetch(pc, size)
      if isNow {
        isInside = true
        compared += 1
        if dataThatRan == nil, map.program.isMarkedData(pc) { dataThatRan = pc }
        if cameFromOutside == nil, !wasInside, !known.contains(pc) { cameFromOutside = pc }
        if !known.contains(pc) && map.isComplete && dataThatRan == nil && cameFromOutside == nil {
          contradiction = "\(map.program.name(pc)) ran, which the code map has not"
        } else if proof.isProved && !proof.reached.contains(pc) {
          contradiction = "\(map.program.name(pc)) ran, which the proof had excluded"
        }
      } else if proof.isProved && isInside {
        contradiction = "\(hex(pc)) ran, where there is no code of the image"
      }
      if contradiction != nil { break }
      wasInside = isNow && !openTables.contains(pc) && map.program.isFollowed(behind: pc)
      var step = RunLimit(moment: limit, index: index + 1)
      step.sleepsOn = true
      let calls = machine.board.firmwareCalls?.addresses.contains(pc) ?? false
      let before = machine.traps.ebreak
      _ = machine.run(until: step)
      if calls { answered += machine.traps.ebreak - before }
      note(machine)
      if machine.index == index { break }
    }
    if contradiction == nil, departure == nil, machine.stop == nil {
      let whole = RunLimit(
        moment: limit, event: { Self.isDeparture($0) }, sleepsOn: true)
      _ = machine.run(until: whole)
      // Where there are such functions, breakpoints that have no event are taken for calls of them.
      if machine.board.firmwareCalls != nil { answered = machine.traps.ebreak }
      note(machine)
    }
    index = machine.index
    nanoseconds = machine.nanoseconds
    end = machine.stop?.reason
    if contradiction == nil, proof.isProved, let departure {
      contradiction =
        "a \(departure.isInterrupt ? "interrupt" : "trap") was taken at "
        + "\(map.program.name(departure.pc)), which the proof had excluded"
    }
  }

  private mutating func note(_ machine: Machine) {
    guard departure == nil else { return }
    if let event = machine.recent.first(where: { Self.isDeparture($0) }) {
      departure = Departure(
        index: event.index, nanoseconds: machine.clock.nanoseconds(at: event.tick),
        isInterrupt: event.kind == .interrupt,
        // A call that the emulator answers has come back by now.
        pc: event.kind == .sbi ? machine.pc &- 4 : event.value, event: event)
    } else if hasTrapped(machine) || machine.stop?.reason == .semihosting {
      departure = Departure(
        index: machine.index, nanoseconds: machine.nanoseconds, isInterrupt: false,
        pc: machine.pc, event: nil)
    }
  }

  private func hasTrapped(_ machine: Machine) -> Bool {
    var calls = TrapCounts()
    calls.ebreak = answered
    return machine.traps != calls
  }

  private static func isDeparture(_ event: Event) -> Bool {
    event.kind == .trap || event.kind == .interrupt || event.kind == .sbi
  }
}

extension Program {
  fileprivate func isTableBranch(_ address: UInt64) -> Bool {
    if case .tableBranch? = instruction(at: address)?.operation { true } else { false }
  }

  /// Some cores execute what is UNPREDICTABLE, and handlers go on where they like.
  fileprivate func isFollowed(behind address: UInt64) -> Bool {
    switch instruction(at: address)?.operation {
    case .undecodable?, .system(.trapReturn, _)?: false
    // An exception lands in a function of which nobody knows where it ends.
    case .indirect?, .load(15, _)?, .loadMany?: !unwinds || elf?.symbols.isEmpty == false
    default: true
    }
  }
}
