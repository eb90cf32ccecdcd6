import CoreShim

/// The emulator as the SBI firmware of an S-mode payload: the RISC-V Supervisor Binary Interface
/// Specification, version 2.0. What a hart keeps of it; its extensions are in the files beside.
struct SBI: Sendable, Hashable, Codable {
  /// The time at which the timer interrupt becomes pending; `UInt64.max`: never.
  var timer: UInt64 = .max
  var state = HartState.started
  /// Where it goes on when it is woken; nil: where it is.
  var resume: Resume?
  var firmwareEvents = FirmwareEvents()

  /// Chapter 9, table "HSM Hart States". What it starts or stops is done at once.
  enum HartState: UInt64, Sendable, Hashable, Codable {
    case started = 0
    case stopped = 1
    case suspended = 4
  }

  struct Resume: Sendable, Hashable, Codable {
    var pc: UInt64
    var opaque: UInt64
  }

  /// Chapter 3, table "Standard SBI Errors".
  enum Status: Int64 {
    case success = 0
    case failed = -1
    case notSupported = -2
    case invalidParameter = -3
    case denied = -4
    case invalidAddress = -5
    case alreadyAvailable = -6
    case alreadyStarted = -7
    case alreadyStopped = -8
    case noSharedMemory = -9
  }

  /// What a call answers: a0 and a1.
  struct Answer {
    var status = Status.success
    var value: UInt64 = 0

    static let success = Answer()
    static func value(_ value: UInt64) -> Answer { Answer(value: value) }
    static func error(_ status: Status) -> Answer { Answer(status: status) }
  }

  enum Extension: UInt64, CaseIterable {
    case base = 0x10
    case timer = 0x5449_4D45
    case interrupts = 0x0073_5049
    case fences = 0x5246_4E43
    case harts = 0x0048_534D
    case reset = 0x5352_5354
    case counters = 0x0050_4D55
    case console = 0x4442_434E
    case suspend = 0x5355_5350
  }
}

extension RV64 {
  /// Answers the ecall that this hart has just made, at `pc`: a7 names the extension, a6 the
  /// function, a0 and up the arguments.
  func answerSBI(at pc: UInt64) {
    let identifier = x(17)
    let function = x(16)
    record(.sbi, detail: identifier, value: function << 32 | x(10) & 0xFFFF_FFFF)
    words[Int(CORE_RV64_PC)] = pc + 4
    if identifier <= SBI.lastLegacyCall {
      x(10, UInt64(bitPattern: legacy(identifier)))
      return
    }
    let answer = answer(SBI.Extension(rawValue: identifier), function)
    x(10, UInt64(bitPattern: answer.status.rawValue))
    x(11, answer.value)
    if sbi?.resume != nil && sleep == nil { resume() }
  }

  private func answer(_ called: SBI.Extension?, _ function: UInt64) -> SBI.Answer {
    switch called {
    case .base: base(function)
    case .timer: function == 0 ? setTimer(x(10)) : .error(.notSupported)
    case .interrupts: function == 0 ? sendInterrupt() : .error(.notSupported)
    case .fences: fence(function)
    case .harts: manageHarts(function)
    case .reset:
      function == 0 ? reset(type: x(10), reason: x(11)) : .error(.notSupported)
    case .counters: counters(function)
    case .console: console(function)
    case .suspend: function == 0 ? suspendSystem() : .error(.notSupported)
    case nil: .error(.notSupported)
    }
  }

  /// Chapter 4.
  private func base(_ function: UInt64) -> SBI.Answer {
    switch function {
    case 0: .value(2 << 24)  // specification 2.0
    case 1: .value(0x656D75)  // implementation: ours, "emu"
    case 2: .value(2)
    case 3:
      .value(x(10) <= SBI.lastLegacyCall || SBI.Extension(rawValue: x(10)) != nil ? 1 : 0)
    case 4: .value(csr(0xF11))
    case 5: .value(csr(0xF12))
    case 6: .value(csr(0xF13))
    default: .error(.notSupported)
    }
  }

  func csr(_ number: UInt32) -> UInt64 {
    var value: UInt64 = 0
    return core_rv64_csr(core, number, &value) ? value : 0
  }

  // MARK: Reset, chapter 10

  private func reset(type: UInt64, reason: UInt64) -> SBI.Answer {
    let type = UInt32(truncatingIfNeeded: type)
    let reason = UInt32(truncatingIfNeeded: reason)
    // Reasons 0 and 1 are the specification's, those from 0xE0000000 the implementation's and the
    // vendor's.
    guard type <= 2, reason <= 1 || reason >= 0xE000_0000 else { return .error(.invalidParameter) }
    if type == 0 {
      end(.sbiReset, code: reason)
    } else {
      requestReset()
    }
    return .success
  }
}
