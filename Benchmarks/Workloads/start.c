// Entry and end of a workload, for QEMU's boards and emurun's alike: RV64 `virt` in M mode with the finisher, a Cortex-M4 with its vector
// table at 0, RAM at 0x20000000 and semihosting.
#include "workload.h"

extern char stack_top[];
__attribute__((noreturn)) void finish(uint32_t code);
void *memcpy(void *restrict to, const void *restrict from, __SIZE_TYPE__ n);
void *memset(void *to, int value, __SIZE_TYPE__ n);

__attribute__((noreturn, used)) void start(void)
{
    uint32_t sum = work(ROUNDS);
    finish(sum == EXPECTED ? 0 : 1);
}

#if defined __riscv && defined HARTS
// The first HARTS harts do the same with memory of their own, below tp and sp, and the last one ends the run; further ones sleep.
#define TEXT(x) #x
#define NUMBER(x) TEXT(x)
__asm__(".section .start,\"ax\"\n.globl _start\n_start: csrr t1,mhartid\n1: li t0," NUMBER(HARTS) "\n bltu t1,t0,2f\n wfi\n j 1b\n"
        "2: slli t1,t1,16\n la tp,stack_top\n add tp,tp,t1\n li t0,0x10000\n add sp,tp,t0\n li t0,0x6000\n csrs mstatus,t0\n call start\n.text\n");
void finish(uint32_t code)
{
    static uint32_t done, failed;
    __atomic_fetch_or(&failed, code, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&done, 1, __ATOMIC_ACQ_REL) == HARTS)
        *(volatile uint32_t *)0x100000 = failed ? failed << 16 | 0x3333 : 0x5555;
    for (;;) {}
}
#elif defined __riscv
__asm__(".section .start,\"ax\"\n.globl _start\n_start: la sp,stack_top\n li t0,0x6000\n csrs mstatus,t0\n call start\n.text\n");
void finish(uint32_t code)
{
    for (;;)
        *(volatile uint32_t *)0x100000 = code ? code << 16 | 0x3333 : 0x5555;
}
#else
#ifdef RELOAD                                   // a timer interrupt every RELOAD + 1 ticks, as an RTOS has it
static volatile uint32_t ticks;
static void tick(void)
{
    ticks++;
}
#endif
static void enable_fpu_and_start(void)
{
    *(volatile uint32_t *)0xe000ed88 = 0xf << 20;
#ifdef RELOAD
    *(volatile uint32_t *)0xe000e014 = RELOAD;
    *(volatile uint32_t *)0xe000e018 = 0;
    *(volatile uint32_t *)0xe000e010 = 7;
#endif
    __asm__ volatile("dsb\n isb");
    start();
}
void finish(uint32_t code)
{
    register uint32_t r0 __asm__("r0") = 0x18;
    register uint32_t r1 __asm__("r1") = code ? 0x20023 : 0x20026;
    for (;;)
        __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
__attribute__((section(".start"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))stack_top, enable_fpu_and_start,
#ifdef RELOAD
    [15] = tick,
#endif
};
#endif

#pragma clang diagnostic ignored "-Wunknown-attributes"
__attribute__((optnone)) void *memcpy(void *restrict to, const void *restrict from, __SIZE_TYPE__ n)
{
    for (__SIZE_TYPE__ i = 0; i < n; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}
__attribute__((optnone)) void *memset(void *to, int value, __SIZE_TYPE__ n)
{
    for (__SIZE_TYPE__ i = 0; i < n; i++)
        ((char *)to)[i] = (char)value;
    return to;
}
