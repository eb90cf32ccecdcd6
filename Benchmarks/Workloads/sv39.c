// A kernel in S mode and its program in U mode, under Sv39: two address spaces of 2,048 pages of 4 KiB, in frames without order, nothing at
// its physical address. The program writes all over them and has them changed; the kernel gives it a page where it first touches one, and
// takes back a quarter of them now and then.
#include "workload.h"

enum { PAGES = 2048, SPACES = 2, WORDS = PAGES * 512, IMAGE_PAGES = 64, SCATTERED = 20000, SWITCH = 1, RELEASE, EXIT };
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128, ECALL_U = 8 };
#define IMAGE 0x80000000
#define FRAMES 0x82000000
#define PROGRAM 0x10000000ull                   // the image as the program has it
#define KERNEL 0xffffffc000000000ull            // memory as the kernel has it
#define DATA 0x2000000000ull
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ",%0" ::"r"((uint64_t)(value)) : "memory")
#define CSR_READ(name) ({ uint64_t value; __asm__ volatile("csrr %0," #name : "=r"(value)); value; })

static uint64_t tables[32][512] __attribute__((aligned(4096)));
static uint64_t *roots[SPACES], *entries[SPACES], kernel_stack[64];    // entries: of the pages of data, physical
static int table_count, space, result;

// ---- the kernel
__asm__(".text\n.balign 4\ntrap: csrrw sp,sscratch,sp\n addi sp,sp,-128\n"
        " sd ra,0(sp)\n sd t0,8(sp)\n sd t1,16(sp)\n sd t2,24(sp)\n sd a1,32(sp)\n sd a2,40(sp)\n sd a3,48(sp)\n sd a4,56(sp)\n sd a5,64(sp)\n"
        " sd a6,72(sp)\n sd a7,80(sp)\n sd t3,88(sp)\n sd t4,96(sp)\n sd t5,104(sp)\n sd t6,112(sp)\n sd a0,120(sp)\n call kernel\n"
        " ld ra,0(sp)\n ld t0,8(sp)\n ld t1,16(sp)\n ld t2,24(sp)\n ld a1,32(sp)\n ld a2,40(sp)\n ld a3,48(sp)\n ld a4,56(sp)\n ld a5,64(sp)\n"
        " ld a6,72(sp)\n ld a7,80(sp)\n ld t3,88(sp)\n ld t4,96(sp)\n ld t5,104(sp)\n ld t6,112(sp)\n ld a0,120(sp)\n"
        " addi sp,sp,128\n csrrw sp,sscratch,sp\n sret\n");
extern char trap[];

static void use(int which)
{
    space = which;
    CSR_WRITE(satp, 8ull << 60 | (uint64_t)roots[which] >> 12);
    __asm__ volatile("sfence.vma" ::: "memory");
}

__attribute__((used)) static void kernel(int request)
{
    uint64_t address = CSR_READ(stval), page = (address - DATA) >> 12;
    uint64_t *all = (uint64_t *)((uint64_t)entries[space] - IMAGE + KERNEL);
    if (CSR_READ(scause) != ECALL_U) {
        uint64_t frame = FRAMES + ((page * SPACES + (uint64_t)space) * 1237 % (PAGES * SPACES) << 12);
        all[page] = frame >> 12 << 10 | V | R | W | U | A | D;
        __asm__ volatile("sfence.vma %0" ::"r"(address) : "memory");
        return;
    }
    CSR_WRITE(sepc, CSR_READ(sepc) + 4);
    if (request == SWITCH)
        use(!space);
    if (request == RELEASE) {
        for (int i = 0; i < PAGES; i += 4)
            all[i] = 0;
        __asm__ volatile("sfence.vma" ::: "memory");
    }
    if (request == EXIT)
        __asm__ volatile("ecall");
}

// ---- the program
static void call(int request)
{
    register int a0 __asm__("a0") = request;
    __asm__ volatile("ecall" ::"r"(a0) : "memory");
}

__attribute__((used)) static void program(uint32_t rounds)
{
    volatile uint64_t *data = (uint64_t *)DATA;
    uint32_t seed = 362436069, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t from = round * 64 % PAGES * 512;
        for (uint32_t i = from; i < from + 64 * 512; i++)
            data[i] = i ^ round;
        for (uint32_t i = 0; i < SCATTERED; i++) {
            uint32_t place = next_random(&seed) % WORDS;
            data[place] = seed;
            ((volatile uint8_t *)data)[place * 8 + 5] = (uint8_t)i;
            ((volatile uint16_t *)data)[place * 4 + 3] = (uint16_t)round;
        }
        for (uint32_t i = from + 5; i < from + 64 * 512; i += 61)
            sum = sum * 31 + (uint32_t)(data[i] >> 13);
        call(SWITCH);
        if (round % 8 == 7)
            call(RELEASE);
    }
    result = (int)sum;
    call(EXIT);
}

// ---- M mode sets both up
__asm__(".text\nenter: addi sp,sp,-112\n sd ra,0(sp)\n sd s0,8(sp)\n sd s1,16(sp)\n sd s2,24(sp)\n sd s3,32(sp)\n sd s4,40(sp)\n sd s5,48(sp)\n"
        " sd s6,56(sp)\n sd s7,64(sp)\n sd s8,72(sp)\n sd s9,80(sp)\n sd s10,88(sp)\n sd s11,96(sp)\n csrw mscratch,sp\n la t0,back\n csrw mtvec,t0\n"
        " sub sp,sp,a1\n mret\n.balign 4\nback: csrr sp,mscratch\n ld ra,0(sp)\n ld s0,8(sp)\n ld s1,16(sp)\n ld s2,24(sp)\n ld s3,32(sp)\n"
        " ld s4,40(sp)\n ld s5,48(sp)\n ld s6,56(sp)\n ld s7,64(sp)\n ld s8,72(sp)\n ld s9,80(sp)\n ld s10,88(sp)\n ld s11,96(sp)\n addi sp,sp,112\n ret\n");
void enter(uint32_t rounds, uint64_t shift);

static uint64_t *entry(uint64_t *table, uint64_t address, int lowest)
{
    for (int level = 2; level > lowest; level--) {
        uint64_t *at = &table[address >> (12 + 9 * level) & 511];
        if (!*at)
            *at = (uint64_t)tables[table_count++] >> 12 << 10 | V;
        table = (uint64_t *)(*at >> 10 << 12);
    }
    return &table[address >> (12 + 9 * lowest) & 511];
}

uint32_t work(uint32_t rounds)
{
    for (int s = 0; s < SPACES; s++) {
        uint64_t *root = roots[s] = tables[table_count++];
        for (uint64_t i = 0; i < 64; i++)       // all memory, in pages of 2 MiB
            *entry(root, KERNEL + (i << 21), 1) = (IMAGE + (i << 21)) >> 12 << 10 | V | R | W | X | A | D;
        for (uint64_t i = 0; i < IMAGE_PAGES; i++)
            *entry(root, PROGRAM + (i << 12), 0) = (IMAGE + (i << 12)) >> 12 << 10 | V | R | W | X | U | A | D;
        for (uint64_t i = 0; i < PAGES; i += 512) {
            uint64_t *first = entry(root, DATA + (i << 12), 0);
            if (!i)
                entries[s] = first;
        }
    }
    CSR_WRITE(pmpaddr0, ~0ull >> 10);
    CSR_WRITE(pmpcfg0, 0x1f);
    CSR_WRITE(medeleg, 1 << ECALL_U | 1 << 12 | 1 << 13 | 1 << 15);
    CSR_WRITE(stvec, (uint64_t)trap - IMAGE + KERNEL);
    CSR_WRITE(sscratch, (uint64_t)(kernel_stack + 64) - IMAGE + KERNEL);
    CSR_WRITE(mepc, (uint64_t)program - IMAGE + PROGRAM);
    CSR_WRITE(mstatus, 0x6000);                 // to U mode
    use(0);
    enter(rounds, IMAGE - PROGRAM);
    return (uint32_t)result;
}
