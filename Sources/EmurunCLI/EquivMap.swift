import Emu

/// What of A is what of B: lines such as `led PF1 = led0`, `ignore numbers` and `ignore end`.
struct EquivMap {
  struct Pair {
    let a: String
    let b: String
  }
  let pairs: [Pair]
  /// Of a number in the text it only counts that there is one.
  let ignoresNumbers: Bool
  /// Whether and with what a run ends is no matter.
  let ignoresEnd: Bool
  private let path: String

  init(_ bytes: [UInt8], path: String) throws(Refusal) {
    var pairs: [Pair] = []
    var ignored: Set<String> = []
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let words = line.prefix { $0 != "#" }.split { $0.isWhitespace }.map(String.init)
      if words.isEmpty { continue }
      if words == ["ignore", "numbers"] || words == ["ignore", "end"] {
        ignored.insert(words[1])
        continue
      }
      guard words.count == 4, words[0] == "led", words[2] == "=" else {
        throw Refusal(
          ExitCode.badData,
          "\(path): line \(number + 1): write it as led PF1 = led0, ignore numbers or ignore end")
      }
      if pairs.contains(where: { $0.a == words[1] || $0.b == words[3] }) {
        throw Refusal(
          ExitCode.badData, "\(path): line \(number + 1): one of them has a name already")
      }
      pairs.append(Pair(a: words[1], b: words[3]))
    }
    self.pairs = pairs
    ignoresNumbers = ignored.contains("numbers")
    ignoresEnd = ignored.contains("end")
    self.path = path
  }

  /// The number of each pair, by one of its names.
  func names(_ side: KeyPath<EquivMap.Pair, String>) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: pairs.enumerated().map { ($1[keyPath: side], $0) })
  }

  func check(_ a: Board, _ b: Board) throws(Refusal) {
    for (names, board) in [(pairs.map(\.a), a), (pairs.map(\.b), b)] {
      for name in names where !board.leds.contains(where: { $0.name == name }) {
        let known = board.leds.map(\.name).joined(separator: ", ")
        throw Refusal(
          ExitCode.badData, "\(path): \(board.name) has no LED \(name); it has \(known)")
      }
    }
  }
}
