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
  }
}
