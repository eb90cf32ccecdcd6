// In the place of the runtime's: every hart begins here in M mode, with a0 its number, a1 the device tree and a2 where to go on
// (OpenSBI's fw_dynamic_info). Traps come from a supervisor, whose stack is none of ours.

  .cfi_sections .debug_frame

  .section .reset, "ax", %progbits
  .global _start
  .type _start, %function
_start:
  tail start
  .size _start, . - _start

  .section .text.start, "ax", %progbits
  .type start, %function
start:
  .cfi_startproc
  .cfi_undefined ra
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  // A stack of 4 KiB a hart, which mscratch keeps while the supervisor runs.
  slli t0, a0, 12
  la sp, stackBottom + 4096
  add sp, sp, t0
  csrw mscratch, sp
  la t0, trap
  csrw mtvec, t0
  mv s0, a0
  mv s1, a1
  mv s2, a2
  bnez a0, 3f

  la t0, bssStart
  la t1, bssEnd
1:
  bgeu t0, t1, 1f
  sd zero, (t0)
  addi t0, t0, 8
  j 1b
1:
  la t0, dataStart
  la t1, dataEnd
  la t2, dataLoad
2:
  bgeu t0, t1, 4f
  ld t3, (t2)
  sd t3, (t0)
  addi t0, t0, 8
  addi t2, t2, 8
  j 2b
3:
  // Memory is hart 0's to prepare; then it calls.
  csrwi mie, 1 << 3
  wfi
  csrr t0, mip
  andi t0, t0, 1 << 3
  beqz t0, 3b
4:
  mv a0, s0
  mv a1, s1
  mv a2, s2
  call bootHart
  .cfi_endproc
  .size start, . - start

  // enterSupervisor(hart, opaque, pc): as the SBI says a hart starts: satp 0, interrupts off.
  .section .text.enterSupervisor, "ax", %progbits
  .global enterSupervisor
  .type enterSupervisor, %function
enterSupervisor:
  csrw mepc, a2
  csrw satp, zero
  li t0, 3 << 11 | 1 << 1   // MPP, SIE
  csrc mstatus, t0
  li t0, 1 << 11            // MPP: S
  csrs mstatus, t0
  csrr sp, mscratch
  mret
  .size enterSupervisor, . - enterSupervisor

.macro each instruction, registers:vararg
  .irp register, \registers
  \instruction \register, offset(sp)
  .set offset, offset + 8
  .endr
.endm

.macro eachSavedRegister x
  .set offset, 0
  each \x, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7, gp
.endm

  .section .text.trap, "ax", %progbits
  .balign 4
  .type trap, %function
trap:
  .cfi_startproc
  .cfi_undefined ra
  csrrw sp, mscratch, sp
  addi sp, sp, -144
  .cfi_def_cfa_offset 144
  eachSavedRegister sd
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  csrr a0, mcause
  csrr a1, mepc
  mv a2, sp
  call handleTrap
  eachSavedRegister ld
  addi sp, sp, 144
  csrrw sp, mscratch, sp
  mret
  .cfi_endproc
  .size trap, . - trap

  .section .text.halted, "ax", %progbits
  .global halted
  .type halted, %function
halted:
  j halted
  .size halted, . - halted

  .global nothing
  .type nothing, %function
nothing:
  ret
  .size nothing, . - nothing
