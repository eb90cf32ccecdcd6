import Emu
import MachineCode

/// What instructions that read and write memory may touch, and what they read.
extension ValueAnalysis {
  /// - Returns: whether the next instruction may be next.
  func access(
    _ instruction: Instruction, _ state: inout CoreState, _ place: Place
  ) -> Bool {
    switch instruction.operation {
    case .load(let rd, let access):
      let address = self.address(access, instruction, &state)
      guard check(access, address, access.size, isStore: false, place) else { return false }
      let value = load(address, access, state, place)
      if program.machine == .arm && rd == 15 {
        // LoadWritePC: the way on is by BX's rules.
        return jump(to: value, state, place, needsThumb: true)
      }
      let isStack = program.machine == .arm && rd == 13
      state.set(rd, isStack ? value.and(.constant(0xFFFF_FFFC), 32) : value)
    case .store(let operand, let access):
      let stored = value(operand, state)
      let address = self.address(access, instruction, &state)
      guard check(access, address, access.size, isStore: true, place) else { return false }
      store(stored, at: address, size: access.size, &state)
    case .loadPair(let one, let two, let access):
      let address = self.address(access, instruction, &state)
      guard check(access, address, 8, isStore: false, place) else { return false }
      let values = (0..<2).map {
        load(address.adding(.constant(4 * $0), 32), access, state, place)
      }
      state.set(one, values[0])
      state.set(two, values[1])
    case .storePair(let one, let two, let access):
      let values = [state.registers[Int(one)], state.registers[Int(two)]]
      let address = self.address(access, instruction, &state)
      guard check(access, address, 8, isStore: true, place) else { return false }
      for (number, value) in values.enumerated() {
        store(value, at: address.adding(.constant(UInt64(4 * number)), 32), size: 4, &state)
      }
    case .loadMany(let list, let base, let isDown, let writesBack):
      return loadMany(list, base, isDown, writesBack, &state, place)
    case .storeMany(let list, let base, let isDown, let writesBack):
      let registers = (0..<16).filter { list >> UInt16($0) & 1 == 1 }
      let values = registers.map { state.registers[$0] }
      guard
        let start = many(registers.count, base, isDown, writesBack, isStore: true, &state, place)
      else { return false }
      for (number, value) in values.enumerated() {
        store(value, at: start.adding(.constant(UInt64(4 * number)), 32), size: 4, &state)
      }
    case .accessFP(_, let isStore, _):
      fail(
        .floatingPoint, place.address,
        "the FPU, which \(isStore ? "stores" : "loads") here, is not shown to be switched on",
        place.chain)
      return false
    case .atomic(let rd, let access, _, let writes):
      let address = self.address(access, instruction, &state)
      guard check(access, address, access.size, isStore: writes, place),
        memory.isMemory(address, size: access.size)
      else { return refuse(access, address, place) }
      if writes { store(nil, at: address, size: access.size, &state) }
      if let rd { state.forget(rd) }
    default: preconditionFailure("\(instruction.operation) is no access to memory")
    }
    return true
  }

  private func refuse(_ access: MemoryAccess, _ address: ValueRange, _ place: Place) -> Bool {
    fail(.memory, place.address, "an atomic access is not shown to be to memory", place.chain)
    return false
  }

  // MARK: Addresses

  /// Of the access; a base that is written back gets its new value.
  private func address(
    _ access: MemoryAccess, _ instruction: Instruction, _ state: inout CoreState
  ) -> ValueRange {
    let width: UInt8 = program.machine == .arm ? 32 : 64
    if access.isPCRelative {
      let base = (instruction.address &+ 4) & 0xFFFF_FFFC
      return ValueRange.constant(base).adding(value(access.offset, state), 32)
    }
    let base = state.registers[Int(access.base)]
    let moved = base.adding(value(access.offset, state), width)
    if access.writesBack {
      let isStack = access.base == 13
      state.set(access.base, isStack ? moved.and(.constant(0xFFFF_FFFC), 32) : moved)
    }
    return access.isPostIndexed ? base : moved
  }

  private func check(
    _ access: MemoryAccess, _ address: ValueRange, _ size: UInt8, isStore: Bool, _ place: Place
  ) -> Bool {
    if !address.isMultiple(of: access.alignment) {
      fail(
        .alignment, place.address,
        "\(hex(address.low))..\(hex(address.high)) is not shown to be a multiple of "
          + "\(access.alignment)", place.chain)
    }
    switch memory.verdict(address, size: size, isStore: isStore) {
    case .memory:
      if isStore { note(written: address.low, through: address.high &+ UInt64(size - 1)) }
      return true
    case .device(let register):
      if isStore { note(deviceStore: register, by: place.address) }
      return true
    case .unknown(let kind, let reason):
      fail(kind, place.address, reason, place.chain)
      return false
    }
  }

  // MARK: Loads and stores

  private func load(
    _ address: ValueRange, _ access: MemoryAccess, _ state: CoreState, _ place: Place
  ) -> ValueRange {
    let width: UInt8 = program.machine == .arm ? 32 : 64
    let whole = ValueRange.all(8 * access.size)
    var value = whole
    if let exact = address.constant {
      if let cell = state.cell(at: exact, size: access.size) {
        value = cell.within(whole) ?? whole
      } else if !state.hasCell(overlapping: exact, size: access.size),
        let content = constantLoad(exact, size: access.size, place.address)
      {
        value = .constant(content)
      }
    }
    if !access.isSigned || access.size == 8 { return value }
    let extended = value.signExtended(from: 8 * access.size)
    return width == 64 ? extended : extended.and(.constant(0xFFFF_FFFF), 64)
  }

  private func store(
    _ value: ValueRange?, at address: ValueRange, size: UInt8, _ state: inout CoreState
  ) {
    if !memory.isMemory(address, size: size) { return }
    if let exact = address.constant {
      // Of a register that is wider than the access, the lower part.
      let part = value.map { $0.and(.constant(ValueRange.mask(8 * size)), 64) }
      state.store(part, at: exact, size: size)
    } else {
      state.forget(address.low, through: address.high &+ UInt64(size - 1))
    }
  }

  /// The lowest address of several words; nil: it was refused.
  private func many(
    _ count: Int, _ base: RegisterNumber, _ isDown: Bool, _ writesBack: Bool, isStore: Bool,
    _ state: inout CoreState, _ place: Place
  ) -> ValueRange? {
    let bytes = ValueRange.constant(UInt64(4 * count))
    let first = state.registers[Int(base)]
    let moved = isDown ? first.subtracting(bytes, 32) : first.adding(bytes, 32)
    let start = isDown ? moved : first
    let access = MemoryAccess(wordAt: base, alignment: 4)
    guard check(access, start, UInt8(4 * count), isStore: isStore, place) else { return nil }
    if writesBack { state.set(base, moved) }
    return start
  }

  private func loadMany(
    _ list: UInt16, _ base: RegisterNumber, _ isDown: Bool, _ writesBack: Bool,
    _ state: inout CoreState, _ place: Place
  ) -> Bool {
    let registers = (0..<16).filter { list >> UInt16($0) & 1 == 1 }
    guard
      let start = many(registers.count, base, isDown, writesBack, isStore: false, &state, place)
    else { return false }
    let access = MemoryAccess(wordAt: base)
    let values = registers.indices.map {
      load(start.adding(.constant(UInt64(4 * $0)), 32), access, state, place)
    }
    for (register, value) in zip(registers, values) where register != 15 {
      state.set(RegisterNumber(register), value)
    }
    guard registers.last == 15 else { return true }
    return jump(to: values[values.count - 1], state, place, needsThumb: true)
  }
}
