// From reset to `main`. The core has already loaded SP and PC from the vector table: the boot stack
// and this code, both where the linker script put them.

  .syntax unified
  .thumb
  .cfi_sections .debug_frame
#ifdef FloatingPoint
  .fpu fpv4-sp-d16
#endif

  .section .text.reset, "ax", %progbits
  .global reset
  .type reset, %function
reset:
  .cfi_startproc
  // Backtraces end here.
  .cfi_undefined lr
#ifdef FloatingPoint
  ldr r0, =0xe000ed88       // CPACR: full access to CP10 and CP11
  movs r1, #0xf << 4
  lsls r1, r1, #16
  str r1, [r0]
  dsb
  isb
#endif
  bl earlyInit
  ldr r0, =bssStart
  ldr r1, =bssEnd
  movs r2, #0
.Lclear:
  cmp r0, r1
  itt ne
  strne r2, [r0], #4
  bne .Lclear
  ldr r0, =dataStart
  ldr r1, =dataEnd
  ldr r2, =dataLoad
.Lcopy:
  cmp r0, r1
  ittt ne
  ldrne r3, [r2], #4
  strne r3, [r0], #4
  bne .Lcopy
  bl main                   // never returns; the link is for the backtrace
  b halted
  .cfi_endproc
  .size reset, . - reset

  .section .text.halted, "ax", %progbits
  .global halted
  .type halted, %function
halted:
  .cfi_startproc
  .cfi_undefined lr
  b halted
  .cfi_endproc
  .size halted, . - halted

  // Every exception that the program has no vector of its own for. EXC_RETURN's bit 2 says on
  // which stack the frame is.
  .section .text.exception, "ax", %progbits
  .global exception
  .type exception, %function
exception:
  .cfi_startproc
  tst lr, #4
  ite eq
  mrseq r0, msp
  mrsne r0, psp
  push {r4, lr}
  .cfi_def_cfa_offset 8
  .cfi_offset lr, -4
  .cfi_offset r4, -8
  bl handleException
  pop {r4, pc}
  .cfi_endproc
  .size exception, . - exception

  .section .text.nothing, "ax", %progbits
  .global nothing
  .type nothing, %function
nothing:
  bx lr
  .size nothing, . - nothing
