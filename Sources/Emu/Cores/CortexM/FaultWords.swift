/// What the fault status registers say, in words: ARM DDI 0403E.e, B3.2.15 (CFSR), B3.2.16 (HFSR).
extension SystemControl {
  private static let causes: [(bit: UInt32, name: String)] = [
    (0, "IACCVIOL"), (1, "DACCVIOL"), (3, "MUNSTKERR"), (4, "MSTKERR"), (5, "MLSPERR"),
    (8, "IBUSERR"), (9, "PRECISERR"), (10, "IMPRECISERR"), (11, "UNSTKERR"), (12, "STKERR"),
    (13, "LSPERR"), (16, "UNDEFINSTR"), (17, "INVSTATE"), (18, "INVPC"), (19, "NOCP"),
    (24, "UNALIGNED"), (25, "DIVBYZERO"),
  ].map { (1 << $0.0, $0.1) }

  /// Of one bit of CFSR, with what belongs to it: "INVPC, EXC_RETURN 0xfffffff5". "" for none.
  ///
  /// - Parameter excReturn: the one that did not do, for INVPC and what fails in unstacking.
  func cause(_ bit: UInt32, excReturn: UInt32?) -> String {
    guard let name = Self.causes.first(where: { $0.bit == bit })?.name else { return "" }
    let more =
      switch bit {
      case CFSR.preciseBus: "address \(hex(UInt64(bfar)))"
      case CFSR.dataViolation: "address \(hex(UInt64(mmfar)))"
      case CFSR.busLazy, CFSR.memManageLazy: "FPCAR \(hex(UInt64(fpcar)))"
      default: excReturn.map { "EXC_RETURN \(hex(UInt64($0)))" } ?? ""
      }
    return more.isEmpty ? name : "\(name), \(more)"
  }

  /// All that the status registers have kept: "CFSR 0x40000: INVPC; HFSR 0x40000000: FORCED".
  var status: String {
    var parts: [String] = []
    if cfsr != 0 {
      let names = Self.causes.filter { cfsr & $0.bit != 0 }.map {
        $0.bit == CFSR.invalidPC ? "\($0.name) (EXC_RETURN \(hex(UInt64(refusedReturn))))" : $0.name
      }
      parts.append("CFSR \(hex(UInt64(cfsr))): " + names.joined(separator: " "))
    }
    if hfsr != 0 {
      let names = [
        (HFSR.vectorTable, "VECTTBL"), (HFSR.forced, "FORCED"), (HFSR.debugEvent, "DEBUGEVT"),
      ].filter { hfsr & $0.0 != 0 }.map(\.1)
      parts.append("HFSR \(hex(UInt64(hfsr))): " + names.joined(separator: " "))
    }
    return parts.joined(separator: "; ")
  }
}
