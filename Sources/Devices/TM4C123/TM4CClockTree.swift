import Emu

/// What RCC and RCC2 make of the TM4C123GH6PM's oscillators: datasheet SPMS376E, section 5.2.5, "Clock Control". The board's
/// crystal has 16 MHz.
struct TM4CClockTree {
  var rcc: UInt32
  var rcc2: UInt32

  enum Bit {
    static let oscillatorOff: UInt32 = 1 << 0
    static let bypass: UInt32 = 1 << 11
    static let powerDown: UInt32 = 1 << 13
    static let useDivisor: UInt32 = 1 << 22
    static let useRCC2: UInt32 = 1 << 31
    static let divide400: UInt32 = 1 << 30
  }

  static let piosc: UInt64 = 16_000_000
  static let crystal: UInt64 = 16_000_000
  /// RCC.XTAL for it.
  static let crystalCode: UInt32 = 0x15
  private static let pll: UInt64 = 400_000_000

  private var usesRCC2: Bool { rcc2 & Bit.useRCC2 != 0 }
  var isBypassed: Bool { (usesRCC2 ? rcc2 : rcc) & Bit.bypass != 0 }
  var isPowered: Bool { (usesRCC2 ? rcc2 : rcc) & Bit.powerDown == 0 }
  /// OSCSRC: 0 is the main oscillator.
  var source: UInt32 { usesRCC2 ? rcc2 >> 4 & 7 : rcc >> 4 & 3 }
  var isOscillatorOff: Bool { rcc & Bit.oscillatorOff != 0 }
  var crystalCode: UInt32 { rcc >> 6 & 0x1F }

  private static func oscillator(_ source: UInt32) -> UInt64 {
    switch source {
    case 0: crystal
    case 1: piosc
    case 2: piosc / 4
    case 7: 32_768
    default: 30_000
    }
  }

  /// "SYSDIV ... specifies which divisor is used to generate the system clock from either the PLL output or the oscillator source";
  /// with DIV400 SYSDIV2LSB is part of it, and the PLL is not halved first.
  var systemClock: Ratio {
    let divisor = usesRCC2 ? UInt64(rcc2 >> 23 & 0x3F) : UInt64(rcc >> 23 & 0xF)
    if !isBypassed && isPowered {
      return usesRCC2 && rcc2 & Bit.divide400 != 0
        ? Ratio(Self.pll, UInt64(rcc2 >> 22 & 0x7F) + 1) : Ratio(Self.pll / 2, divisor + 1)
    }
    return Ratio(Self.oscillator(source), rcc & Bit.useDivisor != 0 ? divisor + 1 : 1)
  }

  /// What the datasheet forbids, in words.
  var mistakes: [String] {
    var all: [String] = []
    if !isBypassed && !isPowered {
      all.append("the PLL is to be the system clock while its power is off")
    }
    if source == 0 && isOscillatorOff {
      all.append("the main oscillator is to be the clock while RCC.MOSCDIS is set")
    }
    if !isBypassed && source == 0 && crystalCode != Self.crystalCode {
      all.append("RCC.XTAL is not the board's crystal of 16 MHz")
    }
    return all
  }

  /// DSLPCLKCFG: the "divider is applied to the source selected by the DSOSCSRC field", whatever RCC says; the PLL is off.
  static func deepSleepClock(_ configuration: UInt32) -> Ratio {
    Ratio(oscillator(configuration >> 4 & 7), UInt64(configuration >> 23 & 0x3F) + 1)
  }
}
