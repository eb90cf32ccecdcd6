import Emu

/// Where a line leads, as text: "irq 5", "nmi", "hart 0 mip 7", "plic.10".
enum WireText {
  static let form =
    "where a line leads: irq 5, nmi, hart 0 mip 7, or the input of a device, plic.10"

  static func wire(_ text: String) -> Board.Wire? {
    let words = text.split(separator: " ")
    if text == "nmi" { return .nmi }
    if words.count == 2, words[0] == "irq", let number = Int(words[1]), 0..<240 ~= number {
      return .interrupt(number)
    }
    if words.count == 4, words[0] == "hart", words[2] == "mip", let hart = Int(words[1]),
      let bit = Int(words[3]), 0..<Board.mostHarts ~= hart, 0..<64 ~= bit
    {
      return .interrupt(bit, hart: hart)
    }
    return pin(text).map { .input($0.1, of: $0.0) }
  }

  static func text(_ wire: Board.Wire, _ core: Board.Core) -> String {
    switch (wire, core) {
    case (.nmi, _): "nmi"
    case (.interrupt(let number, _), .cortexM4): "irq \(number)"
    case (.interrupt(let bit, let hart), .rv64): "hart \(hart) mip \(bit)"
    case (.input(let line, let name), _): "\(name).\(line)"
    }
  }

  /// "gpiof.1"
  static func pin(_ text: String) -> (String, Int)? {
    guard let dot = text.lastIndex(of: "."), dot != text.startIndex,
      let number = Int(text[text.index(after: dot)...]), 0..<1024 ~= number
    else { return nil }
    return (String(text[..<dot]), number)
  }

  /// "3" or "0..7"
  static func lines(_ text: String) -> ClosedRange<Int>? {
    let ends = text.split(separator: ".").map { Int($0) }
    guard let first = ends.first, let first, let last = ends.last, let last, ends.count <= 2,
      ends.count == 1 || text == "\(first)..\(last)", 0...last ~= first, last < 64
    else { return nil }
    return first...last
  }

  /// The same for the n-th line behind it.
  static func shifted(_ wire: Board.Wire, by number: Int) -> Board.Wire {
    switch wire {
    case .nmi: wire
    case .interrupt(let first, let hart): .interrupt(first + number, hart: hart)
    case .input(let first, let name): .input(first + number, of: name)
    }
  }
}
