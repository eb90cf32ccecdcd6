// From the first instruction to `main(hart, deviceTree)`, and into and out of `handleTrap`.
// .data is in place, unless the linker script says that it is elsewhere.

#ifdef RV64Supervisor
#define CSR(name) s##name
#else
#define CSR(name) m##name
#endif

  .cfi_sections .debug_frame

  .section .text.start, "ax", %progbits
  .global _start
  .type _start, %function
_start:
#ifdef RV64Supervisor
  // The boot-image header of the Linux kernel's Documentation/arch/riscv/boot-image-header.
  .option push
  .option norvc
  j start
  .4byte 0
  .option pop
  .8byte 0x200000           // text_offset: from the beginning of RAM
  .8byte imageSize
  .8byte 0                  // flags: little-endian
  .4byte 2                  // version 0.2
  .4byte 0
  .8byte 0
  .ascii "RISCV\0\0\0"
  .ascii "RSC\x05"
  .4byte 0
#endif

  .type start, %function
start:
  .cfi_startproc
  // Backtraces end here.
  .cfi_undefined ra
#ifndef RV64Supervisor
  // Every hart begins here, with its number in a0. The SBI starts but one.
  bnez a0, park
#endif
  mv s0, a0
  mv s1, a1
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, stackTop
#ifndef StraightLine
  la t0, trap
  csrw CSR(tvec), t0
#endif
#ifdef FloatingPoint
  li t0, 1 << 13            // FS: initial
  csrs CSR(status), t0
#endif
  call earlyInit
  la t0, bssStart
  la t1, bssEnd
clear:
  bgeu t0, t1, cleared
  sd zero, (t0)
  addi t0, t0, 8
  j clear
cleared:
  mv a0, s0
  mv a1, s1
  call main                 // never returns; the link is for the backtrace
  j halted
#ifdef RV64Supervisor
  .global otherStart
  .type otherStart, %function
otherStart:                 // an SBI starts the second hart here: a0 its number, a1 what it was given
  mv a0, a1
  la t0, trap
  csrw stvec, t0
  j another
#else
park:
#ifdef StraightLine
  j park
#else
  // A machine software interrupt lets hart 1 into the program's `startHart`.
  csrsi mie, 1 << 3
  wfi
  csrr t0, mip
  andi t0, t0, 1 << 3
  beqz t0, park
  csrci mie, 1 << 3
  j another
#endif
#endif
#ifndef StraightLine
another:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, otherStackTop
  call startHart
  .global asleep
  .type asleep, %function
asleep:                     // where a program has no use for it
  wfi
  j asleep
#endif
  .cfi_endproc
  .size start, . - start

#ifndef StraightLine
.macro each instruction, registers:vararg
  .irp register, \registers
  \instruction \register, offset(sp)
  .set offset, offset + 8
  .endr
.endm

// What a function may change: the rest it saves itself.
.macro eachSavedRegister x, f
  .set offset, 0
  each \x, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
#ifdef FloatingPoint
  each \f, ft0, ft1, ft2, ft3, ft4, ft5, ft6, ft7, ft8, ft9, ft10, ft11
  each \f, fa0, fa1, fa2, fa3, fa4, fa5, fa6, fa7
#endif
.endm

#ifdef FloatingPoint
#define FRAME 8 * (16 + 20)
#else
#define FRAME 8 * 16
#endif

  // The low two bits of tvec are its mode, so the address has none.
  .section .text.trap, "ax", %progbits
  .balign 4
  .type trap, %function
trap:
  .cfi_startproc
  // Backtraces end here too: where the trap came from is in a CSR, which they cannot name.
  .cfi_undefined ra
  addi sp, sp, -(FRAME)
  .cfi_def_cfa_offset FRAME
  eachSavedRegister sd, fsd
  csrr a0, CSR(cause)
  csrr a1, CSR(epc)
  mv a2, sp
  call handleTrap
  eachSavedRegister ld, fld
  addi sp, sp, FRAME
  CSR(ret)
  .cfi_endproc
  .size trap, . - trap
#endif

  .section .text.halted, "ax", %progbits
  .global halted
  .type halted, %function
halted:
  .cfi_startproc
  .cfi_undefined ra
  j halted
  .cfi_endproc
  .size halted, . - halted

  .section .text.nothing, "ax", %progbits
  .global nothing
  .type nothing, %function
nothing:
  ret
  .size nothing, . - nothing
