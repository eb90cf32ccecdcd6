// Cortex-M4 FP: lazy state preservation against stacking at once, for handlers that use FP in every awkward way; NOCP and FPCA inside IT.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { HANDLER = 0x800, DATA = 0x1000, STACK = 0x3000, UNTOUCHED = (int)0xdeadbeef };

static const uint16_t thread[] = { 0xf241, 0x2000, 0xf2c2, 0x0000, 0xec90, 0x0a20 /* vldmia r0, {s0-s31} */, 0xeef4, 0x0a41 /* vcmp */, 0x2000, 0x2500, 0x2600, 0xdf00 /* svc 0 */, 0xee30, 0x8a20 /* vadd */,
    0xeef1, 0x3a10 /* vmrs */, 0xf641, 0x0000, 0xf2c2, 0x0000, 0xec80, 0x0a20 /* vstmia */, 0xdf09 /* svc 9 */ };
static const struct { const char *what; uint16_t code[11]; } handlers[] = {
    { "no FP", { 0x3001, 0x4770 } },
    { "vadd", { 0xee30, 0x0a81, 0x4770 } },
    { "vadd, taken in IT", { 0x4280, 0xbf08, 0xee30, 0x0a81, 0x4770 } },
    { "vadd, skipped in IT", { 0x4280, 0xbf18, 0xee30, 0x0a81, 0x4770 } },
    { "skipped, then vmul, mrs control", { 0x4280, 0xbf18, 0xee30, 0x0a81, 0x3501, 0xee62, 0x1a22, 0xf3ef, 0x8614, 0x4770 } },
    { "vldmia!", { 0xf240, 0x1100, 0xf2c2, 0x0100, 0xecb1, 0x0a08, 0x460d, 0x4770 } },
    { "vpush, vpop", { 0xed2d, 0x0a04, 0xecbd, 0x2a04, 0x466d, 0x4770 } },
    { "vmrs", { 0xeef1, 0x5a10, 0x4770 } },
    { "vmrs apsr", { 0xeef1, 0xfa10, 0xf3ef, 0x8500, 0x4770 } },
    { "vmov from s5", { 0xee12, 0x5a90, 0x4770 } },
    { "vmsr", { 0xf44f, 0x0580, 0xeee1, 0x5a10, 0xee10, 0x6a90, 0x4770 } },
    { "itttt with two of FP", { 0x4280, 0xbf01, 0x3503, 0xee30, 0x0a81, 0xee60, 0x1a01, 0x3605, 0x4770 } },
    { "s20, vstr, mrs control", { 0xeeb7, 0xaa00, 0xed0d, 0xaa02, 0xf3ef, 0x8514, 0x4770 } },
};
enum { HANDLERS = sizeof handlers / sizeof *handlers };

typedef struct { Rig *rig; Board board; Guest guest; bool lazy, active; uint32_t fpcar; int stackings; } Host;
typedef struct { CoreM4 state; uint32_t s[32], fpscr, frame[17]; uint64_t memory, index; int stackings; } Result;

static void no_event(Board *board, Event event)
{
    (void)board, (void)event;
}

static void ram_changed(Board *board, uint64_t offset, uint64_t length)
{
    Host *host = (Host *)((char *)board - offsetof(Host, board));
    core_memory_written(host->rig->memory, offset, length);
}

static CoreTrapVerdict exceptions(Rig *rig, const CoreTrap *trap)
{
    Host *host = (Host *)(uintptr_t)rig->parameter;
    CoreM4 state;
    uint32_t fpscr = core_m4_fpscr(rig->core), ignored[32], saved[17];
    uint8_t *ram = rig->ram;
    core_m4_get(rig->core, &state);
    switch (trap->cause) {
    case CORE_M4_SVC:
        if (ram[trap->pc - 2 - rig->base] == 9) {
            core_stop(rig->core);
            return CORE_TRAP_RESUME;
        }
        host->fpcar = ((state.msp - 0x68) & ~7u) + 0x20;
        memcpy(saved, ram + (host->fpcar - rig->base), sizeof saved);
        m4_enter(&host->board, &state, core_m4_s(rig->core), &fpscr, 11, (uint32_t)trap->pc, (uint32_t)rig->base + HANDLER);
        host->active = host->lazy;
        if (host->lazy)
            memcpy(ram + (host->fpcar - rig->base), saved, sizeof saved);
        core_m4_set(rig->core, &state);
        core_m4_set_fp(rig->core, 3, true, host->active, 0);
        return CORE_TRAP_DELIVER;
    case CORE_M4_LAZY_FP:
        host->stackings++;
        memcpy(ram + (host->fpcar - rig->base), core_m4_s(rig->core), 64);
        memcpy(ram + (host->fpcar - rig->base) + 64, &fpscr, 4);
        core_memory_written(rig->memory, host->fpcar - rig->base, 68);
        host->active = false;
        core_m4_set_fp(rig->core, 3, true, false, 0);
        return CORE_TRAP_RETRY;
    case CORE_M4_EXCEPTION_RETURN: {
        uint32_t old = fpscr;
        m4_leave(&host->board, &state, host->active ? ignored : core_m4_s(rig->core), &fpscr, (uint32_t)trap->value);
        core_m4_set(rig->core, &state);
        core_m4_set_fpscr(rig->core, host->active ? old : fpscr);
        host->active = false;
        core_m4_set_fp(rig->core, 3, true, false, 0);
        return CORE_TRAP_DELIVER;
    }
    default:
        core_stop(rig->core);
        return CORE_TRAP_DELIVER;
    }
}

static Result run(int handler, bool lazy, uint64_t step, ProofReport *report)
{
    Result result;
    Code *code = code_new(0);
    for (size_t i = 0; i < sizeof thread / 2; i++)
        put16(code, thread[i]);
    Rig *rig = rig_new(CORE_CORTEX_M4, code);
    Host host = { .rig = rig, .lazy = lazy };
    host.guest.kind = CORE_CORTEX_M4;
    host.board = (Board){ .guest = &host.guest, .ram = rig->ram, .happened = no_event, .ram_changed = ram_changed };
    memset(&result, 0, sizeof result);
    memcpy(rig->ram + HANDLER, handlers[handler].code, sizeof handlers[handler].code);
    for (uint32_t at = DATA; at < 0x4000; at += 4)
        AT(uint32_t, rig->ram, at) = at < DATA + 0x1000 ? 0x3f800000 + at * 0x1003 : (uint32_t)UNTOUCHED;
    CoreM4 state;
    core_m4_get(rig->core, &state);
    state.msp = (uint32_t)rig->base + STACK;
    core_m4_set(rig->core, &state);
    rig->parameter = (uintptr_t)&host;
    rig->on_trap = exceptions;
    CoreExit exit = CORE_BUDGET;
    for (int i = 0; i < 5000 && exit == CORE_BUDGET; i++)
        exit = core_run(rig->core, step);
    EXPECT(report, exit == CORE_STOPPED, "%s: exit %d at %llx", handlers[handler].what, exit, (unsigned long long)rig_pc(rig));
    core_m4_get(rig->core, &result.state);
    memcpy(result.s, core_m4_s(rig->core), sizeof result.s);
    result.fpscr = core_m4_fpscr(rig->core);
    result.index = core_index(rig->core);
    result.stackings = host.stackings;
    memcpy(result.frame, rig->ram + (host.fpcar - rig->base), sizeof result.frame);
    memset(rig->ram + (host.fpcar - rig->base), 0, sizeof result.frame);
    result.memory = hash_words(1, rig->ram, RIG_RAM);
    rig_free(rig);
    code_free(code);
    report->runs++;
    report->instructions += result.index;
    return result;
}

void lazy_fp(int variant, ProofReport *report)
{
    int i = variant % HANDLERS;
    Result eager = run(i, false, 5000, report), lazy = run(i, true, 5000, report), steps = run(i, true, 1, report);
    bool used = i != 0 && i != 3;
    int untouched = 0;
    for (int k = 0; k < 17; k++)
        untouched += lazy.frame[k] == (uint32_t)UNTOUCHED;
    EXPECT(report, !memcmp(&eager.state, &lazy.state, sizeof eager.state) && !memcmp(eager.s, lazy.s, sizeof eager.s) && eager.fpscr == lazy.fpscr, "%s: registers", handlers[i].what);
    EXPECT(report, eager.memory == lazy.memory && eager.index == lazy.index, "%s: memory or index (%d, %d)", handlers[i].what, (int)eager.index, (int)lazy.index);
    EXPECT(report, used ? !memcmp(eager.frame, lazy.frame, sizeof eager.frame) : untouched == 17, "%s: the frame", handlers[i].what);
    EXPECT(report, lazy.stackings == used && eager.stackings == 0, "%s: %d stackings", handlers[i].what, lazy.stackings);
    EXPECT(report, !memcmp(&steps.state, &lazy.state, sizeof eager.state) && !memcmp(steps.s, lazy.s, sizeof eager.s) && steps.memory == lazy.memory && steps.index == lazy.index
        && !memcmp(steps.frame, lazy.frame, sizeof lazy.frame), "%s: single steps differ", handlers[i].what);
    EXPECT(report, i > 1 || eager.index == 16, "%s: counted by hand, not %d", handlers[i].what, (int)eager.index);
}

void fp_traps(int variant, ProofReport *report)
{
    uint64_t step = variant ? (uint64_t)variant : 1000;
    // movs r1, #5; cmp r1, #5; itt eq; addeq r1, #1; vmoveq r2, s0; wfi
    static const uint16_t in_it[] = { 0x2105, 0x2905, 0xbf04, 0x3101, 0xee10, 0x2a10, T_WFI };
    Code *code = code_new(0);
    for (size_t i = 0; i < sizeof in_it / 2; i++)
        put16(code, in_it[i]);
    Rig *rig = rig_new(CORE_CORTEX_M4, code);
    CoreExit exit = CORE_BUDGET;
    for (int access = 0; access < 2; access++) {                // off; privileged only, for unprivileged code
        rig_reset(rig);
        CoreM4 state;
        core_m4_get(rig->core, &state);
        state.control = (uint32_t)access;
        core_m4_set(rig->core, &state);
        core_m4_set_fp(rig->core, (unsigned)access, true, false, 0x02000000);
        exit = CORE_BUDGET;
        for (int i = 0; i < 10 && exit == CORE_BUDGET; i++)
            exit = core_run(rig->core, step);
        EXPECT(report, exit == CORE_STOPPED && rig->traps == 1 && rig->trap[0].cause == CORE_M4_NO_COPROCESSOR && rig->trap[0].pc == rig->base + 8 && rig->trap[0].index == 5 && rig_r(rig)[1] == 6,
            "access %d: exit %d, cause %d at %llx", access, exit, (int)rig->trap[0].cause, (unsigned long long)rig->trap[0].pc);
        core_m4_set_fp(rig->core, 3, true, false, 0x02000000);  // allowed: no code is dropped, only flags change
        exit = CORE_BUDGET;
        for (int i = 0; i < 10 && exit == CORE_BUDGET; i++)
            exit = core_run(rig->core, step);
        core_m4_get(rig->core, &state);
        EXPECT(report, exit == CORE_SLEEP && state.control == (4u | (unsigned)access) && core_m4_fpscr(rig->core) == 0x02000000 && core_index(rig->core) == 7 && core_retired(rig->core) == 6,
            "allowed: exit %d control %d fpscr %x index %d", exit, (int)state.control, core_m4_fpscr(rig->core), (int)core_index(rig->core));
        report->runs++;
    }
    rig_free(rig);
    code_free(code);
    // cmp r0, r0; it ne; vmovne.f32 s0, s1; vadd.f32 s2, s3, s4; wfi: FPCA is made by the second
    static const uint16_t skipped[] = { 0x4280, 0xbf18, 0xeeb0, 0x0a60, 0xee31, 0x1a82, T_WFI };
    code = code_new(0);
    for (size_t i = 0; i < sizeof skipped / 2; i++)
        put16(code, skipped[i]);
    rig = rig_new(CORE_CORTEX_M4, code);
    exit = CORE_BUDGET;
    for (int i = 0; i < 10 && exit == CORE_BUDGET; i++)
        exit = core_run(rig->core, step);
    CoreM4 state;
    core_m4_get(rig->core, &state);
    EXPECT(report, exit == CORE_SLEEP && state.control == 4 && core_index(rig->core) == 5, "FPCA: control %d, index %d", (int)state.control, (int)core_index(rig->core));
    rig_reset(rig);                                             // ASPEN off: FP makes no context
    core_m4_set_fp(rig->core, 3, false, false, 0);
    core_run(rig->core, 10);
    core_m4_get(rig->core, &state);
    EXPECT(report, state.control == 0 && core_index(rig->core) == 5, "ASPEN off: control %d", (int)state.control);
    rig_reset(rig);                                             // switched off while state waits to be stacked
    core_m4_set_fp(rig->core, 3, false, true, 0);
    core_run(rig->core, 10);
    EXPECT(report, rig->traps == 1 && rig->trap[0].cause == CORE_M4_LAZY_FP && rig->trap[0].pc == rig->base + 8, "ASPEN off, LSPACT on: %d traps", rig->traps);
    rig_free(rig);
    code_free(code);
}
