/// The run's console: UART0, SBI console, HTIF and semihosting text in order; and the input that
/// waits for the guest.
public struct Console: Sendable {
  /// What was written, byte for byte; of a very long text the end, see `MachineOptions.keptText`.
  public private(set) var bytes: [UInt8] = []
  /// How many bytes were written before these.
  public private(set) var forgotten = 0
  /// Bytes that are kept at least, and at most twice as many.
  private var kept: Int
  private var input: [UInt8] = []
  private var taken = 0

  init(keeping: Int = .max) { kept = max(1, keeping) }

  /// That one, keeping as much as another does.
  init(_ console: Console, keeping other: Console) {
    self = console
    kept = other.kept
  }

  /// How many bytes were written in all.
  public var count: Int { forgotten + bytes.count }

  /// What was written behind the first so many bytes, as far as it is kept.
  public func bytes(from position: Int) -> ArraySlice<UInt8> {
    bytes[min(max(0, position - forgotten), bytes.count)...]
  }

  /// The text; bytes that are no UTF-8 as U+FFFD.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  mutating func append(_ byte: UInt8) {
    if bytes.count / 2 >= kept {
      let number = bytes.count - kept
      bytes.removeFirst(number)
      forgotten += number
    }
    bytes.append(byte)
  }

  mutating func send(_ more: some Sequence<UInt8>) { input.append(contentsOf: more) }

  var hasInput: Bool { taken < input.count }
  var nextInput: UInt8? { taken < input.count ? input[taken] : nil }
  mutating func takeInput() {
    taken += 1
    if taken == input.count {
      input.removeAll(keepingCapacity: true)
      taken = 0
    }
  }
}

extension Console: Codable {
  private enum Keys: String, CodingKey {
    case bytes
    case forgotten
    case input
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: Keys.self)
    try keys.encode(bytes, forKey: .bytes)
    try keys.encode(forgotten, forKey: .forgotten)
    try keys.encode(Array(input[taken...]), forKey: .input)
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let keys = try decoder.container(keyedBy: Keys.self)
    bytes = try keys.decode([UInt8].self, forKey: .bytes)
    forgotten = try keys.decode(Int.self, forKey: .forgotten)
    input = try keys.decode([UInt8].self, forKey: .input)
    guard 0..<1 << 62 ~= forgotten else { throw Unreadable("the console's count is out of range") }
  }
}

/// Where console text comes from that no device sent.
public enum ConsoleSource: UInt32, Sendable {
  case sbi = 1
  case semihosting = 2
  case htif = 3
}

/// Texts that end a run when they appear on the console, across any borders of its chunks.
struct ConsoleWatch: Sendable {
  private struct Pattern {
    let text: [UInt8]
    let reason: StopReason
    /// By matched length: the longest proper prefix that is also a suffix of what matched (Knuth,
    /// Morris, Pratt).
    let fallback: [Int]
    var matched = 0

    init(_ text: [UInt8], _ reason: StopReason) {
      self.text = text
      self.reason = reason
      var fallback = [0, 0]
      var length = 0
      for position in text.indices.dropFirst() {
        while length > 0 && text[position] != text[length] { length = fallback[length] }
        if text[position] == text[length] { length += 1 }
        fallback.append(length)
      }
      self.fallback = fallback
    }

    mutating func feed(_ byte: UInt8) -> Bool {
      while matched > 0 && text[matched] != byte { matched = fallback[matched] }
      if text[matched] == byte { matched += 1 }
      if matched < text.count { return false }
      matched = fallback[matched]
      return true
    }
  }

  private var patterns: [Pattern] = []

  /// An empty text never appears. `behind`: what the console showed last, with which a text may have begun.
  mutating func add(_ text: [UInt8], reason: StopReason, behind: some Sequence<UInt8>) {
    if text.isEmpty { return }
    var pattern = Pattern(text, reason)
    for byte in behind { _ = pattern.feed(byte) }
    patterns.append(pattern)
  }

  /// The reason of the first text that this byte completes.
  mutating func feed(_ byte: UInt8) -> StopReason? {
    var found: StopReason?
    for number in patterns.indices where patterns[number].feed(byte) {
      found = found ?? patterns[number].reason
    }
    return found
  }
}
