// From reset to `main`. The core has already loaded SP and PC from the vector table.

  .syntax unified
  .thumb
  .cfi_sections .debug_frame

  .section .text.reset, "ax", %progbits
  .global reset
  .type reset, %function
reset:
  .cfi_startproc
  // Backtraces end here.
  .cfi_undefined lr
  ldr r0, =bssStart
  ldr r1, =dataStart
  movs r2, #0
.Lclear:
  cmp r0, r1
  itt ne
  strne r2, [r0], #4
  bne .Lclear
  // .data begins where .bss ends.
  ldr r1, =dataEnd
  ldr r2, =dataLoad
.Lcopy:
  cmp r0, r1
  ittt ne
  ldrne r3, [r2], #4
  strne r3, [r0], #4
  bne .Lcopy
  bl main
  // `main` never returns; the link is for the backtrace.
  udf #0
  .cfi_endproc
  .size reset, . - reset

  // The handler of every exception that the program has none for. Only the main stack is ever
  // used, so the frame is where SP points.
  .section .text.fault, "ax", %progbits
  .global fault
  .type fault, %function
fault:
  mov r0, sp
  b panic
  .size fault, . - fault
