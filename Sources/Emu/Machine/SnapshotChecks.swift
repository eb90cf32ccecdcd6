/// What a file says of a machine is checked by those rules before anything computes with it. Sums of two counts below 2^62 do not
/// overflow, and no difference to a time that is over is negative.
private let mostCount: UInt64 = 1 << 62

extension Hart.Counts {
  func isSound(_ now: Tick) -> Bool {
    asleepSince <= now && interruptsEntered < mostCount && indexOffset < mostCount
      && tickOffset < mostCount
  }
}

extension Machine.Past {
  func isSound(_ now: Tick) -> Bool {
    let counts = [retired, traps.ecall, traps.ebreak, traps.svc, traps.interrupts, traps.faults]
    return asleep <= now && resets >= 0 && resets < 1 << 32 && counts.allSatisfy { $0 < mostCount }
      && (stop?.hart ?? 0) >= 0
  }
}

extension HTIF.State {
  var isSound: Bool { reads >= 0 && reads < 1 << 32 }
}

extension Bus.Rest {
  func isSound(on board: Board, _ options: MachineOptions, _ now: Tick) -> Bool {
    turns.isSound(harts: board.harts, quantum: options.quantum)
      && clock.isSound(now)
      && Set(gates.map(\.name)) == Set(board.devices.compactMap(\.gate))
      && gates.map(\.name) == Set(gates.map(\.name)).sorted()
      && gates.allSatisfy { gate in
        gate.closed <= now && clock.isSound(gate.missed, at: gate.isOpen ? now : gate.closed)
      }
      && protection.isSound
      && world.changes.allSatisfy { $0.isSound(on: board) }
      && findings.allSatisfy { $0.count > 0 && $0.count < 1 << 62 && $0.tick <= now }
  }
}

extension Bus.Rest {
  /// Of an instruction that takes several ticks, a deadline may be a little late.
  func isOverdue(_ deadline: Tick?, of device: Placement, _ now: Tick) -> Bool {
    guard let deadline else { return false }
    let gate = gates.first { $0.name == device.gate && !device.goesOnWithoutGate }
    let own = (gate.map { $0.isOpen ? now : $0.closed } ?? now) - (gate?.missed.ticks ?? 0)
    return own > 1 << 12 && deadline < own - 1 << 12
  }
}

extension World.Change {
  func isSound(on board: Board) -> Bool {
    moment.isSound && board.devices.indices.contains(slot)
      && board.buttons.contains { $0.device == board.devices[slot].name && $0.pin == pin }
  }
}

extension SBI {
  var isSound: Bool { firmwareEvents.isSound }
}

extension SystemControl {
  var isSound: Bool { priorityGroup <= 7 }
}

extension CortexMState {
  func isSound(interrupts: Int, _ now: Tick) -> Bool {
    let words = (Exception.firstIRQ + interrupts + 63) / 64
    let sets = [exceptions.pending, exceptions.enabled, exceptions.active, exceptions.levels]
    return r.count == 16 && s.count == 32 && r[15] & 1 == 0
      && sets.allSatisfy { $0.count == words }
      && exceptions.priority.count == Exception.firstIRQ + interrupts
      && exceptions.priority.allSatisfy { -3...255 ~= $0 }
      && exceptions.isSound(count: Exception.firstIRQ + interrupts)
      && system.isSound && sysTick.isSound(now) && cycles.isSound(now) && mpu.isSound
      && debug.isSound(now)
  }
}
