import Emu
import Foundation
import Testing

@testable import MachineCode
@testable import Proofs

@Suite struct AuditTests {
  // MARK: Verdicts

  @Test(arguments: ["zero-trap-rv64", "zero-trap-m4", "delay-heartbeat-m4"])
  func proved(_ name: String) {
    let outcome = emurun("audit", Images.path(name + ".elf"), "--for", "20ms")
    #expect(outcome.code == 0)
    #expect(outcome.output.contains(": proved: it never traps"))
    #expect(outcome.errors == "")
  }

  @Test func refuted() throws {
    let outcome = emurun("audit", Images.path("led-heartbeat.elf"))
    #expect(outcome.code == 1)
    // SysTick, in the main loop's WFI.
    #expect(outcome.output.contains(": refuted: SysTick at main"))
    #expect(outcome.output.contains("interrupt-enable at main"))
    #expect(outcome.output.contains("runtime checks left by Swift: 6"))
  }

  /// No image of ours runs an instruction that the code map has not, or takes a trap that the proof
  /// has excluded; what is proved does not depend on how long it ran.
  @Test(arguments: Images.elves + Images.debian.prefix(1))
  func nothingContradicts(_ path: String) throws {
    let outcome = emurun("audit", path, "--for", "50ms", "--json")
    #expect(outcome.code == 0 || outcome.code == 1, "\(outcome.output.prefix(2_000))")
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let report = try #require(object as? [String: Any])
    #expect(report["contradiction"] is NSNull)
    let verdict = try #require(report["verdict"] as? String)
    #expect((verdict == "proved") == (outcome.code == 0))
    let proved: Set = ["zero-trap-rv64", "zero-trap-m4", "delay-heartbeat-m4"]
    #expect((verdict == "proved") == proved.contains(Images.name(path)))
    let run = try #require(report["run"] as? [String: Any])
    #expect((run["compared"] as? Int ?? 0) > 0)
  }

  /// A table of what breaks the rule, a program a row (docs/firmware.md): each is refuted by a run, in
  /// its own code, and for its own reason, which the static side has too.
  @Test(arguments: [
    ("traps-allocation-m4", "supervisor-call"), ("traps-allocation-rv64", "supervisor-call"),
    ("traps-task-m4", "interrupt-enable"), ("traps-task-rv64", "control-register"),
    ("traps-output-m4", "breakpoint"), ("traps-output-rv64", "breakpoint"),
    ("traps-runtime-m4", "undefined-instruction"), ("traps-runtime-rv64", "undefined-instruction"),
  ])
  func whatBreaksTheRule(_ name: String, _ reason: String) throws {
    let outcome = emurun("audit", Images.path(name + ".elf"), "--json")
    #expect(outcome.code == 1)
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let report = try #require(object as? [String: Any])
    #expect(report["verdict"] as? String == "refuted")
    let run = try #require(report["run"] as? [String: Any])
    let departure = try #require(run["departure"] as? [String: Any])
    #expect((departure["function"] as? String)?.hasPrefix("main") == true)
    let findings = try #require(report["findings"] as? [[String: Any]])
    #expect(
      findings.contains {
        $0["rule"] as? String == reason && ($0["function"] as? String)?.hasPrefix("main") == true
      })
  }

  // MARK: One reason each

  struct Case: CustomTestStringConvertible {
    let machine: Image.Machine
    let text: String
    /// Classes, in the order of addresses; none: it is proved.
    let classes: [Obligation.Class]
    var testDescription: String { "\(machine) \(classes.map(\.rawValue)) \(text.prefix(60))" }
  }

  private static func arm(_ text: String, _ classes: Obligation.Class...) -> Case {
    Case(machine: .arm, text: "reset: " + text + "\n b .\n", classes: classes)
  }

  private static func rv64(_ text: String, _ classes: Obligation.Class...) -> Case {
    Case(machine: .riscv64, text: "_start: " + text + "\n j .\n", classes: classes)
  }

  /// Small programs beside each other: one that is good, and the nearest that is not.
  static let cases: [Case] = [
    rv64("nop"), rv64("ecall", .supervisorCall), rv64("ebreak", .breakpoint),
    rv64("unimp", .undefined),
    rv64(".word 0xffffffff", .undecodable),
    rv64("csrr a0, mhartid", .controlRegister), rv64("wfi", .wait), rv64("mret", .trapReturn),
    rv64("sfence.vma", .addressTranslation), rv64("fence"),
    rv64("fadd.d fa0, fa0, fa0", .floatingPoint),
    rv64("fld fa0, 0(sp)", .floatingPoint), rv64("div a0, a1, zero"),
    // Memory: RAM, its end, a hole, code.
    rv64("li a0, 0x80001000\n sd a1, 0(a0)"), rv64("li a0, 0x87fffff8\n ld a1, 0(a0)"),
    rv64("li a0, 0x88000000\n ld a1, 0(a0)", .memory), rv64("li a0, 16\n lb a1, 0(a0)", .memory),
    rv64("lb a1, 0(a0)", .memory), rv64("sd sp, 0(sp)", .alignment, .memory),
    rv64("li a0, 0x80001001\n lw a1, 0(a0)", .alignment),
    rv64("la a0, _start\n sw a1, 0(a0)", .code),
    // An index that is masked, and one that is not.
    rv64("li a0, 0x80001000\n andi a1, a1, 0x7f8\n add a0, a0, a1\n sd a1, 0(a0)"),
    rv64("li a0, 0x80001000\n andi a1, a1, 0x7ff\n add a0, a0, a1\n sd a1, 0(a0)", .alignment),
    rv64("li a0, 0x80001000\n slli a1, a1, 3\n add a0, a0, a1\n sd a1, 0(a0)", .memory),
    // The same by a comparison, and with the wrong one.
    rv64("li a2, 100\n bgeu a1, a2, 1f\n li a0, 0x80001000\n add a0, a0, a1\n sb a1, 0(a0)\n1:"),
    rv64(
      "li a2, 100\n bge a1, a2, 1f\n li a0, 0x80001000\n add a0, a0, a1\n sb a1, 0(a0)\n1:", .memory
    ),
    // Calls come back; a changed return address does not.
    rv64("call f\n j .\nf: ret"), rv64("call f\n j .\nf: lw ra, 0(sp)\n ret", .alignment, .memory),
    rv64(
      "la sp, 0x80002000\n call f\n j .\nf: addi sp, sp, -16\n sd ra, 8(sp)\n ld ra, 8(sp)\n addi sp, sp, 16\n ret"
    ),
    rv64(
      "la sp, 0x80002000\n call f\n j .\nf: addi sp, sp, -16\n sd ra, 8(sp)\n sb zero, 9(sp)\n ld ra, 8(sp)\n ret",
      .jump),
    rv64("jr a0", .jump), rv64("call f\n j .\nf: j _start", .budget),
    // Devices: a register, between registers, a width that it does not take.
    rv64("li a0, 0x10060008\n sw a1, 0(a0)"), rv64("li a0, 0x10060008\n sb a1, 0(a0)", .device),
    rv64("li a0, 0x10060009\n lw a1, 0(a0)", .alignment, .device),
    // What moves data by itself, whatever the board calls it: a virtio console and a source of entropy.
    rv64("li a0, 0x10007050\n sw a1, 0(a0)", .device),
    rv64("li a0, 0x10008050\n sw a1, 0(a0)", .device),
    // A loop that ends, one that runs out of memory.
    rv64(
      "li a0, 0x80001000\n li a1, 0x80001100\n1: sd zero, 0(a0)\n addi a0, a0, 8\n bne a0, a1, 1b"),
    rv64("li a0, 0x80001000\n1: sd zero, 0(a0)\n addi a0, a0, 8\n j 1b", .memory),
    // Constants in memory that something is stored to are none.
    rv64("la a0, 1f\n ld a1, 0(a0)\n jr a1\n .balign 8\n1: .quad _start"),
    rv64("la a0, 1f\n sd a2, 0(a0)\n ld a1, 0(a0)\n jr a1\n .balign 8\n1: .quad _start", .jump),
    rv64("la a0, 1f\n ld a1, 0(a0)\n sb a2, 3(a0)\n jr a1\n .balign 8\n1: .quad _start", .jump),

    arm("nop"), arm("svc 0", .supervisorCall), arm("bkpt 1", .breakpoint), arm("udf 1", .undefined),
    arm(".short 0xeeff, 0xffff", .undecodable),
    // BX that is not the last of its IT block.
    arm(".inst.n 0xbf04\n .inst.n 0x4770\n nop", .undecodable),
    arm("wfi", .wait), arm("wfe", .wait),
    arm("cpsie i", .interruptEnable), arm("cpsid i"), arm("msr BASEPRI, r0", .interruptEnable),
    arm("msr CONTROL, r0", .controlRegister), arm("mrs r0, IPSR"), arm("dsb\n isb"),
    arm("vadd.f32 s0, s0, s0", .floatingPoint), arm("vldr s0, [sp, #-4]", .floatingPoint),
    arm("sdiv r0, r0, r1"),
    // To the system control space: what lets exceptions through.
    arm("ldr r0, =0xe000e010\n movs r1, #7\n str r1, [r0]", .interruptEnable),
    arm("ldr r0, =0xe000ed08\n ldr r1, [r0]", .device),
    arm("ldr r0, =0x20000000\n str r1, [r0]"), arm("ldr r0, =0x2000fffc\n ldr r1, [r0]"),
    arm("ldr r0, =0x2000fffd\n ldr r1, [r0]", .memory),
    arm("ldr r0, =0x20010000\n ldr r1, [r0]", .memory),
    arm("movs r0, #0\n str r1, [r0]", .memory), arm("ldr r1, [r0]", .memory),
    arm("ldr r0, =0x20000001\n ldr r1, [r0]"),
    arm("ldr r0, =0x20000001\n ldrd r1, r2, [r0]", .alignment),
    arm("ldr r0, =0x20000002\n ldm r0, {r1, r2}", .alignment),
    arm("ldr r0, =0x400fe608\n str r1, [r0]"),
    // The stack: 4 KiB from 0x20000000.
    arm("push {r0, lr}\n pop {r0, pc}", .memory),
    arm("bl f\n b .\nf: push {r0, lr}\n pop {r0, pc}"),
    arm("1: push {r0}\n b 1b", .memory), arm("sub sp, #508\n sub sp, #508\n str r0, [sp]"),
    arm("bx r0", .jump), arm("ldr r0, =reset\n bx r0"), arm("adr r0, reset\n bx r0", .jump),
    // IT blocks: each way by itself.
    arm("ldr r0, =0x20000000\n cmp r1, #64\n it lo\n strblo r1, [r0, r1]"),
    arm("ldr r0, =0x20000000\n cmp r1, #64\n it hs\n strbhs r1, [r0, r1]", .memory),
    arm("ldr r0, =0x20000000\n cmp r1, #0\n ite eq\n moveq r2, r0\n movne r2, r0\n str r1, [r2]"),
    arm("cmp r1, #0\n it eq\n svceq 0", .supervisorCall),
    // BKPT is carried out where its block says not to; CPS is not to be there.
    arm("movs r0, #1\n cmp r0, #1\n it ne\n svcne 0"),
    arm("movs r0, #1\n cmp r0, #1\n it ne\n .inst.n 0xbe00", .breakpoint),
    arm("movs r0, #1\n cmp r0, #1\n it ne\n .inst.n 0xb662", .undecodable),
    // SP is a multiple of four, the difference that the flags are of is not.
    arm(
      "movs r0, #4\n mov sp, r0\n .inst.w 0xf1bd0d03\n bne 1f\n b .\n1: svc 0", .supervisorCall),
    arm("ldr pc, [pc, #2]", .alignment, .jump),
    // Tables.
    arm("cmp r0, #1\n bhi 2f\n tbb [pc, r0]\n1: .byte (2f-1b)/2, (3f-1b)/2\n2: nop\n3: nop"),
    arm("tbb [pc, r0]\n1: .byte (2f-1b)/2, (3f-1b)/2\n2: nop\n3: nop", .jump),
    arm(
      "cmp r0, #1\n bhi 2f\n tbb [pc, r0]\n1: .byte (2f-1b)/2, (3f-1b)/2\n2: nop\n3: svc 0",
      .supervisorCall),
  ]

  @Test(arguments: cases)
  func oneReasonEach(_ one: Case) throws {
    try withGuest(one.machine, one.text) { image in
      let board = try boards(named: one.machine == .arm ? "m4-led" : "rv64-virt")
      let proof = ZeroTrapProof(try #require(Program(image)), on: board)
      #expect(proof.obligations.map(\.kind) == one.classes, "\(proof.obligations)")
      #expect(proof.isProved == one.classes.isEmpty)
    }
  }

  /// A store that erases flash, or keeps loads from it, does not leave memory what it was.
  @Test(arguments: [0x400f_d008, 0x400f_e130] as [UInt64])
  func whatChangesMemoryElsewhere(_ register: UInt64) throws {
    try withGuest(.arm, "reset: ldr r0, =\(register)\n str r1, [r0]\n b .") { image in
      let proof = ZeroTrapProof(try #require(Program(image)), on: try boards(named: "tm4c123gxl"))
      #expect(proof.obligations.map(\.kind) == [.device])
      #expect(proof.obligations.first?.reason.contains("may itself change memory") == true)
    }
  }

  /// A jump through a table in a function that has no end by the symbols: the code map has none of its targets, and says so.
  @Test func tableOfAStrippedImage() throws {
    let text = """
      _start: call f
        j .
      f: la a5, 1f
        lw a4, 4(a5)
        add a5, a5, a4
        jr a5
        .balign 4
      1: .word 2f - 1b, 3f - 1b
      2: nop
      3: ret
      """
    try withGuest(.riscv64, text) { image in
      let board = try boards(named: "rv64-virt")
      let program = try #require(Program(image))
      let map = CodeMap(program)
      let machine = try Machine(board, image: image)
      let witness = Witness(
        machine, map, ZeroTrapProof(program, on: board), until: Moment(nanoseconds: 1_000),
        most: 100)
      #expect(witness.contradiction == nil)
      #expect(witness.cameFromOutside.map { map.holds($0) } == false)
    }
  }

  /// A function in ROM that the emulator answers is a call, and no breakpoint that a run has come to.
  @Test(arguments: [100, 0] as [UInt64])
  func callIntoROM(_ most: UInt64) throws {
    // SysCtlClockGet, by its place in the tables of the ROM.
    let text = """
      reset: ldr r3, =0x01000010
        ldr r3, [r3, #4 * 13]
        ldr r3, [r3, #4 * 24]
        blx r3
        b .
      """
    try withGuest(.arm, text) { image in
      let board = try boards(named: "tm4c123gxl")
      let program = try #require(Program(image))
      let machine = try Machine(board, image: image)
      let witness = Witness(
        machine, CodeMap(program), ZeroTrapProof(program, on: board),
        until: Moment(nanoseconds: 1_000_000), most: most)
      #expect(machine.traps.ebreak == 1)
      #expect(witness.departure == nil && witness.contradiction == nil)
    }
  }

  /// An exception lands where no way of the function leads, behind a call that does not come back.
  @Test func exceptionsLand() throws {
    let guest = """
      reset: bl _Unwind_RaiseException
      b .
      nop
      .Llanding: wfi
      b .
      .size reset, .-reset
      .type _Unwind_RaiseException, %function
      _Unwind_RaiseException: add.w lr, lr, #4
      bx lr
      """
    try withGuest(.arm, guest) { image in
      let board = try boards(named: "m4-led")
      let map = try CodeMap(#require(Program(image)))
      let machine = try Machine(board, image: image)
      let witness = Witness(
        machine, map, ZeroTrapProof(map.program, on: board),
        until: Moment(nanoseconds: 1_000_000), most: 20)
      #expect(witness.contradiction == nil && machine.index > 3)
      #expect(Inventory(map).sites.contains { $0.kind == .wait })
    }
  }

  // MARK: Policy

  @Test func policy() throws {
    try withFolder { folder in
      func audit(_ text: String, _ image: String) throws -> Outcome {
        try write(Array(text.utf8), to: folder + "/policy")
        return emurun(
          "audit", Images.path(image + ".elf"), "--for", "1ms", "--policy", folder + "/policy",
          "--sarif", folder + "/s")
      }
      let led = """
        # What a heartbeat needs.
        allow wait-for-interrupt
        allow undefined-instruction

        """
      #expect(try audit(led, "led-heartbeat").code == 0)
      #expect(try audit("allow wait-for-interrupt", "led-heartbeat").code == 1)
      #expect(try audit(led + "runtime-checks 5", "led-heartbeat").code == 1)
      #expect(try audit(led + "runtime-checks 6", "led-heartbeat").code == 0)
      #expect(try audit(led + "size 804", "led-heartbeat").code == 0)
      #expect(try audit(led + "size 803", "led-heartbeat").code == 1)
      let blink = "device 0x400fe604..0x400fe60b\n"
      #expect(try audit(blink, "delay-heartbeat-m4").code == 0)
      #expect(try audit("device 0x400fe608..0x400fe60b\n", "delay-heartbeat-m4").code == 1)
      #expect(try audit("stack 16", "zero-trap-rv64").code == 0)
      let stack = try audit("stack 15", "zero-trap-rv64")
      #expect(stack.code == 1)
      #expect(stack.output.contains("the stack may take 16 bytes, 15 are allowed"))
      // A run that faults keeps to no policy but to one that says so.
      try withGuest(.arm, "reset: ldr r0, =0x70000000\n ldr r1, [r0]\n b .") { image in
        try write(image.contents, to: folder + "/fault.elf")
        for (line, code) in [("stack 100", 1), ("allow memory-access", 0)] as [(String, Int32)] {
          try write(Array(line.utf8), to: folder + "/policy")
          let outcome = emurun("audit", folder + "/fault.elf", "--policy", folder + "/policy")
          #expect(outcome.code == code)
          #expect(outcome.output.contains("policy-fault at reset") == (code == 1))
        }
      }
      // Lines as other systems end them.
      #expect(try audit("# Bytes.\r\nstack 15\r\n", "zero-trap-rv64").code == 1)
      for wrong in [
        "allow everything", "stack", "stack 15\nstack 16", "device 1.2", "device 1...2",
      ] {
        #expect(try audit(wrong, "zero-trap-rv64").code == 65, "\(wrong)")
      }
      // What a check of Swift's ends in has no line of its own, and is told with the check's.
      let check = try audit("allow wait-for-interrupt", "led-heartbeat")
      #expect(
        check.output.contains(
          #/at sysTick\+0x20 \(\S+LEDHeartbeat.swift:\d+\): .* not allowed \(arithmetic overflow\)/#
        ),
        "\(check.output)")
    }
  }
}
