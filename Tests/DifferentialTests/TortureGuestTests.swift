import Devices
import Foundation
import Testing

@testable import Emu

/// The torture in C, with the hard-float ABI (`Guests/torture.c`): the compiler's own use of the floating-point registers, in
/// tasks and in nested handlers. Built by the toolchain's clang.
@Suite struct TortureGuestTests {
  private static let path = Result { try Guest.torture() }

  private static func machine(_ image: Image) throws -> Machine {
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    return try Machine(.lm3s6965EVB, image: image, options: options)
  }

  private static var end: RunLimit { RunLimit(tick: 1_000_000) }

  @Test(.enabled(if: QEMU.isHere || QEMU.isRequired, "qemu-system-arm is not here"))
  func comesToWhatQEMUComesTo() throws {
    let path = try Self.path.get()
    let theirs = try QEMU.stellaris(path)
    let ours = try Self.machine(Image(path: path))
    _ = ours.run(until: Self.end)
    #expect(theirs.status == 0 && ours.stop?.code == 0)
    #expect(ours.console.text.hasSuffix(" passed\n") && ours.console.text == theirs.text)
  }

  /// At each index of its whole run an interrupt is pended, and the others nest upon it.
  @Test func anInterruptAtEveryInstruction() throws {
    let image = try Image(path: Self.path.get())
    let plain = try Self.machine(image)
    _ = plain.run(until: Self.end)
    #expect(plain.console.text.hasSuffix(" passed\n") && plain.index > 4000)
    let walker = try Self.machine(image)
    while walker.traps.svc == 0 { _ = walker.run(until: RunLimit(index: walker.index + 1)) }
    let first = walker.index
    for index in first..<plain.index {
      _ = walker.run(until: RunLimit(index: index))
      let machine = try Machine(walker.snapshot())
      machine.hart.settle()
      machine.hart.setLine(0, true)
      machine.hart.setLine(0, false)
      _ = machine.run(until: Self.end)
      #expect(
        machine.console.text == plain.console.text && machine.stop?.code == 0,
        "at \(index): \(machine.console.text)")
    }
    if ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil {
      print(
        "torture: in C, an IRQ at each of \(plain.index - first) instructions, no result differs")
    }
  }
}
