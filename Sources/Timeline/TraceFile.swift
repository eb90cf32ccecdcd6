import Emu
import Glibc

/// A trace as `--trace-file` wrote it.
public struct TraceFile: Sendable {
  /// "m4-led, revision 2"
  public let board: String
  /// Ticks a second at power-on.
  public let hertz: UInt64
  /// What was asked for: the words of `--trace`.
  public let kinds: [String]
  /// All lines but the first, as they are.
  public private(set) var lines: [ArraySlice<UInt8>]
  /// Of each of them, its number in the file, from 1.
  private var numbers: [Int]
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
      let revision = header["boardRevision"]?.integer, case .array(let leds)? = header["leds"],
      case .array(let kinds)? = header["kinds"]
    else { throw Damage(line: 1, what: "does not say of which board it is") }
    self.hertz = hertz
    self.kinds = kinds.compactMap(\.text)
    board = "\(name), revision \(revision)"
    self.lines = Array(lines.dropFirst())
    numbers = Array(2..<lines.count + 1)
    self.leds = leds.compactMap { led in
      guard let name = led["name"]?.text else { return nil }
      return (name, led["colour"]?.text.flatMap(Board.LED.Colour.init) ?? .white, led["part"]?.text)
    }
  }

  /// How many lines from the start are the same in both.
  public func common(with other: TraceFile) -> Int {
    zip(lines, other.lines).prefix { $0.isSame(as: $1) }.count
  }

  /// Those kinds that both have. `gpio` means other pins where there is no `led`, so it counts only with the same.
  public func kinds(with other: TraceFile) -> [String] {
    let common = kinds.filter(other.kinds.contains)
    let sameLEDs = kinds.contains("led") == other.kinds.contains("led")
    return sameLEDs ? common : common.filter { $0 != "gpio" }
  }

  /// Without the events that are there only by kinds that are not among these.
  public func keeping(_ kinds: [String]) throws(Damage) -> TraceFile {
    var kept = self
    (kept.lines, kept.numbers) = ([], [])
    for number in lines.indices {
      let kind = Self.kinds[try value(number)["kind"]?.text ?? ""]
      if let kind, !kinds.contains(kind) { continue }
      kept.lines.append(lines[number])
      kept.numbers.append(numbers[number])
    }
    return kept
  }

  /// The kind that an event is asked for by; others are always there.
  private static let kinds = [
    "led": "led", "gpio": "gpio", "uart": "uart", "uart-input": "uart", "console": "uart",
    "read": "mmio", "write": "mmio", "not-modelled": "mmio", "irq": "irq", "irq-return": "irq",
    "trap": "trap", "sbi": "sbi",
  ]

  /// A line as a person reads it; nil: there is none with that number, from 0.
  public func words(_ number: Int) throws(Damage) -> String? {
    guard number < lines.count else { return nil }
    let value = try value(number)
    guard case .object(let members) = value, let ns = value["ns"]?.integer else {
      throw Damage(line: numbers[number], what: "has no time")
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

  public func nanoseconds(_ number: Int) throws(Damage) -> UInt64? {
    number < lines.count ? try value(number)["ns"]?.integer : nil
  }

  /// What the LEDs did. Times are nanoseconds: ticks are of different lengths where software changes its core clock.
  public func waves() throws(Damage) -> [Waveform] {
    var waves = leds.map { Waveform(name: $0.name, colour: $0.colour, part: $0.part) }
    var end: UInt64 = 0
    // Of the others nothing is drawn but the end of the last one.
    for number in lines.indices where number == lines.count - 1 || lines[number].mayHave("\"led\"")
    {
      let value = try value(number)
      guard let ns = value["ns"]?.integer, ns >= end else {
        throw Damage(line: numbers[number], what: "has no time, or one before the last line's")
      }
      end = ns
      guard let name = value["led"]?.text, let led = waves.firstIndex(where: { $0.name == name })
      else { continue }
      waves[led].set(value["on"]?.isTrue ?? false, at: ns)
    }
    for led in waves.indices { waves[led].extend(to: end) }
    return waves
  }

  private func value(_ number: Int) throws(Damage) -> JSONValue {
    guard let value = JSONValue(lines[number]) else {
      throw Damage(line: numbers[number], what: "is no JSON")
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

extension ArraySlice<UInt8> {
  fileprivate func isSame(as other: ArraySlice<UInt8>) -> Bool {
    withUnsafeBytes { one in
      other.withUnsafeBytes { two in
        guard one.count == two.count, let first = one.baseAddress, let second = two.baseAddress
        else { return false }
        return memcmp(first, second, one.count) == 0
      }
    }
  }

  /// Whether a line has a word somewhere, be it as a key.
  fileprivate func mayHave(_ word: StaticString) -> Bool {
    let (start, length) = (word.utf8Start, word.utf8CodeUnitCount)
    return withUnsafeBytes { line in
      guard line.count >= length, let first = line.baseAddress else { return false }
      for place in 0...line.count - length
      where line[place] == start[0] && memcmp(first + place, start, length) == 0 {
        return true
      }
      return false
    }
  }
}
