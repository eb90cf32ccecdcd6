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
