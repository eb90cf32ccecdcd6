import CoreShim

/// What a debugger asks of a machine that stands. Reading changes nothing, whatever is read; what is written goes into the run
/// as if it had always been so.
extension Machine {
  /// Bytes as the next instruction of a hart would load them, devices included; less where there are no more.
  ///
  /// Devices are asked in a copy of the machine, since many of them change by being read.
  public func peek(_ address: UInt64, count: Int, hart number: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    var copy: Machine?
    while bytes.count < count {
      let at = address &+ UInt64(bytes.count)
      let inPage = Int(Memory.pageSize - at % Memory.pageSize)
      guard let physical = harts[number].physical(at) else { break }
      let wanted = min(count - bytes.count, inPage)
      if let found = memory.read(physical, count: wanted) {
        bytes += found
        continue
      }
      if copy == nil { copy = try? Machine(snapshot()) }
      guard let found = copy?.harts[number].load(physical, atMost: wanted) else { break }
      bytes += found
    }
    return bytes
  }

  /// Where an address of a hart's next instruction is; nil: its loads would fault.
  public func physical(_ address: UInt64, hart number: Int = 0) -> UInt64? {
    harts[number].physical(address)
  }

  /// Writes memory, flash too, or makes one store to a device: 1, 2, 4 or 8 bytes. False: nothing took it.
  public func poke(_ address: UInt64, _ bytes: [UInt8], hart number: Int = 0) -> Bool {
    note(.poke(address: address, bytes: bytes, hart: number))
    var rest = bytes[...]
    while !rest.isEmpty {
      let at = address &+ UInt64(bytes.count - rest.count)
      let part = rest.prefix(Int(Memory.pageSize - at % Memory.pageSize))
      guard let physical = harts[number].physical(at),
        memory.write(Array(part), at: physical) || harts[number].store(physical, Array(part))
      else { return false }
      rest = rest.dropFirst(part.count)
    }
    return true
  }

  /// Writes flash or RAM at a physical address. False: there is none.
  public func program(_ bytes: [UInt8], at address: UInt64) -> Bool {
    note(.program(address: address, bytes: bytes))
    return memory.write(bytes, at: address)
  }

  /// False: there is no such register, or it cannot be so.
  public func set(_ register: RegisterName, to value: UInt64, hart number: Int = 0) -> Bool {
    note(.register(register, value: value, hart: number))
    return harts[number].set(register, to: value)
  }

  /// What a device holds, as its model has it, in words; nil: there is no such device.
  public func fields(ofDevice name: String) -> [(name: String, value: String)]? {
    guard let slot = board.slot(of: name) else { return nil }
    return Mirror(reflecting: bus.slots[slot].state).children.map {
      ($0.label ?? "", String(describing: $0.value))
    }
  }

  /// As the reset button does it: RAM, time and index stay.
  public func pressReset() {
    note(.reset)
    bus.requestReset(by: Event.core)
    _ = run(until: RunLimit(index: index))
  }
}

extension Hart {
  /// One load of a device; several where the bytes asked for are of several words. nil: a fault.
  fileprivate func load(_ address: UInt64, atMost count: Int) -> [UInt8]? {
    var size = widest
    while size > count || address % UInt64(size) != 0 { size /= 2 }
    if let value = access(address, size: size) { return value.bytes(size) }
    // Registers that can be had as words only.
    let offset = Int(address % 4)
    guard size != 4, let word = access(address &- UInt64(offset), size: 4) else { return nil }
    return Array(word.bytes(4).dropFirst(offset).prefix(count))
  }

  fileprivate func store(_ address: UInt64, _ bytes: [UInt8]) -> Bool {
    guard [1, 2, 4, widest].contains(bytes.count), address % UInt64(bytes.count) == 0 else {
      return false
    }
    let value = bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return access(address, size: bytes.count, storing: value) != nil
  }

  /// In bytes.
  private var widest: Int {
    if case .rv64 = bus.board.core { 8 } else { 4 }
  }

  private func access(_ address: UInt64, size: Int, storing value: UInt64? = nil) -> UInt64? {
    align()
    settle()
    var access = CoreAccess()
    access.address = address
    access.value = value ?? 0
    access.index = core_index(core)
    access.cycle = core_cycle(core)
    access.pc = pc
    access.size = UInt8(size)
    access.is_store = value != nil
    access.privileged = true
    bus.isDebuggers = true
    defer { bus.isDebuggers = false }
    return self.access(&access) == CORE_ACCESS_DONE ? access.value : nil
  }
}

extension UInt64 {
  fileprivate func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: self >> UInt64(8 * $0)) }
  }
}
