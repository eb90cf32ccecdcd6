import Emu

extension Waveform {
  /// Does it beat at that frequency, from a tick on? Every period counts, not just their mean, and so does the time since the last
  /// one: an LED that has stopped beats no more.
  ///
  /// - Parameter share: how much of a period it may be too early or too late.
  public func blinks(
    at hertz: Double, within share: Double, _ clock: Clock, from start: Tick = 0
  ) -> Bool {
    let rises = stride(from: 0, to: edges.count, by: 2).map { edges[$0] }.filter { $0 >= start }
    guard rises.count >= 2, let first = rises.first, let last = rises.last else { return false }
    let wanted = Double(clock.hertz) / hertz
    // Half a tick is what rounding an exact frequency to whole ticks may cost.
    let slack = wanted * share + 0.5
    let isRegular = zip(rises, rises.dropFirst()).allSatisfy { rise, next in
      abs(Double(next - rise) - wanted) <= slack
    }
    return isRegular && Double(end - last) <= wanted + slack
      && (start == 0 || Double(first - start) <= wanted + slack)
  }

  /// What is known of it from its first rising edge behind a tick, under another name.
  public func window(from start: Tick, name: String) -> Waveform {
    let first = edges.firstIndex { $0 >= start } ?? edges.endIndex
    return Waveform(
      name: name, colour: colour, edges: Array(edges.dropFirst(first + first % 2)), end: end)
  }
}
