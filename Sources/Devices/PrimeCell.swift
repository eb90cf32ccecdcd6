import Emu

/// The twelve identification registers at the end of a PrimeCell's window: PeriphID4 to 7, PeriphID0 to 3, PCellID0 to 3.
struct PrimeCellIdentity: Sendable {
  static let offset: UInt64 = 0xFD0
  private let bytes: [UInt8]

  /// - Parameters:
  ///   - peripheral: PeriphID0 to 3.
  ///   - upper: PeriphID4.
  init(_ peripheral: [UInt8], upper: UInt8 = 0) {
    precondition(peripheral.count == 4, "PeriphID0 to PeriphID3")
    bytes = [upper, 0, 0, 0] + peripheral + [0x0D, 0xF0, 0x05, 0xB1]
  }

  /// The value of the register at that offset of the window; nil: it is no identification register.
  func value(at offset: UInt64) -> UInt64? {
    guard Self.offset..<Self.offset + 48 ~= offset else { return nil }
    return UInt64(bytes[Int(offset - Self.offset) / 4])
  }

  /// - Parameter prefix: "UART".
  func registers(_ prefix: String) -> [RegisterMap.Register] {
    bytes.enumerated().map { number, value in
      .init(
        prefix + (number < 8 ? "PeriphID\((number + 4) % 8)" : "PCellID\(number - 8)"),
        Self.offset + 4 * UInt64(number), widths: [.byte, .half, .word], .readOnly,
        reset: UInt64(value))
    }
  }
}
