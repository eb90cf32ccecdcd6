/// What the tests of the machine run. t0 is the beeper all along.
enum Program {
  /// Sets an alarm 100 ticks ahead five times; sleeps until it; the handler beeps, moves the pin
  /// and counts in s0. Then ends with code 7.
  static let alarms = Assembler.program { a in
    a.lui(.t0, 0x10000)
    a.la(.t1, "handler")
    a.csrw(0x305, .t1)
    a.lui(.t1, 1)
    a.addi(.t1, .t1, -2048)  // 1 << 11
    a.csrw(0x304, .t1)
    a.addi(.t1, .zero, 8)
    a.csrw(0x300, .t1)
    a.addi(.s0, .zero, 0)
    a.addi(.s1, .zero, 5)
    a.label("again")
    a.addi(.t1, .zero, 100)
    a.sw(.t1, .t0, 4)
    a.label("wait")
    a.wfi()
    a.lw(.t2, .t0, 4)
    a.bne(.s0, .s1, "again")
    a.addi(.t1, .zero, 7)
    a.sw(.t1, .t0, 12)
    a.j("wait")
    a.label("handler")
    a.sw(.zero, .t0, 8)
    a.addi(.s0, .s0, 1)
    a.sw(.s0, .t0, 16)
    a.addi(.a0, .s0, 48)
    a.sb(.a0, .t0, 0)
    a.mret()
  }

  /// Counts in s0 for ever, an ecall (handled by skipping it) every fourth instruction or so.
  static let ecalls = Assembler.program { a in
    a.la(.t1, "handler")
    a.csrw(0x305, .t1)
    a.label("again")
    a.addi(.s0, .s0, 1)
    a.ecall()
    a.j("again")
    a.label("handler")
    a.csrr(.t2, 0x341)
    a.addi(.t2, .t2, 4)
    a.csrw(0x341, .t2)
    a.mret()
  }
}
