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

  /// Shares of the time.
  struct Light {
    private var red = 0.0
    private var green = 0.0
    private var blue = 0.0

    private var most: Double { max(red, green, blue) }
    /// 0: dark; 1: the brightest is on all the time. Eyes see a twentieth of the light as much more than that.
    var strength: Double { most == 0 ? 0 : 0.25 + 0.75 * most }

    /// Its colour, 0…255 each, as light as `strength` says.
    func colour(_ strength: Double) -> (red: Int, green: Int, blue: Int) {
      let scale = most == 0 ? 0 : 255 * strength / most
      return (
        Int((red * scale).rounded()), Int((green * scale).rounded()), Int((blue * scale).rounded())
      )
    }

    fileprivate mutating func add(_ share: Double, _ colour: Board.LED.Colour) {
      if [.red, .amber, .white].contains(colour) { red = max(red, share) }
      if [.green, .white].contains(colour) { green = max(green, share) }
      if colour == .amber { green = max(green, share * 0.75) }
      if [.blue, .white].contains(colour) { blue = max(blue, share) }
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
