import Emu

/// What eyes see of LEDs that are one part, of which more than one did something: the mixture of their light.
struct Mixture {
  let part: String
  let waves: [Waveform]

  /// In the order in which parts come.
  static func mixtures(of waves: [Waveform]) -> [Mixture] {
    var parts: [String] = []
    for wave in waves { if let part = wave.part, !parts.contains(part) { parts.append(part) } }
    return parts.compactMap { part in
      let waves = waves.filter { $0.part == part && $0.edgeCount > 0 }
      return waves.count < 2 ? nil : Mixture(part: part, waves: waves)
    }
  }

  /// 0…255 each.
  struct Light {
    var red = 0
    var green = 0
    var blue = 0
    var isDark: Bool { red + green + blue == 0 }

    fileprivate mutating func add(_ share: Double, _ colour: Board.LED.Colour) {
      let light = Int((255 * share).rounded())
      if [.red, .amber, .white].contains(colour) { red = max(red, light) }
      if [.green, .white].contains(colour) { green = max(green, light) }
      if colour == .amber { green = max(green, light * 3 / 4) }
      if [.blue, .white].contains(colour) { blue = max(blue, light) }
    }
  }

  /// Between each border and the next: a LED is as light as its share of the time that it is on.
  func light(_ borders: [Tick]) -> [Light] {
    var columns = [Light](repeating: Light(), count: borders.count - 1)
    for wave in waves {
      for (column, cell) in Cell.cells(of: wave, borders: borders).enumerated() {
        columns[column].add(cell.share, wave.colour)
      }
    }
    return columns
  }
}
