// The survey guest: runs one instruction at a time, each from a state that its seed gives, and writes down what came of it. The same binary
// runs on QEMU's mps2-an386 and on the test's own board. It reads the file "cases" and writes "outcomes", by semihosting.
#include <stdbool.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CFSR REGISTER(0xE000ED28)
#define HFSR REGISTER(0xE000ED2C)
#define DFSR REGISTER(0xE000ED30)
#define MMFAR REGISTER(0xE000ED34)
#define BFAR REGISTER(0xE000ED38)
#define SHCSR REGISTER(0xE000ED24)
#define ICSR REGISTER(0xE000ED04)
#define CCR REGISTER(0xE000ED14)
#define FPCCR REGISTER(0xE000EF34)
#define DEMCR REGISTER(0xE000EDFC)
#define NVIC_ISER REGISTER(0xE000E100)
#define NVIC_ISPR REGISTER(0xE000E200)
#define NVIC_ICPR REGISTER(0xE000E280)
#define SYST_CSR REGISTER(0xE000E010)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)

enum { CASES_AT_ONCE = 32768, SYSTICK = 15, TIMEOUTS = 12 };
enum { FAULTS_ENABLED = 7 << 16, CLEAR_SYSTICK = 1 << 25, CLEAR_PENDSV = 1 << 27 };
enum { MONITOR_ENABLED = 1 << 16, AUTOMATIC = 1u << 31, LAZY = 1 << 30, LAST_IRQ = 1u << 31 };

// What a case says of the state it begins in: Survey.swift.
enum { CONTROL_IT = 0xff, CONTROL_UNPRIVILEGED = 1 << 8, CONTROL_SCAN = 1 << 9, CONTROL_FP = 1 << 10, CONTROL_HANDLER = 1 << 11, CONTROL_POOL = 12 };
enum { CONTROL_MAIN = 1 << 14, CONTROL_MASKED = 1 << 15, CONTROL_UNMASKS = 1 << 16, CONTROL_PENDS = 1 << 17, CONTROL_UNMONITORED = 1 << 18 };
enum { CONTROL_ALIGN = 1 << 19, CONTROL_DIVIDE = 1 << 20, CONTROL_UNPADDED = 1 << 21, CONTROL_LAZY = 1 << 22, CONTROL_PRIMASK = 1 << 23, CONTROL_DENIED = 1 << 24 };
enum { UNALIGN_TRP = 1 << 3, DIV_0_TRP = 1 << 4, STKALIGN = 1 << 9 };
enum { BASE = 14 /* PendSV: the handler that a case runs in; nothing pends it */ };
enum { POOL_DATA, POOL_MEMORY, POOL_CODE };
enum { T_BIT = 1 << 24, ALIGNED_BY_4 = 1 << 9, UDF = 0xDE00 };

// Memory, outside of the guest's own. All that is not a window holds UDF, so that a stray jump ends at once.
enum { CODE = 0x00000000, DATA = 0x20000000, BLOCK = 0x00800000 /* twice the same 4 MiB on the one, 8 MiB on the other */, SLOT = 0x00200000 };
enum { GUEST_END = 0x21100000, MEMORY_END = 0x22000000 };
enum { LOW = CODE, LOW_SIZE = 0x1100, WINDOW = 0x20300800, WINDOW_SIZE = 0x1A00, CENTRE = 0x20301000 };

typedef struct { uint32_t encoding, prefix, seed, control; } Case;     // an encoding of 16 bits is in the upper half

typedef struct {
    uint32_t r[13], sp, lr, pc, xpsr, fpscr, s[32];
} Initial;

typedef struct {
    uint32_t exception, exc_return, msp, psp, control, primask, basepri, faultmask, r[13], frame[8], cfsr, hfsr, dfsr, mmfar, bfar, shcsr;
    uint32_t frame_fp[17], s[32], changed_words, changed_hash, changed_first;
} Outcome;

struct { uint32_t exc_return, psp, msp, cpacr, r4[8]; } leaving = { .cpacr = 0xf << 20 };
static Initial initial;
static Outcome outcome;
uint32_t initial_s[32], outcome_s[32];
extern const uint32_t vectors[];
extern uint32_t stack_top[];

static Case cases[CASES_AT_ONCE];
static uint32_t hashes[CASES_AT_ONCE];
static uint32_t low_copy[LOW_SIZE / 4], window_copy[WINDOW_SIZE / 4];
static uint32_t position, loaded, whole_records;
static uint32_t in_file, out_file;
static int running, timeouts;

void *memset(void *to, int byte, unsigned long size)
{
    for (uint8_t *p = to; size--;)
        *p++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    uint8_t *p = to;
    for (const uint8_t *q = from; size--;)
        *p++ = *q++;
    return to;
}

// ---- the host
static uint32_t semihosting(uint32_t call, const void *block)
{
    register uint32_t r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    uint32_t block[] = { (uint32_t)name, mode, length };
    return semihosting(0x01, block);
}

static uint32_t read_file(void *to, uint32_t bytes)             // -> bytes that came
{
    uint32_t block[] = { in_file, (uint32_t)to, bytes };
    return bytes - semihosting(0x06, block);
}

static void write_file(const void *from, uint32_t bytes)        // a busy host may take less than all at once
{
    const uint8_t *next = from;
    while (bytes) {
        uint32_t block[] = { out_file, (uint32_t)next, bytes };
        uint32_t left = semihosting(0x05, block);
        next += bytes - left;
        bytes = left;
    }
}

static _Noreturn void finish(void)
{
    uint32_t block[] = { out_file };
    semihosting(0x02, block);
    semihosting(0x18, (void *)0x20026);
    for (;;) {}
}

// ---- randomness
static uint32_t random_state;

static uint32_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t mixed(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352d;
    x = (x ^ x >> 15) * 0x846ca68b;
    return x ^ x >> 16;
}

static uint32_t far_from_memory(uint32_t x)     // as an address: in no memory and no device
{
    uint32_t top = x >> 28;
    return top < 6 || top == 14 ? x ^ (top == 14 ? 0x40000000 : 0x80000000) : x;
}

static uint32_t landing(uint32_t x)             // an address in the field of UDF, not close to the slot; one in eight is even
{
    uint32_t address = (x & 1 ? 0x00100000 : 0x00280000) + (x >> 8 & 0xfff0);
    return (address + (x >> 4 & 6)) | (x >> 1 & 7 ? 1 : 0);
}

static const uint32_t boundaries[] = {
    0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 0x80000001, 0x0000ffff, 0xffff0000, 0x00008000, 0x7fff8000, 0x80007fff, 0x00ff00ff, 0x80808080,
    0x7f7f7f7f, 0xfffffff0, 0x00000020, 0x0000001f, 0x00000021, 0xc0000000,
};

static const uint32_t floats[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffbfffff, 0x00000001, 0x807fffff,
    0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x3f7fffff, 0x3f800001, 0x4f000000, 0xcf000000, 0x4effffff, 0x4f800000, 0x4f7fffff,
    0x34000000, 0x33ffffff, 0x33800000, 0x00ffffff, 0x7e800000, 0x4b000000, 0x4b7fffff, 0x477fe000, 0x477ff000, 0x38800000, 0x387fc000, 0x33000000,
};

static const uint32_t returns[] = { 0xfffffff1, 0xfffffff9, 0xfffffffd, 0xffffffe1, 0xffffffe9, 0xffffffed, 0xfffffff5, 0xffffffe5 };

static uint32_t value(uint32_t pool)
{
    uint32_t x = draw();
    uint32_t kind = x & 15;
    uint32_t y = draw();
    if (pool == POOL_MEMORY) {
        if (kind < 10)
            return CENTRE + (y & 1 ? (y >> 8 & 0x3c) : (y >> 8 & 0x3f)) - 16;
        if (kind < 13)
            return y >> 8 & 0x1f;
        if (kind < 14)
            return far_from_memory(y);
    }
    if (pool == POOL_CODE && kind < 10)
        return kind < 7 ? landing(y) : y >> 8 & 0x3f;
    if (pool == POOL_CODE && kind == 10)
        return returns[y % (sizeof returns / 4)];
    if (kind < 4)
        return boundaries[(x >> 8) % (sizeof boundaries / 4)];
    if (kind < 6)
        return y >> 8 & 0x3f;
    if (kind == 6)
        return floats[(x >> 8) % (sizeof floats / 4)];
    return far_from_memory(y);
}

static uint32_t float_value(void)
{
    uint32_t x = draw();
    uint32_t y = draw();
    switch (x & 7) {
    case 0:
    case 1:
        return floats[(x >> 8) % (sizeof floats / 4)];
    case 2:
        return y;
    case 3:
        return (y & 0x807fffff) | ((x >> 8 & 3) + 0x7e) << 23;                  // close to one
    case 4:
        return (y & 0x80000000) | ((x >> 8 & 31) + 0x7f) << 23 | (y & (0xffffffff << (x >> 16 & 31)) & 0x7fffff);   // an integer or a half
    case 5:
        return (y & 0x807fffff) | (x >> 8 & 3) << 23;                           // close to zero, denormals
    case 6:
        return (y & 0x807fffff) | ((x >> 8 & 3) + 0xfc) << 23;                  // close to infinity, NaNs
    default:
        return (y & 0x807fffff) | ((x >> 8 & 63) + 0x60) << 23;
    }
}

// ---- memory
static uint32_t window_word(uint32_t address)
{
    uint32_t x = mixed(address ^ 0x5bd1e995);
    switch (x & 7) {
    case 0:
    case 1:
        return landing(mixed(x));
    case 2:
        return boundaries[(x >> 8) % (sizeof boundaries / 4)];
    case 3:
        return floats[(x >> 8) % (sizeof floats / 4)];
    default:
        return far_from_memory(mixed(x));
    }
}

static uint32_t udf_word(uint32_t address)
{
    return 0xDE00DE00 | (mixed(address & (BLOCK / 2 - 1)) & 0x00ff00ff);
}

static void fill(uint32_t start, uint32_t end)
{
    for (uint32_t a = start; a != end; a += 4)
        REGISTER(a) = udf_word(a);
}

static uint32_t hash(uint32_t h, uint32_t word)
{
    h = (h ^ word) * 0x9e3779b1;
    return h ^ h >> 15;
}

static void compare(uint32_t start, uint32_t size, const uint32_t *copy)
{
    volatile uint32_t *now = (volatile uint32_t *)start;
    for (uint32_t i = 0; i < size / 4; i += 4) {
        if (((now[i] ^ copy[i]) | (now[i + 1] ^ copy[i + 1]) | (now[i + 2] ^ copy[i + 2]) | (now[i + 3] ^ copy[i + 3])) == 0)
            continue;
        for (uint32_t j = i; j < i + 4; j++) {
            if (now[j] == copy[j])
                continue;
            if (!outcome.changed_words++)
                outcome.changed_first = start + 4 * j;
            outcome.changed_hash = hash(outcome.changed_hash, start + 4 * j);
            outcome.changed_hash = hash(outcome.changed_hash, now[j]);
            now[j] = copy[j];
        }
    }
}

static int is_memory(uint32_t address)
{
    return address < CODE + BLOCK - 0x80 || address - DATA < BLOCK - 0x80 || address - 0x21000000 < 0xffff80;
}

// ---- what came of a case
static uint32_t special(int number)
{
    uint32_t x;
    switch (number) {
    case 0: __asm__ volatile("mrs %0, ipsr" : "=r"(x)); break;
    case 1: __asm__ volatile("mrs %0, psp" : "=r"(x)); break;
    case 2: __asm__ volatile("mrs %0, control" : "=r"(x)); break;
    case 3: __asm__ volatile("mrs %0, primask" : "=r"(x)); break;
    case 4: __asm__ volatile("mrs %0, basepri" : "=r"(x)); break;
    default: __asm__ volatile("mrs %0, faultmask" : "=r"(x)); break;
    }
    return x;
}

static void collect(const uint32_t *saved, uint32_t msp, const Case *it)
{
    enum { STACKING_FAILED = 1 << 4 | 1 << 12, MMFAR_VALID = 1 << 7, BFAR_VALID = 1 << 15 };
    memset(&outcome, 0, sizeof outcome);
    outcome.exception = special(0);
    outcome.exc_return = 0xffffffe1 | ((uint32_t)saved >> 6 & 0x1c);
    outcome.msp = msp;
    outcome.psp = special(1);
    outcome.control = special(2) & 3;
    outcome.primask = special(3);
    outcome.basepri = special(4);
    outcome.faultmask = special(5);
    for (int i = 0; i < 13; i++)
        outcome.r[i] = saved[i];
    outcome.cfsr = CFSR;
    outcome.hfsr = HFSR;
    outcome.dfsr = DFSR;
    outcome.mmfar = outcome.cfsr & MMFAR_VALID ? MMFAR : 0;
    outcome.bfar = outcome.cfsr & BFAR_VALID ? BFAR : 0;
    outcome.shcsr = SHCSR;
    uint32_t frame = outcome.exc_return & 4 ? outcome.psp : msp;
    if (!(outcome.cfsr & STACKING_FAILED) && is_memory(frame)) {
        for (int i = 0; i < 8; i++)
            outcome.frame[i] = REGISTER(frame + 4 * (uint32_t)i);
        for (int i = 0; !(outcome.exc_return & 16) && i < 17; i++)
            outcome.frame_fp[i] = REGISTER(frame + 32 + 4 * (uint32_t)i);
    }
    for (int i = outcome.exc_return & 16 ? 0 : 16; i < 32; i++)         // S0-S15 are UNKNOWN when they have been stacked (B1.5.7)
        outcome.s[i] = outcome_s[i];
    if (!(outcome.exc_return & 16) && frame - WINDOW < WINDOW_SIZE - 0x68)
        REGISTER(frame + 100) = window_copy[(frame + 100 - WINDOW) / 4];        // the frame's reserved word
    bool is_near = frame - (initial.sp - 0x200) < 0x200;
    if (it->control & CONTROL_SCAN || !is_near) {
        compare(LOW, LOW_SIZE, low_copy);
        compare(WINDOW, WINDOW_SIZE, window_copy);
    } else {
        compare(initial.sp - 0x200, 0x240, window_copy + (initial.sp - 0x200 - WINDOW) / 4);
    }
}

static void write_down(void)
{
    if (whole_records) {
        write_file(&initial, sizeof initial);
        write_file(&outcome, sizeof outcome);
        return;
    }
    uint32_t h = 0;
    for (uint32_t i = 0; i < sizeof outcome / 4; i++)
        h = hash(h, ((uint32_t *)&outcome)[i]);
    hashes[position] = h;
}

// ---- the next case
static uint32_t place(uint32_t at, uint32_t encoding)            // -> behind it
{
    *(volatile uint16_t *)at = (uint16_t)(encoding >> 16);
    if (encoding >> 27 < 29)                                    // A5.1: 0b11101, 0b11110, 0b11111 begin a 32-bit instruction
        return at + 2;
    *(volatile uint16_t *)(at + 2) = (uint16_t)encoding;
    return at + 4;
}

static uint32_t ccr = STKALIGN;

static void put(volatile uint32_t *address, uint32_t value, uint32_t *last)
{
    if (*last != value)
        *address = *last = value;
}

static uint32_t active_bit(uint32_t exception)                   // in SHCSR
{
    static const uint8_t bits[16] = { [4] = 0, [5] = 1, [6] = 3, [11] = 7, [12] = 8, [14] = 10, [15] = 11 };
    return exception > 15 || !(1 << exception & 0xd870) ? 0 : 1u << bits[exception];
}

static void restore_slot(const Case *it)            // and what stores relative to the PC reach
{
    uint32_t reach = it->control & CONTROL_SCAN && (it->encoding >> 16 & 15) == 15 ? 0x1200 : 16;
    for (uint32_t a = SLOT - reach; a != SLOT + reach; a += 4)
        REGISTER(a) = udf_word(a);
}

static void set_up(const Case *it)
{
    uint32_t pool = it->control >> CONTROL_POOL & 3;
    uint32_t fp = it->control & CONTROL_FP;
    random_state = it->seed | 1;
    draw();
    uint32_t bits = draw();
    for (int i = 0; i < 13; i++)
        initial.r[i] = value(pool);
    initial.lr = value(pool);
    initial.sp = CENTRE + 0x400 + (bits >> 24 & 0x1c);
    initial.pc = SLOT + (bits & 2);
    initial.xpsr = (bits & 0xf8000000) | (bits & 0xf0000) | T_BIT | (it->control & 3) << 25 | (it->control & 0xfc) << 8;
    initial.fpscr = 0;
    if (fp) {
        uint32_t y = draw();
        initial.fpscr = (y & 0xf0000000) | (y & 0x9f & (y >> 8));               // flags; cumulative bits, a quarter of them
        initial.fpscr |= (y >> 16 & y >> 17 & 1) << 26 | (y >> 18 & y >> 19 & 1) << 25 | (y >> 20 & y >> 21 & 1) << 24 | (y >> 22 & 1 ? 0 : y & 0xc00000);
    }
    for (int i = 0; i < 32; i++)
        initial.s[i] = initial_s[i] = float_value();

    uint32_t start = initial.pc;
    if (it->prefix)
        start -= it->prefix >> 27 < 29 ? 2 : 4;
    uint32_t behind = place(it->prefix ? place(start, it->prefix) : start, it->encoding);
    if (it->control & CONTROL_UNMASKS)          // r12 tells what FAULTMASK was; the UDF would lock the core up
        place(place(behind, 0xf3ef8c13 /* MRS r12, FAULTMASK */), 0xb6610000 /* CPSIE f */);
    initial.pc = start;

    bool padded = !(it->control & CONTROL_UNPADDED);
    uint32_t frame = (initial.sp - (fp ? 0x68 : 0x20)) & (fp || padded ? ~7u : ~3u);
    bool handler = it->control & CONTROL_HANDLER;
    bool main = handler || it->control & CONTROL_MAIN;
    if (handler)
        initial.xpsr |= BASE;
    for (uint32_t i = 0; i < 4; i++)
        REGISTER(frame + 4 * i) = initial.r[i];
    REGISTER(frame + 16) = initial.r[12];
    REGISTER(frame + 20) = initial.lr;
    REGISTER(frame + 24) = start;
    REGISTER(frame + 28) = initial.xpsr | (initial.sp & 4 ? ALIGNED_BY_4 : 0);
    for (uint32_t i = 0; fp && i < 16; i++)
        REGISTER(frame + 32 + 4 * i) = initial.s[i];
    if (fp)
        REGISTER(frame + 96) = initial.fpscr;
    for (int i = 0; i < 8; i++)
        leaving.r4[i] = initial.r[4 + i];
    leaving.psp = main ? CENTRE + 0x800 : frame;
    leaving.msp = main ? frame : (uint32_t)stack_top;
    // CP10 and CP11 for all, or for privileged software, or for nobody.
    leaving.cpacr = it->control & CONTROL_DENIED ? (draw() & 1 ? 5 << 20 : 0) : 0xf << 20;
    leaving.exc_return = (handler ? 0xfffffff1 : main ? 0xfffffff9 : 0xfffffffd) & (fp ? ~0x10u : ~0u);

    __asm__ volatile("msr control, %0" : : "r"(it->control & CONTROL_UNPRIVILEGED ? 1 : 0));
    SHCSR = FAULTS_ENABLED | active_bit(special(0)) | (handler ? active_bit(BASE) : 0);
    // These are slow to write, and most cases leave them alone.
    static uint32_t fpccr, demcr;
    put(&FPCCR, AUTOMATIC | (it->control & CONTROL_LAZY ? LAZY : 0), &fpccr);
    if (it->control & CONTROL_LAZY)
        fpccr = 0;                              // the core writes to it, too
    put(&DEMCR, it->control & CONTROL_UNMONITORED ? 0 : MONITOR_ENABLED, &demcr);
    put(&CCR, (padded ? STKALIGN : 0) | (it->control & CONTROL_ALIGN ? UNALIGN_TRP : 0) | (it->control & CONTROL_DIVIDE ? DIV_0_TRP : 0), &ccr);
    static const uint8_t priorities[] = { 0x02, 0x10, 0x40, 0x80, 0xc0, 0xd0, 0xef, 0xff };   // 1 would be 0, a subpriority, and keep all but HardFault out
    uint32_t basepri = it->control & CONTROL_MASKED ? priorities[draw() & 7] : 0;
    uint32_t primask = it->control & CONTROL_PRIMASK ? 1 : 0;   // only where nothing can run away: it keeps the watchdog out
    if (it->control & CONTROL_PENDS)            // with PRIMASK: a WFI is over at once
        NVIC_ISPR = LAST_IRQ;
    __asm__ volatile("msr primask, %0\n msr basepri, %1" : : "r"(primask), "r"(basepri));
}

static void load(void)                          // the next cases; ends the survey when there are none
{
    if (!whole_records)
        write_file(hashes, loaded * sizeof *hashes);
    loaded = read_file(cases, sizeof cases) / sizeof *cases;
    position = 0;
    if (!loaded)
        finish();
}

void begin(void)
{
    REGISTER(0xE000ED88) = 0xf << 20;           // CPACR: CP10 and CP11 for all
    REGISTER(0xE000ED08) = (uint32_t)vectors;   // VTOR
    REGISTER(0xE000ED1C) = 0xc0u << 24;         // SHPR2, SHPR3: SVCall, PendSV and DebugMonitor; faults and SysTick precede all
    REGISTER(0xE000ED20) = 0xf0 << 16 | 0x80;
    REGISTER(0xE000E41C) = 0xe0u << 24;         // NVIC_IPR7
    NVIC_ISER = LAST_IRQ;
    SHCSR = FAULTS_ENABLED;
    fill(CODE, CODE + BLOCK);
    fill(DATA, DATA + BLOCK);
    fill(GUEST_END, MEMORY_END);
    for (uint32_t i = 0; i < LOW_SIZE / 4; i++)
        low_copy[i] = udf_word(LOW + 4 * i);
    for (uint32_t i = 0; i < WINDOW_SIZE / 4; i++)
        REGISTER(WINDOW + 4 * i) = window_copy[i] = window_word(WINDOW + 4 * i);
    in_file = open_file("cases", 5, 1);
    out_file = open_file("outcomes", 8, 5);
    read_file(&whole_records, 4);
    SYST_RVR = 0x3ffff;                         // a watchdog, never stopped
    SYST_CVR = 0;
    SYST_CSR = 7;
}

const void *next(const uint32_t *saved, uint32_t msp)
{
    static Case last;
    put(&CCR, STKALIGN, &ccr);
    if (running) {
        last = cases[position];
        collect(saved, msp, &last);
        // The watchdog may also strike a case that would have ended, but none that is out of all memory.
        if (outcome.exception != SYSTICK || ++timeouts == TIMEOUTS || !is_memory(outcome.frame[6])) {
            write_down();
            position++;
            timeouts = 0;
        }
    }
    running = 1;
    if (position == loaded)
        load();
    CFSR = 0xffffffff;
    if (outcome.hfsr)
        HFSR = 0xffffffff;
    if (outcome.dfsr)
        DFSR = 0xffffffff;
    ICSR = CLEAR_SYSTICK | CLEAR_PENDSV;
    if (last.control & CONTROL_PENDS)
        NVIC_ICPR = LAST_IRQ;
    __asm__ volatile("msr primask, %0\n msr basepri, %0\n msr faultmask, %0" : : "r"(0));
    restore_slot(&last);
    set_up(&cases[position]);
    return &leaving;
}
