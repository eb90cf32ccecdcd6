import Emu

/// A column of a drawn waveform.
enum Cell: Hashable {
  case off
  case on
  /// Pulses too short to be drawn one by one; the share of time that it was on around there, 0...1.
  case both(Double)
}

extension Cell {
  /// Between each border and the next. An edge is drawn at the nearest border, so a signal whose pulses are whole columns
  /// looks it, though it be a few instructions late. A pulse or gap that is shorter than most of a column, or that would
  /// vanish between two borders, makes the columns it touches say so: none is lost.
  static func cells(of wave: Waveform, borders: [Tick]) -> [Cell] {
    guard borders.count > 1 else { return [] }
    var columns = Columns(borders)
    for burst in wave.bursts { columns.add(burst) }
    for (number, edge) in wave.edges.enumerated() {
      let next = number + 1 < wave.edges.count ? wave.edges[number + 1] : nil
      columns.add(level: number % 2 == 0, from: edge, to: next)
    }
    return columns.cells()
  }

  /// Columns while edge after edge comes in.
  private struct Columns {
    private let borders: [Tick]
    private let count: Int
    /// The length of all columns but perhaps the last.
    private let length: Tick
    private var levels: [Bool]
    private var isShort: [Bool]
    private var on: [Tick]
    /// Columns before this one have their level.
    private var drawn = 0
    private var level = false

    init(_ borders: [Tick]) {
      self.borders = borders
      count = borders.count - 1
      length = max(1, borders[1] - borders[0])
      levels = Array(repeating: false, count: count)
      isShort = Array(repeating: false, count: count)
      on = Array(repeating: 0, count: count)
    }

    private func column(of tick: Tick) -> Int {
      // Columns are equal but for rounding, so the quotient is at most one off.
      var column = min(count - 1, Int((tick - borders[0]) / length))
      while column > 0 && tick < borders[column] { column -= 1 }
      while column < count - 1 && tick >= borders[column + 1] { column += 1 }
      return column
    }

    private func nearestBorder(to tick: Tick) -> Int {
      let column = column(of: tick)
      return tick - borders[column] < borders[column + 1] - min(tick, borders[column + 1])
        ? column : column + 1
    }

    mutating func add(level: Bool, from edge: Tick, to next: Tick?) {
      let start = nearestBorder(to: edge)
      draw(upTo: start)
      self.level = level
      let end = min(next ?? borders[count], borders[count])
      if level { addOn(edge, end) }
      guard let next else { return }
      let hasVanished = nearestBorder(to: next) == start
      if hasVanished || (next - edge) * 4 < length * 3 {
        let first = hasVanished ? column(of: edge + (next - edge) / 2) : column(of: edge)
        let last = hasVanished ? first : column(of: next - 1)
        for column in first...last { isShort[column] = true }
      }
    }

    /// Not one by one, and spread evenly over its time.
    mutating func add(_ burst: Waveform.Burst) {
      let (first, last) = (column(of: burst.start), column(of: burst.end - 1))
      let length = burst.end - burst.start
      for column in first...last {
        isShort[column] = true
        let here = min(burst.end, borders[column + 1]) - max(burst.start, borders[column])
        on[column] += Tick(UInt128(burst.on) * UInt128(here) / UInt128(length))
      }
    }

    private mutating func draw(upTo border: Int) {
      while drawn < min(border, count) {
        levels[drawn] = level
        drawn += 1
      }
    }

    private mutating func addOn(_ from: Tick, _ to: Tick) {
      if from >= to { return }
      for column in column(of: from)...column(of: to - 1) {
        on[column] += min(to, borders[column + 1]) - max(from, borders[column])
      }
    }

    mutating func cells() -> [Cell] {
      draw(upTo: count)
      return (0..<count).map { column in
        guard isShort[column] else { return levels[column] ? .on : .off }
        // Neighbours included: a regular fast signal is to look even, though it does not meet the columns evenly.
        let around = max(0, column - 1)...min(count - 1, column + 1)
        let length = borders[around.upperBound + 1] - borders[around.lowerBound]
        let share = around.reduce(0) { $0 + on[$1] }
        return .both(length == 0 ? 0 : Double(share) / Double(length))
      }
    }
  }
}

extension Cell {
  /// Of time that it was on, 0...1.
  var share: Double {
    switch self {
    case .off: 0
    case .on: 1
    case .both(let share): share
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
