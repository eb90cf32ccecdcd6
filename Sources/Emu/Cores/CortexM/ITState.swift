/// ITSTATE in an xPSR (A7.3.3): IT[1:0] in bits 26:25, IT[7:2] in bits 15:10.
package enum ITState {
  private static let mask: UInt32 = 0x0600_FC00

  private static func get(_ xpsr: UInt32) -> UInt32 { xpsr >> 25 & 3 | xpsr >> 8 & 0xFC }
  private static func put(_ it: UInt32, _ xpsr: UInt32) -> UInt32 {
    xpsr & ~mask | (it & 3) << 25 | (it & 0xFC) << 8
  }

  /// Behind an instruction: `ITAdvance()`.
  static func advanced(_ xpsr: UInt32) -> UInt32 {
    let it = get(xpsr)
    return put(it & 7 == 0 ? 0 : it & 0xE0 | it << 1 & 0x1F, xpsr)
  }

  /// Before an instruction that was executed and has advanced it. Of the last one in a block nothing is left, and nothing is
  /// needed: its condition was true, and run again outside of the block it does the same.
  static func rewound(_ xpsr: UInt32) -> UInt32 {
    let it = get(xpsr)
    if it == 0 { return xpsr }
    // Bit 4, which was shifted out, chose between a condition and its opposite: it was the one that held.
    let low: UInt32 = holds(it >> 4 & 14, xpsr) ? 0 : 0x10
    return put(it & 0xE0 | low | it >> 1 & 0xF, xpsr)
  }

  /// Does a condition hold, by the flags (A7.3, `ConditionPassed()`)?
  package static func holds(_ condition: UInt32, _ xpsr: UInt32) -> Bool {
    let (n, z) = (xpsr >> 31 & 1 == 1, xpsr >> 30 & 1 == 1)
    let (c, v) = (xpsr >> 29 & 1 == 1, xpsr >> 28 & 1 == 1)
    let even =
      switch condition >> 1 {
      case 0: z
      case 1: c
      case 2: n
      case 3: v
      case 4: c && !z
      case 5: n == v
      case 6: n == v && !z
      default: true
      }
    return condition & 1 == 1 && condition != 15 ? !even : even
  }
}
