import Foundation
import Testing

@testable import EmurunCLI

/// Code as TI's compiler leaves it: functions without a size, and labels within them that are functions to it.
@Suite struct CoverageTests {
  private let guest = """
    .file 1 "a.c"
    .type "$C$L1", %function
    reset:
    .loc 1 1
     movs r0, #1
    .loc 1 2
     cbz r0, 1f
    "$C$L1":
    .loc 1 3
     nop
     b "$C$L1"
    .loc 1 4
    1: b .
    """

  /// Its only line is inlined where it was executed.
  @Test func aFunctionThatNobodyEnteredWasNotExecuted() throws {
    let guest = """
      .file 1 "a.c"
      reset:
      .loc 1 7
       movs r0, #1
      .loc 1 2
       b .
      .type never, %function
      never:
      .loc 1 7
       movs r0, #2
       bx lr
      """
    try withGuest(.arm, guest) { image in
      try withFolder { folder in
        let info = folder + "/a.info"
        #expect(emurun(image.path, "--for", "20us", "--coverage", info).code == 0)
        let lines = emurun("disasm", image.path, "--coverage", info).output.split(separator: "\n")
        let marks = lines.filter { $0.contains(" movs r0, #") }.map { $0.prefix(8) }
        #expect(marks == ["       1", "   #####"], "\(lines)")
        #expect(lines.contains { $0.hasPrefix("   #####") && $0.hasSuffix("bx lr") })
      }
    }
  }

  /// Nothing in it has a type.
  @Test func globalLabelsOfAssemblyAreFunctions() throws {
    let guest = """
      .file 1 "a.S"
      _start:
      .loc 1 1
       li a0, 3
      again:
      .loc 1 2
       addi a0, a0, -1
      .loc 1 3
       bnez a0, again
      .loc 1 4
       call work
       j .
      .globl work
      work:
      .loc 1 5
       beqz a0, 1f
      .loc 1 6
       nop
      1:
      .loc 1 7
       ret
      """
    try withGuest(.riscv64, guest) { image in
      try withFolder { folder in
        let coverage = folder + "/a.info"
        let outcome = emurun(image.path, "--for", "20us", "--coverage", coverage)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let lines = try String(contentsOfFile: coverage, encoding: .utf8).split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("FN:") } == ["FN:1,_start", "FN:5,work"])
        #expect(
          lines.filter { $0.hasPrefix("DA:") } == [
            "DA:1,1", "DA:2,1", "DA:3,1", "DA:4,1", "DA:5,1", "DA:6,0", "DA:7,1",
          ])
      }
    }
  }

  @Test func functionsReachToTheNext() throws {
    try withGuest(.arm, guest) { image in
      try withFolder { folder in
        let (coverage, profile) = (folder + "/a.info", folder + "/a.txt")
        let outcome = emurun(
          image.path, "--for", "20us", "--coverage", coverage, "--profile", profile)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let lines = try String(contentsOfFile: coverage, encoding: .utf8).split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("FN:") } == ["FN:1,reset"])
        #expect(lines.filter { $0.hasPrefix("DA:") } == ["DA:1,1", "DA:2,1", "DA:3,1", "DA:4,0"])
        let stacks = try String(contentsOfFile: profile, encoding: .utf8)
        #expect(stacks.wholeMatch(of: /reset \d+\n/) != nil, "\(stacks)")
      }
    }
  }
}
