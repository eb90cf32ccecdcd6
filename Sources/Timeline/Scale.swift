import Emu

/// How time maps to columns. A column is a round stretch of time, so that a regular signal looks regular and marks fall on
/// columns; the last one may be cut short by the end.
struct Scale {
  let column: UInt128
  let columns: Int

  /// The finest scale on which everything up to `end` fits into `width` columns. Times are picoseconds.
  init(end: UInt128, width: Int) {
    let width = UInt128(max(width, 1))
    var decade: UInt128 = 1000
    while true {
      // Not 2: half of a second would be two and a half columns of 200 ms.
      for column in [decade, decade * 5 / 4, decade * 5 / 2, decade * 5] {
        // What is less than a quarter of a column goes with the one before it.
        let columns = max(1, (end + column * 3 / 4) / column)
        if columns <= width {
          self.column = column
          self.columns = Int(columns)
          return
        }
      }
      decade *= 10
    }
  }

  /// The tick at which each column begins, and the end of the last.
  func borders(_ clock: Clock, end: Tick) -> [Tick] {
    (0..<columns).map { number in
      let exact = UInt128(number) * column * UInt128(clock.hertz)
      let tick = (exact + Quantity.picosecondsPerSecond - 1) / Quantity.picosecondsPerSecond
      return min(Tick(clamping: tick), end)
    } + [end]
  }
}

extension Scale {
  /// "╵0 s      ╵2 s": marks at round times, each with room for its label.
  func axis(_ style: TextStyle) -> String {
    var line = ""
    var used = 0
    for mark in marks(end: column * UInt128(columns), micro: style.micro) {
      let position = Int(mark.time / column)
      let label = (style.unicode ? "╵" : "|") + mark.label
      let unit =
        label.count
        - (label.lastIndex(of: " ").map { label.distance(from: label.startIndex, to: $0) } ?? 0)
      // The last label may stick out a little, but not by more than itself would be without its unit.
      if position > 0 && position + label.count > columns + unit { break }
      line += String(repeating: " ", count: position - used) + label
      used = position + label.count
    }
    return line
  }

  /// Round times from 0 up to before the end, each with room for its label, or for `room` columns.
  func marks(
    end: UInt128, room: Int = 0, micro: String = "µ"
  ) -> [(time: UInt128, label: String)] {
    let (unit, name) = Quantity.unit(for: column * UInt128(columns), micro: micro)
    let step = self.step(unit: unit, name: name, room: room)
    return stride(from: 0, to: end, by: Int128.Stride(step)).map {
      ($0, Self.label($0, unit, name))
    }
  }

  /// 1, 2 or 5 times a power of ten, in whole columns, with room for the longest label.
  private func step(unit: UInt128, name: String, room: Int) -> UInt128 {
    let end = column * UInt128(columns)
    var decade: UInt128 = 1000
    while true {
      for step in [decade, decade * 2, decade * 5] where step % column == 0 {
        let widest = Self.label(end / step * step, unit, name).count
        let fraction = Self.label(step, unit, name).count
        if step / column >= UInt128(max(widest + 3, fraction + 3, room)) || step > end {
          return step
        }
      }
      decade *= 10
    }
  }

  /// Without decimals that say nothing: "2 s", "0.5 s".
  private static func label(_ time: UInt128, _ unit: UInt128, _ name: String) -> String {
    var text = String(time / unit)
    var rest = time % unit
    if rest > 0 {
      text += "."
      var digit = unit / 10
      while rest > 0 {
        text += String(rest / digit)
        rest %= digit
        digit /= 10
      }
    }
    return "\(text) \(name)"
  }
}
