import EmurunCLI
import Foundation
import Testing

/// The guests of these tests as images to audit: nothing that they do is what the static side has excluded. They were not written for
/// that, nor with emurun's runtime. (The survey's guest writes its cases into memory, where they are no code of an image.)
@Suite struct AuditedGuestTests {
  @Test(arguments: [
    ("torture", "lm3s6965evb", "refuted: SVC"), ("stellaris", "lm3s6965evb", "refuted: BKPT"),
    ("devices.c", "rv64-virt", "refuted: machine external interrupt"),
    ("counters.S", "rv64-virt", "unknown"),
    ("returns.S", "rv64-virt", "refuted: ecall from M-mode"),
  ])
  func nothingContradicts(_ name: String, _ board: String, _ verdict: String) throws {
    let image =
      switch name {
      case "torture": try Guest.torture()
      case "stellaris": try Guest.stellaris()
      default: try Guest.build(name)
      }
    let output = Output()
    let host = Host(output: output, errors: Output(), environment: { _ in "C.UTF-8" })
    let code = Emurun.main(["audit", image, "--board", board, "--for", "20ms"], on: host)
    #expect(code == 1)
    #expect(output.text.contains(": \(verdict)"), "\(output.text)")
    #expect(output.text.contains("looked up, none that the static side had not"))
    #expect(!output.text.contains("reached by what the code map does not follow"))
  }

  /// Programs built elsewhere from riscv-software-src/riscv-tests, in the folder that `EMURUN_RISCV_TESTS` names: each passes, and is
  /// looked up from its reset to its end, through all of its traps.
  @Test(.enabled(if: Self.riscvTests != nil, "EMURUN_RISCV_TESTS names no folder"))
  func nothingContradictsInRISCVTests() throws {
    let folder = try #require(Self.riscvTests)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasPrefix("rv64") && !$0.contains(".") }
    #expect(names.count > 100)
    for name in names.sorted() {
      let output = Output()
      let host = Host(output: output, errors: Output(), environment: { _ in "C.UTF-8" })
      let code = Emurun.main(["audit", "\(folder)/\(name)", "--board", "rv64-virt"], on: host)
      #expect(code <= 1, "\(name): \(output.text)")
      #expect(Emurun.main(["\(folder)/\(name)", "--board", "rv64-virt"], on: host) == 0, "\(name)")
    }
  }

  private static let riscvTests = ProcessInfo.processInfo.environment["EMURUN_RISCV_TESTS"]
}
