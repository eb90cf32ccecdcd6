/// Something that takes bytes one after the other. Nothing here allocates.
protocol TextOutput {
  func write(_ bytes: UnsafeBufferPointer<UInt8>)
}

extension TextOutput {
  func print(_ text: StaticString) {
    write(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  func print(_ number: UInt) {
    print(number, radix: 10, minimumDigits: 1)
  }

  func print(address: UInt) {
    print("0x")
    print(address, radix: 16, minimumDigits: UInt.bitWidth / 4)
  }

  private func print(_ number: UInt, radix: UInt, minimumDigits: Int) {
    // 20 decimal digits are the most that 64 bits make.
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = 20
    var rest = number
    repeat {
      first -= 1
      let digit = UInt8(truncatingIfNeeded: rest % radix)
      digits[first] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      rest /= radix
    } while rest != 0 || 20 - first < minimumDigits
    digits.span.extracting(first...).withUnsafeBufferPointer { write($0) }
  }
}
