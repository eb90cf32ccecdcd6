import Emu
import Foundation
import Testing

@testable import MachineCode
@testable import Proofs

@Suite struct FrameCheckTests {
  private static func check(_ path: String, _ more: String...) -> Outcome {
    emurun([path, "--check-frames", "--digest", "--max-instructions", "300000"] + more)
  }

  /// "frames: 1 234 calls and 1 230 returns of ..."
  private static func counts(_ outcome: Outcome) -> (calls: Int, returns: Int) {
    let line = outcome.errors.split(separator: "\n").first { $0.hasPrefix("frames: ") } ?? ""
    let parts = (line.split(separator: " returns of ").first ?? "").split(separator: " calls and ")
    let numbers = parts.map { Int($0.filter(\.isNumber)) ?? 0 }
    return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
  }

  /// No call of any image comes back with another stack pointer, return address or saved register
  /// than it had, and no stack is deeper than its bound; and it is the run that it is without.
  @Test(arguments: Images.elves) func everyImage(_ path: String) {
    let outcome = Self.check(path, "--for", "20ms")
    #expect(!outcome.errors.contains("had to bring back"), "\(outcome.errors)")
    #expect(outcome.errors.contains("no violation"))
    #expect(!outcome.errors.contains("are its bound"))
    let plain = emurun(path, "--digest", "--max-instructions", "300000", "--for", "20ms")
    #expect(outcome.code == plain.code)
    let digest = { (text: String) in text.split(separator: "\n").last { $0.contains("traceDigest") }
    }
    #expect(digest(plain.errors) != nil)
    #expect(digest(outcome.errors) == digest(plain.errors))
  }

  /// It would be of little use where few calls are looked at.
  @Test(arguments: [
    ("hello-rv64", 2), ("abi-fastpath-m4", 5_000), ("tasks-m4", 3_000), ("tasks-rv64", 3_000),
    ("static-pool-free-rv64", 5_000), ("sbi-heartbeat-rv64", 400), ("torture-m4", 200),
  ])
  func looksAtMany(_ name: String, _ least: Int) throws {
    let outcome = Self.check(Images.path(name + ".elf"), "--for", "20ms")
    #expect(Self.counts(outcome).calls >= least, "\(outcome.errors)")
  }

  /// With cycles that are not attempts, and with harts that take turns.
  @Test(arguments: [
    ("torture-m4", ["--cycles", "m4"]), ("tasks-m4", ["--cycles", "m4"]),
    ("sbi-harts-rv64", ["--smp", "4", "--quantum", "77"]),
  ])
  func otherwise(_ name: String, _ more: [String]) {
    let command = [Images.path(name + ".elf"), "--digest", "--max-instructions", "300000"] + more
    let (plain, checked) = (emurun(command), emurun(command + ["--check-frames"]))
    #expect(checked.code == plain.code)
    #expect(checked.errors.contains("no violation"), "\(checked.errors)")
    #expect(Self.counts(checked).calls > 20, "\(checked.errors)")
    #expect(checked.errors.split(separator: "\n").last == plain.errors.split(separator: "\n").last)
  }

  /// A loop to the first instruction of its function is no call of it.
  @Test func aLoopIsNoCall() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        li a0, 1000
        call f
        call g
      .type f, @function
      f: addi a0, a0, -1
        bnez a0, f
        ret
      .type g, @function
      g: call h
        j g
      .type h, @function
      h: ret
      """
    ) { image in
      try withFolder { folder in
        try write(image.contents, to: folder + "/a.elf")
        let outcome = emurun(folder + "/a.elf", "--check-frames", "--max-instructions", "2400")
        // f and g once each, and h about a hundred times.
        #expect(Self.counts(outcome).calls > 90 && Self.counts(outcome).calls < 110)
        #expect(Self.counts(outcome).returns > 90 && outcome.errors.contains("no violation"))
      }
    }
  }

  // MARK: Smashed stacks

  /// A call at the end of a function, of what never returns, is no jump out of it: it has another return address.
  @Test func aCallAtTheEndIsNoJump() throws {
    try withGuest(
      .arm,
      """
      reset: bl f
        b .
      .type f, %function
      f: push {r4, lr}
        bl never
      .type other, %function
      other: bx lr
      .type never, %function
      never: ldr r1, =0x20000100
        ldr r2, =0xe7fe
        str r2, [r1]
        adds r1, #1
        mov pc, r1
      """
    ) { image in
      let outcome = Self.check(image.path, "--for", "10us")
      #expect(outcome.errors.contains("no violation"), "\(outcome.errors)")
    }
  }

  /// A function that stores over the return address which its caller has kept: the return is the violation,
  /// and the store the instruction to look at.
  @Test func aReturnAddressOnRV64() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call outer
        j .
      .type outer, @function
      outer: addi sp, sp, -32
        sd ra, 24(sp)
        mv a0, sp
        call smash
        ld ra, 24(sp)
        addi sp, sp, 32
        ret
      .type smash, @function
      smash: la t0, astray
      guilty: sd t0, 24(a0)
        ret
      astray: j .
      """
    ) { image in
      let outcome = Self.check(image.path, "--for", "1us")
      #expect(outcome.code == 1)
      #expect(outcome.errors.contains("at outer+0x12, "), "\(outcome.errors)")
      #expect(outcome.errors.contains("the return address is"))
      #expect(outcome.errors.contains("kept at 0x8000fff8"))
      #expect(outcome.errors.contains("it was overwritten at guilty"))
      #expect(outcome.errors.contains("1 violation;"))
    }
  }

  @Test func aSavedRegisterOnACortexM4() throws {
    try withGuest(
      .arm,
      """
      reset: movs r4, #7
        bl outer
        b .
      .type outer, %function
      outer: push {r4, r5, r6, lr}
        movs r4, #1
        mov r0, sp
        bl smash
        pop {r4, r5, r6, pc}
      .type smash, %function
      smash: movs r1, #99
        str r1, [r0]
        bx lr
      """
    ) { image in
      let outcome = Self.check(image.path, "--for", "10us")
      #expect(outcome.code == 1)
      #expect(outcome.errors.contains("at outer+0xa, "), "\(outcome.errors)")
      #expect(outcome.errors.contains("r4 is 0x63"))
      #expect(outcome.errors.contains("had to bring back 0x7, kept at 0x20000ff0"))
      #expect(outcome.errors.contains("it was overwritten at smash+0x2"))
    }
  }

  /// A return address that is changed in its register, and a frame pointer by which the stack pointer is
  /// brought back.
  @Test func withoutAStackSlot() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call leaf
      back: call framed
      again: j .
      .type leaf, @function
      leaf: la ra, back
        ret
      .type framed, @function
      framed: addi sp, sp, -32
        sd ra, 24(sp)
        sd s0, 16(sp)
        addi s0, sp, 32
        call damage
        addi sp, s0, -32
        ld ra, 24(sp)
        ld s0, 16(sp)
        addi sp, sp, 32
        ret
      .type damage, @function
      damage: addi s0, s0, -16
        ret
      """
    ) { image in
      let outcome = Self.check(image.path, "--for", "1us")
      // It dies of it.
      #expect(outcome.code == 125)
      // The address is the same one, however it came there.
      #expect(!outcome.errors.contains("at leaf"))
      #expect(outcome.errors.contains("the stack pointer is 0x8000fff0"), "\(outcome.errors)")
      #expect(outcome.errors.contains("framed, called at"))
    }
  }

  /// What only looks like one: a tail call, and a switch to another stack, where a function returns that was
  /// never called.
  @Test func whatIsNone() throws {
    try withGuest(
      .arm,
      """
      reset: ldr r4, =0x20000800
        ldr r0, =second
        str r0, [r4, #-4]!
      1: bl work
        bl swap
        b 1b
        .ltorg
      .type second, %function
      second: bl work
        bl swap
        b second
      .type swap, %function
      swap: push {lr}
        mov r0, sp
        mov sp, r4
        mov r4, r0
        pop {pc}
      .type work, %function
      work: push {r4, r5, lr}
        movs r5, #3
      2: subs r5, #1
        bne 2b
        pop {r4, r5, lr}
        b leaf
      .type leaf, %function
      leaf: adds r6, #1
        bx lr
      """
    ) { image in
      let outcome = Self.check(image.path, "--for", "100us")
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("no violation; 1 function is not checked"))
      let (calls, returns) = Self.counts(outcome)
      #expect(calls > 50 && calls - returns < 3, "\(outcome.errors)")
    }
  }

  @Test func refused() {
    let image = Images.path("hello-m4.elf")
    #expect(emurun(image, "--check-frames", "--gdb", "1234").code == 64)
  }
}
