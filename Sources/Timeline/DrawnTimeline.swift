import Emu

/// The picture of a run in text: a line for each LED that did something, with its figures, and a time axis.
public enum DrawnTimeline {
  /// Nothing where nothing changed. No newline at the end of the last line.
  ///
  /// - Parameter here: a place to point at, below the axis.
  public static func draw(
    _ waves: [Waveform], _ clock: Clock, style: TextStyle, here: Tick? = nil
  ) -> String {
    let all = waves
    let waves = waves.filter { $0.edgeCount > 0 }
    guard let end = waves.map(\.end).max(), end > 0 else { return "" }
    let names = column(waves.map(\.name), .left)
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
      let cells = Cell.cells(of: wave, borders: borders)
      return "\(names[number]) \(dot)  \(Cell.draw(cells, wave.colour, style))\(figures[number])"
    }
    if let mixture = mixture(all, borders, style) {
      let name = "RGB" + String(repeating: " ", count: max(1, margin - 3))
      lines.append(name + mixture)
    }
    lines.append(String(repeating: " ", count: margin) + style.faint(scale.axis(style)))
    if let here {
      let column = borders.dropLast().lastIndex { $0 <= here } ?? 0
      lines.append(String(repeating: " ", count: margin + column) + (style.unicode ? "▲" : "^"))
    }
    return lines.joined(separator: "\n")
  }

  /// The colour that eyes see where one LED of each of three colours is one: for terminals that can show it.
  private static func mixture(
    _ waves: [Waveform], _ borders: [Tick], _ style: TextStyle
  ) -> String? {
    let parts = [Board.LED.Colour.red, .green, .blue].map { colour in
      waves.filter { $0.colour == colour }
    }
    guard style.colour, style.unicode, parts.allSatisfy({ $0.count == 1 }),
      parts.filter({ $0[0].edgeCount > 0 }).count > 1
    else { return nil }
    let shares = parts.map { Cell.cells(of: $0[0], borders: borders).map(\.share) }
    let cells = (0..<borders.count - 1).map { column in
      let light = shares.map { Int((255 * $0[column]).rounded()) }
      if light == [0, 0, 0] { return " " }
      return "\u{1B}[38;2;\(light[0]);\(light[1]);\(light[2])m█"
    }
    return cells.joined() + "\u{1B}[0m"
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
