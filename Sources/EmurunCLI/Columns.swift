import Timeline

/// Lines of words below each other.
struct Columns {
  private var rows: [[String]] = []
  /// By column; text is on the left.
  private let isNumber: [Bool]

  /// "lrr": left, right, right.
  init(_ columns: String) { isNumber = columns.map { $0 == "r" } }

  mutating func add(_ cells: String...) { rows.append(cells) }

  func lines(indent: Int = 2) -> [String] {
    let widths = isNumber.indices.map { column in
      rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += (column > 0 ? "  " : "") + (isNumber[column] ? padding + cell : cell + padding)
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

extension String {
  /// A name out of a file, on one line of a terminal.
  var printable: String {
    guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return self
    }
    return String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
