// Takes interrupts through the PLIC, from the UART and from a disk at 0x10001000 that it reads and writes, and says what it sees.
#include "../../../Benchmarks/Workloads/virtio_block.h"

#define UART ((volatile uint8_t *)0x10000000)
#define FINISHER ((volatile uint32_t *)0x100000)
#define PLIC(offset) (*(volatile uint32_t *)(0x0c000000ul + (offset)))
enum { PLIC_CLAIM = 0x200004, DISK = 1, SERIAL = 10 };

__asm__(
    ".globl _start\n"
    "_start: csrr a0, mhartid\n bnez a0, 1f\n lla sp, stack + 8192\n lla a0, trap\n csrw mtvec, a0\n j guest\n"
    "1: wfi\n j 1b\n"
    ".balign 4\n"
    "trap: addi sp, sp, -160\n"
    "sd ra, 0(sp)\n sd t0, 8(sp)\n sd t1, 16(sp)\n sd t2, 24(sp)\n sd a0, 32(sp)\n sd a1, 40(sp)\n sd a2, 48(sp)\n sd a3, 56(sp)\n"
    "sd a4, 64(sp)\n sd a5, 72(sp)\n sd a6, 80(sp)\n sd a7, 88(sp)\n sd t3, 96(sp)\n sd t4, 104(sp)\n sd t5, 112(sp)\n sd t6, 120(sp)\n"
    "call interrupt\n"
    "ld ra, 0(sp)\n ld t0, 8(sp)\n ld t1, 16(sp)\n ld t2, 24(sp)\n ld a0, 32(sp)\n ld a1, 40(sp)\n ld a2, 48(sp)\n ld a3, 56(sp)\n"
    "ld a4, 64(sp)\n ld a5, 72(sp)\n ld a6, 80(sp)\n ld a7, 88(sp)\n ld t3, 96(sp)\n ld t4, 104(sp)\n ld t5, 112(sp)\n ld t6, 120(sp)\n"
    "addi sp, sp, 160\n mret\n");
uint8_t stack[8192] __attribute__((aligned(16)));

static volatile uint32_t claimed, cause;
static volatile uint8_t sector[1024];

static void print(const char *text)
{
    while (*text)
        *UART = (uint8_t)*text++;
}

static void print_number(uint64_t number)
{
    char text[20];
    int at = sizeof text;
    text[--at] = 0;
    do
        text[--at] = (char)('0' + number % 10);
    while (number /= 10);
    print(text + at);
}

void interrupt(void)
{
    uint64_t mcause;
    __asm__ volatile("csrr %0, mcause" : "=r"(mcause));
    cause = (uint32_t)mcause;
    uint32_t source = PLIC(PLIC_CLAIM);
    claimed = source;
    if (source == SERIAL) {
        UART[1] = 0;
    } else if (source == DISK) {
        block_set(0x64, block_register(0x60));
    } else {
        print("trap\n");
        *FINISHER = 0x13333;
    }
    PLIC(PLIC_CLAIM) = source;
}

static void wait_for(uint32_t source, const char *name)
{
    while (claimed != source)
        __asm__ volatile("csrci mstatus, 8\n csrr t0, mip\n bnez t0, 1f\n wfi\n 1: csrsi mstatus, 8" ::: "t0", "memory");
    print(name);
    print(" interrupt, cause ");
    print_number(cause);
    print(", then ");
    print_number(PLIC(PLIC_CLAIM));
    print("\n");
    claimed = 0;
}

static void transfer(uint32_t type, uint64_t place, uint32_t count)
{
    block_submit(type, place, sector, count);
    wait_for(DISK, type == BLOCK_READ ? "read" : "write");
    print("status ");
    print_number(block_status);
    if (!block_status) {                                        // QEMU counts what it did not write as well
        print(", written ");
        print_number(block_queue.used[(block_queue.used_index - 1) % QUEUE_SIZE].length);
    }
    print("\n");
}

void guest(void)
{
    PLIC(4 * SERIAL) = 1;
    PLIC(4 * DISK) = 7;
    PLIC(0x2000) = 1 << SERIAL | 1 << DISK;
    PLIC(0x200000) = 0;
    __asm__ volatile("csrs mie, %0\n csrsi mstatus, 8" ::"r"(1 << 11));
    UART[1] = 2;                                                // the transmitter is empty
    wait_for(SERIAL, "uart");

    if (!block_start(0x10001000)) {
        print("no disk\n");
        *FINISHER = 0x23333;
    }
    print("sectors ");
    print_number(block_register(0x100));
    print("\n");
    transfer(BLOCK_READ, 0, 1024);
    print((const char *)sector);
    for (int i = 0; i < 1024; i++)
        sector[i] ^= 0x20;
    transfer(BLOCK_WRITE, 1, 1024);
    for (int i = 0; i < 1024; i++)
        sector[i] = 0;
    transfer(BLOCK_READ, 1, 512);
    print((const char *)sector);
    transfer(BLOCK_READ, block_register(0x100), 512);           // behind the end
    print("done\n");
    *FINISHER = 0x5555;
    for (;;)
        ;
}
