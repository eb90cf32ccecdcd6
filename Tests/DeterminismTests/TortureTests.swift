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

  private static func machine(_ timing: MachineOptions.Timing = .unit) throws -> Machine {
    var options = MachineOptions()
    options.timing = timing
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

  /// What a switch takes, from PendSV's first instruction to the restoring of the next task, as the guest counts it by
  /// DWT_CYCCNT: docs/cortex-m4.md, "Torture".
  @Test(arguments: [(.unit, "88 to 95"), (.m4, "178 to 220")] as [(MachineOptions.Timing, String)])
  func costOfASwitch(_ timing: MachineOptions.Timing, _ cycles: String) throws {
    let machine = try Self.machine(timing)
    _ = machine.run(until: Self.end)
    #expect(machine.console.text.hasSuffix("cycles of a switch \(cycles)\n"))
    if Self.isSoak { print("torture: a switch takes \(cycles) cycles, timing \(timing)") }
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
    var (entered, due) = (0, 0)
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
      // What waits until the report is printed may come too late.
      if !walker.console.text.isEmpty { continue }
      due += 1
      let more = machine.traps.interrupts - plain.traps.interrupts
      if more >= UInt64(8 - number) { entered += 1 }
    }
    #expect(last - first > 2000)
    #expect(due > 2000 && entered >= due - 100)
    if Self.isSoak {
      print("torture: IRQ \(number) at each of \(last - first) instructions, no result differs")
    }
  }

  // MARK: The Cortex-M4's timing

  /// Every clock of it: DWT's, SysTick's and the devices' follow from where instructions begin.
  private struct Outcome: Equatable {
    var trace: String
    var state: String
    var index: UInt64
    var now: Tick

    init(_ machine: Machine) {
      (trace, state) = (machine.traceDigest, machine.stateDigest)
      (index, now) = (machine.index, machine.now)
    }
  }

  @Test(arguments: 0..<12 as Range<UInt64>) func cyclesDoNotSeeSlices(seed: UInt64) throws {
    let whole = try Self.machine(.m4)
    _ = whole.run(until: Self.end)
    #expect(whole.now > whole.index * 3 / 2 && Self.line(whole).hasSuffix(" passed"))
    var random = SplitMix(seed: seed)
    var machine = try Self.machine(.m4)
    let most = [1, 3, 40, 700][Int(seed % 4)] as UInt64
    while machine.stop == nil {
      var limit = RunLimit(tick: machine.now + 1 + random.next() % most)
      if random.next() % 3 == 0 {
        limit = RunLimit(index: machine.index + 1 + random.next() % most)
      }
      _ = machine.run(until: limit)
      if random.next() % 64 == 0 { machine = try Machine(machine.snapshot()) }
    }
    #expect(Outcome(machine) == Outcome(whole))
  }

  /// Code that was translated for the other timing is of no use, and is not used.
  @Test func cyclesDoNotSeePools() throws {
    var outcomes: [Outcome] = []
    for timing in [.m4, .unit, .m4, .unit, .m4] as [MachineOptions.Timing] {
      let machine = try Self.machine(timing)
      _ = machine.run(until: Self.end)
      outcomes.append(Outcome(machine))
    }
    #expect(outcomes[0] == outcomes[2] && outcomes[0] == outcomes[4])
    #expect(outcomes[1] == outcomes[3] && outcomes[0].now != outcomes[1].now)
  }

  /// As under the other timing: an interrupt at every instruction, the same results.
  @Test func anInterruptAtEveryInstructionOfTheManualsTiming() throws {
    let plain = try Self.machine(.m4)
    _ = plain.run(until: Self.end)
    let walker = try Self.machine(.m4)
    while walker.traps.svc == 0 { _ = walker.run(until: RunLimit(index: walker.index + 1)) }
    for index in walker.index..<walker.index + (Self.isSoak ? 3000 : 600) {
      _ = walker.run(until: RunLimit(index: index))
      let machine = try Machine(walker.snapshot())
      machine.harts[0].settle()
      machine.harts[0].setLine(0, true)
      machine.harts[0].setLine(0, false)
      _ = machine.run(until: Self.end)
      #expect(Self.line(machine) == Self.line(plain), "\(index)")
    }
  }
}
