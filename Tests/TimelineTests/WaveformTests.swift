import Emu
import Testing
import Timeline

@Suite struct WaveformTests {
  private let clock = Clock(hertz: 1_000_000)

  @Test func measuresAHeartbeat() {
    let wave = Waveform.square(
      "PF1", period: 1_000_000, on: 500_000, from: 500_000, to: 10_000_000)
    #expect(wave.edges.count == 19)
    #expect(wave.risingEdges == 10)
    #expect(wave.frequency(clock) == 1)
    #expect(wave.dutyCycle == 0.5)
    #expect(wave.onTicks == 5_000_000)
  }

  @Test func theEndOfTheRunDoesNotBendDutyOrFrequency() {
    for end: Tick in stride(from: 2_100_000, to: 4_000_000, by: 70_000) {
      let wave = Waveform.square("X", period: 500_000, on: 100_000, from: 3, to: end)
      #expect(wave.frequency(clock) == 2)
      #expect(wave.dutyCycle == 0.2)
    }
  }

  @Test func fewerThanTwoRisingEdgesHaveNoFrequency() {
    #expect(Waveform(name: "X", end: 10).frequency(clock) == nil)
    #expect(Waveform(name: "X", end: 10).dutyCycle == 0)
    #expect(Waveform(name: "X").dutyCycle == 0)
    let once = Waveform(name: "X", edges: [4], end: 10)
    #expect(once.frequency(clock) == nil)
    #expect(once.dutyCycle == 0.6)
    #expect(once.onTicks == 6)
    let pulse = Waveform(name: "X", edges: [4, 5], end: 10)
    #expect(pulse.frequency(clock) == nil)
    #expect(pulse.dutyCycle == 0.1)
  }

  @Test func changesThatNobodyCouldSeeAreNone() {
    var wave = Waveform(name: "X")
    wave.set(true, at: 5)
    wave.set(true, at: 6)
    wave.set(false, at: 7)
    wave.set(true, at: 7)
    #expect(wave.edges == [5])
    wave.set(false, at: 5)
    #expect(wave.edges == [])
  }

  @Test func figures() {
    let wave = Waveform(name: "X", edges: [10, 20, 40, 60, 75, 80, 100], end: 130)
    let figures = wave.figures
    #expect(figures.edges == 7 && figures.risingEdges == 4 && wave.edgeCount == 7)
    #expect(figures.onTicks == 10 + 20 + 5 + 30)
    #expect(figures.longestOn == 30 && figures.longestOff == 20)
    #expect(figures.shortestPeriod == 25 && figures.longestPeriod == 35 && figures.jitter == 10)
    #expect(figures.dutyCycle == Double(10 + 20 + 5) / 90)
    #expect(figures.charge(milliamperes: 2, clock) == 2 * 65e-6)
    let dark = Waveform(name: "X", end: 50).figures
    #expect(dark.longestOff == 50 && dark.longestOn == 0 && dark.jitter == nil)
    let still = Waveform(name: "X", edges: [0], end: 50).figures
    #expect(still.longestOn == 50 && still.longestOff == 0 && still.dutyCycle == 1)
  }

  /// However long it goes on, it fills no memory, and its figures are those of all its edges.
  @Test func manyEdgesAreSummedUp() {
    var random = SystemRandomNumberGenerator()
    var (tick, edges) = (0 as Tick, [Tick]())
    for _ in 0..<20_001 {
      tick += .random(in: 1...9, using: &random)
      edges.append(tick)
    }
    let whole = Waveform(name: "X", edges: edges, end: tick + 5)
    let short = Waveform(name: "X", edges: edges, end: tick + 5, most: 512)
    #expect(short.figures == whole.figures)
    #expect(short.isOn && short.edgeCount == edges.count)
    #expect(short.edges.count < 512 && short.bursts.count <= 512 / 64 + 1)
    #expect(short.edges[...] == edges.suffix(short.edges.count))
    #expect(short.bursts.first?.start == edges[0] && short.bursts.last?.end == short.edges.first)
    for (one, two) in zip(short.bursts, short.bursts.dropFirst()) { #expect(one.end == two.start) }
    let on = short.bursts.reduce(0) { $0 + $1.on }
    let rest = Waveform(name: "X", edges: short.edges, end: tick + 5)
    #expect(on + rest.onTicks == whole.onTicks)
  }

  @Test func anEdgeThatIsUndoneIsInNoFigure() {
    var wave = Waveform(name: "X", edges: [10, 20, 30])
    let before = wave.figures
    for tick in [40, 40, 40, 40] as [Tick] { wave.set(!wave.isOn, at: tick) }
    #expect(wave.figures.edges == before.edges && wave.edges == [10, 20, 30])
    wave.set(false, at: 50)
    #expect(wave.figures.onTicks == 30 && wave.figures.longestOn == 20)
  }

  @Test func aTraceFoldsToOneWaveformALED() {
    let events: [Event] = [
      .pin(1, 1, at: 10), .pin(7, 1, at: 11), .pin(2, 0, at: 12), .pin(1, 0, at: 20),
      .pin(2, 1, at: 25), .pin(1, 1, at: 30),
    ]
    let waves = Waveforms(.bench, events, end: 40)
    #expect(waves.leds.map(\.name) == ["RED", "LOW"])
    #expect(waves["RED"]?.edges == [10, 20, 30])
    #expect(waves["LOW"]?.edges == [12, 25])
    #expect(waves["RED"]?.end == 40)
    #expect(waves["PF9"] == nil)
  }
}
