# Traps on purpose, and goes on at places whose addresses it makes, without a symbol there: by a handler in mtvec and by mret,
# as riscv-tests do. Ends by the finisher of virt.
.globl _start
_start:
  la t0, .Lhandler
  csrw mtvec, t0
  la t0, .Lbehind
  csrw mepc, t0
  li t0, 3 << 11
  csrs mstatus, t0
  mret
.balign 4
.Lbehind:
  li a0, 0
  ecall
  li t1, 1
  bne a0, t1, .Lfail
  li t0, 0x5555
  j .Lend
.Lfail:
  li t0, 0x13333
.Lend:
  li t1, 0x100000
  sw t0, (t1)
  j .
.balign 4
.Lhandler:
  addi a0, a0, 1
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
