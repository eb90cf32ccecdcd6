import Testing

@testable import Emu

/// What the SBI answers to one hart. In quotes: the specification, version 2.0.
@Suite struct SBICallTests {
  private static func notes(
    _ count: Int, input: String = "", _ build: (inout Assembler) -> Void
  ) throws -> ([Int64], Machine) {
    let machine = try SBIGuest.machine(input: input) { a in
      a.beginNotes()
      build(&a)
      a.end()
    }
    guard case .stopped = machine.run(until: RunLimit(tick: 1_000_000)) else {
      Issue.record("no end")
      return ([], machine)
    }
    return (SBIGuest.notes(machine, count), machine)
  }

  @Test func everyExtensionIsThere() throws {
    let (notes, _) = try Self.notes(2 * (SBI.Extension.allCases.count + 2)) { a in
      for known in SBI.Extension.allCases { a.call(.base, 3, Int(known.rawValue)) }
      a.call(.base, 3, 8)
      a.call(.base, 3, 9)
    }
    #expect(notes.dropLast(2).enumerated().allSatisfy { $0.element == Int64($0.offset % 2) })
    #expect(notes.suffix(2) == [0, 0])
  }

  /// "the memory region pointed by" the parameters: all of it must be there, and for a read be
  /// writable; a call may do less than it was asked for.
  @Test func consoleRangesAreChecked() throws {
    let (notes, machine) = try Self.notes(14, input: "xxabc") { a in
      a.call(.console, 0, 2, 0x80FF_F000 - 1 << 32, 0)  // sign-extended: nothing there
      a.lui(.a1, 0x80FFF)
      a.slli(.a1, .a1, 32)
      a.emit(32 << 20 | 11 << 15 | 5 << 12 | 11 << 7 | 0x13)
      a.li(.a0, 4097)
      a.li(.a2, 0)
      a.call(.console, 0)  // one byte too many
      a.call(.console, 1, 16, 0x1000, 0)  // read-only
      a.lui(.a1, 0x80400)
      a.slli(.a1, .a1, 32)
      a.emit(32 << 20 | 11 << 15 | 5 << 12 | 11 << 7 | 0x13)
      a.li(.a0, 0x10_0000)
      a.li(.a2, 0)
      a.call(.console, 0)  // a mebibyte of zeros
      a.lui(.a1, 0x80400)
      a.slli(.a1, .a1, 32)
      a.emit(32 << 20 | 11 << 15 | 5 << 12 | 11 << 7 | 0x13)
      a.li(.a0, 2)
      a.li(.a2, 0)
      a.call(.console, 1)
      a.call(.console, 2, 0x1_41)
      a.call(.console, 3)
    }
    #expect(notes == [-3, 0, -3, 0, -3, 0, 0, 4096, 0, 2, 0, 0, -2, 0])
    #expect(machine.console.bytes.count == 4097 && machine.console.bytes.last == 0x41)
    #expect(machine.memory.read(0x8040_0000, count: 3) == [97, 98, 0])
  }

  @Test func counters() throws {
    let (notes, _) = try Self.notes(36) { a in
      a.call(.counters, 0)
      a.call(.counters, 1, 0)
      a.call(.counters, 1, 1)
      a.call(.counters, 1, 2)
      a.call(.counters, 1, 11)
      a.call(.counters, 2, 0, 0x7FF, 0, 1)  // CPU cycles
      a.call(.counters, 2, 0, 0x7FF, 0, 2)  // instructions
      a.call(.counters, 2, 0, 0x7FF, 0, 3)  // cache references: "none of the counters"
      a.call(.counters, 2, 0, 0x800, 0, 1)  // "at least one invalid counter"
      a.call(.counters, 2, 0, 0x7FF, 6, 0xF_0005)  // set_timer; cleared, started
      a.call(.timer, 0, -1)
      a.call(.counters, 5, 2)
      a.call(.counters, 5, 0)  // "points to a hardware counter"
      a.call(.counters, 3, 2, 1, 0)  // already started
      a.call(.counters, 4, 2, 1, 0)
      a.call(.counters, 4, 2, 1, 0)  // already stopped
      a.call(.counters, 3, 2, 1, 2)  // no shared memory
      a.call(.counters, 7, 0, 0, 0)
    }
    let pairs: [[Int64]] = [
      [0, 11], [0, 0xC00 | 63 << 12], [0, 0xC02 | 63 << 12], [0, .min], [-3, 0], [0, 0], [0, 1],
      [-2, 0], [-3, 0], [0, 2], [0, 0], [0, 1], [-3, 0], [-7, 0], [0, 0], [-8, 0], [-9, 0],
      [-2, 0],
    ]
    #expect(notes == pairs.flatMap { $0 })
  }

  /// Two bytes of input wait in the UART already.
  @Test func legacyCallsLeaveA1() throws {
    let (notes, _) = try Self.notes(4, input: "xyz") { a in
      a.li(.a1, 55)
      a.call(2, 0, [])
      a.call(2, 0, [])
    }
    #expect(notes == [122, 55, -1, 55])
  }
}
