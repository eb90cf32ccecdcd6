// The shim's floating point against the library's own helpers: the same result and the same flags for boundary values and random ones,
// in every mode, with every flag set and clear before.
#define _GNU_SOURCE
#include "CoreShim.h"
#include "proofs.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef uint32_t f32;
typedef struct { uint8_t byte[8]; } Status;             // the library's float_status: tininess before rounding, rounding, flags, -, flush, flush inputs, default NaN
enum { ENV_BYTES = 0x1000, ENV_STATUS = 0xe88, ENV_FPSCR_FLAGS = 0xe2c };

f32 helper_vfp_adds_arm(f32, f32, void *);
f32 helper_vfp_subs_arm(f32, f32, void *);
f32 helper_vfp_muls_arm(f32, f32, void *);
f32 helper_vfp_divs_arm(f32, f32, void *);
f32 helper_vfp_sqrts_arm(f32, void *);
f32 helper_vfp_muladds_arm(f32, f32, f32, void *);
f32 helper_vfp_sitos_arm(uint32_t, void *);
f32 helper_vfp_uitos_arm(uint32_t, void *);
uint32_t helper_vfp_tosizs_arm(f32, void *);
uint32_t helper_vfp_touizs_arm(f32, void *);
void helper_vfp_cmps_arm(f32, f32, void *);
void helper_vfp_cmpes_arm(f32, f32, void *);

#define HELPER(name, kind) { "helper_vfp_" #name "s_arm", (void *)helper_vfp_##name##s_arm, kind }
typedef enum { TWO, ONE, THREE, ONE_ENV, TWO_ENV } Kind;
static const struct { const char *name; void *ours; Kind kind; } helpers[] = {
    HELPER(add, TWO), HELPER(sub, TWO), HELPER(mul, TWO), HELPER(div, TWO), HELPER(sqrt, ONE_ENV), HELPER(muladd, THREE), HELPER(sito, ONE),
    HELPER(uito, ONE), HELPER(tosiz, ONE), HELPER(touiz, ONE), HELPER(cmp, TWO_ENV), HELPER(cmpe, TWO_ENV) };
enum { HELPERS = sizeof helpers / sizeof *helpers };

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const f32 boundaries[] = { 0, 0x80000000, 1, 0x807fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x01000000, 0x01000001, 0x34000000, 0x3effffff, 0x3f000000,
    0x3f7fffff, 0x3f800000, 0xbf800001, 0x4b7fffff, 0x4b800000, 0x4b800001, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff, 0x4f800000, 0x7e800000,
    0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffffffff, 0x00ffffff, 0x01ffffff };

static f32 operand(uint64_t *state)
{
    uint64_t x = draw(state);
    f32 bits = (f32)(x >> 32);
    switch (x & 7) {
    case 0:
        return boundaries[(x >> 8) % (sizeof boundaries / sizeof *boundaries)];
    case 1:
        return (bits & 0x807fffff) | (x >> 8 & 3) << 23;        // about the smallest normal
    case 2:
        return (bits & 0x807fffff) | ((x >> 8 & 3) + 0xfb) << 23;
    case 3:
        return (bits & 0x80ffffff) | 0x3f000000;                // about one
    case 4:
        return (bits & 0x80700000) | ((x >> 8 & 63) + 0x70) << 23;      // few bits: exact results
    case 5:
        return bits >> (x >> 8 & 31);                           // small integers, denormals
    default:
        return bits;
    }
}

static uint32_t call(void *function, Kind kind, f32 a, f32 b, f32 c, uint8_t *env)
{
    switch (kind) {
    case TWO:
        return ((f32 (*)(f32, f32, void *))function)(a, b, env + ENV_STATUS);
    case THREE:
        return ((f32 (*)(f32, f32, f32, void *))function)(a, b, c, env + ENV_STATUS);
    case ONE:
        return ((uint32_t (*)(f32, void *))function)(a, env + ENV_STATUS);
    case ONE_ENV:
        return ((f32 (*)(f32, void *))function)(a, env);
    default:
        ((void (*)(f32, f32, void *))function)(a, b, env);
        return 0;
    }
}

static void compare(int helper, int variant, ProofReport *report)
{
    enum { ROUNDS = 1000000 };
    static const uint8_t roundings[] = { 0, 0, 0, 0, 0, 1, 2, 3 };
    uint8_t ours[ENV_BYTES] = { 0 }, theirs[ENV_BYTES] = { 0 };
    void *real = dlsym(RTLD_NEXT, helpers[helper].name);
    uint64_t state = 0x9e3779b97f4a7c15 * (uint64_t)(variant + 1);
    if (!real || real == helpers[helper].ours) {
        report->failed = true;
        snprintf(report->text, sizeof report->text, "%s: there is no other", helpers[helper].name);
    }
    for (int i = 0; i < ROUNDS && !report->failed; i++) {
        uint64_t x = draw(&state);
        f32 a = operand(&state), b = operand(&state), c = operand(&state);
        bool flush = (x & 7) == 0;
        Status status = { { 1, roundings[x >> 3 & 7], (uint8_t)((x >> 6 & 1 ? 0x20 : 0) | (x >> 7 & 1 ? 0 : x >> 8 & 0xdf)), 0, flush, flush, x >> 16 & 1 } };
        memcpy(ours + ENV_STATUS, &status, sizeof status);
        memcpy(theirs + ENV_STATUS, &status, sizeof status);
        uint32_t got = call(helpers[helper].ours, helpers[helper].kind, a, b, c, ours);
        uint32_t wanted = call(real, helpers[helper].kind, a, b, c, theirs);
        if (got != wanted || memcmp(ours, theirs, sizeof ours)) {
            report->failed = true;
            snprintf(report->text, sizeof report->text, "%s(%08x, %08x, %08x), rounding %d, flags %02x, flush %d: %08x flags %02x, not %08x flags %02x",
                helpers[helper].name, a, b, c, status.byte[1], status.byte[2], flush, got, ours[ENV_STATUS + 2], wanted, theirs[ENV_STATUS + 2]);
        }
        report->compared_states++;
    }
}

void floats(int variant, ProofReport *report)
{
    compare(variant % HELPERS, variant / HELPERS, report);
    report->runs++;
}

// ---- the same in translated code, where the shim makes calls into instructions of the host
enum { PC = 0x100, OPERATIONS = 4 };

static CoreAccessVerdict no_access(void *context, CoreAccess *access)
{
    (void)context, (void)access;
    return CORE_ACCESS_FAULT;
}

static CoreTrapVerdict no_trap(void *context, const CoreTrap *trap)
{
    (void)context, (void)trap;
    return CORE_TRAP_DELIVER;
}

static void no_interrupt(void *context)
{
    (void)context;
}

static uint32_t fpscr_flags(uint8_t flags)              // as FPSCR has them (ARM DDI 0403, A2.5.3)
{
    return (flags & 1) | (flags >> 1 & 0xe) | (flags & 0x20) >> 1 | (flags & 0x80) >> 4 | (flags & 0x40) << 1;
}

void floats_in_blocks(int variant, ProofReport *report)
{
    enum { ROUNDS = 100000 };
    static const uint16_t code[] = { 0xee30, 0x2a20, 0xee70, 0x2a60, 0xee20, 0x3a20, 0xeec0, 0x3a20, 0xe7f6 };    // vadd, vsub, vmul, vdiv s4.., s0, s1; b
    static const uint8_t fpscr_rounding[] = { 0, 2, 1, 3 };
    CoreMemory *memory = core_memory_new(4096);
    Core *core = core_open(CORE_CORTEX_M4, 0, &(CoreRegion){ memory, 0, true }, 1);
    memcpy(core_memory_bytes(memory) + PC, code, sizeof code);
    core_reset(core, (CoreHost){ .access = no_access, .trap = no_trap, .interrupt = no_interrupt }, NULL);
    core_m4_set_fp(core, 3, false, false, 0);
    uint64_t state = 0xd1342543de82ef95 * (uint64_t)(variant + 1);
    for (int i = 0; i < ROUNDS && !report->failed; i++) {
        f32 a = operand(&state), b = operand(&state);
        uint64_t x = draw(&state);
        int rounding = x & 12 ? 0 : x & 3;
        bool flush = (x & 0x70) == 0, inexact = x & 0x180;
        uint8_t env[ENV_BYTES] = { 0 };
        Status status = { { 1, fpscr_rounding[rounding], inexact ? 0x20 : 0, 0, flush, flush } };
        memcpy(env + ENV_STATUS, &status, sizeof status);
        CoreM4 registers;
        core_m4_get(core, &registers);
        registers.r[15] = PC;
        registers.xpsr = 1 << 24;
        core_m4_set(core, &registers);
        core_m4_set_fpscr(core, (uint32_t)rounding << 22 | (flush ? 1u << 24 : 0) | (inexact ? 16 : 0));
        uint32_t *s = core_m4_s(core);
        s[0] = a;
        s[1] = b;
        core_run(core, i % 2 ? OPERATIONS : OPERATIONS + 1);    // a block of exactly that many, and the whole one
        report->instructions += OPERATIONS;
        for (int j = 0; j < OPERATIONS && !report->failed; j++) {
            uint32_t wanted = call(dlsym(RTLD_NEXT, helpers[j].name), TWO, a, b, 0, env);
            if (s[4 + j] != wanted) {
                report->failed = true;
                snprintf(report->text, sizeof report->text, "%s of %08x and %08x, rounding %d, flush %d, inexact %d, in a block: %08x, not %08x", helpers[j].name, a, b,
                    rounding, flush, inexact, s[4 + j], wanted);
            }
        }
        uint32_t flags = core_m4_fpscr(core) & 0x9f, wanted = fpscr_flags(env[ENV_STATUS + 2]);
        if (!report->failed && flags != wanted) {
            report->failed = true;
            snprintf(report->text, sizeof report->text, "%08x and %08x, rounding %d, flush %d, inexact %d, in a block: flags %02x, not %02x", a, b, rounding, flush, inexact,
                flags, wanted);
        }
        report->compared_states++;
    }
    report->runs++;
    core_close(core);
    core_memory_free(memory);
}
