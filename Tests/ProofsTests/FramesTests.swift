import Emu
import Foundation
import Testing

@testable import MachineCode
@testable import Proofs

@Suite struct FramesTests {
  private static func table(_ path: String) throws -> FrameTable {
    FrameTable(CodeMap(try #require(Program(Image(path: path)))))
  }

  /// Two ways to know where a frame is: the compiler's call frame information, and what the
  /// instructions do. In plain code they agree at every instruction. (Where a compiler puts traps of
  /// several ways into one place, or parts of several functions into one function, its information
  /// holds for one of them only, and `emurun frames` says so.)
  @Test(arguments: ["zero-trap-rv64", "zero-trap-m4", "delay-heartbeat-rv64", "delay-heartbeat-m4"])
  func theInformationIsWhatTheInstructionsDo(_ name: String) throws {
    let table = try Self.table(Images.path(name + ".elf"))
    #expect(table.frames.count > 3)
    #expect(table.compared > 10)
    for frame in table.frames { #expect(frame.problems == []) }
  }

  /// Functions leave nothing of their frames, but parts of several functions' prologues.
  @Test(arguments: [
    "features-m4", "static-pool-m4", "static-pool-free-m4", "tasks-m4", "torture-m4",
  ])
  func nothingIsLeft(_ name: String) throws {
    let table = try Self.table(Images.path(name + ".elf"))
    for (entry, motion) in table.motions where motion.problems.isEmpty && motion.ownStack == nil {
      let name = table.map.program.name(entry)
      #expect(motion.net == 0 || name.hasPrefix("OUTLINED"), "\(name): \(motion.net)")
    }
  }

  /// The stack that a program leaves traces of is no more than the bound. All stacks start as zeros
  /// and begin at the symbol stackTop.
  @Test(arguments: [
    "zero-trap-rv64", "zero-trap-m4", "hello-rv64", "bare-clock-rv64", "delay-heartbeat-m4",
    "bare-clock-m4", "timer-heartbeat-m4", "led-heartbeat", "static-pool-m4", "static-pool-rv64",
  ])
  func observedStackIsWithinTheBound(_ name: String) throws {
    let image = try Image(path: Images.path(name + ".elf"))
    let table = FrameTable(CodeMap(try #require(Program(image))))
    let bounds = StackBounds(table)
    let entry = try #require(table.map.roots.first { $0.root == .entry })
    let bound = try #require(bounds[entry.address])
    let exceptions = ExceptionStack(table, bounds)
    let outcome = try Run(image)
    let most = exceptions.map { $0.bytes { _ in nil } } ?? bound.bytes
    #expect(outcome.deepest > 0 || bound.bytes == 0)
    if bound.unknown.isEmpty && exceptions?.unknown.isEmpty ?? true {
      #expect(outcome.deepest <= most, "\(name): \(outcome.deepest) of \(most)")
    }
  }

  /// The deepest that any instruction had the stack pointer, one by one.
  private struct Run {
    private(set) var deepest = 0

    init(_ image: Image) throws {
      let board = try #require(image.note["board"].flatMap { try? boards(named: $0) })
      var options = MachineOptions()
      if image.note["semihosting"] == "on" { options.semihosting = SemihostingOptions() }
      let machine = try Machine(board, image: image, options: options)
      let top = try #require(DebugInfo(image).address(ofSymbol: "stackTop"))
      while machine.stop == nil, machine.index < 30_000 {
        let index = machine.index
        _ = machine.run(until: RunLimit(moment: Moment(nanoseconds: 100_000_000), index: index + 1))
        if machine.index == index { break }
        let pointer = machine.registers.first { $0.name == "sp" }?.value ?? 0
        // Between the two instructions that make it, it is none.
        if pointer <= top, pointer % 4 == 0, top - pointer < 1 << 16 {
          deepest = max(deepest, Int(top - pointer))
        }
      }
    }
  }

  /// What stands in the way of a bound has a name.
  @Test func recursionAndUnknownCalls() throws {
    try withGuest(
      .arm,
      """
      reset: bl even
        ldr r0, =0x20000000
        ldr r0, [r0]
        blx r0
        b .
      .type even, %function
      even: push {r4, lr}
        bl odd
        pop {r4, pc}
      .type odd, %function
      odd: push {r4, r5, r6, lr}
        bl even
        pop {r4, r5, r6, pc}
      """
    ) { image in
      let table = FrameTable(CodeMap(try #require(Program(image))))
      let bounds = StackBounds(table)
      let entry = try #require(table.map.roots.first { $0.root == .entry })
      let bound = try #require(bounds[entry.address])
      #expect(bound.bytes == 24)
      #expect(
        bound.unknown.sorted() == [
          "a call of a computed address at reset+0xa", "recursion: even > odd > even",
        ])
    }
  }

  private static func bound(
    _ machine: Image.Machine, _ text: String, _ body: (FrameTable, StackBound) throws -> Void
  ) throws {
    try withGuest(machine, text) { image in
      let table = FrameTable(CodeMap(try #require(Program(image))))
      let entry = try #require(table.map.roots.first { $0.root == .entry })
      try body(table, try #require(StackBounds(table)[entry.address]))
    }
  }

  /// A target that another way makes another one is none that is known: by a jump forward, by the next round of a loop, by an
  /// instruction that is skipped, and by a base that an access moves.
  @Test(arguments: [
    "la a0, small\n beqz a1, 1f\n la a0, large\n1: jalr a0\n j .",
    "la a0, small\n1: jalr a0\n la a0, large\n j 1b",
  ])
  func computedCalls(_ text: String) throws {
    let functions = """

      .type small, @function
      small: ret
      .type large, @function
      large: addi sp, sp, -512
        addi sp, sp, 512
        ret
      """
    try Self.bound(.riscv64, "_start: la sp, 0x80010000\n " + text + functions) { _, bound in
      #expect(
        bound.unknown.contains { $0.hasPrefix("a call of a computed address at _start") },
        "\(bound.unknown)")
    }
  }

  @Test(arguments: [
    "ldr r3, =large\n ldr r2, =small\n cmp r0, #0\n it ne\n movne r3, r2\n blx r3\n b .",
    "ldr r3, =small\n ldr r1, [r3], #4\n blx r3\n b .",
  ])
  func computedCallsOfThumb(_ text: String) throws {
    let functions = """

      .type small, %function
      small: bx lr
      .type large, %function
      large: sub sp, #256
        add sp, #256
        bx lr
      """
    try Self.bound(.arm, "reset: " + text + functions) { table, bound in
      #expect(bound.unknown.count == 1)
      #expect(bound.unknown.first?.hasPrefix("a call of a computed address at reset") == true)
    }
  }

  /// What is left of a function's frame where it jumps to a computed address is not what its other code has.
  @Test func computedJumpAtTheEnd() throws {
    try Self.bound(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      f: push {r4, r5, r6, lr}
        cbz r0, 1f
        pop {r4, r5, r6, lr}
        bx r3
      1: sub sp, #8
        add sp, #8
        pop {r4, r5, r6, pc}
      .size f, . - f
      """
    ) { table, bound in
      #expect(table.frames.first { $0.name == "f" }?.size == 24)
      #expect(bound.bytes == 24)
    }
  }

  /// Its targets are where no other way leads, with the frame that the jump has.
  @Test func computedJumpWithin() throws {
    try Self.bound(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call f
        j .
      .type f, @function
      f: addi sp, sp, -32
        jr a5
        addi sp, sp, -16
        addi sp, sp, 16
        j 1f
        addi sp, sp, -64
        addi sp, sp, 64
      1: addi sp, sp, 32
        ret
      .size f, . - f
      """
    ) { table, bound in
      #expect(table.frames.first { $0.name == "f" }?.size == 96)
      // It may not leave the function with its frame in place.
      #expect(bound.bytes == 96 && bound.unknown == [])
    }
  }

  /// They may be elsewhere where the function has no end, or where a part of it was put.
  @Test(arguments: ["", ".size f, 1b - f\n .type f.cold, @function\n f.cold: ret"])
  func computedJumpElsewhere(_ end: String) throws {
    try Self.bound(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call f
        j .
      .type f, @function
      f: addi sp, sp, -32
        jr a5
        addi sp, sp, -64
        ret
      1:
      \(end)
      """
    ) { _, bound in
      #expect(bound.unknown.contains { $0.hasPrefix("a call of a computed address at f+0x2") })
    }
  }

  /// So may one by a move into the PC, or by a table that lies somewhere else.
  @Test(arguments: ["mov pc, r3", "add pc, r3", "tbb [r3, r0]"])
  func computedJumpOfThumb(_ text: String) throws {
    try Self.bound(.arm, "reset: bl f\n b .\n.type f, %function\nf: \(text)\n") { _, bound in
      #expect(bound.unknown == ["a call of a computed address at f"])
    }
  }

  /// A table ends where the marks say that code begins again: what is behind it are no targets.
  @Test func tableBranch() throws {
    try Self.bound(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      f: push {r4, lr}
        cmp r0, #1
        bhi 4f
        tbh [pc, r0, lsl #1]
      1: .short (3f-1b)/2, (4f-1b)/2
      2: movs r0, #8
        .inst.n 0x0010
        .inst.n 0x0020
      3: b 2b
      4: pop {r4, pc}
      .size f, . - f
      .type g, %function
      g: push {r4, r5, r6, r7, lr}
        pop {r4, r5, r6, r7, pc}
      """
    ) { table, bound in
      let f = try table.function("f")
      #expect(f.calls == [])
      #expect(f.instructions.count == 9)
      #expect(bound.bytes == 8)
    }
  }

  /// Without marks a table has as many entries as its index was compared with.
  @Test(arguments: [
    "tbh [pc, r0, lsl #1]\n .inst.n 4, 6, 0x77, 0",
    "adr r3, 1f\n ldr.w pc, [r3, r0, lsl #2]\n1: .inst.n 0x69, 0, 0x6d, 0, 0x51, 0",
  ])
  func tableWithoutMarks(_ table: String) throws {
    try Self.bound(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      .balign 16
      f: push {r4, lr}
        cmp r0, #1
        bhi 3f
        \(table)
      2: push {r0, r1}
        add sp, #8
      3: pop {r4, pc}
      .size f, . - f
      .type g, %function
      g: push {r4, r5, r6, r7, lr}
        pop {r4, r5, r6, r7, pc}
      """
    ) { table, bound in
      let f = try table.function("f")
      #expect(f.calls == [] && f.unresolved == [] && f.nowhere == [])
      #expect(bound.bytes == 16 && bound.unknown == [])
    }
  }

  /// A jump through a table of addresses goes to these, and leaves nothing of the frame to its caller.
  @Test func tableOfAddresses() throws {
    try Self.bound(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      f: push {r4, lr}
        sub sp, #24
        cmp r0, #1
        bhi 3f
        adr r3, 1f
        ldr.w pc, [r3, r0, lsl #2]
        .balign 4
      1: .word 2f + 1, 3f + 1
      2: push {r0, r1}
        add sp, #8
      3: add sp, #24
        pop {r4, pc}
      .size f, . - f
      """
    ) { table, bound in
      let f = try table.function("f")
      #expect(f.calls == [] && f.unresolved == [])
      #expect(f.instructions.count == 10)
      #expect(bound.bytes == 40 && bound.unknown == [])
    }
  }

  /// What an IT block carries out it carries out together.
  @Test func epilogueInABlock() throws {
    try Self.bound(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      f: push {r4, lr}
        sub sp, #16
        cmp r0, #1
        ittt hs
        movhs r0, #2
        addhs sp, #16
        pophs {r4, pc}
        push {r0, r1}
        b .
      .size f, . - f
      """
    ) { table, bound in
      #expect(table.frames.first { $0.name == "reset" }?.size == 0)
      #expect(table.motions.values.allSatisfy { $0.net == 0 })
      #expect(bound.bytes == 32 && bound.unknown == [])
    }
  }

  /// A call that ends a function leaves no frame to who called that.
  @Test func callAtTheEnd() throws {
    try Self.bound(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      f: push {r4, r5, r6, lr}
        bl g
      .size f, . - f
      .type g, %function
      g: push {r4, lr}
        pop {r4, pc}
      """
    ) { table, bound in
      #expect(table.frames.first { table.map.program.name($0.entry) == "reset" }?.size == 0)
      // As it may come back and go on into what follows.
      #expect(bound.bytes == 24)
    }
  }

  /// TI's start-up code makes its stack pointer of where the stack lies and how large it is.
  @Test func stackOfTwoNumbers() throws {
    try Self.bound(
      .arm,
      """
      reset: ldr r0, =0x20000000
        mov sp, r0
        ldr r0, =0x200
        add sp, r0
        bl f
        b .
      .type f, %function
      f: push {r4, lr}
        pop {r4, pc}
      """
    ) { table, bound in
      #expect(table.motions[bound.path[0]]?.ownStack == 0x2000_0200)
      #expect(bound.bytes == 8 && bound.unknown == [])
    }
  }

  /// Assemblers make a number of several instructions.
  @Test(arguments: [0x8001_0000, 0x8765_4320, 0x1_2345_6780] as [UInt64])
  func stackOfOneNumber(_ top: UInt64) throws {
    try Self.bound(
      .riscv64,
      """
      _start: li sp, \(top)
        addi sp, sp, -32
        call f
        j .
      .type f, @function
      f: addi sp, sp, -16
        addi sp, sp, 16
        ret
      """
    ) { table, bound in
      #expect(table.motions[bound.path[0]]?.ownStack == top)
      #expect(bound.bytes == 48 && bound.unknown == [])
    }
  }

  /// No stack is as large: it is computed, and nothing overflows.
  @Test func stackPointerFarAway() throws {
    try Self.bound(
      .riscv64,
      """
      _start: call f
        j .
      .type f, @function
      f: li a0, 1
        slli a0, a0, 63
        add sp, sp, a0
        add sp, sp, a0
        ret
      """
    ) { _, bound in
      #expect(bound.unknown.contains { $0.hasPrefix("the stack pointer is computed at f") })
    }
  }

  @Test func alloca() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call f
        j .
      .type f, @function
      f: sub sp, sp, a0
        add sp, sp, a0
        ret
      """
    ) { image in
      let table = FrameTable(CodeMap(try #require(Program(image))))
      let frame = try #require(table.frames.first { $0.name == "f" })
      #expect(frame.size == nil)
      #expect(frame.problems.first == "the stack pointer is computed at f")
    }
  }

  @Test func words() throws {
    let outcome = emurun("frames", Images.path("zero-trap-m4.elf"))
    #expect(outcome.code == 0)
    #expect(
      outcome.output.contains(
        "{sp: cfa-20, ip: cfa-4, frame_size: 20}  sp+20  r4 cfa-20, r5 cfa-16, r6 cfa-12, r7 cfa-8, "
          + "lr cfa-4  cfi"))
    // 20 of the thread, and 44 for each of NMI, HardFault and one more.
    #expect(outcome.output.contains("all priorities alike  152 bytes"))
    let nested = emurun("frames", Images.path("zero-trap-m4.elf"), "--priority", "SysTick=3")
    #expect(nested.output.contains("with SysTick=3"))
    #expect(nested.output.contains("196 bytes"))
    #expect(emurun("frames", Images.path("zero-trap-m4.elf"), "--priority", "NMI=1").code == 64)
    let json = emurun("frames", Images.path("zero-trap-rv64.elf"), "--json")
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
    let frames = try #require((object as? [String: Any])?["frames"] as? [[String: Any]])
    let main = try #require(frames.first { $0["function"] as? String == "main" })
    let frame = try #require(main["frame"] as? [String: Any])
    #expect(frame["sp"] as? String == "cfa-16" && frame["ip"] as? String == "cfa-8")
    #expect(frame["frame_size"] as? Int == 16)
  }
}

extension FrameTable {
  fileprivate func function(_ name: String) throws -> FunctionCode {
    try #require(map.functions.values.first { map.program.name($0.entry) == name })
  }
}
