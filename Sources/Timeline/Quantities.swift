/// Numbers as people read them. Written out here because the formatters of Foundation would cost a run its start time.
public enum Quantity {
  /// "412 306"
  public static func grouped(_ number: some BinaryInteger) -> String {
    let digits = String(number.magnitude)
    var text = number < 0 ? "-" : ""
    for (position, digit) in digits.enumerated() {
      if position > 0 && (digits.count - position) % 3 == 0 { text.append(" ") }
      text.append(digit)
    }
    return text
  }

  /// "0.50": rounded, with exactly that many decimals.
  public static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let scale = (0..<decimals).reduce(UInt64(1)) { scale, _ in scale * 10 }
    let scaled = UInt64((abs(value) * Double(scale)).rounded())
    var text = String(scaled / scale)
    if decimals > 0 {
      let part = String(scaled % scale)
      text += "." + String(repeating: "0", count: decimals - part.count) + part
    }
    return value < 0 && scaled > 0 ? "-" + text : text
  }

  /// "1.00 Hz", "12.5 kHz": three digits that matter, whatever the size.
  public static func hertz(_ value: Double) -> String {
    let (scaled, unit) =
      switch value {
      case 999_500_000...: (value / 1e9, "GHz")
      case 999_500...: (value / 1e6, "MHz")
      case 999.5...: (value / 1e3, "kHz")
      default: (value, "Hz")
      }
    return "\(digits(scaled)) \(unit)"
  }

  /// "50 %", "99.7 %", "0.0015 %": more digits where it would look like nothing or everything.
  public static func percent(_ share: Double) -> String {
    if share > 0 && share < 0.000_001 { return "<0.0001 %" }
    // Nearly all is not all.
    let value = share >= 1 ? share * 100 : min(share * 100, 99.99)
    let distance = max(0, min(value, 100 - value))
    let decimals =
      switch distance {
      case 0: 0
      case ..<0.000_995: 5
      case ..<0.009_95: 4
      case _ where abs(value - value.rounded()) < 0.005: 0
      case 10...: 0
      case 0.1...: 1
      default: 2
      }
    return fixed(value, decimals: decimals) + " %"
  }

  private static func digits(_ value: Double) -> String {
    switch value {
    case 99.95...: fixed(value, decimals: 0)
    case 9.995...: fixed(value, decimals: 1)
    case 0.0995...: fixed(value, decimals: 2)
    case 0.009_95...: fixed(value, decimals: 4)
    case 0.000_995...: fixed(value, decimals: 5)
    default: fixed(value, decimals: 6)
    }
  }

  public static let picosecondsPerSecond: UInt128 = 1_000_000_000_000

  /// "10.000 s", "1.500 ms": a time with its unit and three decimals.
  public static func time(picoseconds: UInt128, micro: String = "µ") -> String {
    let (unit, name) = unit(for: picoseconds, micro: micro)
    let thousandths = picoseconds / (unit / 1000)
    let part = String(thousandths % 1000)
    return "\(grouped(thousandths / 1000))."
      + String(repeating: "0", count: 3 - part.count) + part + " \(name)"
  }

  /// The largest unit of which there is at least one.
  static func unit(for picoseconds: UInt128, micro: String) -> (picoseconds: UInt128, name: String)
  {
    switch picoseconds {
    case 1_000_000_000_000...: (1_000_000_000_000, "s")
    case 1_000_000_000...: (1_000_000_000, "ms")
    case 1_000_000...: (1_000_000, micro + "s")
    default: (1000, "ns")
    }
  }
}
