import Emu

extension RunPlan {
  /// The exit code of a run.
  func verdict(_ stop: Stop) -> Int32 {
    switch stop.reason {
    case .finisher, .semihosting, .htif, .sbiReset, .reset:
      if stop.code != 0 { return Int32(min(stop.code, ExitCode.largestOfGuest)) }
      // It is content with itself, but did not do what was asked for.
      return expectedText == nil ? ExitCode.success : ExitCode.failure
    case .timeLimit, .instructionLimit, .idle:
      return expectedText == nil ? ExitCode.success : ExitCode.limit
    case .expectText: return ExitCode.success
    case .failText: return ExitCode.failure
    case .fault where stop.isOurs: return ExitCode.software
    case .lockup, .trapLoop, .fault: return ExitCode.guestDied
    case .interrupted: return ExitCode.interrupted
    }
  }
}

extension Stop {
  /// The emulator's own fault.
  var isOurs: Bool { reason == .fault && detail.hasPrefix("emulator bug") }

  /// The guest can not go on.
  var isDeath: Bool { reason == .lockup || reason == .trapLoop || reason == .fault }
}
