import Emu

extension RunPlan {
  /// The exit code of a run; `hasQuit`: its user ended it, content.
  func verdict(
    _ stop: Stop, hasQuit: Bool, hasFindings: Bool, hasGoodFrames: Bool = true
  ) -> Int32 {
    let code = hasQuit ? ExitCode.success : verdict(stop)
    let isBad = isStrict && hasFindings || !hasGoodFrames
    return code == ExitCode.success && isBad ? ExitCode.failure : code
  }

  /// There is nothing that has not come when the run ends by itself.
  private var isContent: Bool {
    expectedText == nil && script == nil && replay?.recording.start.isScripted != true
  }

  func verdict(_ stop: Stop) -> Int32 {
    switch stop.reason {
    case .finisher, .semihosting, .htif, .sbiReset, .reset:
      if stop.code != 0 { return Int32(min(stop.code, ExitCode.largestOfGuest)) }
      // It is content with itself, but did not do what was asked for.
      return isContent ? ExitCode.success : ExitCode.failure
    case .timeLimit, .instructionLimit, .idle:
      return isContent ? ExitCode.success : ExitCode.limit
    case .script: return stop.code == 0 ? ExitCode.success : ExitCode.failure
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
