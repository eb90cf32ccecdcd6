import Debugger
import Emu

/// Breakpoints that stop where something is true, and those that say something in place of a stop.
extension Adapter {
  /// The machine is at breakpoints, and all of them let it go on. Nothing is said on the way back.
  func passes(_ target: Target) -> Bool {
    let hart = target.machine.hart
    let entries = target.breakpoints.entries(at: hart.pc)
    if entries.allSatisfy({ $0.condition == nil && $0.log == nil }) { return false }
    let evaluation = Evaluation(
      target, hart: Int(hart.number), FrameID(hart: Int(hart.number), level: 0))
    var passes = true
    for entry in entries {
      if let condition = entry.condition {
        do throws(Failure) {
          if try !evaluation.value(of: condition).isTrue { continue }
        } catch {
          if !target.isBackwards { say("the condition \(condition): \(error.words)\n") }
          passes = false
          continue
        }
      }
      guard let log = entry.log else {
        passes = false
        continue
      }
      if !target.isBackwards { say(words(log, evaluation) + "\n") }
    }
    return passes
  }

  /// Expressions in braces by their values.
  private func words(_ log: String, _ evaluation: Evaluation) -> String {
    var words = ""
    var rest = log[...]
    while let start = rest.firstIndex(of: "{"), let end = rest[start...].firstIndex(of: "}") {
      words += rest[..<start]
      let expression = String(rest[rest.index(after: start)..<end])
      do throws(Failure) {
        words += evaluation.words(try evaluation.value(of: expression))
      } catch {
        words += "<\(error.words)>"
      }
      rest = rest[rest.index(after: end)...]
    }
    return words + rest
  }
}
