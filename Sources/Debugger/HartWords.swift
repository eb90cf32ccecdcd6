import Emu

extension Machine {
  /// What a list of threads says of a hart.
  package func words(of hart: Hart) -> String {
    var words: [String] = []
    if let mode = hart.value(of: .privilege) {
      words.append([0: "U mode", 1: "S mode", 3: "M mode"][mode] ?? "mode \(mode)")
    } else if let xpsr = hart.value(of: .xpsr) {
      words.append(xpsr & 0x1FF == 0 ? "thread mode" : "exception \(xpsr & 0x1FF)")
    }
    if hart.isAsleep { words.append("asleep") }
    return words.joined(separator: ", ")
  }
}
