import Emu

/// Retired instructions as Spike's `--log-commits` writes them, to the byte: hart, privilege, pc, encoding, registers written,
/// addresses loaded from, addresses stored to with what was stored.
public struct CommitLog {
  private var bytes: [UInt8] = []

  public init() {}

  /// What was written so far, whole lines, and forgets it.
  public mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// The same for whoever writes millions: its room stays.
  public mutating func drain<E: Error>(_ body: ([UInt8]) throws(E) -> Void) throws(E) {
    try bytes.drain(body)
  }

  public var count: Int { bytes.count }

  public mutating func add(_ commit: Commit) {
    text("core")
    decimal(UInt64(commit.hart), width: 4, left: false)
    text(": ")
    bytes.append(UInt8(ascii: "0") + commit.privilege)
    hex(commit.pc)
    text(" (")
    hex(UInt64(commit.encoding), digits: commit.isCompressed ? 4 : 8, space: false)
    text(")")
    if commit.csrs.isEmpty {
      if let register = commit.register { write(register, commit.value) }
    } else {
      for written in Self.ordered(commit) {
        switch written {
        case .register(let register): write(register, commit.value)
        case .csr(let csr):
          text(" c")
          decimal(UInt64(csr.number), width: 0, left: true)
          text("_")
          text(CSRName.of(csr.number))
          hex(csr.value)
        }
      }
    }
    if let address = commit.load { memory(address) }
    if let store = commit.store {
      memory(store.address)
      hex(store.value, digits: Int(store.size) * 2)
    }
    bytes.append(10)
  }

  private mutating func write(_ register: Commit.Register, _ value: UInt64) {
    switch register {
    case .x(let number):
      text(" x")
      decimal(UInt64(number), width: 2, left: true)
    case .f(let number):
      text(" f")
      decimal(UInt64(number), width: 2, left: true)
    }
    hex(value)
  }

  private mutating func memory(_ address: UInt64) {
    text(" mem")
    hex(address)
  }

  // MARK: Order

  private enum Written {
    case register(Commit.Register)
    case csr(Commit.CSR)

    var key: UInt64 {
      switch self {
      case .register(.x(let number)): UInt64(number) << 4
      case .register(.f(let number)): UInt64(number) << 4 | 1
      case .csr(let csr): UInt64(csr.number) << 4 | 4
      }
    }
  }

  /// Spike keeps what an instruction writes in a map, and walks through that.
  private static func ordered(_ commit: Commit) -> [Written] {
    let writes = commit.csrs.map(Written.csr) + (commit.register.map { [.register($0)] } ?? [])
    return writes.sorted { $0.key < $1.key }
  }

  // MARK: Text

  private mutating func text(_ text: StaticString) { bytes.append(text) }
  private mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func decimal(_ value: UInt64, width: Int, left: Bool) {
    let start = bytes.count
    bytes.append(decimal: value, width: left ? 0 : width)
    while bytes.count - start < width { bytes.append(UInt8(ascii: " ")) }
  }

  private mutating func hex(_ value: UInt64, digits: Int = 16, space: Bool = true) {
    bytes.append(space ? " 0x" : "0x")
    // No more than asked for.
    let mask = digits == 16 ? UInt64.max : 1 << UInt64(4 * digits) - 1
    bytes.append(hex: value & mask, digits: digits)
  }
}
