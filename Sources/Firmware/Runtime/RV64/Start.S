// From the first instruction to `main(hart, deviceTree)`, and into and out of `handleTrap`.
// The image is linked where it is loaded: .data is in place, only .bss wants clearing.

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
  // Every hart begins here. The SBI starts but one.
  csrr t0, mhartid
  bnez t0, park
#endif
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, stackTop
  la t0, trap
  csrw CSR(tvec), t0
  la t0, bssStart
  la t1, bssEnd
clear:
  bgeu t0, t1, cleared
  sd zero, (t0)
  addi t0, t0, 8
  j clear
cleared:
  call main
  // `main` never returns; the link is for the backtrace.
  unimp
#ifndef RV64Supervisor
park:
  wfi
  j park
#endif
  .cfi_endproc
  .size start, . - start

.macro eachSavedRegister instruction
  .set offset, 0
  .irp register, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
  \instruction \register, offset(sp)
  .set offset, offset + 8
  .endr
.endm

  // The low two bits of tvec are its mode, so the address has none.
  .section .text.trap, "ax", %progbits
  .balign 4
  .type trap, %function
trap:
  .cfi_startproc
  // Backtraces end here too: where the trap came from is in a CSR, which they cannot name.
  .cfi_undefined ra
  addi sp, sp, -128
  .cfi_def_cfa_offset 128
  eachSavedRegister sd
  csrr a0, CSR(cause)
  csrr a1, CSR(epc)
  call handleTrap
  eachSavedRegister ld
  addi sp, sp, 128
  CSR(ret)
  .cfi_endproc
  .size trap, . - trap
