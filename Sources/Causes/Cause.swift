import Emu

/// How a value came to be where it is: who wrote it last, and of what.
public struct Cause: Sendable {
  /// An instruction, and what happened with it.
  public struct Site: Hashable, Sendable {
    /// Of the instruction: it is the one behind so many.
    public var index: UInt64
    /// Before it.
    public var tick: Tick
    public var hart: Int
    public var pc: UInt64
  }

  public enum Writer: Hashable, Sendable {
    case instruction(Site)
    /// With that instruction an exception was entered or left, or a call answered (SBI, semihosting).
    case core(Site)
    /// A device wrote to memory by itself (DMA); by its place on the board.
    case transfer(device: Int, index: UInt64, tick: Tick)
    /// A device had it in its register, or moved its pin; nil: it is one of a core's own registers.
    case device(Int?, index: UInt64, tick: Tick)
    /// A debugger or a test wrote it.
    case input(index: UInt64, tick: Tick)
    /// It has been so since the beginning.
    case start
    /// Longer ago than is looked for.
    case earlier(index: UInt64)
  }

  public enum Rest: Hashable, Sendable {
    /// What the writer read was followed, as far as there was any.
    case followed
    /// Deep enough.
    case limit
    /// It is there already, farther up.
    case known
  }

  public var place: ValuePlace
  public var value: UInt64
  public var writer: Writer
  public var rest = Rest.followed
  /// How often a register was saved on the stack and came back unchanged between the write and now.
  public var saves = 0
  /// What the value was made of.
  public var sources: [Cause] = []
  /// Registers that said where it was read or written, with their values.
  public var addresses: [Address] = []

  public struct Address: Hashable, Sendable {
    public var register: RegisterName
    public var hart: Int
    public var value: UInt64
  }
}

/// Finds causes in the past of a machine. Nothing is guessed from what instructions look like: what an instruction made its
/// value of is what changes the value when it is another, and that is tried, in copies of the machine that make this one step.
public struct CauseFinder {
  private let writers: WriterFinder
  private let depth: Int
  private var known: Set<Known> = []
  private var left: Int

  private struct Known: Hashable {
    let place: ValuePlace
    let writer: Cause.Writer
  }

  /// - Parameters:
  ///   - end: as far as the run went.
  ///   - depth: writes to follow, one behind the other.
  ///   - most: writes to find in all.
  public init(_ history: History, end: Instant, depth: Int = 12, most: Int = 64) {
    writers = WriterFinder(history, end: end)
    self.depth = depth
    left = most
  }

  public mutating func cause(
    of place: ValuePlace, at instant: Instant
  ) throws(MachineError) -> Cause {
    try cause(of: place, at: instant, level: 0)
  }

  private mutating func cause(
    of place: ValuePlace, at instant: Instant, level: Int
  ) throws(MachineError) -> Cause {
    let value = try writers.history.machine(at: instant)?.value(of: place) ?? 0
    left -= 1
    var writer = try writers.writer(of: place, at: instant)
    var cause = Cause(place: place, value: value, writer: writer)
    var found = try influences(of: place, writer)
    while cause.saves < Self.mostSaves, let influences = found,
      let save = try save(of: place, influences)
    {
      writer = try writers.writer(of: place, at: Instant(index: save.index))
      found = try self.influences(of: place, writer)
      cause.writer = writer
      cause.saves += 1
    }
    guard let influences = found, let step = Step(writer) else { return cause }
    if !known.insert(Known(place: place, writer: writer)).inserted {
      cause.rest = .known
      return cause
    }
    if level >= depth || left <= 0 || cause.saves == Self.mostSaves {
      cause.rest = .limit
      return cause
    }
    cause.addresses = influences.addresses
    for source in influences.sources {
      cause.sources.append(
        try self.cause(of: source, at: Instant(index: step.index), level: level + 1))
    }
    return cause
  }
}

extension CauseFinder {
  private static let mostSaves = 64

  private func influences(
    of place: ValuePlace, _ writer: Cause.Writer
  ) throws(MachineError) -> Influences? {
    guard let step = Step(writer) else { return nil }
    return try Influences(of: place, step, writers)
  }

  /// Where a register was saved that only came back from the stack; nil: it did not.
  private func save(
    of place: ValuePlace, _ influences: Influences
  ) throws(MachineError) -> Step? {
    guard case .register = place, influences.isOfStack, influences.sources.count == 1,
      case .memory = influences.sources[0]
    else { return nil }
    let slot = influences.sources[0]
    let writer = try writers.writer(of: slot, at: Instant(index: influences.step.index))
    guard let saved = try self.influences(of: slot, writer), saved.isOfStack,
      saved.sources == [place]
    else { return nil }
    return saved.step
  }
}

/// What of a run a value was made in: an instruction with what follows it directly, and what devices do before it.
struct Step {
  enum Actor: Hashable {
    case instruction
    case core
    case device(Int)
  }
  let index: UInt64
  let actor: Actor
  let hart: Int
  let pc: UInt64

  /// nil: it came from where nothing is to be followed.
  init?(_ writer: Cause.Writer) {
    switch writer {
    case .instruction(let site):
      (index, actor, hart, pc) = (site.index, .instruction, site.hart, site.pc)
    case .core(let site): (index, actor, hart, pc) = (site.index, .core, site.hart, site.pc)
    case .transfer(let device, let index, _):
      (self.index, actor, hart, pc) = (index, .device(device), 0, 0)
    case .device, .input, .start, .earlier: return nil
    }
  }

  init(_ actor: Actor, _ site: Cause.Site) {
    (index, self.actor, hart, pc) = (site.index, actor, site.hart, site.pc)
  }
}
