import Devices
import Emu
import Foundation
import Testing

/// What docs/tm4c123.md says of registers without a model is what the models say.
@Suite struct TM4CRegisterTests {
  /// The first column of its table, a row an entry, less the first, which is of whole devices.
  private static func rows() throws -> [String] {
    let file = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/tm4c123.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let section = text.components(separatedBy: "## What has no model").last ?? ""
    let rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }
    return rows.dropFirst(2).map { String($0.split(separator: "|")[0]) }
  }

  /// A register, or one of its fields, as the table has it: PWMn for PWM0 to PWM3, Tn for timers A and B.
  private struct Gap: Hashable {
    var register: String
    var field: String?

    init(_ register: String, _ field: String? = nil) {
      var name = String(register.prefix { $0 != "," })
      if name.hasPrefix("PWM"), name.dropFirst(3).first?.isNumber == true {
        name = "PWMn\(name.dropFirst(4))"
      }
      for one in ["ADCSSEMUX", "ADCSSTSH"] where name.hasPrefix(one) { name = one + "n" }
      self.register = name.replacing("GPTMTA", with: "GPTMTn").replacing("GPTMTB", with: "GPTMTn")
      self.field = field.map { field in
        let word = field.prefix { $0 != "/" }
        let isTimers = word.hasPrefix("TA") || word.hasPrefix("TB")
        return isTimers ? "Tn\(word.dropFirst(2))" : String(word)
      }
    }

    func isTold(_ row: String) -> Bool {
      let words = row.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
      return words.contains(register) && (field.map { words.contains($0) } ?? true)
    }
  }

  private static var gaps: Set<Gap> {
    var gaps: Set<Gap> = []
    for device in Board.tm4c123GXL.devices where device.map.registers.contains(where: \.modelled) {
      for register in device.map.registers {
        if !register.modelled { gaps.insert(Gap(register.name)) }
        let fields = register.fields.filter { !$0.modelled }
        // One without any other is the register.
        let isWhole = fields.count == register.fields.count
        for field in fields { gaps.insert(Gap(register.name, isWhole ? nil : field.name)) }
      }
    }
    return gaps
  }

  @Test func everyGapIsTold() throws {
    let rows = try Self.rows()
    #expect(rows.count > 10 && Self.gaps.count > 20)
    for gap in Self.gaps {
      #expect(rows.contains(where: gap.isTold), "\(gap)")
    }
    for row in rows { #expect(Self.gaps.contains { $0.isTold(row) }, "\(row)") }
  }
}
