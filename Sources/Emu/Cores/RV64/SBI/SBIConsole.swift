/// Debug console, chapter 12. Addresses are physical; on RV64 their upper half is 0.
extension RV64 {
  /// A call does so much at most: it may do less than it was asked for.
  private static let mostBytes: UInt64 = 4096

  func console(_ function: UInt64) -> SBI.Answer {
    switch function {
    case 0: writeConsole()
    case 1: readConsole()
    case 2: writeConsoleByte()
    default: .error(.notSupported)
    }
  }

  private func writeConsole() -> SBI.Answer {
    let (count, address) = (x(10), x(11))
    guard x(12) == 0, memory.contains(address, count: count),
      let bytes = memory.read(address, count: Int(min(count, Self.mostBytes)))
    else { return .error(.invalidParameter) }
    for byte in bytes { write(byte, from: .sbi) }
    return .value(UInt64(bytes.count))
  }

  private func readConsole() -> SBI.Answer {
    let (count, address) = (x(10), x(11))
    guard x(12) == 0, memory.isWritable(address, count: count) else {
      return .error(.invalidParameter)
    }
    var bytes: [UInt8] = []
    while UInt64(bytes.count) < min(count, Self.mostBytes), let byte = readInput() {
      bytes.append(byte)
    }
    memory.write(bytes, at: address)
    return .value(UInt64(bytes.count))
  }

  private func writeConsoleByte() -> SBI.Answer {
    write(UInt8(truncatingIfNeeded: x(10)), from: .sbi)
    return .success
  }
}
