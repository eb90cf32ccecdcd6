import CoreShim

/// The emulator as the SBI firmware of an S-mode payload: SBI 2.0 with the extensions Base, TIME,
/// IPI, SRST and DBCN, and the legacy calls 0x00 to 0x08. What a hart keeps of it.
struct SBI: Sendable, Hashable, Codable {
  /// The time at which the timer interrupt becomes pending; `UInt64.max`: never.
  var timer: UInt64 = .max
}

/// What a call answers: a0 and a1, but for a legacy call, which has a0 only.
private struct Answer {
  enum Status: Int64 {
    case success = 0
    case failed = -1
    case notSupported = -2
    case invalidParameter = -3
  }
  var error: Int64 = 0
  var value: UInt64 = 0
  var isLegacy = false

  static func value(_ value: UInt64) -> Answer { Answer(value: value) }
  static func error(_ status: Status) -> Answer { Answer(error: status.rawValue) }
  static func legacy(_ value: Int64) -> Answer { Answer(error: value, isLegacy: true) }
}

extension RV64 {
  private enum Extension {
    static let base: UInt64 = 0x10
    static let time: UInt64 = 0x5449_4D45
    static let ipi: UInt64 = 0x0073_5049
    static let reset: UInt64 = 0x5352_5354
    static let console: UInt64 = 0x4442_434E
    static let all: Set<UInt64> = [base, time, ipi, reset, console]
  }
  private enum Pending {
    static let software: UInt64 = 1 << 1
    static let timer: UInt64 = 1 << 5
  }

  /// Answers the ecall that this hart has just made: a7 names the extension, a6 the function, a0..
  /// the arguments.
  func answerSBI() {
    let identifier = x(17)
    let function = x(16)
    record(
      .sbi, detail: identifier, value: function << 32 | x(10) & 0xFFFF_FFFF)
    let answer =
      switch identifier {
      case 0...8: legacy(identifier)
      case Extension.base: base(function)
      case Extension.time: function == 0 ? setTimer(x(10)) : .error(.notSupported)
      case Extension.ipi:
        function == 0 ? interrupt(mask: x(10), base: x(11)) : .error(.notSupported)
      case Extension.reset:
        function == 0 ? reset(type: x(10), reason: x(11)) : .error(.notSupported)
      case Extension.console: console(function)
      default: Answer.error(.notSupported)
      }
    x(10, UInt64(bitPattern: answer.error))
    if !answer.isLegacy { x(11, answer.value) }
  }

  private func base(_ function: UInt64) -> Answer {
    switch function {
    case 0: .value(2 << 24)  // specification 2.0
    case 1: .value(0x656D75)  // implementation: ours, "emu"
    case 2: .value(1)
    case 3: .value(Extension.all.contains(x(10)) || x(10) <= 8 ? 1 : 0)
    case 4...6: .value(0)  // mvendorid, marchid, mimpid
    default: .error(.notSupported)
    }
  }

  // MARK: Timer

  private func setTimer(_ time: UInt64) -> Answer {
    sbi?.timer = time
    core_rv64_set_mip(core, Pending.timer, 0)
    scheduleTimer(after: now)
    return .value(0)
  }

  private func scheduleTimer(after now: Tick) {
    guard let target = sbi?.timer, target != .max else { return schedule(at: .max) }
    // A writable mtime moves the goal; a goal that has passed is due behind this instruction.
    let count = target > bus.timeOffset ? target - bus.timeOffset : 0
    schedule(at: timebase.first(reaching: count) ?? .max)
  }

  func raiseTimer() {
    schedule(at: .max)
    core_rv64_set_mip(core, Pending.timer, Pending.timer)
  }

  // MARK: Interrupts between harts

  private func interrupt(mask: UInt64, base: UInt64) -> Answer {
    if base == .max {
      core_rv64_set_mip(core, Pending.software, Pending.software)
      return .value(0)
    }
    let harts = UInt64(bus.harts.count)
    let named = (0..<64).filter { mask >> $0 & 1 == 1 }.map { base &+ UInt64($0) }
    if named.contains(where: { $0 >= harts }) { return .error(.invalidParameter) }
    for hart in named {
      core_rv64_set_mip(bus.harts[Int(hart)].core, Pending.software, Pending.software)
    }
    return .value(0)
  }

  // MARK: Reset

  private func reset(type: UInt64, reason: UInt64) -> Answer {
    // Reasons 0 and 1 are the specification's, those from 0xE0000000 the implementation's and the
    // vendor's.
    let isReason = reason <= 1 || 0xE000_0000...0xFFFF_FFFF ~= reason
    switch type {
    case 0 where isReason:
      end(.sbiReset, code: reason == 0 ? 0 : reason == 1 ? 1 : UInt32(reason & 0xFFFF_FFFF))
    case 1 where isReason, 2 where isReason: requestReset()
    default: return .error(.invalidParameter)
    }
    return .value(0)
  }

  // MARK: Console

  private func console(_ function: UInt64) -> Answer {
    switch function {
    case 0:
      // a1 and a2: the address, which on RV64 is all in a1.
      guard x(12) == 0, x(10) <= UInt64(Int32.max),
        let bytes = memory.read(x(11), count: Int(x(10)))
      else { return .error(.invalidParameter) }
      for byte in bytes { write(byte, from: .sbi) }
      return .value(UInt64(bytes.count))
    case 1:
      guard x(12) == 0, memory.contains(x(11), count: max(x(10), 1)) else {
        return .error(.invalidParameter)
      }
      var bytes: [UInt8] = []
      while UInt64(bytes.count) < x(10), let byte = readInput() { bytes.append(byte) }
      memory.write(bytes, at: x(11))
      return .value(UInt64(bytes.count))
    case 2:
      write(UInt8(truncatingIfNeeded: x(10)), from: .sbi)
      return .value(0)
    default: return .error(.notSupported)
    }
  }

  // MARK: Legacy calls, which answer in a0 alone

  private func legacy(_ identifier: UInt64) -> Answer {
    switch identifier {
    case 0: _ = setTimer(x(10))
    case 1: write(UInt8(truncatingIfNeeded: x(10)), from: .sbi)
    case 2: return .legacy(readInput().map(Int64.init) ?? -1)
    case 3: core_rv64_set_mip(core, Pending.software, 0)
    case 4:
      // a0 points at a mask of harts; 0: all of them.
      guard let mask = x(10) == 0 ? 1 : memory.load(x(10), as: UInt64.self) else {
        return .legacy(Answer.Status.invalidParameter.rawValue)
      }
      return .legacy(interrupt(mask: mask, base: 0).error)
    case 5, 6, 7: break  // fences: this hart sees its own code and page tables at once
    default: end(.sbiReset)
    }
    return .legacy(0)
  }
}
