// Prints in hex what mcycle, and at the end mtime, moved by across stretches of code with no trap and no sleep: nothing, a loop, multiplications and divisions,
// loads and stores, floating point, calls, a long block. On QEMU with `-icount shift=0` mcycle is the count of instructions, as here.
.globl _start
.macro begin
  csrr s0, mcycle
.endm
.macro end
  csrr s1, mcycle
  sub a0, s1, s0
  call print
.endm
_start:
  la sp, stack
  li t0, 0x6000
  csrs mstatus, t0
  begin
  nop
  end
  begin
  li t1, 1000
  1: addi t1, t1, -1
  bnez t1, 1b
  end
  begin
  li t1, 12345
  mul t2, t1, t1
  div t2, t2, t1
  rem t2, t2, t1
  end
  begin
  la t1, stack
  1: sd t1, -16(t1)
  ld t2, -16(t1)
  amoadd.d t2, t1, (sp)
  lr.d t3, (sp)
  sc.d t3, t2, (sp)
  end
  begin
  li t1, 7
  fcvt.d.l fa0, t1
  fmul.d fa0, fa0, fa0
  fdiv.d fa0, fa0, fa0
  fcvt.l.d t1, fa0
  end
  begin
  call leaf
  call leaf
  end
  begin
  .rept 700
  addi t1, t1, 1
  .endr
  end
  begin
  la t1, 1f
  jr t1
  nop
  1: c.nop
  nop
  end
  begin
  csrr t1, mscratch
  csrw mscratch, t1
  fence
  fence.i
  end
  // mtime and the time CSR over a million instructions: 10,000 or, by where in a tick the reads are, one more; so in sixteenths.
  li s3, 0x0200bff8
  ld s0, (s3)
  li t1, 500000
  1: addi t1, t1, -1
  bnez t1, 1b
  ld s1, (s3)
  sub a0, s1, s0
  srli a0, a0, 4
  call print
  csrr s0, time
  li t1, 500000
  1: addi t1, t1, -1
  bnez t1, 1b
  csrr s1, time
  sub a0, s1, s0
  srli a0, a0, 4
  call print
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
leaf: addi t1, t1, 1
  ret
print:                          // a0 in hex and a newline, on the 16550
  li t0, 0x10000000
  li t1, 60
2: srl t2, a0, t1
  andi t2, t2, 15
  addi t2, t2, '0'
  li t3, '9'
  ble t2, t3, 3f
  addi t2, t2, 'a' - '9' - 1
3: sb t2, 0(t0)
  addi t1, t1, -4
  bgez t1, 2b
  li t2, '\n'
  sb t2, 0(t0)
  ret
.balign 16
.space 256
stack: .space 64
