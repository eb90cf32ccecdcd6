import Emu

/// What an LED did, or any other two-valued thing: off at power-on, and then the ticks at which it changed. The first,
/// third, fifth... edge turn it on. It knows its name and colour only for those who show it.
public struct Waveform: Sendable, Hashable {
  public let name: String
  public let colour: Board.LED.Colour
  /// Strictly rising.
  public private(set) var edges: [Tick] = []
  /// Up to where it is known.
  public private(set) var end: Tick = 0

  public init(name: String, colour: Board.LED.Colour = .white, edges: [Tick] = [], end: Tick = 0) {
    self.name = name
    self.colour = colour
    for edge in edges { set(!isOn, at: edge) }
    extend(to: end)
  }

  public var isOn: Bool { edges.count % 2 == 1 }

  /// A new level. Two changes at one tick are none: nobody could have seen the first.
  public mutating func set(_ on: Bool, at tick: Tick) {
    extend(to: tick)
    if on == isOn { return }
    if edges.last == tick { edges.removeLast() } else { edges.append(tick) }
  }

  public mutating func extend(to tick: Tick) { end = Swift.max(end, tick) }
}

extension Waveform {
  public var risingEdges: Int { (edges.count + 1) / 2 }

  /// Ticks spent on, from power-on to the end.
  public var onTicks: Tick { onTicks(in: edges[...], until: end) }

  /// Rising edges a second, from the first to the last of them; nil with fewer than two.
  public func frequency(_ clock: Clock) -> Double? {
    guard let periods = wholePeriods else { return nil }
    // Integers up to here, so that the only rounding is that of the result.
    return Double(UInt128(periods.count) * UInt128(clock.hertz)) / Double(periods.ticks)
  }

  /// The share of time spent on, 0...1: over whole periods where there are any, so that it does not matter where in a
  /// period the run ends; otherwise over all of the run.
  public var dutyCycle: Double {
    if let periods = wholePeriods {
      let last = edges.count - (isOn ? 1 : 2)
      return Double(onTicks(in: edges[..<last], until: 0)) / Double(periods.ticks)
    }
    return end == 0 ? 0 : Double(onTicks) / Double(end)
  }

  /// How many periods lie between the first and the last rising edge, and how long they are together.
  private var wholePeriods: (count: Int, ticks: Tick)? {
    guard risingEdges >= 2 else { return nil }
    let last = edges[edges.count - (isOn ? 1 : 2)]
    return (risingEdges - 1, last - edges[0])
  }

  private func onTicks(in edges: ArraySlice<Tick>, until end: Tick) -> Tick {
    var total: Tick = 0
    var number = edges.startIndex
    while number < edges.endIndex {
      let off = number + 1 < edges.endIndex ? edges[number + 1] : end
      total += off - edges[number]
      number += 2
    }
    return total
  }
}
