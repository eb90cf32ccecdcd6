import Proofs

/// What a project allows its firmware: lines of a word and its value, `#` begins a comment.
///
///     allow wait-for-interrupt
///     device 0x40025000..0x40025fff
///     stack 2048
///     size 65536
///     runtime-checks 0
struct AuditPolicy {
  /// Classes of instructions that may be in the code.
  private(set) var allowed: Set<String> = []
  /// Where stores to devices may go; none given: anywhere.
  private(set) var devices: [ClosedRange<UInt64>] = []
  private(set) var stack: Int?
  private(set) var size: UInt64?
  private(set) var runtimeChecks: Int?

  init(_ bytes: [UInt8], path: String) throws(Refusal) {
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      if words.isEmpty { continue }
      guard words.count == 2, add(String(words[0]), words[1]) else {
        throw Refusal(
          ExitCode.badData,
          "\(path): line \(number + 1) is none of: allow CLASS, device FIRST..LAST, stack BYTES, "
            + "size BYTES, runtime-checks N, each of the last three once; a class is one of "
            + Obligation.Class.allCases.map(\.rawValue).joined(separator: ", "))
      }
    }
  }

  private mutating func add(_ key: String, _ value: Substring) -> Bool {
    switch key {
    case "allow":
      guard Obligation.Class(rawValue: String(value)) != nil else { return false }
      allowed.insert(String(value))
    case "device":
      let ends = value.split(separator: "..", omittingEmptySubsequences: false).map(Self.number)
      guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else {
        return false
      }
      devices.append(first...last)
    case "stack":
      guard stack == nil, let bytes = Self.number(value).flatMap({ Int(exactly: $0) }) else {
        return false
      }
      stack = bytes
    case "size":
      guard size == nil, let bytes = Self.number(value) else { return false }
      size = bytes
    case "runtime-checks":
      guard runtimeChecks == nil, let count = Self.number(value).flatMap({ Int(exactly: $0) })
      else { return false }
      runtimeChecks = count
    default: return false
    }
    return true
  }

  private static func number(_ text: Substring) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }
}
