import Emu

/// What an LED did, or any other two-valued thing: off at power-on, and then the ticks at which it changed. The first,
/// third, fifth... edge turn it on. It knows its name, colour and part only for those who show it.
public struct Waveform: Sendable, Hashable {
  public let name: String
  public let colour: Board.LED.Colour
  /// What it shares with others: `Board.LED.part`.
  public let part: String?
  /// Strictly rising. All of them, or the latest where `most` has been passed; then the first of these is a rising one.
  public private(set) var edges: [Tick] = []
  /// The edges before those, summed up.
  public private(set) var bursts: [Burst] = []
  /// Up to where it is known.
  public private(set) var end: Tick = 0
  /// Of all edges but perhaps the last, which may yet be undone.
  private var settled = Figures()
  private var count = 0
  /// Edges that are kept one by one.
  private let most: Int

  public init(
    name: String, colour: Board.LED.Colour = .white, part: String? = nil, edges: [Tick] = [],
    end: Tick = 0, most: Int = .max
  ) {
    self.name = name
    self.colour = colour
    self.part = part
    self.most = max(most, 4 * Burst.edges)
    for edge in edges { set(!isOn, at: edge) }
    extend(to: end)
  }

  /// Of a LED that has not been on.
  public init(_ led: Board.LED, most: Int = .max) {
    self.init(name: led.name, colour: led.colour, part: led.part, most: most)
  }

  public var isOn: Bool { count % 2 == 1 }
  /// How many edges there were in all.
  public var edgeCount: Int { count }

  /// A new level. Two changes at one tick are none: nobody could have seen the first.
  public mutating func set(_ on: Bool, at tick: Tick) {
    extend(to: tick)
    if on == isOn { return }
    if edges.last == tick {
      edges.removeLast()
      count -= 1
      return
    }
    if settled.edges < count, let last = edges.last { settled.add(last) }
    edges.append(tick)
    count += 1
    if edges.count >= most { sumUp() }
  }

  public mutating func extend(to tick: Tick) { end = Swift.max(end, tick) }

  /// Edges, times and what follows from them, over the whole run.
  public var figures: Figures {
    var figures = settled
    if figures.edges < count, let last = edges.last { figures.add(last) }
    figures.close(at: end)
    return figures
  }
}

// MARK: More edges than anybody can look at

extension Waveform {
  /// Some edges of the past, from a rising one up to the next that is not among them.
  public struct Burst: Sendable, Hashable {
    static let edges = 64
    public var start: Tick
    public var end: Tick
    public var on: Tick
  }

  /// The older half of the edges becomes bursts, and bursts that have become many are joined in pairs: a run that goes on for
  /// ever fills no memory.
  private mutating func sumUp() {
    let groups = edges.count / 2 / Burst.edges
    for group in 0..<groups {
      let first = group * Burst.edges
      let last = first + Burst.edges
      var on: Tick = 0
      for number in stride(from: first, to: last, by: 2) { on += edges[number + 1] - edges[number] }
      bursts.append(Burst(start: edges[first], end: edges[last], on: on))
    }
    edges.removeFirst(groups * Burst.edges)
    guard bursts.count > most / Burst.edges else { return }
    bursts = stride(from: 0, to: bursts.count, by: 2).map { number in
      guard number + 1 < bursts.count else { return bursts[number] }
      let (one, two) = (bursts[number], bursts[number + 1])
      return Burst(start: one.start, end: two.end, on: one.on + two.on)
    }
  }
}

// MARK: Figures

extension Waveform {
  /// What can be said of edges in numbers, kept while edge after edge goes by. Times are ticks.
  public struct Figures: Sendable, Hashable {
    public private(set) var edges = 0
    /// Spent on, from power-on to the end.
    public private(set) var onTicks: Tick = 0
    /// The longest stretches of either, the last one up to the end.
    public private(set) var longestOn: Tick = 0
    public private(set) var longestOff: Tick = 0
    /// From one rising edge to the next.
    public private(set) var shortestPeriod: Tick?
    public private(set) var longestPeriod: Tick?
    private var firstRise: Tick = 0
    private var lastRise: Tick = 0
    private var lastFall: Tick = 0
    /// On before the last rising edge.
    private var onInPeriods: Tick = 0
    private var end: Tick = 0

    public var risingEdges: Int { (edges + 1) / 2 }

    fileprivate mutating func add(_ edge: Tick) {
      if edges % 2 == 1 {
        onTicks += edge - lastRise
        longestOn = max(longestOn, edge - lastRise)
        lastFall = edge
      } else {
        longestOff = max(longestOff, edge - lastFall)
        if edges == 0 {
          firstRise = edge
        } else {
          let period = edge - lastRise
          shortestPeriod = min(shortestPeriod ?? period, period)
          longestPeriod = max(longestPeriod ?? period, period)
        }
        lastRise = edge
        onInPeriods = onTicks
      }
      edges += 1
    }

    fileprivate mutating func close(at end: Tick) {
      self.end = end
      if edges % 2 == 1 {
        onTicks += end - lastRise
        longestOn = max(longestOn, end - lastRise)
      } else {
        longestOff = max(longestOff, end - lastFall)
      }
    }

    /// How far periods are apart at most; nil with fewer than two of them.
    public var jitter: Tick? {
      guard risingEdges >= 3, let longestPeriod, let shortestPeriod else { return nil }
      return longestPeriod - shortestPeriod
    }

    /// Rising edges a second, from the first to the last of them; nil with fewer than two.
    public func frequency(_ clock: Clock) -> Double? {
      if risingEdges < 2 { return nil }
      // Integers up to here, so that the only rounding is that of the result.
      return Double(UInt128(risingEdges - 1) * UInt128(clock.hertz)) / Double(lastRise - firstRise)
    }

    /// The share of time spent on, 0...1: over whole periods where there are any, so that it does not matter where in a
    /// period the run ends; otherwise over all of the run.
    public var dutyCycle: Double {
      if risingEdges >= 2 { return Double(onInPeriods) / Double(lastRise - firstRise) }
      return end == 0 ? 0 : Double(onTicks) / Double(end)
    }

    /// Charge that flowed, in millicoulombs, for a current in milliamperes.
    public func charge(milliamperes: Double, _ clock: Clock) -> Double {
      milliamperes * Double(onTicks) / Double(clock.hertz)
    }
  }

  public var risingEdges: Int { figures.risingEdges }
  public var onTicks: Tick { figures.onTicks }
  public func frequency(_ clock: Clock) -> Double? { figures.frequency(clock) }
  public var dutyCycle: Double { figures.dutyCycle }
}
