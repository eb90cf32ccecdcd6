import Testing
import Timeline

@Suite struct QuantityTests {
  @Test func countsAreGrouped() {
    #expect(Quantity.grouped(0) == "0")
    #expect(Quantity.grouped(999) == "999")
    #expect(Quantity.grouped(412_306) == "412 306")
    #expect(Quantity.grouped(UInt64.max) == "18 446 744 073 709 551 615")
    #expect(Quantity.grouped(-1234) == "-1 234")
  }

  @Test func frequenciesHaveThreeDigits() {
    for (value, text) in [
      (1.0, "1.00 Hz"), (0.5, "0.50 Hz"), (0.0123, "0.0123 Hz"), (9.996, "10.0 Hz"),
      (12.34, "12.3 Hz"), (99.96, "100 Hz"), (999.6, "1.00 kHz"), (12_345, "12.3 kHz"),
      (8e6, "8.00 MHz"), (2.5e9, "2.50 GHz"), (0.00139, "0.00139 Hz"), (0.000139, "0.000139 Hz"),
    ] { #expect(Quantity.hertz(value) == text) }
  }

  @Test func sharesShowWhenTheyAreNotQuiteAll() {
    for (value, text) in [
      (0.0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.333, "33 %"), (0.997, "99.7 %"),
      (0.02, "2 %"), (0.0002, "0.02 %"), (0.9996, "99.96 %"), (0.999999, "99.99 %"),
      (0.000_099, "0.0099 %"), (0.0001, "0.01 %"), (0.000_015_26, "0.0015 %"),
      (0.000_001_5, "0.00015 %"), (1e-9, "<0.0001 %"),
    ] { #expect(Quantity.percent(value) == text) }
  }

  @Test func timesHaveTheUnitThatFits() {
    for (value, text) in [
      (UInt128(0), "0.000 ns"), (1_234_567, "1.234 µs"), (10_000_000_000_000, "10.000 s"),
      (999_999_999, "999.999 µs"), (1_500_000_000, "1.500 ms"), (62_500, "62.500 ns"),
      (3_600_000_000_000_000, "3 600.000 s"),
    ] { #expect(Quantity.time(picoseconds: value) == text) }
    #expect(Quantity.time(picoseconds: 1_234_567, micro: "u") == "1.234 us")
  }

  @Test func decimalsAreRounded() {
    #expect(Quantity.fixed(0.005, decimals: 2) == "0.01")
    #expect(Quantity.fixed(2.999, decimals: 2) == "3.00")
    #expect(Quantity.fixed(-0.001, decimals: 2) == "0.00")
    #expect(Quantity.fixed(-1.5, decimals: 1) == "-1.5")
  }
}
