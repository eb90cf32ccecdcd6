// Breakpoints and watchpoints counted by hand: each kind of access is told once, before it is made, with its address as the guest has it;
// a breakpoint is where the guest's pc is, whatever memory is mapped there.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { WORD = 0x2ff8, ROOT = 0xe000, LEVEL1 = 0xd000, LEVEL0 = 0xc000, TWIN = 0xb000 };
#define VIRTUAL 0x40000000ull

typedef struct { const char *what; uint32_t code[2]; int at; uint8_t size; bool is_store; int64_t offset; bool hits_load, hits_store, both; } Case;
static const Case cases[] = {                   // a0 = WORD; two instructions between nops
    { "ld", { 0x00053583 }, 0, 8, false, 0, true, false },
    { "lbu of the last byte", { RV_NOP, 0x00754583 }, 1, 1, false, 7, true, false },
    { "lw, misaligned, from below", { 0xffd52583 /* -3 */ }, 0, 4, false, -3, true, false },
    { "ld, misaligned, across pages", { 0x00553583 /* 5 */ }, 0, 8, false, 5, true, false },
    { "fld", { RV_NOP, 0x00053007 }, 1, 8, false, 0, true, false },
    { "c.ld", { 0x0001610c /* and c.nop */ }, 0, 8, false, 0, true, false },
    { "ld below", { 0xff853583 /* -8 */ }, 0, 8, false, 0, false, false },
    { "sd", { 0x00b53023 }, 0, 8, true, 0, false, true },
    { "sb", { RV_NOP, 0x00b503a3 }, 1, 1, true, 7, false, true },
    { "sd, misaligned, across pages", { 0x00b532a3 }, 0, 8, true, 5, false, true },
    { "sd below", { 0xfeb53c23 }, 0, 8, true, 0, false, false },
    { "ld behind another one in its page", { 0xff853603, 0x00053583 }, 1, 8, false, 0, true, false },
    { "sd behind another one in its page", { 0xfeb53c23, 0x00b53023 }, 1, 8, true, 0, false, true },
    { "lr", { 0x1005362f }, 0, 8, false, 0, true, false },
    { "lr, sc", { 0x1005362f, 0x18b536af }, 1, 8, true, 0, false, true, true },
    { "sc without lr", { 0x18b536af }, 0, 8, true, 0, false, false },
    { "amoadd.d", { 0x00b5362f }, 0, 8, true, 0, false, true, true },
    { "amoadd.d, its load", { 0x00b5362f }, 0, 8, false, 0, true, false, true },
};

static void put_pages(uint8_t *ram, uint64_t base)
{
    enum { FULL = 0xcf };
    AT(uint64_t, ram, ROOT + 8) = (base + LEVEL1) >> 12 << 10 | 1;
    AT(uint64_t, ram, LEVEL1) = (base + LEVEL0) >> 12 << 10 | 1;
    for (uint64_t page = 0; page < 16; page++)
        AT(uint64_t, ram, LEVEL0 + 8 * page) = (base + page * 4096) >> 12 << 10 | FULL;
}

static uint64_t begin(Rig *rig, const uint32_t *code, int count, bool paged)   // four nops before, and nops behind
{
    uint64_t start = paged ? VIRTUAL : rig->base;
    memset(rig->ram, 0, RIG_RAM);
    put_pages(rig->ram, rig->base);
    for (int n = 0; n < 12; n++)
        AT(uint32_t, rig->ram, 4 * n) = n < 4 || n - 4 >= count || !code[n - 4] ? RV_NOP : code[n - 4];
    core_memory_written(rig->memory, 0, RIG_RAM);
    rig_reset(rig);
    rig_x(rig)[CORE_RV64_PC] = start;
    rig_x(rig)[CORE_RV64_MSTATUS] |= 1 << 13;
    core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
    core_rv64_set_csr(rig->core, 0x3a0, 31);
    if (paged) {
        core_rv64_set_csr(rig->core, 0x180, 8ull << 60 | (rig->base + ROOT) >> 12);
        rig_x(rig)[CORE_RV64_PRIV] = 1;
    }
    return start;
}

static void every_access(Rig *rig, bool paged, bool loads, ProofReport *report)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *k = &cases[i];
        uint64_t start = begin(rig, k->code, 2, paged);
        rig_x(rig)[A0] = start + WORD;
        core_set_watchpoints(rig->core, &(CoreWatchpoint){ start + WORD, 8, loads, !loads }, 1);
        bool hits = loads ? k->hits_load : k->hits_store;
        if (k->both && !hits)
            continue;
        CoreExit exit = core_run(rig->core, 12);
        CoreTouch t = core_touch(rig->core);
        uint64_t pc = start + 16 + 4 * (uint64_t)k->at;
        EXPECT(report, exit == (hits ? CORE_WATCHPOINT : CORE_BUDGET), "%s: exit %d", k->what, exit);
        if (!hits)
            continue;
        EXPECT(report, core_index(rig->core) == 4u + (unsigned)k->at && rig_pc(rig) == pc, "%s: index %d", k->what, (int)core_index(rig->core));
        EXPECT(report, t.pc == pc && t.index == core_index(rig->core) && t.address == start + WORD + (uint64_t)k->offset && t.size == k->size && t.is_store == k->is_store, "%s: %d bytes at %llx",
            k->what, t.size, (unsigned long long)t.address);
        exit = core_run(rig->core, 1);
        EXPECT(report, exit == CORE_BUDGET && core_index(rig->core) == 5u + (unsigned)k->at, "%s: not gone over, exit %d", k->what, exit);
        EXPECT(report, core_run(rig->core, 4) == CORE_BUDGET && rig->traps == 0, "%s: told again", k->what);
        report->runs++;
    }
    core_set_watchpoints(rig->core, NULL, 0);
}

// ---- virtual: paging is switched on between two stores at one address, which then is other memory, and there is another one for the old
static void switched(Rig *rig, ProofReport *report)
{
    enum { OTHER = 0x5000, LEVEL1_TOO = 0xa000, LEVEL0_TOO = 0x9000, FULL = 0xcf, MPP_S = 1 << 11, MPRV = 1 << 17 };
    static const uint32_t code[] = { 0x00b53023 /* sd a1, (a0) */, 0x18061073 /* csrw satp, a2 */, 0x30200073 /* mret */, 0x00b53023, 0x00b6b023 /* sd a1, (a3) */ };
    for (int by_m_mode = 0; by_m_mode < 2; by_m_mode++) {
        uint64_t start = begin(rig, code, 5, false), satp = 8ull << 60 | (start + ROOT) >> 12;
        AT(uint64_t, rig->ram, ROOT + 16) = (start + LEVEL1_TOO) >> 12 << 10 | 1;
        AT(uint64_t, rig->ram, LEVEL1_TOO) = (start + LEVEL0_TOO) >> 12 << 10 | 1;
        AT(uint64_t, rig->ram, LEVEL0_TOO) = start >> 12 << 10 | FULL;
        AT(uint64_t, rig->ram, LEVEL0_TOO + 16) = (start + OTHER) >> 12 << 10 | FULL;
        core_memory_written(rig->memory, 0, RIG_RAM);
        rig_x(rig)[A0] = start + WORD, rig_x(rig)[A1] = 1, rig_x(rig)[A2] = satp, rig_x(rig)[A3] = VIRTUAL + WORD;
        rig_x(rig)[CORE_RV64_MEPC] = start + 28;
        core_rv64_set_csr(rig->core, 0x300, MPP_S);
        core_set_watchpoints(rig->core, &(CoreWatchpoint){ start + WORD, 8, false, true }, 1);
        uint64_t *physical = &AT(uint64_t, rig->ram, WORD), *other = &AT(uint64_t, rig->ram, OTHER + (WORD & 4095));
        CoreExit exit = core_run(rig->core, 12);
        EXPECT(report, exit == CORE_WATCHPOINT && core_index(rig->core) == 4 && !*physical, "bare: exit %d, index %d", exit, (int)core_index(rig->core));
        if (by_m_mode) {                        // with the translations of S mode
            core_rv64_set_csr(rig->core, 0x180, satp);
            core_rv64_set_csr(rig->core, 0x300, MPP_S | MPRV);
            exit = core_run(rig->core, 1);
            EXPECT(report, exit == CORE_BUDGET && *other == 1 && !*physical, "MPRV: exit %d", exit);
            rig_x(rig)[CORE_RV64_PC] = start + 28;
            core_moved(rig->core);
            exit = core_run(rig->core, 12);
            EXPECT(report, exit == CORE_WATCHPOINT && rig_pc(rig) == start + 28, "MPRV: exit %d", exit);
        } else {
            exit = core_run(rig->core, 12);
            EXPECT(report, exit == CORE_WATCHPOINT && core_index(rig->core) == 7 && *physical == 1 && !*other, "paged: exit %d, index %d", exit, (int)core_index(rig->core));
            *physical = 0;
        }
        exit = core_run(rig->core, 3);
        EXPECT(report, exit == CORE_BUDGET && *physical == 1 && *other == 1 && rig->traps == 0, "by another address: exit %d, %d traps", exit, rig->traps);
        report->runs++;
    }
    core_set_watchpoints(rig->core, NULL, 0);
}

// ---- an access that faults is none; one to a device is told before the device is asked
static void devices_and_faults(Rig *rig, ProofReport *report)
{
    static const uint32_t code[] = { 0x00053583 /* ld a1, (a0) */, 0x00b53023 };
    uint64_t start = begin(rig, code, 2, false);
    core_set_watchpoints(rig->core, &(CoreWatchpoint){ 0x10000000, 0x100, true, true }, 1);
    rig_x(rig)[A0] = 0x10000008;
    EXPECT(report, core_run(rig->core, 100) == CORE_WATCHPOINT && rig->accesses == 0 && !core_touch(rig->core).is_store, "the device was asked %d times", rig->accesses);
    EXPECT(report, core_run(rig->core, 100) == CORE_WATCHPOINT && rig->accesses == 1 && core_touch(rig->core).is_store, "... %d times", rig->accesses);
    EXPECT(report, core_run(rig->core, 1) == CORE_BUDGET && rig->accesses == 2 && rig_pc(rig) == start + 24, "... %d times", rig->accesses);
    begin(rig, code, 1, true);                  // not mapped
    core_set_watchpoints(rig->core, &(CoreWatchpoint){ 0x50000000, 8, true, true }, 1);
    rig_x(rig)[A0] = 0x50000000;
    EXPECT(report, core_run(rig->core, 100) == CORE_STOPPED && rig->traps == 1 && rig->trap[0].cause == 13, "a page fault: %d traps", rig->traps);
    core_set_watchpoints(rig->core, NULL, 0);
}

// ---- the same pc in another page; code that has run before; several, one after the other, and none again
static void breakpoints(Rig *rig, bool paged, ProofReport *report)
{
    uint64_t start = begin(rig, NULL, 0, paged);
    AT(uint32_t, rig->ram, 24) = 0xfe9ff06f;    // jal zero, -24
    core_memory_written(rig->memory, 0, 64);
    EXPECT(report, core_run(rig->core, 700) == CORE_BUDGET, "no breakpoint");
    uint64_t set[] = { start + 20, start + 8 };
    core_set_breakpoints(rig->core, set, 2);
    for (int n = 0; n < 6; n++) {
        CoreExit exit = core_run(rig->core, 100);
        EXPECT(report, exit == CORE_BREAKPOINT && rig_pc(rig) == set[!(n & 1)] && core_index(rig->core) == 700u + (n & 1 ? 5 : 2) + 7u * (unsigned)(n / 2), "%d: exit %d, index %d", n, exit,
            (int)core_index(rig->core));
    }
    // One that is not reached within the budget waits for the next run; one that is passed is passed once.
    EXPECT(report, core_run(rig->core, 4) == CORE_BUDGET && rig_pc(rig) == set[1], "at pc %llx", (unsigned long long)rig_pc(rig));
    EXPECT(report, core_run(rig->core, 4) == CORE_BREAKPOINT && rig_pc(rig) == set[1], "at pc %llx", (unsigned long long)rig_pc(rig));
    EXPECT(report, core_run(rig->core, 10) == CORE_BREAKPOINT && rig_pc(rig) == set[0], "at pc %llx", (unsigned long long)rig_pc(rig));
    core_set_breakpoints(rig->core, set, 1);
    EXPECT(report, core_run(rig->core, 4) == CORE_BUDGET && core_run(rig->core, 100) == CORE_BREAKPOINT && rig_pc(rig) == set[0], "the other one is gone");
    if (paged) {                                // another page where the code was, with the same code but for one instruction
        memcpy(rig->ram + TWIN, rig->ram, 4096);
        AT(uint32_t, rig->ram, TWIN + 12) = 0x00158593;         // addi a1, a1, 1
        AT(uint64_t, rig->ram, LEVEL0) = (rig->base + TWIN) >> 12 << 10 | 0xcf;
        core_memory_written(rig->memory, 0, RIG_RAM);
        for (uint64_t n = 1; n < 4; n++) {
            EXPECT(report, core_run(rig->core, 100) == CORE_BREAKPOINT && rig_pc(rig) == set[0], "at pc %llx", (unsigned long long)rig_pc(rig));
            EXPECT(report, rig_x(rig)[A1] == n, "code of the old page ran");
        }
    }
    core_set_breakpoints(rig->core, &set[1], 1);
    EXPECT(report, core_run(rig->core, 4) == CORE_BUDGET, "one before which it stands");
    EXPECT(report, core_run(rig->core, 10) == CORE_BREAKPOINT, "it is told");
    core_set_breakpoints(rig->core, NULL, 0);
    EXPECT(report, core_run(rig->core, 1) == CORE_BUDGET, "none again");
    core_set_breakpoints(rig->core, &set[1], 1);
    core_run(rig->core, 6);
    core_pass(rig->core);
    EXPECT(report, rig_pc(rig) == set[1] && core_run(rig->core, 7) == CORE_BUDGET, "passed unseen");
    EXPECT(report, core_run(rig->core, 7) == CORE_BREAKPOINT, "not passed");
    core_set_breakpoints(rig->core, NULL, 0);
    report->runs++;
}

static void limits(Rig *rig, ProofReport *report)
{
    CoreWatchpoint many[33] = { { rig->base, 1, true, true } };
    EXPECT(report, !core_set_watchpoints(rig->core, many, 33) && core_set_watchpoints(rig->core, many, 32), "32 are possible");
    core_set_watchpoints(rig->core, NULL, 0);
}

// ---- Cortex-M4: inside IT blocks, and words of several
static void thumb(ProofReport *report)
{
    static const uint16_t code[] = { 0x4280 /* cmp r0, r0 */, 0xbf06 /* itte eq */, 0x6808 /* ldreq r0, [r1] */, 0x3001 /* addeq r0, #1 */, 0x3001 /* addne */, 0xc90c /* ldm r1!, {r2, r3} */,
        0xe9c1, 0x2300 /* strd r2, r3, [r1] */, 0xe7f6 /* b to the start */ };
    Code *none = code_new(ram_base(CORE_CORTEX_M4));
    Rig *rig = rig_new(CORE_CORTEX_M4, none);
    code_free(none);
    memcpy(rig->ram, code, sizeof code);
    core_memory_written(rig->memory, 0, sizeof code);
    CoreM4 state;
    core_m4_get(rig->core, &state);
    state.r[1] = (uint32_t)rig->base + WORD, state.r[15] = (uint32_t)rig->base;
    state.xpsr |= 1 << 24;
    core_m4_set(rig->core, &state);
    uint64_t set[] = { rig->base + 6, rig->base + 8 };
    core_set_breakpoints(rig->core, set, 2);
    CoreWatchpoint watchpoints[] = { { rig->base + WORD, 4, true, false }, { rig->base + WORD + 12, 1, false, true } };
    core_set_watchpoints(rig->core, watchpoints, 2);
    static const struct { CoreExit exit; uint32_t pc, index; } due[] = { { CORE_WATCHPOINT, 4, 2 }, { CORE_BREAKPOINT, 6, 3 }, { CORE_BREAKPOINT, 8, 4 }, { CORE_WATCHPOINT, 10, 5 },
        { CORE_WATCHPOINT, 12, 6 }, { CORE_BREAKPOINT, 6, 11 } };
    for (int n = 0; n < 6; n++) {
        CoreExit exit = core_run(rig->core, 100);
        EXPECT(report, exit == due[n].exit && rig_pc(rig) == rig->base + due[n].pc && core_index(rig->core) == due[n].index, "%d: exit %d at %llx, index %d", n, exit,
            (unsigned long long)rig_pc(rig), (int)core_index(rig->core));
    }
    EXPECT(report, rig_r(rig)[1] == rig->base + WORD + 8 && rig->traps == 0, "r1 %x", rig_r(rig)[1]);
    core_set_breakpoints(rig->core, NULL, 0);
    core_set_watchpoints(rig->core, NULL, 0);
    rig_free(rig);
}

void halted(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = rig_bench();
    for (int paged = 0; paged < 2; paged++) {
        every_access(rig, paged, true, report);
        every_access(rig, paged, false, report);
        breakpoints(rig, paged, report);
    }
    switched(rig, report);
    devices_and_faults(rig, report);
    limits(rig, report);
    rig_free(rig);
    thumb(report);
}
