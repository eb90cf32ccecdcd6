import ArgumentParser
import Emu
import Timeline

/// The value of an option that is no plain text or number.
protocol OptionValue {
  init?(argument: String)
  /// How it is written, for the user who wrote it otherwise.
  static var form: String { get }
}

extension OptionValue {
  /// For ArgumentParser, which shows the form behind its own sentence.
  static func parse(_ argument: String) throws -> Self {
    guard let value = Self(argument: argument) else { throw ValidationError(form) }
    return value
  }
}

/// Virtual time as people write it: "10s", "1.5ms", "inf".
struct VirtualTime: OptionValue, Hashable {
  static let form = "a time is a number and ns, us, ms, s, min or h, such as 1.5s, or inf"
  /// nil: without end.
  let nanoseconds: UInt64?

  init(nanoseconds: UInt64?) { self.nanoseconds = nanoseconds }

  init?(argument: String) {
    if argument == "inf" {
      nanoseconds = nil
      return
    }
    let digits = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let units: [String: UInt64] = [
      "ns": 1, "us": 1000, "µs": 1000, "ms": 1_000_000, "s": 1_000_000_000,
      "min": 60_000_000_000, "h": 3_600_000_000_000,
    ]
    guard let unit = units[String(argument.dropFirst(digits.count))],
      let value = Self.multiply(digits, by: unit)
    else { return nil }
    nanoseconds = value
  }

  /// Exact; nil: no number, too large, or finer than a nanosecond.
  private static func multiply(_ digits: Substring, by unit: UInt64) -> UInt64? {
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = UInt64(parts[0]) else { return nil }
    var (total, overflow) = whole.multipliedReportingOverflow(by: unit)
    if overflow { return nil }
    if parts.count == 2 {
      guard !parts[1].isEmpty else { return nil }
      var place = unit
      for digit in parts[1] {
        guard let digit = digit.wholeNumberValue else { return nil }
        if place % 10 != 0 && digit != 0 { return nil }
        place /= 10
        (total, overflow) = total.addingReportingOverflow(UInt64(digit) * place)
        if overflow { return nil }
      }
    }
    return total
  }
}

/// "SW1@1.5s+200ms".
struct Press: OptionValue, Hashable {
  static let form = "write NAME@TIME+DURATION, such as SW1@1.5s+200ms"
  let name: String
  let moment: Moment
  let duration: Duration

  init?(argument: String) {
    guard let at = argument.lastIndex(of: "@"), at != argument.startIndex else { return nil }
    let times = argument[argument.index(after: at)...].split(
      separator: "+", omittingEmptySubsequences: false)
    guard times.count == 2, let start = VirtualTime(argument: String(times[0]))?.nanoseconds,
      let length = VirtualTime(argument: String(times[1]))?.nanoseconds, length > 0,
      length < UInt64(Int64.max)
    else { return nil }
    name = String(argument[..<at])
    moment = Moment(nanoseconds: start)
    duration = .nanoseconds(Int64(length))
  }
}

/// Bytes of memory: "2G", "512M", "64K"; a plain number is MiB, as QEMU has it.
struct MemorySize: OptionValue, Hashable {
  static let form = "a size is a number and K, M or G, such as 512M"
  let bytes: UInt64

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let units: [String: UInt64] = [
      "": 1 << 20, "K": 1 << 10, "k": 1 << 10, "M": 1 << 20, "m": 1 << 20, "G": 1 << 30,
      "g": 1 << 30,
    ]
    guard let number = UInt64(digits), let unit = units[String(argument.dropFirst(digits.count))]
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
    if overflow || bytes == 0 { return nil }
    self.bytes = bytes
  }
}

/// "4".
struct HartCount: OptionValue, Hashable {
  static let form = "harts are a number from 1 to \(Board.mostHarts)"
  let number: Int

  init?(argument: String) {
    guard let number = Int(argument), 1...Board.mostHarts ~= number else { return nil }
    self.number = number
  }
}

/// Attempts in a turn of one of several harts.
struct Quantum: OptionValue, Hashable {
  static let form = "a turn is a number of instructions from 1 to 1000000000"
  let attempts: UInt64

  init?(argument: String) {
    guard let attempts = UInt64(argument), 1...1_000_000_000 ~= attempts else { return nil }
    self.attempts = attempts
  }
}

/// How long instructions take.
struct CycleTiming: OptionValue, Hashable {
  static let form = "the only timing beside one cycle an instruction is m4"

  init?(argument: String) {
    if argument != "m4" { return nil }
  }
}

/// FILE@ADDR.
struct FileAtAddress: OptionValue, Hashable {
  static let form = "write FILE@ADDRESS, such as data.bin@0x80100000"
  let path: String
  let address: UInt64

  init?(argument: String) {
    guard let at = argument.lastIndex(of: "@"), at != argument.startIndex else { return nil }
    let text = argument[argument.index(after: at)...]
    let address =
      text.hasPrefix("0x") || text.hasPrefix("0X")
      ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    guard let address else { return nil }
    path = String(argument[..<at])
    self.address = address
  }
}

/// N=FILE or N=stdout.
struct UARTOutput: OptionValue, Hashable {
  static let form = "write N=FILE or N=stdout, such as 1=modem.log"
  let number: Int
  /// nil: standard output.
  let path: String?

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), let number = Int(argument[..<equals]),
      number >= 0
    else { return nil }
    let path = String(argument[argument.index(after: equals)...])
    if path.isEmpty { return nil }
    self.number = number
    self.path = path == "stdout" ? nil : path
  }
}

/// FILE or N=FILE.
struct StimulusOutput: OptionValue, Hashable {
  static let form = "write FILE or N=FILE with a port from 0 to 31, such as 1=events.bin"
  let port: UInt32
  let path: String

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, let port = UInt32(parts[0]) {
      if port > 31 { return nil }
      self.port = port
      path = String(parts[1])
    } else {
      port = 0
      path = argument
    }
    if path.isEmpty { return nil }
  }
}

/// led,irq,...
struct TraceList: OptionValue, Hashable {
  static let form = "a list such as led,irq"
  let kinds: TraceKinds
  /// Words that are none of the kinds, to be told with a reason.
  let unknown: [String]

  init?(argument: String) {
    var kinds: TraceKinds = []
    var unknown: [String] = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      if let known = TraceKinds.names.first(where: { $0.name == word }) {
        kinds.insert(known.kind)
      } else {
        unknown.append(String(word))
      }
    }
    self.kinds = kinds
    self.unknown = unknown
  }
}
