// torture-m4 in C, with the hard-float ABI: tasks that compute floats the compiler's way, on the kernel in
// Sources/Firmware/Programs/torture-m4/Kernel.S. One line of checksums on UART0, then semihosting.
#include <stdint.h>

enum { TASKS = 4, WORDS = 256, SUM = 0, RANDOM = 1, STACK = 2, FLOATS = 4, ROUNDS = 5 };

uint32_t *taskMemory(void), *refusals(void);
uint32_t taskEntry(void);
void probe(uint32_t address);
void mixFloats(uint32_t *state, uint32_t rounds);

struct Frame { uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr; };

#define REGISTER(address) (*(volatile uint32_t *)(address))
static uint32_t current, finished, failures;
static volatile uint32_t shared[2];

static void yield(void) { __asm__ volatile("svc 1" ::: "memory"); }

static uint32_t ask(uint32_t question)
{
    register uint32_t r0 __asm__("r0") = question;
    __asm__ volatile("svc 2" : "+r"(r0) : : "memory");
    return r0;
}

static uint32_t next(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 16;
}

// ---- tasks
static void divide(uint32_t *own)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        int32_t value = (int32_t)next(&own[RANDOM]) - 0x8000;
        own[SUM] = own[SUM] * 31 + (uint32_t)(value / (int32_t)(i + 3)) + (uint32_t)value % (i + 7);
        own[SUM] ^= ask((uint32_t)value);
        if (i < 2)
            probe((uint32_t)(uintptr_t)refusals());
        if (value & 4)
            yield();
    }
}

static float series(float x, int terms)
{
    float sum = 0, term = 1;
    for (int i = 1; i <= terms; i++) {
        term *= x / (float)i;
        sum += term > 0.5f ? term : -term * 0.25f;
        if (i & 1)
            yield();
    }
    return sum;
}

static void floats(uint32_t *own)
{
    float a = 1.25f, b = 0.5f, c = -3;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        float x = (float)(next(&own[RANDOM]) & 0xff) / 64.0f;
        a = a * 0.5f + series(x, 4);
        float root;
        __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(a < 0 ? -a : a));
        b += root;
        c = c * b - a / (b + 2);
    }
    union { float f[3]; uint32_t u[3]; } bits = { { a, b, c } };
    own[SUM] = bits.u[0] ^ bits.u[1] * 3 ^ bits.u[2] * 7;
}

static void registers(uint32_t *own)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        mixFloats(own + FLOATS, 1 + (next(&own[RANDOM]) & 1));
        yield();
    }
    for (int i = 0; i < 16; i++)
        own[SUM] = (own[SUM] * 33) ^ own[FLOATS + i];
}

static void change(uint32_t by)
{
    if (shared[0] != shared[1])
        failures |= 2;
    shared[0] += by;
    for (volatile uint32_t i = by & 3; i; i--)
        ;
    shared[1] += by;
}

static void exclude(uint32_t *own)              // privileged
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t value = next(&own[RANDOM]);
        __asm__ volatile("msr basepri, %0" : : "r"(0x40) : "memory");
        change(value);
        __asm__ volatile("msr basepri, %0" : : "r"(0) : "memory");
        own[SUM] += value;
        if (value & 1)
            yield();
    }
}

void runTask(uint32_t number)
{
    static void (*const tasks[TASKS])(uint32_t *) = { divide, floats, registers, exclude };
    tasks[number](taskMemory() + number * WORDS);
    __asm__ volatile("svc 3" ::: "memory");
}

// ---- the kernel, as Kernel.S calls it
static uint32_t *enter(void)
{
    uint32_t *memory = taskMemory() + current * WORDS;
    REGISTER(0xe000ed9c) = (uint32_t)(uintptr_t)memory | 1 << 4 | 1;
    REGISTER(0xe000eda0) = 1 << 28 | 3 << 24 | 9 << 1 | 1;
    __asm__ volatile("msr control, %0\n isb" : : "r"(current == TASKS - 1 ? 2 : 3) : "memory");
    return (uint32_t *)(uintptr_t)memory[STACK];
}

uint32_t *firstTask(void)
{
    return enter();
}

uint32_t *switchTask(uint32_t *stack)
{
    taskMemory()[current * WORDS + STACK] = (uint32_t)(uintptr_t)stack;
    do
        current = (current + 1) % TASKS;
    while (finished >> current & 1);
    return enter();
}

static void print(const char *text)
{
    while (*text)
        REGISTER(0x4000c000) = (uint8_t)*text++;
}

static void report(void)
{
    print("torture:");
    for (int task = 0; task < TASKS; task++) {
        print(" ");
        for (int shift = 28; shift >= 0; shift -= 4)
            REGISTER(0x4000c000) = (uint32_t)"0123456789abcdef"[taskMemory()[task * WORDS + SUM] >> shift & 15];
    }
    print(failures || *refusals() != 2 ? " FAILED\n" : " passed\n");
    register uint32_t r0 __asm__("r0") = 0x18, r1 __asm__("r1") = failures ? 0x20023 : 0x20026;
    for (;;)
        __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void service(struct Frame *frame)
{
    switch (((const uint8_t *)(uintptr_t)frame->pc)[-2]) {
    case 2:
        frame->r0 = frame->r0 * 2654435761u >> 3;
        return;
    case 3:
        finished |= 1u << current;
        if (finished == (1u << TASKS) - 1)
            report();
    }
    REGISTER(0xe000ed04) = 1 << 28;
}

void interruptNested(uint32_t number)           // IRQ n pends the next one; the first also asks for a switch
{
    volatile float heavy = (float)number * 1.5f;
    if (number < 6)
        change(number);
    heavy = heavy / 3 + (float)shared[0];
    if (number == 0)
        REGISTER(0xe000ed04) = 1 << 28;
    if (number < 7)
        REGISTER(0xe000e200) = 1u << (number + 1);
    heavy *= heavy;
}

void fault(void)
{
    print("fault\n");
    for (;;)
        ;
}

void reset(void)
{
    REGISTER(0x4000c030) = 0x301;
    REGISTER(0xe000ed88) = 0xf << 20;
    __asm__ volatile("dsb\n isb");
    REGISTER(0xe000ed1c) = 0x60000000;
    REGISTER(0xe000ed20) = 0x00e00000;
    REGISTER(0xe000ed24) = 1 << 16;
    REGISTER(0xe000e400) = 0x80a0c0e0;
    REGISTER(0xe000e404) = 0x00204060;
    REGISTER(0xe000e100) = 0xff;
    REGISTER(0xe000ed98) = 0;
    REGISTER(0xe000ed9c) = 0;
    REGISTER(0xe000eda0) = 6 << 24 | 20 << 1 | 1;
    REGISTER(0xe000ed94) = 5;
    for (uint32_t task = 0; task < TASKS; task++) {
        uint32_t *own = taskMemory() + task * WORDS, *frame = own + WORDS - 8;
        own[RANDOM] = 0x2468ace1u * (task + 1);
        for (uint32_t i = 0; i < 16; i++)
            own[FLOATS + i] = 0x3f800000 + (i << 18);
        frame[0] = task;
        frame[6] = taskEntry() & ~1u;
        frame[7] = 1 << 24;
        frame[-1] = 0xfffffffd;
        own[STACK] = (uint32_t)(uintptr_t)(frame - 9);
    }
    __asm__ volatile("svc 0");
}
