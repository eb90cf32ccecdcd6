import Foundation
import FoundationXML
import PythonReaders
import Testing

@testable import Emu
@testable import Timeline

/// What a run is drawn from, and every format that it is drawn in.
@Suite struct PictureTests {
  /// RED beats, LOW (active low) and a pin without an LED each change, SysTick runs, text with everything that is hard to write.
  private static let text: [UInt8] =
    Array("a \"quoted\" <b>&amp;</script> line\\\r\n".utf8) + [0xFF, 0x00, 0x1B] + Array("é\n".utf8)
  private static let events: [Event] =
    (1...10).map { .pin(1, UInt64($0 % 2), at: Tick($0) * 100_000) }
    + [.pin(2, 0, at: 1_050_000), .pin(7, 1, at: 1_060_000)]
    + [
      Event(1_070_000, .interrupt, detail: 15, 0x1A4),
      Event(1_070_010, .interruptReturn, detail: 15, 0x1A4),
      Event(1_070_020, .trap, detail: 3, 0x1B0),
    ]
    + text.enumerated().map { number, byte in
      Event(1_080_000 + Tick(number) * 87, .uart, source: 0, UInt64(byte))
    }
    + Event.text("ok", at: 1_200_000, .uartInput)
  private static let end: Tick = 1_300_000
  private let recording = Recording(.bench, events, end: end)

  @Test func aRecordingKnowsWhatHappened() {
    #expect(recording.active.map(\.name) == ["RED", "LOW", "pins 7", "SysTick"])
    #expect(recording.active.map(\.kind) == [.led, .led, .pin, .interrupt])
    #expect(recording.active[0].wave.edges == (1...10).map { Tick($0) * 100_000 })
    #expect(recording.active[0].indexes == (1...10).map { UInt64($0) * 50_000 })
    #expect(recording.active[1].wave.edges == [1_050_000] && recording.active[1].wave.isOn)
    #expect(recording.active[3].wave.edges == [1_070_000, 1_070_010])
    #expect(recording.streams.map(\.name) == ["uart0", "uart0 in"])
    #expect(recording.streams[0].bytes == Self.text)
    #expect(recording.streams[0].lines.map(\.index) == [540_000, 541_566])
    #expect(recording.streams[0].lines[0].words == "a \"quoted\" <b>&amp;</script> line\\")
    #expect(recording.marks.map(\.labels) == [["undefined instruction at 0x1b0"]])
    #expect(recording.end == Self.end && !recording.isFull)
  }

  /// A change that is undone at its tick has no index left.
  @Test func edgesAndIndexesStayTogether() {
    var random = SystemRandomNumberGenerator()
    var tick: Tick = 0
    let events = (0..<2000).map { _ -> Event in
      tick += .random(in: 0...1, using: &random)
      return .pin(1, .random(in: 0...1, using: &random), at: tick)
    }
    let signal = Recording(.bench, events, end: tick).signals[0]
    #expect(signal.indexes.count == signal.wave.edges.count)
    #expect(signal.indexes == signal.wave.edges.map { $0 / 2 })
  }

  @Test func aResetEndsHandlers() {
    let events = [Event(5, .interrupt, detail: 15), Event(9, .reset, detail: 1)]
    let recording = Recording(.bench, events, end: 20)
    #expect(recording.active[0].wave.edges == [5, 9])
    #expect(recording.marks[0].labels == ["reset by pins"])
  }

  @Test func aFullRecordingSaysWhereItEnds() {
    var recording = Recording(.bench, most: 3)
    for event in Self.events { recording.add(event) }
    recording.extend(to: Self.end)
    #expect(recording.isFull && recording.end == 300_000)
    #expect(recording.signals[0].wave.edges.count == 3 && recording.signals[0].wave.end == 300_000)
  }

  // MARK: VCD

  @Test func vcdGivesBackEveryChange() throws {
    let dump = try VCDReader(VCD.write(recording))
    #expect(dump.timescale == "1 ps" && dump.end == 1_300_000_000_000)
    #expect(dump.names == ["RED", "LOW", "pins_7", "SysTick", "uart0", "uart0_in"])
    for signal in recording.signals {
      let changes = dump.changes[signal.name.replacing(" ", with: "_")] ?? []
      #expect(changes.map(\.time) == [0] + signal.wave.edges.map { $0 * 1_000_000 })
      #expect(changes.map(\.value) == (0...signal.wave.edges.count).map { $0 % 2 == 0 ? "0" : "1" })
    }
    let bytes = dump.changes["uart0"]?.compactMap { UInt8($0.value, radix: 2) }
    #expect(bytes == Self.text)
  }

  @Test func vcdIsReadByVcdvcd() throws {
    let path = try Python.write(VCD.write(recording), "run.vcd")
    guard let text = try Python.run("vcd.py", path) else { return }
    let signals = try JSONDecoder().decode([String: [Change]].self, from: Data(text.utf8))
    let red = try #require(signals["bench.RED"])
    #expect(red.map(\.time) == [0] + (1...10).map { UInt64($0) * 100_000_000_000 })
    #expect(red.map(\.value) == (0...10).map { $0 % 2 == 0 ? "0" : "1" })
    let sent = try #require(
      signals.first { $0.key.hasPrefix("bench.uart0[") || $0.key == "bench.uart0" })
    #expect(sent.value.compactMap { UInt8($0.value, radix: 2) } == Self.text)
  }

  private struct Change: Decodable {
    let time: UInt64
    let value: String
  }

  // MARK: Perfetto

  @Test func chromeTraceHasTracksAndExactTimes() throws {
    let bytes = ChromeTrace.write(recording)
    let value = try #require(JSONValue(bytes))
    guard case .array(let events)? = value["traceEvents"] else {
      Issue.record("no events")
      return
    }
    let names = events.filter { $0["name"]?.text == "thread_name" }.map {
      $0["args"]?["name"]?.text
    }
    #expect(names == ["RED", "LOW", "pins 7", "SysTick", "uart0", "uart0 in", "traps"])
    let on = events.filter { $0["ph"]?.text == "X" && $0["tid"]?.integer == 1 }
    #expect(on.count == 5)
    #expect(on.map { $0["ts"] } == (0..<5).map { .number("\((2 * $0 + 1) * 100_000).000") })
    #expect(on.allSatisfy { $0["dur"] == .number("100000.000") })
    #expect(on[1]["args"]?["index"]?.integer == 150_000)
    let texts = events.filter { $0["tid"]?.integer == 5 && $0["ph"]?.text == "X" }
    #expect(texts.first?["name"]?.text == "a \"quoted\" <b>&amp;</script> line\\\r\n")
    #expect(texts.last?["name"]?.text == "\u{FFFD}\u{0}\u{1B}é\n")
    // Another reader agrees that it is JSON.
    #expect(try JSONSerialization.jsonObject(with: Data(bytes)) is [String: Any])
  }

  // MARK: SVG

  @Test func svgIsXMLWithEverySignal() throws {
    let bytes = TimelineSVG.write(recording, title: "a <\"title\"> & more\u{1}")
    let reader = SVGReader()
    let parser = XMLParser(data: Data(bytes))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    for name in ["RED", "LOW", "pins 7", "SysTick"] { #expect(reader.closed.contains(name)) }
    #expect(reader.closed.contains("a <\"title\"> & more\u{FFFD}"))
    #expect(reader.closed.contains("5.00 Hz · 50 %"))
    #expect(
      !String(decoding: bytes, as: UTF8.self).replacing("http://www.w3.org", with: "").contains(
        "http"))
  }

  /// Who said it is to be seen, and that there is more.
  @Test func svgOfManySignals() {
    var events = (0..<30).map { Event.pin(UInt32(10 + $0), 1, at: Tick($0)) }
    events += Event.text("zero\n", at: 100) + Event.text("one\n", at: 900, .uartInput)
    let reader = SVGReader()
    let parser = XMLParser(
      data: Data(TimelineSVG.write(Recording(.bench, events, end: 1000), title: "x")))
    parser.delegate = reader
    #expect(parser.parse())
    for name in ["uart0", "zero", "uart0 in", "one", "pins 33", "and 6 more"] {
      #expect(reader.closed.contains(name), "\(name)")
    }
    #expect(!reader.closed.contains("pins 34"))
  }

  @Test func filesOfACutRunSaySo() throws {
    var recording = Recording(.bench, most: 3)
    for event in Self.events { recording.add(event) }
    let svg = String(decoding: TimelineSVG.write(recording, title: "x"), as: UTF8.self)
    #expect(svg.contains(">x, only up to 300.000 ms</text>"))
    let vcd = VCD.write(recording)
    #expect(String(decoding: vcd, as: UTF8.self).contains("$comment more happened than is kept"))
    #expect(!String(decoding: VCD.write(self.recording), as: UTF8.self).contains("$comment"))
    if let read = try Python.run("vcd.py", try Python.write(vcd, "cut.vcd")) {
      #expect(read.contains("300000000000"))
    }
    let trace = try #require(JSONValue(ChromeTrace.write(recording))?["traceEvents"]?.elements)
    let last = try #require(trace.last)
    #expect(last["name"]?.text == "more happened than is kept")
    #expect(last["ts"] == .number("300000.000"))
  }

  /// More edges than points: columns, none of them wider than the picture, and few bytes.
  @Test func svgOfManyEdges() {
    let events = (1...50_000).map { Event.pin(1, UInt64($0 % 2), at: Tick($0) * 10) }
    let svg = TimelineSVG.write(Recording(.bench, events, end: 500_010), title: "x")
    let text = String(decoding: svg, as: UTF8.self)
    #expect(svg.count < 60_000 && text.contains(#"class="dense""#) && text.contains("50.0 kHz"))
  }

  /// Red, both, blue; green never.
  private static let lights: [Event] = [
    .pin(1, 1, at: 100), .pin(2, 1, at: 200), .pin(1, 0, at: 300), .pin(2, 0, at: 400),
  ]

  /// LEDs that are one part have a strip of the colours that eyes see, and others have none.
  @Test(arguments: ["RGB", nil] as [String?]) func svgOfOnePart(part: String?) {
    let svg = TimelineSVG.write(Recording(.lit(part), Self.lights, end: 500), title: "x")
    let strips = String(decoding: svg, as: UTF8.self).split(separator: "\n")
      .filter { $0.hasPrefix("<rect x") }
    let colours = strips.compactMap { $0.split(separator: "\"").first { $0.hasPrefix("rgb") } }
    #expect(colours == (part == nil ? [] : ["rgb(255,0,0)", "rgb(255,0,255)", "rgb(0,0,255)"]))
  }

  /// On for a tenth of the time it is still red to who looks, and not black.
  @Test func svgOfDimLight() {
    let events: [Event] = (0..<1000).flatMap { number in
      [.pin(1, 1, at: Tick(number) * 1000), .pin(1, 0, at: Tick(number) * 1000 + 100)]
    }
    let lit = events + [.pin(2, 1, at: 999_950), .pin(2, 0, at: 999_960)]
    let svg = TimelineSVG.write(Recording(.lit("RGB"), lit, end: 1_000_000), title: "x")
    let strips = String(decoding: svg, as: UTF8.self).split(separator: "\n")
      .filter { $0.hasPrefix("<rect x") && $0.contains("opacity=") }
    #expect(strips.count > 10)
    #expect(strips.dropLast().allSatisfy { $0.contains(#"fill="rgb(255,0,0)" opacity="0."#) })
  }

  // MARK: HTML

  /// In a real browser: hands on the page, numbers read back.
  @Test func thePageShowsTheRun() throws {
    let page = TimelinePage.write(
      recording, .init(image: "it's <a> \"name\".elf", instructions: 650_000, stop: "time-limit"))
    let text = String(decoding: page, as: UTF8.self)
    #expect(!text.contains("http:") && !text.contains("https:"))
    #expect(text.components(separatedBy: "</script>").count == 3)
    guard let answer = try Python.run("page.py", try Python.write(page, "page.html")) else {
      return
    }
    let seen = try JSONDecoder().decode(Seen.self, from: Data(answer.utf8))
    #expect(seen.errors == [] && seen.requests == 0)
    #expect(seen.title == "it's <a> \"name\".elf · emurun")
    #expect(
      seen.facts == [
        "bench", "1.300 000 000 s", "instructions 650 000", "edges 14", "end time-limit",
      ])
    #expect(
      seen.rows.map(\.name) == ["RED", "LOW", "pins 7", "SysTick", "uart0", "uart0 in", "traps"])
    #expect(seen.rows.map(\.count) == [10, 1, 1, 2, Self.text.count, 2, 1])
    #expect(seen.ticks[0] == (1...6).map { $0 * 100_000 })
    #expect(seen.index[0] == (1...6).map { $0 * 50_000 })
    #expect(seen.index[6] == [535_010])
    #expect(seen.cursor == "0.200 000 000 s  #100 000  RED off")
    #expect(seen.a == "A 0.200 000 000 s  #100 000" && seen.b == "B 0.300 000 000 s  #150 000")
    #expect(seen.delta == "B − A 100 000 000 ns  10.0 Hz  50 000 instructions")
    #expect(seen.zoomed == [192_000, 308_000] && seen.whole == [0, 1_300_000])
    #expect(
      seen.figures?.prefix(4) == ["edges 10", "frequency 5.00 Hz", "duty 50 %", "jitter none"])
    #expect(seen.sayers.first == "uart0" && seen.sayers.last == "uart0 in")
    #expect(seen.console[0] == "a \"quoted\" <b>&amp;</script> line\\")
    #expect(seen.console.contains("\u{FFFD}\u{0}\u{1B}é") && seen.console.last == "ok")
    #expect(Set(seen.themes ?? []).count == 2)
    #expect(seen.drawn.allSatisfy { $0 > 2 })
    // Its words are those of the other pictures.
    #expect(
      seen.percents
        == [
          0, 1e-9, 1.5e-6, 1.526e-5, 9.9e-5, 1e-4, 2e-4, 0.02, 0.0996, 0.333, 0.5, 0.997, 0.9996,
          0.999999, 1,
        ].map(Quantity.percent))
    #expect(
      seen.hertz
        == [0.000139, 0.0123, 0.5, 1, 12.34, 99.96, 999.6, 12345, 8e6, 2.5e9].map(Quantity.hertz))
  }

  /// Too fast to be drawn pulse by pulse: as high as it is long on. Text that comes in bursts is drawn line by line. More than
  /// is kept: the page says so.
  @Test func thePageOfManyEdges() throws {
    var recording = Recording(.bench, most: 20_010)
    for number in 0..<10_000 as Range<Tick> {
      recording.add(.pin(1, 1, at: number * 100 + 50))
      recording.add(.pin(1, 0, at: number * 100 + 60))
    }
    for (number, byte) in "one\nthe end\n".utf8.enumerated() {
      let tick = number < 4 ? 1_000_000 + Tick(number) : 1_300_000 + Tick(number) * 50_000
      recording.add(Event(tick, .uart, source: 0, UInt64(byte)))
    }
    recording.extend(to: 2_000_000)
    let page = TimelinePage.write(recording, .init(image: "x", instructions: 1, stop: "y"))
    guard let answer = try Python.run("page.py", try Python.write(page, "page.html")) else {
      return
    }
    let seen = try JSONDecoder().decode(Seen.self, from: Data(answer.utf8))
    #expect(seen.errors == [] && seen.facts[1] == "shown only up to 1.750 000 000 s")
    // For 1 s of 1.75 s it is on for a tenth of the time.
    #expect(abs((seen.filled.first ?? 0) - 0.1 * 1 / 1.75) < 0.03, "\(seen.filled)")
    #expect(seen.spread.last == [false, true])
  }

  @Test(arguments: ["RGB", nil] as [String?]) func thePageMixesAPart(part: String?) throws {
    let page = TimelinePage.write(
      Recording(.lit(part), Self.lights, end: 500), .init(image: "x", instructions: 1, stop: "y"))
    guard let answer = try Python.run("page.py", try Python.write(page, "page.html")) else {
      return
    }
    let seen = try JSONDecoder().decode(Seen.self, from: Data(answer.utf8))
    #expect(seen.errors == [])
    #expect(seen.rows.map(\.name) == ["R", "B"] + (part.map { [$0] } ?? []))
    #expect(seen.drawn.allSatisfy { $0 > 2 })
  }

  private struct Seen: Decodable {
    struct Row: Decodable {
      let name: String
      let count: Int
      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        name = try values.decode(String.self)
        _ = try values.decode(String.self)
        count = try values.decode(Int.self)
      }
    }
    let title: String
    let cursor, a, b, delta: String?
    let facts, console, sayers, errors: [String]
    let figures, themes: [String]?
    let rows: [Row]
    let ticks, index: [[Int]]
    let zoomed, whole: [Double]?
    let filled: [Double]
    let spread: [[Bool]]
    let percents, hertz: [String]
    let drawn: [Int]
    let requests: Int
  }

  @Test func everythingIsWrittenTheSameTwice() {
    let again = Recording(.bench, Self.events, end: Self.end)
    #expect(VCD.write(recording) == VCD.write(again))
    #expect(ChromeTrace.write(recording) == ChromeTrace.write(again))
    #expect(TimelineSVG.write(recording, title: "x") == TimelineSVG.write(again, title: "x"))
    let heading = TimelinePage.Heading(image: "x", instructions: 1, stop: "y")
    #expect(TimelinePage.write(recording, heading) == TimelinePage.write(again, heading))
  }

  @Test func base64AndLEB128() {
    for count in 0..<40 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ 7) }
      #expect(Base64.encode(bytes) == Array(Data(bytes).base64EncodedString().utf8))
    }
    #expect(LEB128.encode([0, 127, 128, 624_485]) == [0, 127, 128, 1, 0xE5, 0x8E, 0x26])
    #expect(LEB128.encode([.max]) == [UInt8](repeating: 255, count: 9) + [1])
  }
}

extension Board {
  fileprivate static func lit(_ part: String?) -> Board {
    var board = bench
    board.leds = [
      .init("R", .red, device: "pins", pin: 1, part: part),
      .init("B", .blue, device: "pins", pin: 2, part: part),
      .init("G", .green, device: "pins", pin: 3, part: part),
    ]
    return board
  }
}

private final class SVGReader: NSObject, XMLParserDelegate {
  private var texts: [String] = []
  private(set) var closed: [String] = []
  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) { texts.append("") }
  func parser(
    _ parser: XMLParser, didEndElement element: String, namespaceURI: String?,
    qualifiedName: String?
  ) {
    // What follows belongs to whoever is around it.
    closed.append(texts[texts.count - 1])
    texts.append("")
  }
  func parser(_ parser: XMLParser, foundCharacters string: String) {
    texts[texts.count - 1] += string
  }
}

/// A value change dump as IEEE 1364 has it, as far as ours go.
private struct VCDReader {
  struct Problem: Error {}
  struct Change: Hashable {
    let time: UInt64
    let value: String
  }
  private(set) var timescale = ""
  private(set) var names: [String] = []
  private(set) var changes: [String: [Change]] = [:]
  private(set) var end: UInt64 = 0

  init(_ bytes: [UInt8]) throws {
    var codes: [String: String] = [:]
    var words = String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace }.map(String.init)[
      ...]
    func until(_ end: String) -> [String] {
      let part = words.prefix { $0 != end }
      words = words.dropFirst(part.count + 1)
      return Array(part)
    }
    while let word = words.popFirst() {
      switch word {
      case "$timescale": timescale = until("$end").joined(separator: " ")
      case "$scope", "$upscope", "$enddefinitions": _ = until("$end")
      case "$var":
        let part = until("$end")
        codes[part[2]] = part[3]
        names.append(part[3])
      case "$dumpvars", "$end": break
      case _ where word.hasPrefix("#"):
        let time = UInt64(word.dropFirst()) ?? 0
        if time < end { throw Problem() }
        end = time
      case _ where word.hasPrefix("b"):
        guard let code = words.popFirst(), let name = codes[code] else { throw Problem() }
        changes[name, default: []].append(Change(time: end, value: String(word.dropFirst())))
      default:
        guard let name = codes[String(word.dropFirst())] else { throw Problem() }
        changes[name, default: []].append(Change(time: end, value: String(word.prefix(1))))
      }
    }
  }
}
