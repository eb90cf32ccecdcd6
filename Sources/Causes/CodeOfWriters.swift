import Emu

/// What of an image's code may write a register, wherever an instruction may begin.
struct CodeOfWriters {
  /// Code is looked through within a fraction of a second.
  private static let mostBytes: UInt64 = 4 << 20

  private let image: Image

  init(_ image: Image) { self.image = image }

  /// As the program sees them; nil: it cannot be said.
  func addresses(_ register: RegisterName) -> Set<UInt64>? {
    let segments = image.segments.filter(\.isExecutable)
    guard let machine = image.machine, StepCode.names(register), !segments.isEmpty,
      segments.reduce(0, { $0 + UInt64($1.bytes.count) }) <= Self.mostBytes
    else { return nil }
    // A raw image of RV64 lies at the beginning of RAM.
    let base: UInt64 = image.needsBase && machine == .riscv64 ? 0x8000_0000 : 0
    var found: Set<UInt64> = []
    for segment in segments {
      let bytes = segment.bytes
      for place in stride(from: 0, to: bytes.count - 1, by: 2) {
        let word = bytes[place..<min(place + 4, bytes.count)].reversed()
          .reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        let address = base &+ segment.virtualAddress &+ UInt64(place)
        if StepCode(word, at: address, machine).writes(register) { found.insert(address) }
      }
    }
    return found
  }
}
