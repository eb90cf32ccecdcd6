import Emu

/// Follows the calls of a run, each at its exact instruction.
///
/// It looks where a function begins, where one goes on behind a call, and wherever the code of another function begins to run than ran
/// before. What lies between two looks of a hart belongs to the call that is innermost then, so that each instruction is counted
/// once, with its function. Which call it is of: a return is known by the return address and the stack pointer that
/// the call began with, so that several stacks, jumps between functions and jumps out of them need not be known beforehand.
public final class Profiler: Lookout {
  private let code: ProfiledCode
  private unowned let machine: Machine
  private let isArm: Bool
  private let keepsTracks: Bool
  /// By place: a function that begins there, the complement of one that goes on there, and behind those the functions of regions.
  private let functions: UnsafeMutablePointer<Int32>
  private let addressCount: Int
  /// Who has made a call, by its return address.
  private let callers: NumberTable

  private let harts: UnsafeMutableBufferPointer<State>
  @exclusivity(unchecked) private var stacks: [CallStack] = []
  @exclusivity(unchecked) private var stacksMade = 0
  @exclusivity(unchecked) private var nodes: [Node] = []
  private let children = NumberTable()
  /// Frames that are no functions: the complement of a place here.
  @exclusivity(unchecked) private var others: [Profile.Frame] = []
  @exclusivity(unchecked) private var tracks = Tracks()

  private struct State {
    let hart: Hart
    /// What its functions are below, where there are several harts.
    var root = Profiler.none
    var stack: CallStack
    /// Of the call that is innermost.
    var node = Profiler.none
    /// Its attempts up to here are counted.
    var counted: UInt64
  }

  private struct Node {
    let parent: Int32
    /// A function's number, or the complement of a place in `others`.
    let frame: Int32
    var count: UInt64 = 0
  }

  private static let none: Int32 = -1
  private static let mostStacks = 256
  /// Exceptions within exceptions, where some of them never return.
  private static let mostExceptions = 16

  /// From where the machine is now on.
  ///
  /// - Parameter tracks: keep when calls began and ended, too.
  public init(_ code: ProfiledCode, of machine: Machine, tracks: Bool) {
    self.code = code
    self.machine = machine
    isArm = code.isArm
    keepsTracks = tracks
    let places = code.looks.map { $0.isEntry ? $0.function : ~$0.function } + code.functions
    functions = .allocate(capacity: places.count)
    functions.initialize(from: places, count: places.count)
    addressCount = code.looks.count
    callers = NumberTable()
    for look in code.looks {
      if let caller = look.caller { callers[look.address | (isArm ? 1 : 0)] = caller }
    }
    harts = .allocate(capacity: machine.harts.count)
    super.init(at: Set(code.looks.map(\.address)), regions: Set(code.starts))
    for (number, hart) in machine.harts.enumerated() {
      (harts.baseAddress.unsafelyUnwrapped + number).initialize(
        to: State(hart: hart, stack: newStack(), counted: hart.attempts))
      if machine.harts.count > 1 {
        harts[number].root = node(Self.none, frame(of: .hart(number)))
      }
    }
  }

  deinit {
    functions.deallocate()
    harts.deinitialize().deallocate()
  }

  // MARK: A run

  public override func look(_ place: Int, index: UInt64, hart: Hart) {
    let number = Int(hart.number)
    count(number, to: hart.attempts(before: index))
    let value = functions[place]
    let isAddress = place < addressCount
    let core = Core(
      hart: number, index: index, tick: keepsTracks ? hart.lookedTick : 0,
      place: isAddress ? addresses[place] | (isArm ? 1 : 0) : 0,
      isEntry: isAddress && value >= 0, hart.generalRegisters, isArm: isArm)
    let function = isAddress && value < 0 ? ~value : value
    let arrival = hart.arrival
    if arrival.isEmpty || !arrive(arrival, function, core, hart) {
      if core.isEntry {
        enter(function, core)
      } else if isAddress {
        goOn(in: function, core)
      } else {
        go(to: function, core)
      }
    }
    harts[number].node = harts[number].stack.last?.node ?? Self.none
  }

  /// A guest reset: what was open is over.
  public override func forget() {
    countAll()
    closeAll()
    for number in harts.indices {
      harts[number].stack = newStack()
      harts[number].node = Self.none
      harts[number].counted = 0
    }
  }

  /// Up to where the machine is now; what is open is open still.
  public func profile() -> Profile {
    countAll()
    let now = machine.now
    var all = tracks
    for stack in stacks {
      for call in stack.calls.reversed() { all.add(span(call, to: now), of: stack.number) }
    }
    return Profile(
      nodes: nodes.map { node in
        Profile.Node(
          parent: node.parent == Self.none ? nil : Int(node.parent), frame: frame(node.frame),
          count: node.count)
      }, tracks: keepsTracks ? all.tracks : [], shortest: all.shortest)
  }

  /// A hart as it begins an instruction.
  private struct Core {
    let hart: Int
    let index: UInt64
    let tick: Tick
    /// Of the instruction, as a return address has it; 0: somewhere.
    let place: UInt64
    let isEntry: Bool
    var stackPointer: UInt64
    var returnAddress: UInt64

    @inline(__always) init(
      hart: Int, index: UInt64, tick: Tick, place: UInt64, isEntry: Bool,
      _ registers: UnsafeRawPointer, isArm: Bool
    ) {
      self.hart = hart
      self.index = index
      self.tick = tick
      self.place = place
      self.isEntry = isEntry
      if isArm {
        stackPointer = UInt64(registers.load(fromByteOffset: 4 * 13, as: UInt32.self))
        returnAddress = UInt64(registers.load(fromByteOffset: 4 * 14, as: UInt32.self))
      } else {
        stackPointer = registers.load(fromByteOffset: 8 * 2, as: UInt64.self)
        returnAddress = registers.load(fromByteOffset: 8 * 1, as: UInt64.self)
      }
    }
  }

  // MARK: Counts

  @inline(__always) private func count(_ hart: Int, to attempts: UInt64) {
    let node = harts[hart].node
    if node != Self.none { nodes[Int(node)].count &+= attempts &- harts[hart].counted }
    harts[hart].counted = attempts
  }

  private func countAll() {
    for number in harts.indices { count(number, to: harts[number].hart.attempts) }
  }

  private func node(_ parent: Int32, _ frame: Int32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: parent)) << 32 | UInt64(UInt32(bitPattern: frame))
    if let known = children[key] { return known }
    let new = Int32(nodes.count)
    nodes.append(Node(parent: parent, frame: frame))
    children[key] = new
    return new
  }

  private func frame(of other: Profile.Frame) -> Int32 {
    if let known = others.firstIndex(of: other) { return ~Int32(known) }
    others.append(other)
    return ~Int32(others.count - 1)
  }

  private func frame(_ number: Int32) -> Profile.Frame {
    if number < 0 { return others[Int(~number)] }
    return number == ProfiledCode.unknown ? .unknown : .function(code.names[Int(number)])
  }

  // MARK: Calls

  /// The first instruction of a function.
  private func enter(_ function: Int32, _ core: Core) {
    let stack = harts[core.hart].stack
    guard let top = stack.last else { return root(function, core) }
    if top.returnAddress == core.returnAddress && top.stackPointer == core.stackPointer {
      return jump(to: function, core)
    }
    let caller = callers[core.returnAddress]
    if caller == top.function { return push(function, core) }
    if top.returnAddress == core.returnAddress { return jump(to: function, core) }
    if let caller, let place = stack.latest(of: caller, above: core.stackPointer) {
      cut(stack, to: place + 1, core)
      return push(function, core)
    }
    root(function, core)
  }

  /// Behind a call.
  private func goOn(in function: Int32, _ core: Core) {
    var stack = harts[core.hart].stack
    var left = stack.returned(to: core.place, core.stackPointer)
    if left == nil {
      if let top = stack.last, top.function == function, top.stackPointer >= core.stackPointer {
        return
      }
      // Another link register: code that functions share, which is part of them.
      let group = stack.firstOfGroup
      if let place = (group..<stack.count).last(where: { stack.calls[$0].function == function }) {
        return cut(stack, to: place + 1, core)
      }
      // Another stack, left by a call and come back to by its return.
      for other in stacks where other !== stack {
        if let count = other.returned(to: core.place, core.stackPointer) {
          change(to: other, core)
          (stack, left) = (other, count)
          break
        }
      }
    }
    if let left {
      cut(stack, to: left, core)
      if stack.last?.function == function { return }
    }
    if let place = stack.latest(of: function, above: core.stackPointer) {
      return cut(stack, to: place + 1, core)
    }
    // Back to a call that was made before anybody looked.
    root(function, core)
  }

  /// Somewhere in a function.
  private func go(to function: Int32, _ core: Core) {
    let stack = harts[core.hart].stack
    if stack.count == 0 { return root(function, core) }
    if let place = stack.latest(of: function, above: core.stackPointer) {
      return cut(stack, to: place + 1, core)
    }
    jump(to: function, core)
  }

  /// It will return for who ran before. Functions that jump to each other in a circle are on the stack once.
  private func jump(to function: Int32, _ core: Core) {
    let stack = harts[core.hart].stack
    let group = stack.firstOfGroup
    if let place = (group..<stack.count).last(where: { stack.calls[$0].function == function }) {
      return cut(stack, to: place + 1, core)
    }
    guard let top = stack.last else { return root(function, core) }
    var caller = core
    (caller.stackPointer, caller.returnAddress) = (top.stackPointer, top.returnAddress)
    if top.function == ProfiledCode.unknown && top.exception == nil {
      cut(stack, to: stack.count - 1, core)
    }
    push(function, caller)
  }

  private func push(_ function: Int32, _ core: Core) {
    let state = harts[core.hart]
    if state.stack.count >= CallStack.most { return }
    if state.stack.count == 0 { begin(state.stack, function) }
    let parent = state.stack.last?.node ?? state.root
    state.stack.push(
      CallStack.Call(
        function: function, node: node(parent, function),
        stackPointer: core.stackPointer, returnAddress: core.returnAddress, tick: core.tick,
        index: core.index))
  }

  /// Nobody has called it: a stack of its own.
  private func root(_ function: Int32, _ core: Core) {
    var stack = harts[core.hart].stack
    if stack.count > 0 {
      let old = stacks.first {
        $0 !== stack && $0.calls.first?.function == function
          && $0.calls.first?.stackPointer == core.stackPointer
      }
      if let old {
        cut(old, to: 0, core)
        stack = old
      } else {
        stack = newStack()
      }
      change(to: stack, core)
    }
    push(function, core)
  }

  // MARK: Exceptions

  /// - Returns: all is done; false: and the instruction is like any other.
  private func arrive(
    _ arrival: Arrival, _ function: Int32, _ core: Core, _ hart: Hart
  ) -> Bool {
    isArm ? arriveOnArm(function, core, hart) : arriveOnRISCV(arrival, function, core, hart)
  }

  private func arriveOnRISCV(
    _ arrival: Arrival, _ function: Int32, _ core: Core, _ hart: Hart
  ) -> Bool {
    var stack = harts[core.hart].stack
    if arrival.contains(.exit), let place = stack.latestException() {
      let interrupted = stack.calls[place].interrupted
      cut(stack, to: place, core)
      if core.stackPointer != interrupted {
        stack.suspended = interrupted
        if let other = stacks.first(where: { $0.suspended == core.stackPointer }) {
          change(to: other, core)
        } else {
          change(to: newStack(), core)
        }
        stack = harts[core.hart].stack
      }
    }
    if !arrival.contains(.entry) { return false }
    let isMachine = hart.value(of: .privilege) == 3
    let cause = hart.value(of: .csr(isMachine ? 0x342 : 0x142)) ?? 0
    if stack.calls.count(where: { $0.exception != nil }) >= Self.mostExceptions {
      cut(stack, to: stack.firstException() ?? 0, core)
    }
    handle(cause, function, interrupted: core.stackPointer, core)
    return true
  }

  private func arriveOnArm(_ function: Int32, _ core: Core, _ hart: Hart) -> Bool {
    let stack = harts[core.hart].stack
    let active = (hart.value(of: .xpsr) ?? 0) & 0x1FF
    if active == 0 {
      guard let place = stack.firstException() else { return false }
      let frame = stack.calls[place].interrupted
      cut(stack, to: place, core)
      if Self.isUnstacked(frame, core.stackPointer) { return false }
      stack.suspended = frame
      let other = stacks.first { other in
        other.suspended.map { Self.isUnstacked($0, core.stackPointer) } ?? false
      }
      change(to: other ?? newStack(), core)
      return false
    }
    if let place = stack.latestException(where: { $0.exception == active }) {
      let isAgain =
        core.isEntry && stack.calls[place].function == function
        && stack.calls[place].stackPointer == core.stackPointer
      let next = stack.calls[(place + 1)...].firstIndex { $0.exception != nil }
      if let end = isAgain ? place : next { cut(stack, to: end, core) }
      if !isAgain { return false }
    } else if let place = stack.firstException(where: { $0.stackPointer <= core.stackPointer }) {
      cut(stack, to: place, core)
    }
    let usesProcessStack = core.returnAddress & 4 != 0
    let frame = usesProcessStack ? hart.value(of: .psp) ?? 0 : core.stackPointer
    handle(active, function, interrupted: frame, core)
    return true
  }

  /// A frame that was there is gone: basic or with FP registers, and as it was aligned.
  private static func isUnstacked(_ frame: UInt64, _ stackPointer: UInt64) -> Bool {
    let size = stackPointer &- frame
    return size == 0x20 || size == 0x24 || size == 0x68 || size == 0x6C
  }

  private func handle(
    _ exception: UInt64, _ function: Int32, interrupted: UInt64, _ core: Core
  ) {
    let state = harts[core.hart]
    if state.stack.count >= CallStack.most { cut(state.stack, to: 0, core) }
    if state.stack.count == 0 { begin(state.stack, function) }
    let root = node(state.root, frame(of: .exception(exception)))
    state.stack.push(
      CallStack.Call(
        function: function, node: node(root, function),
        stackPointer: core.stackPointer, returnAddress: core.returnAddress, tick: core.tick,
        index: core.index, exception: exception, interrupted: interrupted))
  }

  // MARK: Stacks

  private func newStack() -> CallStack {
    if stacks.count >= Self.mostStacks {
      let unused = stacks.indices.filter { place in
        !harts.contains { $0.stack === stacks[place] }
      }
      if let oldest = unused.min(by: { stacks[$0].left.index < stacks[$1].left.index }) {
        close(stacks[oldest], to: 0, at: stacks[oldest].left.tick)
        stacks.remove(at: oldest)
      }
    }
    let stack = CallStack(number: stacksMade)
    stacksMade += 1
    stacks.append(stack)
    return stack
  }

  private func begin(_ stack: CallStack, _ function: Int32) {
    if keepsTracks { tracks.begin(stack.number, frame(function)) }
  }

  private func change(to stack: CallStack, _ core: Core) {
    harts[core.hart].stack.left = (core.index, core.tick)
    stack.suspended = nil
    harts[core.hart].stack = stack
  }

  private func cut(_ stack: CallStack, to count: Int, _ core: Core) {
    close(stack, to: count, at: core.tick)
  }

  private func close(_ stack: CallStack, to count: Int, at tick: Tick) {
    while stack.count > count {
      let call = stack.pop()
      if keepsTracks { tracks.add(span(call, to: tick), of: stack.number) }
    }
  }

  private func closeAll() {
    for stack in stacks { close(stack, to: 0, at: machine.now) }
    stacks = []
  }

  private func span(_ call: CallStack.Call, to tick: Tick) -> Profile.Span {
    Profile.Span(frame: frame(call.function), start: call.tick, end: tick, index: call.index)
  }
}
