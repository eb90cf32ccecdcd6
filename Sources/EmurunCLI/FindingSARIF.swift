import Emu
import Timeline

extension FindingReport {
  /// The findings as SARIF.
  func log(_ sarif: SARIF) -> [UInt8] {
    sarif.log(rows.map(Self.result), rules: Finding.Kind.allCases.map(Self.rule))
  }

  private static func rule(_ kind: Finding.Kind) -> SARIF.Rule {
    SARIF.Rule(
      String(kind.rawValue.map { $0 == " " ? "-" : $0 }),
      kind == .notModelled ? "note" : "warning", summary(kind))
  }

  private static func summary(_ kind: Finding.Kind) -> String {
    switch kind {
    case .notModelled: "The hardware has it; the emulator has no model of it."
    case .reserved: "Software touches what the hardware has not."
    case .clockGated: "Software touches a peripheral whose clock is off."
    case .unaligned: "Software makes an unaligned access to a peripheral."
    case .wrongWidth: "Software accesses a register at a width that it does not take."
    case .readOnly: "Software stores into what can only be read."
    case .guestError: "Software uses a peripheral as its manual forbids."
    }
  }

  private static func result(_ row: Row) -> SARIF.Result {
    let finding = row.finding
    let verb = finding.address == nil ? "" : finding.isStore ? ", written" : ", read"
    let rule = rule(finding.kind)
    var result = SARIF.Result(rule, "\(finding.kind.rawValue): \(row.what)\(verb)")
    result.count = finding.count
    result.file = row.line?.file
    result.line = row.line?.line
    result.address = finding.pc
    result.function = row.function?.name
    let place = row.function?.name ?? finding.pc.map { String($0, radix: 16) } ?? ""
    result.fingerprint = "\(rule.id):\(row.what):\(place)"
    result.properties = {
      $0.add("device", row.peripheral as String?)
      $0.add("register", row.register)
      $0.array("fields") { for field in row.fields { $0.add(nil, field as String?) } }
      $0.add("index", finding.index)
    }
    return result
  }
}
