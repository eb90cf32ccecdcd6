import Emu

/// What is moved by no instruction: by exceptions, by who answers calls, by devices.
extension Influences {
  // MARK: Exceptions and calls

  /// A Cortex-M's frame takes 27 words at most (ARM DDI 0403E.e, B1.5.6).
  private static let frame = 27

  mutating func addCore(_ before: Machine) throws(MachineError) {
    let usual = try trial()
    guard before.handler != usual.machine.handler else { return try addCall(before, usual) }
    // What an exception saves or brings back is a copy: it has one source.
    if case .memory = place {
      let registers = ([0, 1, 2, 3, 12, 14] + (4...11)).map { RegisterName.r($0) }
      for register in registers + [.xpsr] + (0...31).map({ .s($0) }) where sources.isEmpty {
        try addRegister(register, before, usual)
      }
      return
    }
    for pointer in [RegisterName.msp, .psp] {
      guard let end = usual.machine.harts[step.hart].value(of: pointer) else { continue }
      for number in 1...Self.frame + 1 where sources.isEmpty {
        let address = (end &- UInt64(4 * number)) & 0xFFFF_FFFF
        try addMemory(ValuePlace.Bytes(address, size: 4), before, usual)
      }
    }
  }

  /// Of what was asked for, and with what.
  private mutating func addCall(_ before: Machine, _ usual: Trial) throws(MachineError) {
    for register in StepCode(before, at: step.pc).candidates(before, place) {
      try addRegister(register, before, usual)
    }
  }

  private mutating func addRegister(
    _ register: RegisterName, _ before: Machine, _ usual: Trial
  ) throws(MachineError) {
    guard let value = before.harts[step.hart].value(of: register) else { return }
    let changed = try trial {
      _ = $0.set(register, to: ~value & Self.mask(register), hart: step.hart)
    }
    if changed.isOther(usual) { sources.append(.register(register, hart: step.hart)) }
  }

  // MARK: Devices that move data

  /// Reads before a write that are tried, the nearest first.
  private static let mostReads = 32

  mutating func addTransfers(of device: Int, _ before: Machine) throws(MachineError) {
    guard case .memory(let bytes) = place else { return }
    let usual = try transfers(of: device)
    guard let write = usual.all.lastIndex(where: { $0.isStore && $0.range.overlaps(bytes.range) })
    else { return }
    let stores = usual.all.filter(\.isStore)
    var seen: Set<Range<UInt64>> = []
    for read in usual.all[..<write].reversed() where !read.isStore && read.range.count <= 8 {
      if seen.count == Self.mostReads { break }
      if !seen.insert(read.range).inserted { continue }
      let source = ValuePlace.Bytes(read.range.lowerBound, size: read.range.count)
      guard before.memory.contains(source.physical, count: UInt64(source.size)) else {
        // A device's register: whoever reads it writes it next.
        if read == usual.all[write - 1] { sources.append(.memory(source)) }
        continue
      }
      let changed = try transfers(of: device) { Self.change(source, 0xFF, $0) }
      if changed.all.filter(\.isStore) == stores, changed.value != usual.value {
        sources.append(.memory(source))
      }
    }
    addRest(of: stores.filter { $0.by == .device(device) }.map(\.range))
  }

  private final class Log { var all: [Transfer] = [] }

  private func transfers(
    of device: Int, _ change: (Machine) -> Void = { _ in }
  ) throws(MachineError) -> (all: [Transfer], value: UInt64?) {
    let machine = try Machine(start)
    change(machine)
    let log = Log()
    machine.onTransfer = { if $0.by == .device(device) { log.all.append($0) } }
    _ = history.run(machine, until: RunLimit(tick: end, index: step.index + 1))
    machine.onTransfer = nil
    return (log.all, machine.value(of: place))
  }
}
