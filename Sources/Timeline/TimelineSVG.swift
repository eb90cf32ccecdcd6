import Emu

/// The run as a picture for documents: LEDs and other signals as waveforms over one time axis, with their figures, and the
/// lines of the UARTs. It is light or dark as its reader is.
public enum TimelineSVG {
  private static let width = 960
  private static let left = 110
  private static let right = 150
  private static let rowHeight = 34
  private static let most = 24
  private static let mostStreams = 6

  public static func write(_ recording: Recording, title: String) -> [UInt8] {
    let signals = Array(recording.active.prefix(most))
    let clock = recording.clock
    let end = max(recording.end, 1)
    let plot = Double(width - left - right)
    let mixtures = Mixture.mixtures(of: recording.active.filter { $0.kind == .led }.map(\.wave))
    let streams = recording.streams.prefix(mostStreams)
    let more = recording.active.count - signals.count + recording.streams.count - streams.count
    let rows = signals.count + mixtures.count + streams.count + (more > 0 ? 1 : 0)
    let bottom = 44 + rows * rowHeight
    var svg = SVGText()
    svg.line(
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(bottom + 34)" \
      font-family="system-ui,'Segoe UI','DejaVu Sans',sans-serif" font-size="12" role="img">
      """)
    svg.line("<title>\(SVGText.escaped(title))</title>")
    svg.line(style)
    svg.line(#"<rect class="paper" width="100%" height="100%" rx="8"/>"#)
    let time = Quantity.time(picoseconds: clock.picoseconds(at: end))
    svg.text(16, 22, title + (recording.isFull ? ", only up to \(time)" : ""), "title")
    let x = { (tick: Tick) in Double(left) + plot * Double(tick) / Double(end) }
    axis(clock, end, bottom, x, &svg)
    for (number, signal) in signals.enumerated() {
      let top = 44 + number * rowHeight
      add(signal, top, end, x, &svg)
      svg.text(16, top + 19, signal.name, "name")
      let words = words(signal, clock)
      svg.text(width - right + 14, top + 19, words, "figure")
    }
    for (number, mixture) in mixtures.enumerated() {
      let top = 44 + (signals.count + number) * rowHeight
      svg.text(16, top + 19, mixture.part, "name")
      add(mixture, top, end, x, &svg)
    }
    for (number, stream) in streams.enumerated() {
      let top = 44 + (signals.count + mixtures.count + number) * rowHeight
      svg.text(16, top + 19, stream.name, "name")
      addLines(stream, top, x, &svg)
    }
    if more > 0 { svg.text(16, bottom - rowHeight + 19, "and \(more) more", "figure") }
    svg.line("</svg>")
    return svg.bytes
  }

  private static func words(_ signal: Recording.Signal, _ clock: Clock) -> String {
    let figures = signal.wave.figures
    if let frequency = figures.frequency(clock) {
      return "\(Quantity.hertz(frequency)) · \(Quantity.percent(figures.dutyCycle))"
    }
    return "\(Quantity.grouped(figures.edges)) \(figures.edges == 1 ? "edge" : "edges")"
  }

  private static let style = """
    <style>
    .paper{fill:#fff}.title{fill:#1d1f23;font-weight:600;font-size:13px}.name{fill:#1d1f23;font-weight:500}
    .figure,.tick,.say{fill:#5c6370}.figure{font-size:11.5px}.tick{font-size:10.5px}.say{font-size:11px}
    .grid{stroke:#e3e4e6}.wave{stroke-width:1.5;fill:none}.dense{stroke:none;opacity:.6}
    .red{color:#d1242f}.green{color:#15803d}.blue{color:#1d63d8}.amber{color:#a16207}.white{color:#71717a}
    .irq{color:#7c3aed}.pin{color:#4b5563}.text{color:#0f766e}
    @media(prefers-color-scheme:dark){.paper{fill:#15171a}.title,.name{fill:#e8e9eb}
    .figure,.tick,.say{fill:#a5abb5}.grid{stroke:#2d3138}.red{color:#ff6b6b}.green{color:#4ade80}
    .blue{color:#6ea8ff}.amber{color:#fbbf24}.white{color:#d4d4d8}.irq{color:#b794ff}.pin{color:#9ca3af}
    .text{color:#4fd1c5}}
    </style>
    """

  private static func axis(
    _ clock: Clock, _ end: Tick, _ bottom: Int, _ x: (Tick) -> Double, _ svg: inout SVGText
  ) {
    let scale = Scale(end: clock.picoseconds(at: end), width: 90)
    for mark in scale.marks(end: clock.picoseconds(at: end), room: 12) {
      let exact = mark.time * UInt128(clock.hertz) / Quantity.picosecondsPerSecond
      let at = x(Tick(clamping: exact))
      svg.line(#"<path class="grid" d="M\#(fixed(at)) 38V\#(bottom + 4)"/>"#)
      svg.text(at + 4, Double(bottom + 18), mark.label, "tick")
    }
  }

  /// Pulses that are at least two points wide one by one; others as columns that say how long it was on.
  private static func add(
    _ signal: Recording.Signal, _ top: Int, _ end: Tick, _ x: (Tick) -> Double,
    _ svg: inout SVGText
  ) {
    let colour = signal.kind == .led ? signal.wave.colour.rawValue : signal.kind.rawValue
    let (high, low) = (top + 5, top + 25)
    let edges = signal.wave.edges
    svg.line(#"<g class="\#(colour)">"#)
    if edges.count <= 400 {
      var path = "M\(fixed(x(0))) \(low)"
      for (number, edge) in edges.enumerated() {
        path += "H\(fixed(x(edge)))V\(number % 2 == 0 ? high : low)"
      }
      path += "H\(fixed(x(end)))"
      svg.line(#"<path class="wave" stroke="currentColor" d="\#(path)"/>"#)
      var fill = ""
      for number in stride(from: 0, to: edges.count, by: 2) {
        let off = number + 1 < edges.count ? edges[number + 1] : end
        fill += "M\(fixed(x(edges[number]))) \(low)V\(high)H\(fixed(x(off)))V\(low)z"
      }
      svg.line(#"<path fill="currentColor" opacity=".18" d="\#(fill)"/>"#)
    } else {
      svg.line(
        #"<path class="dense" fill="currentColor" d="\#(columns(signal.wave, low, high, end, x))"/>"#
      )
    }
    svg.line("</g>")
  }

  /// What eyes see of one part: a strip.
  private static func add(
    _ mixture: Mixture, _ top: Int, _ end: Tick, _ x: (Tick) -> Double, _ svg: inout SVGText
  ) {
    let borders = borders(end)
    let fills = mixture.light(borders).map { light in
      let colour = light.colour(1)
      return light.strength == 0
        ? ""
        : #"fill="rgb(\#(colour.red),\#(colour.green),\#(colour.blue))""#
          + (light.strength < 1 ? #" opacity="\#(fixed(light.strength, 2))""# : "")
    }
    var start = 0
    for column in 1...fills.count
    where column == fills.count || fills[column] != fills[start] {
      if !fills[start].isEmpty {
        let (left, right) = (x(borders[start]), x(borders[column]))
        svg.line(
          #"<rect x="\#(fixed(left))" y="\#(top + 5)" width="\#(fixed(right - left))" height="20" "#
            + fills[start] + "/>")
      }
      start = column
    }
  }

  private static func borders(_ end: Tick) -> [Tick] {
    let count = min(Int(clamping: end), width - left - right)
    return (0...count).map { Tick(UInt128(end) * UInt128($0) / UInt128(count)) }
  }

  private static func columns(
    _ wave: Waveform, _ low: Int, _ high: Int, _ end: Tick, _ x: (Tick) -> Double
  ) -> String {
    let borders = borders(end)
    var path = ""
    for (number, cell) in Cell.cells(of: wave, borders: borders).enumerated() {
      if cell == .off { continue }
      let share = max(cell.share, 0.1)
      let top = Double(low) - share * Double(low - high)
      path += "M\(fixed(x(borders[number]))) \(low)V\(fixed(top))"
      path += "H\(fixed(x(borders[number + 1])))V\(low)z"
    }
    return path
  }

  /// Where each line of text begins, and its words where there is room for them.
  private static func addLines(
    _ stream: Recording.Stream, _ top: Int, _ x: (Tick) -> Double, _ svg: inout SVGText
  ) {
    let lines = stream.lines
    svg.line(#"<g class="text">"#)
    var (edge, last) = (0.0, -1.0)
    for (number, line) in lines.enumerated() {
      let at = x(line.tick)
      if at - last < 1 { continue }
      last = at
      let isNextFar = number + 1 == lines.count || x(lines[number + 1].tick) - at > 60
      svg.line(
        #"<path stroke="currentColor" stroke-width="1.5" d="M\#(fixed(at)) \#(top + 7)v18"/>"#)
      guard at >= edge, isNextFar else { continue }
      let room = (number + 1 < lines.count ? x(lines[number + 1].tick) : Double(width - 16)) - at
      let words = clipped(line.words, Int(room / 6.2) - 1)
      svg.text(at + 5, Double(top + 19), words, "say")
      edge = at + Double(words.count) * 6.2
    }
    svg.line("</g>")
  }

  private static func clipped(_ text: String, _ count: Int) -> String {
    text.count <= max(count, 3) ? text : text.prefix(max(count, 3) - 1) + "…"
  }

  private static func fixed(_ value: Double, _ decimals: Int = 1) -> String {
    SVGText.fixed(value, decimals: decimals)
  }
}

struct SVGText {
  var bytes: [UInt8] = []

  mutating func line(_ text: String) { bytes += Array((text + "\n").utf8) }

  mutating func text(_ x: Int, _ y: Int, _ text: String, _ style: String) {
    self.text(Double(x), Double(y), text, style)
  }

  static func fixed(_ value: Double, decimals: Int = 1) -> String {
    Quantity.fixed(value, decimals: decimals)
  }

  mutating func text(
    _ x: Double, _ y: Double, _ text: String, _ style: String, id: String? = nil
  ) {
    let id = id.map { #" id="\#($0)""# } ?? ""
    line(
      #"<text class="\#(style)"\#(id) x="\#(Self.fixed(x))" y="\#(Self.fixed(y))">"#
        + Self.escaped(text) + "</text>")
  }

  /// What XML forbids becomes U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += " "
      case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
