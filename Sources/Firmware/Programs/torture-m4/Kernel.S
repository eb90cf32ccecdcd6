// torture-m4: what of a small kernel cannot be Swift.

  .syntax unified
  .thumb
  .fpu fpv4-sp-d16

  .macro function name
  .section .text.\name, "ax", %progbits
  .global \name
  .type \name, %function
\name:
  .endm

  // SVC 0 starts the first task, and never comes back; the rest is a C call with the caller's frame.
  function supervisorCall
  tst lr, #4
  ite eq
  mrseq r0, msp
  mrsne r0, psp
  ldr r1, [r0, #24]
  ldrb r1, [r1, #-2]
  cbz r1, first
  push {r3, lr}
  bl service
  pop {r3, pc}
first:
  bl firstTask
  b restore

  // r4 to r11, EXC_RETURN, and s16 to s31 where the task has used FP, on the task's own stack.
  function pendableServiceCall
  ldr r1, =0xe0001004
  ldr r12, [r1]
  mrs r0, psp
  tst lr, #16
  it eq
  vstmdbeq r0!, {s16-s31}
  stmdb r0!, {r4-r11, lr}
  mov r4, r12
  bl switchTask
  ldr r1, =0xe0001004
  ldr r1, [r1]
  subs r1, r4
  ldr r2, =cycles
  ldrd r3, r12, [r2]
  cmp r1, r3
  it lo
  strlo r1, [r2]
  cmp r1, r12
  it hi
  strhi r1, [r2, #4]
restore:
  ldmia r0!, {r4-r11, lr}
  tst lr, #16
  it eq
  vldmiaeq r0!, {s16-s31}
  msr psp, r0
  bx lr

  // Tasks store with a halfword instruction where they may not: step over it, and count.
  function memoryManagementFault
  mrs r0, psp
  ldr r1, [r0, #24]
  adds r1, #2
  str r1, [r0, #24]
  ldr r0, =refused
  ldr r1, [r0]
  adds r1, #1
  str r1, [r0]
  bx lr

  // r0: address.
  function probe
  str r0, [r0]
  bx lr

  .irp number, 0, 1, 2, 3, 4, 5, 6, 7
  function interrupt\number
  movs r0, #\number
  b interruptAny
  .endr

  function interruptAny
  push {r3, lr}
  bl interruptNested
  pop {r3, pc}

  // r0: 16 words of state; r1: rounds. All of s0 to s31 is in use all the time, by conditional instructions too.
  function mixFloats
  push {r4, r5, lr}
  vpush {s16-s31}
  vldm r0, {s0-s15}
  vmov.f32 s16, s0
  vmov.f32 s17, #1.5
  vmov.f32 s18, s2
  vmov.f32 s19, #0.5
  vmov.f32 s30, s5
  vmov.f32 s31, s6
1:
  vadd.f32 s20, s0, s1
  vmul.f32 s21, s2, s19
  vmla.f32 s20, s21, s17
  vsub.f32 s22, s20, s3
  vcmp.f32 s22, s17
  vmrs apsr_nzcv, fpscr
  itte gt
  vmulgt.f32 s22, s22, s19
  vaddgt.f32 s0, s22, s31
  vaddle.f32 s0, s22, s17
  vabs.f32 s23, s0
  vadd.f32 s23, s23, s17
  vdiv.f32 s1, s17, s23
  vsqrt.f32 s2, s23
  vcvt.s32.f32 s24, s2
  vmov r4, s24
  adds r5, r4, r1
  vmov s25, r5
  vcvt.f32.s32 s25, s25
  vmul.f32 s3, s25, s19
  vadd.f32 s16, s16, s3
  vmul.f32 s16, s16, s19
  vpush {s0-s3}
  vpop {s4-s7}
  vmul.f32 s4, s4, s19
  vadd.f32 s8, s8, s4
  vmul.f32 s8, s8, s19
  subs r1, #1
  bne 1b
  vmov.f32 s9, s16
  vmov.f32 s10, s30
  vmov.f32 s11, s31
  vstm r0, {s0-s15}
  vpop {s16-s31}
  pop {r4, r5, pc}

  .macro address name, symbol
  function \name
  ldr r0, =\symbol
  bx lr
  .ltorg
  .endm
  address taskMemory, memory
  address tortureVectors, table
  address refusals, refused
  address switchCycles, cycles
  address taskEntry, runTask

  .section .rodata.table, "a", %progbits
  .balign 256
table:
  .word stackTop, reset, nonMaskableInterrupt, hardFault
  .word memoryManagementFault, busFault, usageFault, 0, 0, 0, 0
  .word supervisorCall, debugMonitor, 0, pendableServiceCall, sysTick
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7
  .word interrupt\number
  .endr

  .section .bss.memory, "aw", %nobits
  .balign 1024
memory:
  .space 4096

  // Least and most cycles from the first instruction of a switch to its last but some.
  .section .data.cycles, "aw", %progbits
  .balign 8
cycles:
  .word 0xffffffff, 0
  .section .bss.refused, "aw", %nobits
  .balign 4
refused:
  .space 4
