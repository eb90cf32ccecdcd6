import Emu

/// The run so far in one line, for a terminal: the time and, for each LED that has done something, its state and waveform.
/// Where the end is known, the picture fills up to it; otherwise its scale doubles whenever it is full.
public struct LiveLine: Sendable {
  private let clock: Clock
  private let limit: Tick?
  private var horizon: Tick

  public init(_ clock: Clock, limit: Tick?) {
    self.clock = clock
    self.limit = limit
    horizon = limit ?? clock.hertz
  }

  /// Never wider than the style says: a line that wraps could not be drawn over.
  public mutating func draw(
    _ waves: [Waveform], now: Tick, instructions: UInt64, style: TextStyle
  ) -> String {
    while now > horizon { horizon *= 2 }
    let time = Quantity.time(picoseconds: clock.picoseconds(at: now), micro: style.micro)
    let active = waves.filter { $0.edgeCount > 0 }
    var line = time
    var used = time.count
    if let limit {
      let share = Quantity.fixed(100 * Double(min(now, limit)) / Double(max(limit, 1)), decimals: 0)
      line += "  \(share) %"
      used += share.count + 4
    }
    let names = active.reduce(0) { $0 + $1.name.count + 6 }
    let room = active.isEmpty ? 0 : (style.width - 1 - used - names) / active.count
    if room < 8 {
      // No room for pictures: the LEDs that fit, and how far it is.
      for wave in active where used + wave.name.count + 4 < style.width {
        line += "  \(wave.name) \(style.paint(DrawnTimeline.dot(wave.isOn, style), wave.colour))"
        used += wave.name.count + 4
      }
      let count = "  \(Quantity.grouped(instructions)) instructions"
      return used + count.count < style.width ? line + count : line
    }
    let scale = Scale(end: clock.picoseconds(at: horizon), width: min(room, 60))
    let borders = scale.borders(clock, end: now).filter { $0 < now } + [now]
    for wave in active {
      var wave = wave
      wave.extend(to: now)
      let cells = Cell.cells(of: wave, borders: borders)
      let dot = style.paint(DrawnTimeline.dot(wave.isOn, style), wave.colour)
      let blank = String(repeating: " ", count: max(0, scale.columns - cells.count))
      line += "  \(wave.name) \(dot) \(Cell.draw(cells, wave.colour, style))\(blank)"
    }
    return line
  }
}
