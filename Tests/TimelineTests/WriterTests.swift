import Testing

@testable import Emu
@testable import Timeline

@Suite struct WriterTests {
  private let events: [Event] =
    [
      .pin(1, 1, at: 500_000), .pin(7, 1, at: 500_001),
      Event(500_002, .mmioWrite, source: 1, detail: 4 << 24 | 0x10, 2),
      Event(500_003, .mmioRead, source: 1, detail: 4 << 24 | 0x28, 0xAB),
      Event(500_004, .mmioRead, source: 1, detail: 1 << 24 | 0x80, 0),
      Event(500_005, .notModelled, source: 1, detail: 0, 1),
      Event(500_006, .interrupt, detail: 15, 0x1A4),
      Event(500_007, .interruptReturn, detail: 15, 0xFFFF_FFF9),
      Event(500_008, .interrupt, detail: 21, 0x1A6),
      Event(500_009, .trap, detail: 3, 0x1B0),
    ] + Event.text("A\"\n\u{7}", at: 500_010) + Event.text("hi", at: 500_011, .uartInput) + [
      Event(500_012, .console, detail: 2, 0x21), Event(500_013, .reset, detail: 1),
      Event(500_014, .stop, detail: StopReason.finisher.number, 3),
    ]
  private let findings = [
    Finding(device: "pins", name: "SLEW", tick: 500_005, index: 250_002, count: 1)
  ]
  private let all = TraceKinds(rawValue: 127)

  private func text(_ events: [Event], _ kinds: TraceKinds, _ board: Board = .bench) -> String {
    var writer = EventText(EventNames(board), kinds)
    for event in events { writer.add(event, findings: findings) }
    writer.flush()
    return String(decoding: writer.take(), as: UTF8.self)
  }

  private func lines(
    _ events: [Event], _ kinds: TraceKinds, _ board: Board = .bench,
    _ registers: RegisterNames? = nil
  ) -> [String] {
    var writer = EventLines(EventNames(board, registers: registers), kinds, quantum: 1000)
    events.withUnsafeBufferPointer { writer.add($0, findings: findings) }
    return String(decoding: writer.take(), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test func numbersAreWrittenAsSwiftWritesThem() {
    var values: [UInt64] = [0, .max, .max - 1]
    var power: UInt64 = 1
    for _ in 0..<19 {
      power *= 10
      values += [power - 1, power, power + 1]
    }
    for shift in 0..<64 as Range<UInt64> { values.append(0x9E37_79B9_7F4A_7C15 >> shift) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { room in
      for value in values {
        var text = Scratch(room)
        text.put(decimal: value)
        text.put(" ")
        text.put(hex: value)
        let words = String(decoding: text.text, as: UTF8.self)
        #expect(words == "\(value) \(String(value, radix: 16))")
        for width in [1, 8, 12, 16, 24] {
          var padded = Scratch(room)
          padded.put(decimal: value, width: width)
          let spaces = String(repeating: " ", count: max(0, width - "\(value)".utf8.count))
          #expect(String(decoding: padded.text, as: UTF8.self) == spaces + "\(value)")
        }
        for count in 0...12 {
          let power = (0..<count).reduce(1 as UInt64) { power, _ in power * 10 }
          var fraction = Scratch(UnsafeMutableBufferPointer(rebasing: room[..<count]))
          fraction.put(decimals: value % power, count: count)
          let digits = String("\(1_000_000_000_000 + value % power)".suffix(count))
          #expect(String(decoding: fraction.text, as: UTF8.self) == digits)
        }
      }
    }
  }

  @Test func textLinesNameEverything() {
    #expect(
      text(events, all) == #"""
             0.500000000 s       250000  led  RED on
             0.500001000 s       250000  gpio pins pin 7 high
             0.500002000 s       250001  mmio pins.DIR <- 0x00000002
             0.500003000 s       250001  mmio pins.MODE2 -> 0x000000ab
             0.500004000 s       250002  mmio pins.0x80 -> 0x00
             0.500005000 s       250002  mmio pins: not modelled: SLEW
             0.500006000 s       250003  irq  SysTick at 0x1a4
             0.500007000 s       250003  irq  return from SysTick by EXC_RETURN 0xfffffff9
             0.500008000 s       250004  irq  uart0 (IRQ 5) at 0x1a6
             0.500009000 s       250004  trap undefined instruction at 0x1b0
             0.500010000 s       250005  uart uart0 sends "A\"\n"
             0.500010000 s       250005  uart uart0 sends "\u{07}"
             0.500011000 s       250005  uart uart0 takes "hi"
             0.500012000 s       250006  uart semihosting sends "!"
             0.500013000 s       250006  run  guest reset, asked for by pins
             0.500014000 s       250007  run  end: finisher, code 3

        """#)
  }

  @Test func onlyWhatWasAskedForIsWritten() {
    #expect(text(events, .led).split(separator: "\n").count == 3)
    #expect(text(events, .gpio).contains("gpio pins pin 1 high"))
    #expect(text(events, .irq).split(separator: "\n").count == 5)
    #expect(lines(events, .standard).count == 1 + 2 + 3 + 1 + 4 + 3 + 2)
  }

  @Test func rv64Words() {
    let events: [Event] = [
      Event(1, .interrupt, detail: 5, 0x8020_0000), Event(2, .trap, detail: 9, 0x8020_0004),
      Event(3, .sbi, detail: 0x5449_4D45, 0x1234),
      Event(4, .sbi, detail: 0x0999, 7 << 32),
    ]
    #expect(
      text(events, all, .rv64Bench) == """
             0.000000001 s            0  irq  supervisor timer interrupt at 0x80200000
             0.000000002 s            1  trap ecall from S-mode at 0x80200004
             0.000000003 s            1  sbi  TIME.set_timer(0x1234)
             0.000000004 s            2  sbi  extension 0x999 function 7(0x0)

        """)
  }

  @Test func jsonLinesHaveAHeaderAndEveryField() {
    let lines = lines(events, all)
    #expect(
      lines[0]
        == #"{"format":"emurun-trace","version":2,"board":"bench","boardRevision":3,"#
        + #""hertz":1000000,"harts":1,"quantum":1000,"#
        + #""kinds":["led","gpio","uart","mmio","irq","trap","sbi"],"devices":["uart0","pins"],"#
        + #""leds":[{"name":"RED","colour":"red"},{"name":"LOW","colour":"green"}]}"#)
    #expect(
      lines[1]
        == #"{"ns":500000000,"tick":500000,"index":250000,"hart":0,"source":"pins","kind":"led","#
        + #""pin":1,"level":1,"led":"RED","on":true}"#)
    let bodies = lines.dropFirst(2).map { line in
      String(line[(line.firstRange(of: #""kind":"#)?.upperBound ?? line.startIndex)...])
    }
    #expect(
      bodies == [
        #""gpio","pin":7,"level":1}"#,
        #""write","register":"DIR","offset":16,"width":4,"value":"0x2"}"#,
        #""read","register":"MODE2","offset":40,"width":4,"value":"0xab"}"#,
        #""read","register":null,"offset":128,"width":1,"value":"0x0"}"#,
        #""not-modelled","finding":0,"name":"SLEW","value":"0x1"}"#,
        #""irq","number":15,"name":"SysTick","pc":"0x1a4"}"#,
        #""irq-return","number":15,"name":"SysTick","pc":"0xfffffff9"}"#,
        #""irq","number":21,"name":"uart0 (IRQ 5)","pc":"0x1a6"}"#,
        #""trap","cause":3,"name":"undefined instruction","pc":"0x1b0"}"#,
        #""uart","byte":65}"#, #""uart","byte":34}"#, #""uart","byte":10}"#,
        #""uart","byte":7}"#, #""uart-input","byte":104}"#, #""uart-input","byte":105}"#,
        #""console","by":"semihosting","byte":33}"#, #""reset","by":"pins"}"#,
        #""stop","reason":"finisher","code":3}"#,
      ])
  }

  /// Lines are put together from pieces that are kept; each is what a new writer would have written.
  @Test func keptPiecesAreNeverStale() {
    var random = SystemRandomNumberGenerator()
    let some: [Event] = (0..<3000).map { number in
      let base = events.randomElement(using: &random) ?? events[0]
      var event = base
      event.tick = UInt64(number) * 77
      if Bool.random(using: &random) { event.value = .random(in: 0...300, using: &random) }
      if Bool.random(using: &random) { event.detail = .random(in: 0...3, using: &random) }
      if Bool.random(using: &random) { event.source = [0, 1, Event.core][number % 3] }
      return event
    }
    for kinds in [all, .standard, [.gpio, .mmio]] {
      #expect(
        lines(some, kinds).dropFirst() == some.flatMap { lines([$0], kinds).dropFirst() }[...])
    }
    let registers = RegisterNames([
      RegisterNames.Register(
        peripheral: "PINS", name: "DIR", address: 0x2000, size: 4,
        fields: [RegisterMap.Field("LOW", 0...3), RegisterMap.Field("HIGH", 4...8)])
    ])
    let named = lines(some, all, .bench, registers).dropFirst()
    #expect(named == some.flatMap { lines([$0], all, .bench, registers).dropFirst() }[...])
    #expect(Set(named.compactMap { $0.firstMatch(of: /"fields":{.*?}/)?.output }).count > 10)
    let accesses = some.filter { $0.kind == .mmioRead || $0.kind == .mmioWrite }
    #expect(text(accesses, all) == accesses.map { text([$0], all) }.joined())
  }

  @Test func digits() {
    for value in [0, 1, 9, 10, 99, 100, 12_345, UInt64.max] {
      var bytes: [UInt8] = []
      bytes.append(decimal: value)
      bytes.append(" ")
      bytes.append(decimal: value, width: 8)
      bytes.append(" ")
      bytes.append(hex: value)
      let text = String(value)
      let padded = String(repeating: " ", count: max(0, 8 - text.count)) + text
      #expect(
        String(decoding: bytes, as: UTF8.self) == "\(text) \(padded) \(String(value, radix: 16))")
    }
    var bytes: [UInt8] = []
    bytes.append(decimals: 70, count: 9)
    bytes.append(hex: 0xAB, digits: 8)
    #expect(String(decoding: bytes, as: UTF8.self) == "000000070000000ab")
  }

  @Test func aMaskRecordsWhatTheKindsNeed() {
    #expect(TraceKinds.led.mask == .visible)
    #expect(TraceKinds.mmio.mask == Event.Mask.visible.union(.mmio))
    #expect(TraceKinds([.irq, .trap, .sbi]).mask.contains(.interruptReturn))
  }
}

@Suite struct JSONWriterTests {
  private func write(pretty: Bool, _ body: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter(pretty: pretty)
    json.object(nil, body)
    return json.text
  }

  @Test func compact() {
    let text = write(pretty: false) {
      $0.add("a", 1)
      $0.add("b", 0.5)
      $0.add("c", nil as Double?)
      $0.add("d", true)
      $0.add("e", "x")
      $0.add("f", nil as String?)
      $0.array("g") {
        $0.add(nil, 1)
        $0.object { $0.add("h", hex: .max) }
      }
      $0.array("i") { _ in }
    }
    #expect(
      text
        == #"{"a":1,"b":0.5,"c":null,"d":true,"e":"x","f":null,"g":[1,{"h":"0xffffffffffffffff"}],"#
        + #""i":[]}"#)
  }

  @Test func pretty() {
    let text = write(pretty: true) {
      $0.add("a", 1)
      $0.array("b") { $0.add(nil, "x") }
      $0.object("c") { _ in }
    }
    #expect(
      text == """
        {
          "a": 1,
          "b": [
            "x"
          ],
          "c": {}
        }
        """)
  }

  @Test func stringsSurvive() {
    var json = JSONWriter()
    json.add(nil, "\"\\/\n\r\t\u{0}\u{1F}\u{7F}é\u{1F600}")
    #expect(json.text == #""\"\\/\n\r\t\u0000\u001f\u007fé😀""#)
    var numbers = JSONWriter()
    numbers.array {
      $0.add(nil, Double.nan)
      $0.add(nil, Double.infinity)
    }
    #expect(numbers.text == "[null,null]")
  }
}
