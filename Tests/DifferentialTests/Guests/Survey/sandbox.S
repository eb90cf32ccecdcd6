// How the survey gets into one instruction and out again. It lives in Handler mode: a case begins with an exception return, to Thread mode or
// to a handler of low priority, in a frame that next() made, and ends with whatever exception the instruction or the UDF behind it raises.
// Whichever it is, it comes here.
    .syntax unified
    .thumb
    .equ CPACR, 0xe000ed88
    .equ FP_FOR_ALL, 0xf00000

    .section .reset, "awx"
    .word stack_top
    .word start

    .section .saved, "awx", %nobits     // at 0x21000000, where an immediate reaches it: the registers, at (EXC_RETURN & 0x1c) << 6
    .space 0x800

    .text
    .thumb_func
    .global start
start:
    bl begin
    svc 0
    b .

    .balign 512
    .global vectors
vectors:
    .word stack_top
    .word start
    .rept 46
    .word taken
    .endr

// All registers are live but LR, in which only three bits are. The stack pointer may be anything.
    .thumb_func
taken:
    and lr, lr, #0x1c
    lsl lr, lr, #6
    orr lr, lr, #0x21000000
    stm lr, {r0-r12}
    mrs r1, msp
    mov r0, lr
    ldr sp, =stack_top
    ldr r2, =leaving
    ldr r2, [r2, #12]
    cmp r2, #FP_FOR_ALL
    beq 1f
    ldr r2, =CPACR
    mov r3, #FP_FOR_ALL
    str r3, [r2]
    isb
1:  ldr r2, =outcome_s
    vstm r2, {s0-s31}
    bl next                             // -> the case to run now
    movs r1, #0
    vmsr fpscr, r1                      // for a case that begins without an FP context
    ldr r1, =initial_s
    vldm r1, {s0-s31}
    ldr lr, [r0]                        // EXC_RETURN
    ldr r1, [r0, #4]
    msr psp, r1
    ldr sp, [r0, #8]
    ldr r1, [r0, #12]
    cmp r1, #FP_FOR_ALL
    beq 1f
    ldr r2, =CPACR
    str r1, [r2]
    isb
1:  add r0, r0, #16
    ldm r0, {r4-r11}
    bx lr

    .bss
    .balign 8
    .space 0x4000
    .global stack_top
stack_top:
