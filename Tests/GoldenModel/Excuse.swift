import Foundation

/// Where a commit of ours may differ from Spike's, and why. Nowhere else.
///
/// What the guests do not do at all is as much of an excuse. They do not read marchid and mimpid, do not
/// write misa (Spike's is writable) nor menvcfg and senvcfg (ours has FIOM); write mcountinhibit only as
/// `GuestBody.counters` does; do not delegate exceptions that only Spike has; have an SC behind its LR, with no
/// more than a store between, or where no reservation is and memory lies (Spike has access faults at nothing);
/// touch no device but the CLINT's msip, the rest of which is behind a locked PMP entry; and raise interrupts
/// where Spike looks for them at once: by CSR instructions, or by the CLINT with interrupts off.
enum Excuse {
  static func of(ours: String, theirs: String) -> String? {
    // Spike keeps the bits of mip that software wrote in a register of a later specification (mvip, Smaia), and logs it too.
    let plain = without("c777_mvip", theirs)
    if plain == ours { return "mvip" }
    // cycle and time count in another way: docs/differences.md.
    if readsClock(ours), readsClock(theirs), ours.dropLast(16) == plain.dropLast(16) {
      return "clock"
    }
    return nil
  }

  /// Behind which the two may not be compared any more.
  ///
  /// `before`: the lines up to that one, the end of which has to have the handler's `csrr x29, mepc`.
  static func end(ours: String, theirs: String, before: String) -> String? {
    // No instruction here is longer than 32 bits (ILEN, Unprivileged ISA 1.5): an encoding of a longer one is illegal by its first
    // parcel. Spike fetches all of it first, and takes the page fault of what lies behind the page's end.
    let cause = "(0x34202ef3) x29 0x"
    guard let code = ours.range(of: cause)?.upperBound, Int(ours[code...], radix: 16) == 2,
      let other = theirs.range(of: cause)?.upperBound, Int(theirs[other...], radix: 16) == 12,
      let read = before.range(of: "(0x34102ef3) x29 0x", options: .backwards)?.upperBound,
      let pc = UInt64(before[read...].prefix(16), radix: 16), 0xFFA...0xFFC ~= pc & 0xFFF
    else { return nil }
    return "long encoding at a page's end"
  }

  private static func without(_ name: String, _ line: String) -> String {
    guard let start = line.range(of: " " + name + " ")?.lowerBound else { return line }
    var line = line
    line.removeSubrange(start..<line.index(start, offsetBy: name.count + 20))
    return line
  }

  /// `csrr x29, mcycle`, `cycle` or `time`: x29 is the trap handlers', which never look at it.
  private static func readsClock(_ line: String) -> Bool {
    ["(0xb0002ef3) x29", "(0xc0002ef3) x29", "(0xc0102ef3) x29"].contains { line.contains($0) }
  }
}
