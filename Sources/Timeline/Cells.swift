import Emu

/// A column of a drawn waveform.
enum Cell: Hashable {
  case off
  case on
  /// Pulses too short to be drawn one by one; the share of time that it was on around there, 0...1.
  case both(Double)
}

extension Cell {
  /// Between each border and the next. A column with one edge shows the level it has for longer. But where a pulse is
  /// shorter than a column, even one with its edges in two of them, both say so: none is lost.
  static func cells(of wave: Waveform, borders: [Tick]) -> [Cell] {
    let stretches = stretches(of: wave, borders: borders)
    return stretches.indices.map { number in
      let stretch = stretches[number]
      if stretch.hasShortPulse || stretch.edges > 1 {
        // Neighbours included: a regular fast signal is to look even, though it does not meet the columns evenly.
        let around = stretches[max(0, number - 1)...min(stretches.count - 1, number + 1)]
        let (on, all) = around.reduce((0.0, 0.0)) {
          ($0.0 + Double($1.on), $0.1 + Double($1.length))
        }
        return .both(all == 0 ? 0 : on / all)
      }
      return stretch.on * 2 > stretch.length || (stretch.on * 2 == stretch.length && stretch.on > 0)
        ? .on : .off
    }
  }

  private struct Stretch {
    var length: Tick
    var on: Tick = 0
    var edges = 0
    var hasShortPulse = false
  }

  private static func stretches(of wave: Waveform, borders: [Tick]) -> [Stretch] {
    let edges = wave.edges
    var next = 0
    return (0..<max(0, borders.count - 1)).map { number in
      var stretch = Stretch(length: borders[number + 1] - borders[number])
      var from = borders[number]
      while next < edges.count && edges[next] < borders[number + 1] {
        if next % 2 == 1 { stretch.on += edges[next] - from }
        from = edges[next]
        stretch.edges += 1
        stretch.hasShortPulse =
          stretch.hasShortPulse
          || (next > 0 && edges[next] - edges[next - 1] < stretch.length)
          || (next + 1 < edges.count && edges[next + 1] - edges[next] < stretch.length)
        next += 1
      }
      if next % 2 == 1 { stretch.on += borders[number + 1] - from }
      return stretch
    }
  }

  func character(_ style: TextStyle) -> Character {
    switch self {
    case .off: style.unicode ? "▁" : "_"
    case .on: style.unicode ? "▔" : "#"
    case .both(..<0.25): style.unicode ? "░" : "."
    case .both(0.75...): style.unicode ? "▓" : "%"
    case .both: style.unicode ? "▒" : "+"
    }
  }

  /// The line of a waveform: what is on in its colour, what is off faint.
  static func draw(_ cells: [Cell], _ colour: Board.LED.Colour, _ style: TextStyle) -> String {
    var line = ""
    var rest = cells[...]
    while let first = rest.first {
      let same = rest.prefix { ($0 == .off) == (first == .off) }
      let text = String(same.map { $0.character(style) })
      line += first == .off ? style.faint(text) : style.paint(text, colour)
      rest = rest.dropFirst(same.count)
    }
    return line
  }
}
