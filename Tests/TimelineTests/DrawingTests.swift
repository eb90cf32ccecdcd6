import Emu
import Testing

@testable import Timeline

@Suite struct DrawingTests {
  private let clock = Clock(hertz: 1_000_000)

  private func draw(_ waves: [Waveform], _ style: TextStyle = TextStyle()) -> String {
    DrawnTimeline.draw(waves, clock, style: style)
  }

  @Test func heartbeat() {
    let wave = Waveform.square(
      "PF1", period: 1_000_000, on: 500_000, from: 500_000, to: 10_000_000)
    #expect(
      draw([wave]) == """
        PF1 ●  ▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔   1.00 Hz  50 %  19 edges
               ╵0 s    ╵2 s    ╵4 s    ╵6 s    ╵8 s
        """)
    #expect(
      draw([wave], TextStyle(width: 60, unicode: false)) == """
        PF1 *  _#_#_#_#_#_#_#_#_#_#   1.00 Hz  50 %  19 edges
               |0 s      |5 s
        """)
  }

  @Test func fourLEDsShareOneAxis() {
    let waves = [1, 2, 4, 8].map { (hertz: Tick) in
      Waveform.square(
        "LED\(hertz)", period: 1_000_000 / hertz, on: 500_000 / hertz, from: 500_000 / hertz,
        to: 5_000_000)
    }
    #expect(
      draw(waves + [Waveform(name: "DARK", end: 5_000_000)]) == """
        LED1 ●  ▁▁▁▁▔▔▔▔▁▁▁▁▔▔▔▔▁▁▁▁▔▔▔▔▁▁▁▁▔▔▔▔▁▁▁▁▔▔▔▔   1.00 Hz  50 %   9 edges
        LED2 ●  ▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔   2.00 Hz  50 %  19 edges
        LED4 ●  ▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔▁▔   4.00 Hz  50 %  39 edges
        LED8 ●  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒   8.00 Hz  50 %  79 edges
                ╵0 s    ╵1 s    ╵2 s    ╵3 s    ╵4 s
        """)
  }

  /// Nothing is drawn of a run behind its end.
  @Test func oneRunIsShorter() {
    let waves =
      [Waveform(name: "- X", edges: [100_000], end: 200_000)]
      + [Waveform(name: "+ X", edges: [100_000], end: 400_000)]
    #expect(
      draw(waves) == """
        - X ●  ▁▁▁▁▁▁▁▁▁▁▔▔▔▔▔▔▔▔▔▔                      50 %  1 edge
        + X ●  ▁▁▁▁▁▁▁▁▁▁▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔  75 %  1 edge
               ╵0 ms     ╵100 ms   ╵200 ms   ╵300 ms
        """)
  }

  @Test func noPulseIsTooShortToBeSeen() {
    for rise: Tick in stride(from: 1, to: 999_990, by: 4_999) {
      let wave = Waveform(name: "X", edges: [rise, rise + 1], end: 1_000_000)
      #expect(draw([wave]).contains("░"), "a pulse at \(rise)")
      let gap = Waveform(name: "X", edges: [0, rise, rise + 1], end: 1_000_000)
      #expect(draw([gap]).contains { "░▒▓".contains($0) }, "a gap at \(rise)")
    }
  }

  /// What is summed up is drawn as what it is: too fast to be seen.
  @Test func burstsAreDrawn() {
    let edges = (0..<8000).map { Tick($0 * 125) }
    let whole = draw([Waveform(name: "X", edges: edges, end: 1_000_000)])
    let short = draw([Waveform(name: "X", edges: edges, end: 1_000_000, most: 300)])
    #expect(whole == short && whole.contains("▒▒▒▒") && whole.contains("8 000 edges"))
  }

  @Test func aLineNeverLeavesTheTerminal() {
    for width in [50, 64, 80, 100, 200] {
      for end: Tick in [3, 999, 12_345, 1_000_001, 9_999_999, 86_400_000_000] {
        let wave = Waveform.square(
          "PF1", period: max(2, end / 9), on: max(1, end / 30), from: 0, to: end)
        let lines = draw([wave], TextStyle(width: width)).split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines { #expect(line.count <= width, "\(width) columns, \(end) µs: \(line)") }
        #expect(lines[1].contains("╵0 "))
      }
    }
  }

  @Test func colourIsForTerminalsOnly() {
    let wave = Waveform(name: "PF2", colour: .blue, edges: [500], end: 1000)
    let painted = draw([wave], TextStyle(width: 60, colour: true))
    #expect(painted.contains("\u{1B}[94m●\u{1B}[0m"))
    #expect(painted.contains("\u{1B}[2m▁▁"))
    #expect(!draw([wave]).contains("\u{1B}"))
  }

  @Test func threeColoursMix() {
    let waves = [
      Waveform(name: "R", colour: .red, part: "RGB", edges: [0, 500_000], end: 1_000_000),
      Waveform(name: "B", colour: .blue, part: "RGB", edges: [250_000, 750_000], end: 1_000_000),
      Waveform(name: "G", colour: .green, part: "RGB", end: 1_000_000),
    ]
    let style = TextStyle(width: 60, colour: true)
    let line = draw(waves, style).split(separator: "\n").first { $0.hasPrefix("RGB  ") }
    let colours = line?.split(separator: "\u{1B}").dropFirst().map(String.init) ?? []
    let (red, both, blue) = ("[38;2;255;0;0m█", "[38;2;255;0;255m█", "[38;2;0;0;255m█")
    #expect(
      colours.dropLast().map { $0.filter { $0 != " " } }
        == ([red, both, blue].flatMap {
          [String](repeating: $0, count: colours.count / 3)
        }))
    #expect(!draw(waves).contains("RGB") && !draw(Array(waves[..<1]), style).contains("RGB"))
    let apart = waves.map {
      Waveform(name: $0.name, colour: $0.colour, edges: $0.edges, end: $0.end)
    }
    #expect(!draw(apart, style).contains("RGB"))
  }

  @Test func nothingIsDrawnWhereNothingChanged() {
    #expect(draw([]) == "")
    #expect(draw([Waveform(name: "X", end: 5)]) == "")
    #expect(draw([Waveform(name: "X", edges: [0], end: 0)]) == "")
  }

  @Test func theLiveLineFillsUpToTheLimit() {
    let style = TextStyle(width: 79)
    var line = LiveLine(clock, limit: 10_000_000)
    let wave = Waveform.square("PF1", period: 1_000_000, on: 500_000, from: 500_000, to: 3_250_000)
    #expect(
      line.draw([wave], now: 3_250_000, instructions: 5, style: style)
        == "3.250 s  33 %  PF1 ○ ▁▁▔▔▁▁▔▔▁▁▔▔▁                           ")
    #expect(
      line.draw([], now: 3_250_000, instructions: 1_234_567, style: style)
        == "3.250 s  33 %  1 234 567 instructions")
    var endless = LiveLine(clock, limit: nil)
    #expect(
      endless.draw([wave], now: 3_250_000, instructions: 5, style: style)
        == "3.250 s  PF1 ○ ▁▁▁▁▁▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔▁▁▁       ")
  }

  @Test func theLiveLineNeverWraps() {
    let waves = (0..<4).map { Waveform(name: "LED\($0)", edges: [5], end: 10) }
    for width in 20...120 {
      var line = LiveLine(clock, limit: 40_000_000)
      for count in 0...4 {
        let text = line.draw(
          Array(waves[..<count]), now: 25_000_000, instructions: 123_456_789,
          style: TextStyle(width: width))
        #expect(text.count < width)
      }
    }
  }
}
