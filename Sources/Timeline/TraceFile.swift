import Emu

/// A trace as `--trace-file` wrote it.
public struct TraceFile: Sendable {
  /// "m4-led, revision 2"
  public let board: String
  public let clock: Clock
  /// All lines but the first, as they are.
  public let lines: [ArraySlice<UInt8>]
  private let leds: [(name: String, colour: Board.LED.Colour, part: String?)]

  /// Why a file is none, with the number of the line.
  public struct Damage: Error {
    public let line: Int
    public let what: String
  }

  public init(_ bytes: [UInt8]) throws(Damage) {
    let lines = bytes.split(separator: 10)
    guard let first = lines.first, let header = JSONValue(first),
      header["format"]?.text == "emurun-trace"
    else { throw Damage(line: 1, what: "does not begin as a trace of emurun does") }
    guard header["version"]?.integer == 2 else {
      throw Damage(line: 1, what: "is of another version of emurun")
    }
    guard let hertz = header["hertz"]?.integer, hertz > 0, let name = header["board"]?.text,
      let revision = header["boardRevision"]?.integer, case .array(let leds)? = header["leds"]
    else { throw Damage(line: 1, what: "does not say of which board it is") }
    clock = Clock(hertz: hertz)
    board = "\(name), revision \(revision)"
    self.lines = Array(lines.dropFirst())
    self.leds = leds.compactMap { led in
      guard let name = led["name"]?.text else { return nil }
      return (name, led["colour"]?.text.flatMap(Board.LED.Colour.init) ?? .white, led["part"]?.text)
    }
  }

  /// How many lines from the start are the same in both.
  public func common(with other: TraceFile) -> Int {
    zip(lines, other.lines).prefix { $0.elementsEqual($1) }.count
  }

  /// A line as a person reads it; nil: there is none with that number, from 0.
  public func words(_ number: Int) throws(Damage) -> String? {
    guard number < lines.count else { return nil }
    let value = try value(number)
    guard case .object(let members) = value, let ns = value["ns"]?.integer else {
      throw Damage(line: number + 2, what: "has no time")
    }
    var text: [UInt8] = []
    text.append(decimal: ns / 1_000_000_000, width: 6)
    text.append(".")
    text.append(decimals: ns % 1_000_000_000, count: 9)
    text.append(" s ")
    text.append(decimal: value["index"]?.integer ?? 0, width: 12)
    text.append("  ")
    let source = value["source"]?.text.map { $0 + " " } ?? ""
    text += Array((source + (value["kind"]?.text ?? "")).utf8)
    for member in members
    where !["ns", "tick", "index", "hart", "source", "kind"].contains(member.key) {
      text += Array(" \(member.key)=\(Self.words(member.value))".utf8)
    }
    return String(decoding: text, as: UTF8.self)
  }

  public func tick(_ number: Int) throws(Damage) -> Tick? {
    number < lines.count ? try value(number)["tick"]?.integer : nil
  }

  /// What the LEDs did.
  public func waves() throws(Damage) -> [Waveform] {
    var waves = leds.map { Waveform(name: $0.name, colour: $0.colour, part: $0.part) }
    var end: Tick = 0
    for number in lines.indices {
      let value = try value(number)
      guard let tick = value["tick"]?.integer, tick >= end else {
        throw Damage(line: number + 2, what: "has no tick, or one before the last line's")
      }
      end = tick
      guard let name = value["led"]?.text, let led = waves.firstIndex(where: { $0.name == name })
      else { continue }
      waves[led].set(value["on"]?.isTrue ?? false, at: tick)
    }
    for led in waves.indices { waves[led].extend(to: end) }
    return waves
  }

  private func value(_ number: Int) throws(Damage) -> JSONValue {
    guard let value = JSONValue(lines[number]) else {
      throw Damage(line: number + 2, what: "is no JSON")
    }
    return value
  }

  private static func words(_ value: JSONValue) -> String {
    switch value {
    case .null: "none"
    case .bool(let value): "\(value)"
    case .number(let digits): digits
    case .text(let text): text
    case .array(let values): "[" + values.map(words).joined(separator: " ") + "]"
    case .object(let members):
      "{" + members.map { "\($0.key)=\(words($0.value))" }.joined(separator: " ") + "}"
    }
  }
}
