/// RV64 machine code in the making: 16- and 32-bit parcels, labels, and the few forms that the guests are held together by.
struct Assembly {
  private(set) var bytes: [UInt8] = []
  private var labels: [Int?] = []
  private var fixes: [(at: Int, label: Label)] = []

  struct Label { fileprivate let number: Int }

  var here: Int { bytes.count }

  mutating func label() -> Label {
    labels.append(nil)
    return Label(number: labels.count - 1)
  }
  mutating func bind(_ label: Label) { labels[label.number] = here }
  func offset(of label: Label) -> Int { labels[label.number] ?? 0 }

  mutating func half(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
  }
  mutating func word(_ value: UInt32) {
    half(UInt16(truncatingIfNeeded: value))
    half(UInt16(truncatingIfNeeded: value >> 16))
  }
  mutating func align(_ boundary: Int) { while here % boundary != 0 { half(1) } }
  mutating func pad(to offset: Int) {
    precondition(here <= offset, "code of \(here) bytes runs into what lies at \(offset)")
    bytes += [UInt8](repeating: 0, count: offset - here)
  }

  // MARK: Forms

  static func r(
    _ op: UInt32, _ f3: UInt32, _ f7: UInt32, _ rd: UInt32, _ rs1: UInt32, _ rs2: UInt32
  )
    -> UInt32
  { op | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25 }
  static func i(_ op: UInt32, _ f3: UInt32, _ rd: UInt32, _ rs1: UInt32, _ value: Int) -> UInt32 {
    op | rd << 7 | f3 << 12 | rs1 << 15 | UInt32(truncatingIfNeeded: value) << 20
  }
  static func s(_ op: UInt32, _ f3: UInt32, _ rs1: UInt32, _ rs2: UInt32, _ value: Int) -> UInt32 {
    let value = UInt32(truncatingIfNeeded: value)
    return op | (value & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (value >> 5 & 127) << 25
  }
  mutating func addi(_ rd: UInt32, _ rs1: UInt32, _ value: Int) {
    word(Self.i(0x13, 0, rd, rs1, value))
  }
  mutating func csr(_ function: UInt32, _ rd: UInt32, _ csr: UInt32, _ source: UInt32) {
    word(Self.i(0x73, function, rd, source, Int(csr)))
  }
  mutating func csrw(_ csr: UInt32, _ rs1: UInt32) { self.csr(1, 0, csr, rs1) }
  mutating func csrr(_ rd: UInt32, _ csr: UInt32) { self.csr(2, rd, csr, 0) }

  /// Any 64-bit value; clobbers only rd.
  mutating func li(_ rd: UInt32, _ value: UInt64) {
    let signed = Int64(bitPattern: value)
    if -2048...2047 ~= signed { return addi(rd, 0, Int(signed)) }
    if Int64(Int32.min)...Int64(Int32.max) ~= signed {
      let low = Int((signed << 52) >> 52)
      word(UInt32(truncatingIfNeeded: signed - Int64(low)) & 0xFFFF_F000 | rd << 7 | 0x37)
      // As addiw, so that the sum of 0x7FFFF800 and above stays in 32 bits.
      if low != 0 { word(Self.i(0x1B, 0, rd, rd, low)) }
      return
    }
    let low = Int((signed << 52) >> 52)
    li(rd, UInt64(bitPattern: (signed &- Int64(low)) >> 12))
    word(Self.i(0x13, 1, rd, rd, 12))
    if low != 0 { addi(rd, rd, low) }
  }

  /// The address of a label, relative to the pc: 8 bytes.
  mutating func la(_ rd: UInt32, _ label: Label) {
    fixes.append((here, label))
    word(rd << 7 | 0x17)
    addi(rd, rd, 0)
  }
  mutating func jump(_ rd: UInt32, _ label: Label) {
    fixes.append((here, label))
    word(rd << 7 | 0x6F)
  }
  mutating func branch(_ function: UInt32, _ rs1: UInt32, _ rs2: UInt32, _ label: Label) {
    fixes.append((here, label))
    word(Self.r(0x63, function, 0, 0, rs1, rs2))
  }
  /// `c.j`, `c.beqz` or `c.bnez` with its offset to come.
  mutating func compressedJump(_ parcel: UInt16, _ label: Label) {
    fixes.append((here, label))
    half(parcel)
  }

  private func read(_ at: Int) -> UInt32 {
    (0..<4).reduce(0) {
      $0 | (at + $1 < bytes.count ? UInt32(bytes[at + $1]) : 0) << UInt32(8 * $1)
    }
  }
  private mutating func patch(_ at: Int, _ value: UInt32, _ count: Int) {
    for byte in 0..<count {
      bytes[at + byte] = UInt8(truncatingIfNeeded: value >> UInt32(8 * byte))
    }
  }

  mutating func resolve() {
    for (at, label) in fixes {
      let distance = offset(of: label) - at
      let d = UInt32(truncatingIfNeeded: distance)
      let word = read(at)
      switch word & 0x7F {
      case 0x17:
        patch(at, word | (d &+ 0x800) & 0xFFFF_F000, 4)
        patch(at + 4, read(at + 4) | (d & 0xFFF) << 20, 4)
      case 0x6F:
        let high = (d >> 20 & 1) << 31 | (d >> 1 & 0x3FF) << 21
        patch(at, word | high | (d >> 11 & 1) << 20 | (d >> 12 & 0xFF) << 12, 4)
      case 0x63:
        let high = (d >> 12 & 1) << 31 | (d >> 5 & 0x3F) << 25
        patch(at, word | high | (d >> 1 & 15) << 8 | (d >> 11 & 1) << 7, 4)
      default:
        let parcel = word & 0xFFFF
        let low = (d >> 5 & 1) << 2
        if parcel >> 13 == 5 {
          let one = (d >> 11 & 1) << 12 | (d >> 4 & 1) << 11 | (d >> 8 & 3) << 9
          let two = (d >> 10 & 1) << 8 | (d >> 6 & 1) << 7 | (d >> 7 & 1) << 6
          patch(at, parcel | one | two | (d >> 1 & 7) << 3 | low, 2)
        } else {
          let one = (d >> 8 & 1) << 12 | (d >> 3 & 3) << 10
          patch(at, parcel | one | (d >> 6 & 3) << 5 | (d >> 1 & 3) << 3 | low, 2)
        }
      }
    }
    fixes = []
  }
}

/// splitmix64.
struct Random {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  mutating func bits(_ count: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: next() >> 20) & (1 << UInt32(count) - 1)
  }
  mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }
  mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
}
