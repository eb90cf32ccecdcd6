#if Console
  /// Something that takes bytes one after the other. Nothing here allocates.
  protocol TextOutput {
    /// What has to be set up before anything is sent.
    func configure()
    func write(_ bytes: UnsafeBufferPointer<UInt8>)
  }

  extension TextOutput {
    func configure() {}

    func print(_ text: StaticString) {
      write(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func print(_ number: UInt) {
      // 20 decimal digits are the most that 64 bits make.
      print(number, radix: 10, minimumDigits: 1)
    }

    func print(address: UInt) {
      print("0x")
      print(address, radix: 16, minimumDigits: UInt.bitWidth / 4)
    }

    /// 16 digits: no division, which for 64 bits is a library's on a Cortex-M.
    func print(hexadecimal number: UInt64) {
      print("0x")
      print(UInt(UInt32(truncatingIfNeeded: number &>> 32)), radix: 16, minimumDigits: 8)
      print(UInt(UInt32(truncatingIfNeeded: number)), radix: 16, minimumDigits: 8)
    }

    private func print(_ number: UInt, radix: UInt, minimumDigits: Int) {
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
#endif
