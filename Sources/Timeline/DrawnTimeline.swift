import Emu

/// The picture of a run in text: a line for each LED that did something, with its figures, and a time axis.
public enum DrawnTimeline {
  /// Nothing where nothing changed. No newline at the end of the last line.
  ///
  /// - Parameter here: a place to point at, below the axis.
  public static func draw(
    _ waves: [Waveform], _ clock: Clock, style: TextStyle, here: Tick? = nil
  ) -> String {
    let waves = waves.filter { $0.edgeCount > 0 }
    guard let end = waves.map(\.end).max(), end > 0 else { return "" }
    let mixtures = style.colour && style.unicode ? Mixture.mixtures(of: waves) : []
    let names = column(waves.map(\.name) + mixtures.map(\.part), .left)
    let frequencies = column(waves.map { $0.frequency(clock).map(Quantity.hertz) ?? "" }, .right)
    let duties = column(waves.map { Quantity.percent($0.dutyCycle) }, .right)
    let edges = column(waves.map { Quantity.grouped($0.edgeCount) }, .right)
    let hasFrequency = waves.contains { $0.risingEdges > 1 }

    let figures = waves.indices.map { number in
      (hasFrequency ? "   " + frequencies[number] : "") + "  \(duties[number])"
        + "  \(edges[number]) \(waves[number].edgeCount == 1 ? "edge" : "edges")"
    }
    let margin = (names.first?.count ?? 0) + 4
    let room = style.width - margin - (figures.map(\.count).max() ?? 0)
    let scale = Scale(end: clock.picoseconds(at: end), width: max(room, 16))
    let borders = scale.borders(clock, end: end)

    var lines = waves.indices.map { number in
      let wave = waves[number]
      let dot = style.paint(dot(wave.isOn, style), wave.colour)
      // Of several runs one may end before the others.
      let known = borders.dropLast().prefix { $0 < wave.end }.count
      let cells = Cell.cells(of: wave, borders: borders).prefix(known)
      let line =
        Cell.draw(Array(cells), wave.colour, style)
        + String(repeating: " ", count: scale.columns - known)
      return "\(names[number]) \(dot)  \(line)\(figures[number])"
    }
    for (number, mixture) in mixtures.enumerated() {
      let cells = mixture.light(borders).map { light -> String in
        if light.strength == 0 { return " " }
        let colour = light.colour(light.strength)
        return "\u{1B}[38;2;\(colour.red);\(colour.green);\(colour.blue)m█"
      }
      lines.append("\(names[waves.count + number])    " + cells.joined() + "\u{1B}[0m")
    }
    lines.append(String(repeating: " ", count: margin) + style.faint(scale.axis(style)))
    if let here {
      let column = borders.dropLast().lastIndex { $0 <= here } ?? 0
      lines.append(String(repeating: " ", count: margin + column) + (style.unicode ? "▲" : "^"))
    }
    return lines.joined(separator: "\n")
  }

  static func dot(_ isOn: Bool, _ style: TextStyle) -> String {
    switch (isOn, style.unicode) {
    case (true, true): "●"
    case (false, true): "○"
    case (true, false): "*"
    case (false, false): "o"
    }
  }

  private enum Side {
    case left
    case right
  }

  /// All of one width.
  private static func column(_ texts: [String], _ side: Side) -> [String] {
    let width = texts.map(\.count).max() ?? 0
    return texts.map {
      let space = String(repeating: " ", count: width - $0.count)
      return side == .left ? $0 + space : space + $0
    }
  }
}
