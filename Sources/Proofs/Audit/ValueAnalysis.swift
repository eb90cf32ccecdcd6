import Emu
import MachineCode

/// All that an image may do from its first instruction on, by ranges of values (abstract
/// interpretation): every instruction that may run, in every state that it may run in.
///
/// What is not shown to go well is an obligation; where there is none, nothing that the program does
/// raises an exception. docs/audit.md has the theorem and what it takes for granted.
final class ValueAnalysis {
  let program: Program
  let board: Board
  let memory: MemoryMap
  private(set) var obligations: [Obligation] = []
  /// Instructions that may run, if there is no obligation: no others do.
  private(set) var reached: Set<UInt64> = []
  /// Registers of devices that are stored to, and by which instructions.
  private(set) var deviceStores: [UInt64: Set<UInt64>] = [:]
  private(set) var steps = 0

  /// A place in the program, reached by one chain of calls.
  struct Place: Hashable {
    var address: UInt64
    /// Into `chains`.
    var chain: Int
  }

  /// A chain of calls: the one before, and the return address.
  private struct Link: Hashable {
    let outer: Int
    let returnAddress: UInt64
  }

  private var chains: [Link] = [Link(outer: -1, returnAddress: 0)]
  private var chainNumbers: [Link: Int] = [:]
  private var states: [Place: CoreState] = [:]
  private var visits: [Place: Int] = [:]
  private var open: [Place] = []
  private var isOpen: Set<Place> = []
  /// States that are followed by themselves: as long as every branch on the way has only one outcome,
  /// a loop is run and not summed up.
  private var alone: [(place: Place, state: CoreState)] = []
  private var visitsAlone: [Place: Int] = [:]
  /// The walk is on such a way.
  private var isAlone = false
  private static let mostAlone = 2_048
  private var seen: Set<String> = []
  /// Constants that the program compares with, and their neighbours.
  private var limits: [UInt64] = []
  private var knownLimits: Set<UInt64> = []
  /// What was last compared at each place, as far as it was constant.
  private var compared: [UInt64: [UInt64?]] = [:]
  /// Memory that may be stored to: before this analysis as it was assumed, and as it turned out.
  private let assumed: [ClosedRange<UInt64>]
  private(set) var written: [ClosedRange<UInt64>] = []
  private let most: Int

  static let deepestChain = 64
  static let mostObligations = 200

  /// - Parameter most: steps before it gives up.
  init(
    _ program: Program, on board: Board, assuming written: [ClosedRange<UInt64>], most: Int
  ) {
    self.program = program
    self.board = board
    memory = MemoryMap(board, program)
    assumed = written
    self.most = most
  }

  /// Until nothing new comes up, or it has to give up.
  func run() {
    guard let start = start() else { return }
    isAlone = true
    arrive(Place(address: start.pc, chain: 0), start.state, from: nil)
    while let (place, state) = next() {
      walk(from: place, state, [], decided: nil)
      if steps > most {
        fail(.budget, place.address, "the analysis gives up after \(most) instructions", 0)
        return
      }
      if obligations.count > Self.mostObligations { return }
    }
    checkCode()
  }

  /// What the hardware leaves (Armv7-M ARM, B1.5.5; docs/boot.md): nothing else is known.
  private func start() -> (pc: UInt64, state: CoreState)? {
    var state = CoreState(program.machine)
    guard program.machine == .arm else {
      guard let entry = program.image.virtualEntry ?? program.image.entry else { return nil }
      return (entry, state)
    }
    guard let vectors = program.image.vectors else { return nil }
    state.set(13, .constant(UInt64(vectors.initialStackPointer & ~3)))
    state.set(14, .constant(0xFFFF_FFFF))
    if vectors.reset & 1 == 0 {
      fail(.jump, UInt64(vectors.reset), "the reset vector has no Thumb bit", 0)
      return nil
    }
    return (UInt64(vectors.reset & ~1), state)
  }

  // MARK: Places

  /// - Parameter site: of the jump. Every circle has one that does not go forward: it is enough to
  ///   widen there.
  private func arrive(_ place: Place, _ state: CoreState, from site: UInt64?) {
    if isAlone {
      visitsAlone[place, default: 0] += 1
      if visitsAlone[place, default: 0] < Self.mostAlone {
        alone.append((place, state))
        return
      }
    }
    guard let old = states[place] else {
      states[place] = state
      push(place)
      return
    }
    let isForward = site.map { $0 < place.address } ?? true
    let count = visits[place, default: 0] + (isForward ? 0 : 1)
    visits[place] = count
    // Bounds that move on and on are taken to where something is compared with them, later to the end.
    let widening: [UInt64]? = isForward || count < 3 ? nil : count < 40 ? limits : []
    let new = old.joined(state, widening: widening)
    if new != old {
      states[place] = new
      push(place)
    }
  }

  private func next() -> (Place, CoreState)? {
    if let (place, state) = alone.popLast() {
      isAlone = true
      return (place, state)
    }
    isAlone = false
    guard let place = open.popLast(), let state = states[place] else { return nil }
    isOpen.remove(place)
    return (place, state)
  }

  private func push(_ place: Place) { if isOpen.insert(place).inserted { open.append(place) } }

  private func calls(_ chain: Int) -> [UInt64] {
    var (calls, chain) = ([UInt64](), chain)
    while chain > 0 {
      calls.insert(chains[chain].returnAddress, at: 0)
      chain = chains[chain].outer
    }
    return calls
  }

  private func chain(_ outer: Int, calling returnAddress: UInt64) -> Int {
    let link = Link(outer: outer, returnAddress: returnAddress)
    if let number = chainNumbers[link] { return number }
    chains.append(link)
    chainNumbers[link] = chains.count - 1
    return chains.count - 1
  }

  func fail(_ kind: Obligation.Class, _ address: UInt64, _ reason: String, _ chain: Int) {
    guard seen.insert("\(kind) \(address) \(reason)").inserted else { return }
    obligations.append(
      Obligation(kind: kind, address: address, reason: reason, calls: calls(chain)))
  }

  /// What a value is compared with is where it stops growing: of two constants the one that stays
  /// when the other changes. A value that was shifted to the right stops where the whole does.
  func bound(
    _ site: UInt64, _ left: (range: ValueRange, shift: UInt8),
    _ right: (range: ValueRange, shift: UInt8)
  ) {
    let (one, two) = (left.range.constant, right.range.constant)
    let before = compared.updateValue([one, two], forKey: site)
    let isNew = { (side: Int) in before.map { $0[side] != [one, two][side] } ?? false }
    for (constant, other, otherSide) in [(one, right, 1), (two, left, 0)] {
      guard let constant else { continue }
      if other.range.constant == nil || isNew(otherSide) && !isNew(1 - otherSide) {
        limit(constant)
      }
      if 1..<64 ~= other.shift, constant >> (64 - UInt64(other.shift)) == 0 {
        limit(constant << UInt64(other.shift))
        limit((constant &+ 1) << UInt64(other.shift))
      }
    }
  }

  private func limit(_ value: UInt64) {
    for value in [value &- 1, value, value &+ 1] where knownLimits.insert(value).inserted {
      limits.insert(value, at: limits.firstIndex { $0 > value } ?? limits.count)
    }
  }

  // MARK: Walking

  /// From a place on, up to where the way divides or ends.
  ///
  /// - Parameters:
  ///   - conditions: of the next instructions, which are in an IT block.
  ///   - decided: the one of its two conditions that is true.
  private func walk(
    from place: Place, _ start: CoreState, _ block: ArraySlice<Condition>, decided: Condition?
  ) {
    var (address, state, conditions, decided) = (place.address, start, block, decided)
    let chain = place.chain
    while true {
      steps += 1
      if steps > most { return }
      if conditions.isEmpty && decided != nil {
        // Both ways through the block meet.
        return arrive(Place(address: address, chain: chain), state, from: nil)
      }
      guard program.isCode(address),
        let instruction = program.instruction(at: address, inBlock: conditions.popFirst()),
        memory.canFetch(address, instruction.size)
      else {
        return fail(.memory, address, "there is no code of the image at \(hex(address))", chain)
      }
      reached.insert(address)
      if !conditions.isEmpty && instruction.mayJump {
        return fail(
          .undecodable, address, "it jumps, and is not the last of its IT block: UNPREDICTABLE",
          chain)
      }
      if case .ifThen(let block) = instruction.operation {
        address = instruction.end
        guard let first = block.first, first != .always else {
          conditions = block[...]
          continue
        }
        let place = Place(address: address, chain: chain)
        var other = state
        let mayBeOther = other.assume(first.inverted)
        var same = state
        if same.assume(first) && mayBeOther { isAlone = false }
        if mayBeOther {
          walk(from: place, other, block[...], decided: first.inverted)
        }
        if state.assume(first) { walk(from: place, state, block[...], decided: first) }
        return
      }
      if let known = decided, instruction.condition != .always {
        if instruction.condition != known {
          address = instruction.end
          continue
        }
        // From here on the flags may say otherwise.
        if instruction.setsFlags { decided = nil }
        if step(instruction, &state, Place(address: address, chain: chain)) {
          address = instruction.end
          continue
        }
        return
      }
      var skipping: CoreState?
      if instruction.condition != .always {
        var other = state
        if other.assume(instruction.condition.inverted) { skipping = other }
        guard state.assume(instruction.condition) else {
          guard let other = skipping else { return }
          (address, state) = (instruction.end, other)
          continue
        }
        if skipping != nil { isAlone = false }
      }
      let goesOn = step(instruction, &state, Place(address: address, chain: chain))
      switch (goesOn, skipping) {
      case (true, let other?): state = state.joined(other, widening: nil)
      case (true, nil): break
      case (false, let other?): state = other
      case (false, nil): return
      }
      address = instruction.end
    }
  }

  /// - Returns: whether the next instruction in memory may be next.
  private func step(
    _ instruction: Instruction, _ state: inout CoreState, _ place: Place
  ) -> Bool {
    let (site, chain) = (instruction.address, place.chain)
    switch instruction.operation {
    case .set(let rd, let how, let left, let right, let isWord, let setsFlags):
      let value = compute(how, left, right, isWord: isWord, state)
      if program.machine == .arm && rd == 15 {
        return jump(to: value, state, place, needsThumb: false)
      }
      assign(rd, value, how, left, right, isWord: isWord, setsFlags: setsFlags, &state, site)
    case .moveTop(let rd, let half):
      let low = state.registers[Int(rd)].and(.constant(0xFFFF), 32)
      state.set(rd, low.adding(.constant(half << 16), 32))
    case .compare(let left, let right): compare(left, right, nil, &state, site)
    case .branch(let comparison, let left, let right, let target):
      bound(
        site, (state.registers[Int(left)], state.source(left)?.shift ?? 0),
        (state.registers[Int(right)], state.source(right)?.shift ?? 0))
      var taken = state
      let mayBeTaken = taken.assume(comparison, left, right)
      let mayGoOn = state.assume(comparison.inverted, left, right)
      if mayBeTaken && mayGoOn { isAlone = false }
      if mayBeTaken { arrive(Place(address: target, chain: chain), taken, from: site) }
      return mayGoOn
    case .jump(let target):
      arrive(Place(address: target, chain: chain), state, from: site)
      return false
    case .call(let target, let link):
      state.set(link, .constant(returnAddress(instruction)))
      call(target, returning: instruction.end, state, place)
      return false
    case .indirect(let register, let offset, let link):
      var target = state.registers[Int(register)]
      if program.machine == .riscv64 {
        target = target.adding(.constant(offset), 64).and(.constant(~1), 64)
      }
      if let link {
        state.set(link, .constant(returnAddress(instruction)))
        guard let target = plain(target, place, needsThumb: program.machine == .arm) else {
          return false
        }
        call(target, returning: instruction.end, state, place)
        return false
      }
      return jump(to: target, state, place, needsThumb: program.machine == .arm)
    case .tableBranch(let base, let index, let size):
      tableBranch(instruction, base, index, size, state, place)
      return false
    case .ifThen: break
    case .clobber(let list): forget(list, &state)
    case .floatingPoint:
      fail(.floatingPoint, site, "the FPU is not shown to be switched on", chain)
      return false
    case .undecodable:
      fail(
        .undecodable, site, "\(hex(UInt64(instruction.encoding))) is no known instruction", chain)
      return false
    case .system(let kind, let clobbers): return system(kind, clobbers, &state, site, chain)
    default: return access(instruction, &state, place)
    }
    return true
  }

  private func returnAddress(_ instruction: Instruction) -> UInt64 {
    program.machine == .arm ? instruction.end | 1 : instruction.end
  }

  func forget(_ list: UInt32, _ state: inout CoreState) {
    for number in RegisterNumber(0)..<32 where list >> UInt32(number) & 1 == 1 {
      if program.machine == .arm && number == 16 {
        state.flags = nil
      } else if number < (program.machine == .arm ? 16 : 32) {
        state.forget(number)
      }
    }
  }

  private func system(
    _ kind: SystemClass, _ clobbers: UInt32, _ state: inout CoreState, _ site: UInt64, _ chain: Int
  ) -> Bool {
    let what: (Obligation.Class, String)
    switch kind {
    case .harmless: return true
    case .supervisorCall: what = (.supervisorCall, "it calls what is below")
    case .breakpoint: what = (.breakpoint, "it is a breakpoint")
    case .undefined: what = (.undefined, "it is an undefined instruction by intention")
    case .controlRegister: what = (.controlRegister, "it accesses a register of the system")
    case .wait: what = (.wait, "it waits for an interrupt")
    case .interruptMask: what = (.interruptEnable, "it lets interrupts through")
    case .trapReturn: what = (.trapReturn, "it returns from a trap")
    case .addressTranslation: what = (.addressTranslation, "it is about address translation")
    }
    fail(what.0, site, what.1, chain)
    // The rest of the program is looked at all the same, for what else there is.
    forget(clobbers, &state)
    return kind != .undefined && kind != .trapReturn
  }

  // MARK: Jumps

  /// The one address that a computed jump goes to.
  private func plain(_ target: ValueRange, _ place: Place, needsThumb: Bool) -> UInt64? {
    guard let address = target.constant else {
      fail(.jump, place.address, "the address that it goes to is not known", place.chain)
      return nil
    }
    if needsThumb && address & 1 == 0 {
      fail(.jump, place.address, "it goes to \(hex(address)), which has no Thumb bit", place.chain)
      return nil
    }
    return program.machine == .arm ? address & ~1 : address
  }

  func jump(
    to target: ValueRange, _ state: CoreState, _ place: Place, needsThumb: Bool
  ) -> Bool {
    guard let address = plain(target, place, needsThumb: needsThumb) else { return false }
    // Back to where the innermost call wanted it.
    let returns = place.chain > 0 && chains[place.chain].returnAddress == address
    arrive(
      Place(address: address, chain: returns ? chains[place.chain].outer : place.chain), state,
      from: place.address)
    return false
  }

  private func call(
    _ target: UInt64, returning address: UInt64, _ state: CoreState, _ place: Place
  ) {
    if calls(place.chain).count >= Self.deepestChain {
      return fail(
        .budget, place.address, "calls nest deeper than \(Self.deepestChain): is it recursion?",
        place.chain)
    }
    arrive(
      Place(address: target, chain: chain(place.chain, calling: address)), state,
      from: place.address)
  }

  private func tableBranch(
    _ instruction: Instruction, _ base: RegisterNumber, _ index: RegisterNumber, _ size: UInt8,
    _ state: CoreState, _ place: Place
  ) {
    let indices = state.registers[Int(index)]
    guard base == 15, indices.high < 512 else {
      return fail(.jump, place.address, "the entry of its table is not known", place.chain)
    }
    if indices.low < indices.high { isAlone = false }
    for entry in indices.low...indices.high {
      guard
        let value = constantLoad(
          instruction.end &+ entry &* UInt64(size), size: size, place.address)
      else {
        return fail(.jump, place.address, "its table is not in memory that stays", place.chain)
      }
      arrive(
        Place(address: instruction.end &+ 2 * value, chain: place.chain), state,
        from: place.address)
    }
  }

  // MARK: Memory

  /// What is in memory that no store reaches; nil: not known.
  func constantLoad(_ address: UInt64, size: UInt8, _ site: UInt64) -> UInt64? {
    guard let (value, mayChange) = memory.content(address, size: size) else { return nil }
    let last = address &+ UInt64(size - 1)
    if mayChange, assumed.contains(where: { $0.overlaps(address...last) }) { return nil }
    return value
  }

  /// Sorted; ranges that touch are one.
  func note(written first: UInt64, through last: UInt64) {
    var index =
      written.firstIndex { $0.upperBound >= first &- (first > 0 ? 1 : 0) } ?? written.count
    if index < written.count, written[index].contains(first), written[index].contains(last) {
      return
    }
    var (low, high) = (first, last)
    let start = index
    while index < written.count, written[index].lowerBound <= (high == .max ? high : high + 1) {
      (low, high) = (min(low, written[index].lowerBound), max(high, written[index].upperBound))
      index += 1
    }
    written.replaceSubrange(start..<index, with: [low...high])
  }

  func note(deviceStore register: UInt64, by site: UInt64) {
    deviceStores[register, default: []].insert(site)
  }

  /// Whether what ran is what is in the image.
  private func checkCode() {
    for address in reached.sorted() {
      guard let (word, _) = program.fetch(address) else { continue }
      let isWide = program.machine == .arm ? ThumbDecoder.isWide(word) : word & 3 == 3
      let last = address &+ (isWide ? 3 : 1)
      if written.contains(where: { $0.overlaps(address...last) }) {
        return fail(.code, address, "a store may change it", 0)
      }
    }
  }
}

extension Comparison {
  var inverted: Comparison {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .greaterOrEqual: .less
    case .lessUnsigned: .greaterOrEqualUnsigned
    case .greaterOrEqualUnsigned: .lessUnsigned
    }
  }
}
