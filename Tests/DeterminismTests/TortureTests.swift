import Devices
import Foundation
import Testing

@testable import Emu

/// `images/torture-m4` with an interrupt at every single instruction: a kernel whose tasks compute the same whenever they are
/// switched and interrupted, and say so in one line.
///
/// `EMURUN_SOAK=1` takes every instruction and every interrupt; otherwise a window of the program for one of them.
@Suite struct TortureTests {
  private static let image =
    #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/") + "/images/torture-m4.elf"
  private static let isSoak = ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil

  private static func machine() throws -> Machine {
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    return try Machine(.m4LED, image: Image(path: image), options: options)
  }

  /// "torture: 1 2 3 4 passed", which nothing may change.
  private static func line(_ machine: Machine) -> Substring {
    machine.console.text.prefix { $0 != "\n" }
  }

  private static var end: RunLimit { RunLimit(tick: 1_000_000) }

  @Test func passesUndisturbed() throws {
    let machine = try Self.machine()
    _ = machine.run(until: Self.end)
    #expect(machine.stop?.reason == .semihosting && machine.stop?.code == 0)
    #expect(Self.line(machine).hasSuffix(" passed"))
    #expect(machine.traps.faults == 2 && machine.traps.svc > 10)
    #expect(machine.findings.isEmpty)
  }

  /// From a snapshot at each index the interrupt is pended, and all the others nest upon it; then a switch that nobody
  /// expected follows.
  @Test(arguments: isSoak ? Array(0..<8) : [0, 5])
  func anInterruptAtEveryInstruction(number: Int) throws {
    let plain = try Self.machine()
    _ = plain.run(until: Self.end)
    let expected = Self.line(plain)
    let walker = try Self.machine()
    // Once everything is set up: the SVC that starts the first task.
    while walker.traps.svc == 0 { _ = walker.run(until: RunLimit(index: walker.index + 1)) }
    let first = walker.index
    let last = Self.isSoak ? plain.index : min(plain.index, first + 2200)
    var entered = 0
    for index in first..<last {
      _ = walker.run(until: RunLimit(index: index))
      let machine = try Machine(walker.snapshot())
      machine.harts[0].settle()
      machine.harts[0].setLine(number, true)
      machine.harts[0].setLine(number, false)
      _ = machine.run(until: Self.end)
      #expect(
        Self.line(machine) == expected && machine.stop?.code == 0,
        "IRQ \(number) at \(index): \(machine.console.text), \(String(describing: machine.stop))")
      if Self.line(machine) != expected { return }
      let more = machine.traps.interrupts - plain.traps.interrupts
      if more >= UInt64(8 - number) { entered += 1 }
    }
    #expect(last - first > 2000)
    // All of them but those so late that the end came first.
    #expect(entered >= Int(last - first) - (Self.isSoak ? 300 : 0))
  }
}
