// Page tables (Privileged Architecture 1.12, 4.3 to 4.5): an entry is a row of a table; and what a soft TLB could get wrong about them.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { FETCH_FAULT = 1, LOAD_FAULT = 5, STORE_FAULT = 7, FETCH_PAGE_FAULT = 12, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
enum { MPRV = 1 << 17, SUM = 1 << 18, MXR = 1 << 19 };
// Root, middle and last level at these offsets; the page under test is the data page.
enum { ROOT = 0x8000, MIDDLE = 0x9000, LAST = 0xa000, PAGE = 0xb000, V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };
static const uint64_t VA = 0x40000000;
typedef struct { const char *name; uint64_t entry, status; int level, mode, what, cause; uint64_t after; } PageCase;      // what: 0 load, 1 store, 2 fetch; after: A and D
#define KEPT 0
static const PageCase page_cases[] = {
    { "load", V | R | A, 0, 0, 1, 0, 0, A }, { "store", V | R | W | A | D, 0, 0, 1, 1, 0, A | D }, { "fetch", V | X | A, 0, 0, 1, 2, 0, A },
    { "A is set", V | R | W, 0, 0, 1, 0, 0, A }, { "A and D are set", V | R | W, 0, 0, 1, 1, 0, A | D }, { "A is set by a fetch", V | X, 0, 0, 1, 2, 0, A },
    { "a faulting store sets nothing", V | R, 0, 0, 1, 1, STORE_PAGE_FAULT, KEPT },
    { "invalid", R | W | A | D, 0, 0, 1, 0, LOAD_PAGE_FAULT, A | D }, { "W alone", V | W | A | D, 0, 0, 1, 1, STORE_PAGE_FAULT, A | D },
    { "W and X", V | W | X | A | D, 0, 0, 1, 2, FETCH_PAGE_FAULT, A | D }, { "no R", V | X | A, 0, 0, 1, 0, LOAD_PAGE_FAULT, A }, { "MXR", V | X | A, MXR, 0, 1, 0, 0, A },
    { "no X", V | R | A, 0, 0, 1, 2, FETCH_PAGE_FAULT, A }, { "MXR is no X", V | R | A, MXR, 0, 1, 2, FETCH_PAGE_FAULT, A },
    { "U's page in S", V | R | U | A, 0, 0, 1, 0, LOAD_PAGE_FAULT, A }, { "U's page in S with SUM", V | R | W | U | A, SUM, 0, 1, 1, 0, A | D },
    { "U's code in S with SUM", V | X | U | A, SUM, 0, 1, 2, FETCH_PAGE_FAULT, A }, { "U's page", V | R | W | X | U, 0, 0, 0, 1, 0, A | D },
    { "S's page in U", V | R | A, 0, 0, 0, 0, LOAD_PAGE_FAULT, A }, { "G", V | R | G | A, 0, 0, 1, 0, 0, A },
    { "bit 54", V | R | A | 1ull << 54, 0, 0, 1, 0, LOAD_PAGE_FAULT, A }, { "PBMT", V | R | A | 1ull << 61, 0, 0, 1, 1, STORE_PAGE_FAULT, A },
    { "N", V | X | A | 1ull << 63, 0, 0, 1, 2, FETCH_PAGE_FAULT, A }, { "RSW is software's", V | R | A | 3 << 8, 0, 0, 1, 0, 0, A },
    { "no leaf at the last level", V | A, 0, 0, 1, 0, LOAD_PAGE_FAULT, A }, { "no table but U", V | U, 0, 1, 1, 0, LOAD_PAGE_FAULT, 0 },
    { "no table but A", V | A, 0, 1, 1, 0, LOAD_PAGE_FAULT, A }, { "misaligned 2 MiB", V | R | A, 0, 1, 1, 0, LOAD_PAGE_FAULT, A },
    { "misaligned 1 GiB", V | R | A, 0, 2, 1, 1, STORE_PAGE_FAULT, A },
};

static void set_word(Rig *rig, uint64_t at, uint64_t value)
{
    AT(uint64_t, rig->ram, at) = value;
    core_memory_written(rig->memory, at, 8);
}

static uint64_t table_at(Rig *rig, uint64_t at)
{
    return (rig->base + at) >> 12 << 10 | V;
}

static Rig *paged_bench(unsigned options)       // code where it is, for S; in the next gigabyte for U
{
    Rig *rig = rig_bench();
    core_rv64_set_options(rig->core, options);
    core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
    core_rv64_set_csr(rig->core, 0x3a0, 0x1f);
    set_word(rig, ROOT, 0);
    set_word(rig, ROOT + 8, table_at(rig, MIDDLE));
    set_word(rig, ROOT + 16, rig->base >> 12 << 10 | V | R | W | X | A | D);
    set_word(rig, ROOT + 24, rig->base >> 12 << 10 | V | R | W | X | U | A | D);
    set_word(rig, MIDDLE, table_at(rig, LAST));
    core_rv64_set_csr(rig->core, 0x180, 8ull << 60 | (rig->base + ROOT) >> 12);
    return rig;
}

// One access to va in that mode, of kind 3 an SC where nothing is reserved; the trap's cause, or -1.
static int one_access(Rig *rig, uint64_t mode, int what, uint64_t va, uint64_t status)
{
    uint64_t *x = rig_x(rig);
    const uint32_t code[] = { RV_NOP, what == 3 ? rv_amo(AMO_SC, 3, A1, A0, A2) : what == 1 ? rv_store(3, A2, A0, 0) : rv_load(3, A1, A0, 0), RV_NOP };
    if (memcmp(rig->ram, code, sizeof code)) {
        memcpy(rig->ram, code, sizeof code);
        core_memory_written(rig->memory, 0, sizeof code);
    }
    x[CORE_RV64_PRIV] = 3;
    x[CORE_RV64_PC] = rig->base;
    core_run(rig->core, 1);                     // two fetches that fail are no trap loop
    rig->traps = 0;
    x[A0] = va;
    x[CORE_RV64_PRIV] = mode;
    x[CORE_RV64_PC] = what == 2 ? va : mode == 0 ? rig->base + 0x40000000 : rig->base;
    core_rv64_set_csr(rig->core, 0x300, status);
    core_run(rig->core, what == 2 ? 1 : 3);
    return rig->traps ? (int)rig->trap[0].cause : -1;
}

void page_tables(int variant, ProofReport *report)
{
    static const uint64_t entry_of[] = { LAST, MIDDLE, ROOT + 8 };
    Rig *rig = paged_bench(variant == 1 ? CORE_RV64_SVADE : 0);
    for (size_t i = 0; i < sizeof page_cases / sizeof *page_cases; i++) {
        const PageCase *t = &page_cases[i];
        set_word(rig, ROOT + 8, table_at(rig, MIDDLE));
        set_word(rig, MIDDLE, table_at(rig, LAST));
        set_word(rig, LAST, table_at(rig, PAGE) | R | W | X | A | D);
        bool pointer = t->level == 1 && !(t->entry & (R | X));
        set_word(rig, entry_of[t->level], (rig->base + (pointer ? LAST : PAGE)) >> 12 << 10 | t->entry);
        int cause = t->cause ? t->cause : -1;
        uint64_t after = t->after;
        if (variant == 1 && after != (t->entry & (A | D))) {    // Svade
            cause = t->what == 2 ? FETCH_PAGE_FAULT : t->what ? STORE_PAGE_FAULT : LOAD_PAGE_FAULT;
            after = t->entry & (A | D);
        }
        set_word(rig, PAGE, RV_NOP | (uint64_t)RV_NOP << 32);
        for (int how = 0; how < (t->what == 2 ? 1 : 2); how++) {
            bool as_machine = how == 1;         // M mode with MPRV
            int seen = one_access(rig, as_machine ? 3 : (uint64_t)t->mode, t->what, VA, t->status | (as_machine ? MPRV | (uint64_t)t->mode << 11 : 0));
            uint64_t marks = AT(uint64_t, rig->ram, entry_of[t->level]) & (A | D);
            EXPECT(report, seen == cause && (seen < 0 || rig->trap[0].value == VA), "%s%s: cause %d, tval %llx", t->name, how ? " with MPRV" : "", seen, (unsigned long long)rig->trap[0].value);
            EXPECT(report, marks == after, "%s: A and D %llx", t->name, (unsigned long long)marks);
            if (t->what == 1)
                EXPECT(report, one_access(rig, (uint64_t)t->mode, 3, VA, t->status) == cause && (cause >= 0 || rig_x(rig)[A1] == 1), "%s by SC: cause %d", t->name, (int)rig->trap[0].cause);
            report->runs++;
        }
    }
    set_word(rig, MIDDLE, table_at(rig, LAST));
    set_word(rig, ROOT + 8, table_at(rig, MIDDLE));
    static const uint64_t far[] = { 1ull << 39, 1ull << 38, 1ull << 63, 0xffffffbfffffffff & ~7ull };
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        EXPECT(report, one_access(rig, 1, 0, far[i], 0) == LOAD_PAGE_FAULT, "no canonical address %llx", (unsigned long long)far[i]);
    for (int what = 0; what < 3; what++) {      // a table in device space, one that the PMP protects
        static const int faults[] = { LOAD_FAULT, STORE_FAULT, FETCH_FAULT };
        set_word(rig, MIDDLE, 0x10000000ull >> 2 | V);
        EXPECT(report, one_access(rig, 1, what, VA, 0) == faults[what] && rig->trap[0].value == VA && !rig->accesses, "a table in device space: cause %d", (int)rig->trap[0].cause);
        set_word(rig, MIDDLE, table_at(rig, LAST));
        set_word(rig, LAST, table_at(rig, PAGE) | R | W | X);
        core_rv64_set_csr(rig->core, 0x3b0, (rig->base + LAST) >> 2 | 0x1ff);
        core_rv64_set_csr(rig->core, 0x3b1, ~0ull);
        core_rv64_set_csr(rig->core, 0x3a0, 0x1f18);
        EXPECT(report, one_access(rig, 1, what, VA, 0) == faults[what] && rig->trap[0].value == VA, "a protected table: cause %d", (int)rig->trap[0].cause);
        core_rv64_set_csr(rig->core, 0x3a0, 0x1f19);            // R alone: A cannot be set
        int expected = variant == 1 ? faults[what] + (what == 2 ? 11 : 8) : faults[what];
        EXPECT(report, one_access(rig, 1, what, VA, 0) == expected, "a table that is read-only to the PMP: cause %d", (int)rig->trap[0].cause);
        core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
        core_rv64_set_csr(rig->core, 0x3a0, 0x1f);
    }
    set_word(rig, LAST, 0x10000000ull >> 2 | V | R | W | A | D);
    EXPECT(report, one_access(rig, 1, 3, VA, 0) < 0 && !rig->accesses && rig_x(rig)[A1] == 1, "SC to a device: cause %d", (int)rig->trap[0].cause);
    set_word(rig, LAST, table_at(rig, PAGE) | R | W | A | D);
    core_rv64_set_csr(rig->core, 0x3b0, (rig->base + PAGE) >> 2 | 0x1ff);
    core_rv64_set_csr(rig->core, 0x3b1, ~0ull);
    core_rv64_set_csr(rig->core, 0x3a0, 0x1f19);
    EXPECT(report, one_access(rig, 1, 3, VA, 0) == STORE_FAULT && one_access(rig, 1, 0, VA, 0) < 0, "SC to what the PMP has as read-only");
    core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
    core_rv64_set_csr(rig->core, 0x3a0, 0x1f);
    for (uint64_t mode = 9; mode <= 10; mode++) {               // Sv48 and Sv57: the same root, found through tables of one entry
        set_word(rig, 0xc000, table_at(rig, ROOT));
        set_word(rig, 0xd000, table_at(rig, 0xc000));
        set_word(rig, LAST, table_at(rig, PAGE) | R | A);
        core_rv64_set_csr(rig->core, 0x180, mode << 60 | (rig->base + (mode == 9 ? 0xc000 : 0xd000)) >> 12);
        EXPECT(report, one_access(rig, 1, 0, VA, 0) < 0, "Sv%d", mode == 9 ? 48 : 57);
        EXPECT(report, one_access(rig, 1, 0, VA | 1ull << (mode == 9 ? 47 : 56), 0) == LOAD_PAGE_FAULT, "Sv%d, not canonical", mode == 9 ? 48 : 57);
    }
    rig_free(rig);
}

// ---- tables that change with no SFENCE.VMA: what a guest sees does not depend on slices, nor on a soft TLB that a saved Core has lost
enum { PAGES = 8, FRAMES = 4, LOOPS = 400 };

static Code *remapping_guest(uint64_t seed)
{
    Random random = { seed * 7 + 1 };
    Code *c = code_new(ram_base(CORE_RV64));
    rv_li(c, S1, VA);
    rv_li(c, S2, ram_base(CORE_RV64) + LAST);
    for (int i = 0; i < LOOPS; i++) {
        int page = (int)below(&random, PAGES), other = (int)below(&random, PAGES);
        uint64_t frame = (ram_base(CORE_RV64) + PAGE + 0x1000 * below(&random, FRAMES)) >> 12 << 10;
        switch (below(&random, 6)) {
        case 0: case 1:                         // maps a page to another frame, and uses it at once
            rv_li(c, T0, frame | V | R | W | U | (one_in(&random, 2) ? A | D : 0));
            put32(c, rv_store(3, T0, S2, page * 8));
            rv_li(c, T1, VA + (uint64_t)page * 4096);
            put32(c, one_in(&random, 2) ? rv_load(3, T2, T1, 0) : rv_store(3, A0, T1, 0));
            put32(c, rv_add(A0, A0, T2));
            break;
        case 2:                                 // takes A and D away, and may see them come back
            put32(c, rv_load(3, T0, S2, page * 8));
            put32(c, rv_andi(T0, T0, ~(A | D)));
            put32(c, rv_store(3, T0, S2, page * 8));
            put32(c, rv_load(3, T0, S2, other * 8));
            put32(c, rv_add(A0, A0, T0));
            break;
        default:
            rv_li(c, T1, VA + (uint64_t)other * 4096 + 8 * below(&random, 8));
            put32(c, rv_load(3, T2, T1, 0));
            put32(c, rv_add(A0, A0, T2));
            put32(c, rv_store(3, A0, T1, 64));
        }
    }
    put32(c, RV_WFI);
    code_finish(c);
    return c;
}

void changed_tables(int variant, ProofReport *report)
{
    static const uint64_t slices[] = { ~0ull, 1, 2, 7, 50 };
    Code *code = remapping_guest((uint64_t)variant);
    uint64_t expected = 0;
    for (int how = 0; how < 10; how++) {        // each slicing, and again with the Core saved and loaded between slices
        Rig *rig = paged_bench(0);
        uint64_t *x = rig_x(rig);
        memcpy(rig->ram, code->bytes, code->size);
        core_memory_written(rig->memory, 0, RIG_RAM);
        for (int i = 0; i < PAGES; i++)
            set_word(rig, LAST + 8 * (uint64_t)i, ((rig->base + PAGE + 0x1000 * (uint64_t)(i % FRAMES)) >> 12 << 10) | V | R | W | U);
        x[CORE_RV64_PC] = rig->base;
        x[CORE_RV64_PRIV] = 1;
        x[CORE_RV64_MSTATUS] = SUM;
        uint8_t state[16384];
        while (!rig->traps && core_run(rig->core, slices[how % 5]) == CORE_BUDGET) {
            if (how >= 5) {
                core_save(rig->core, state);
                core_load(rig->core, state);
            }
        }
        uint64_t hash = hash_words(hash_words(0, x, 32 * 8), rig->ram + ROOT, RIG_RAM - ROOT);
        EXPECT(report, !rig->traps && core_state_size(rig->core) <= sizeof state, "%d traps, cause %d", rig->traps, (int)rig->trap[0].cause);
        if (how == 0)
            expected = hash;
        EXPECT(report, hash == expected, "slices of %llu%s differ", (unsigned long long)slices[how % 5], how >= 5 ? " with a saved core" : "");
        report->precise_exits += core_figures(rig->core).repeats;
        report->runs++;
        rig_free(rig);
    }
    EXPECT(report, report->precise_exits > 0, "no store of an entry had to be repeated");
    code_free(code);
}

// ---- translations that are kept: more pages than the soft TLB holds, pages that SUM opened, tables that are found by two addresses
static uint64_t frame_of(Rig *rig, int page)
{
    return (rig->base + PAGE + 0x1000 * (uint64_t)(page % FRAMES)) >> 12 << 10;
}

static bool reads(Rig *rig, uint64_t va, uint64_t status, uint64_t value)
{
    return one_access(rig, 1, 0, va, status) < 0 && rig_x(rig)[A1] == value;
}

void kept_translations(int variant, ProofReport *report)
{
    enum { MANY = 512 };
    static const int few_and_many[] = { 1, 16, 17, 40 };
    (void)variant;
    Rig *rig = paged_bench(0);
    for (int i = 0; i < FRAMES; i++)
        set_word(rig, PAGE + 0x1000 * (uint64_t)i, 100 + (uint64_t)i);
    for (int i = 0; i < MANY; i++)
        set_word(rig, LAST + 8 * (uint64_t)i, frame_of(rig, i) | V | R | W | A | D);
    for (int round = 0; round < 4; round++) {   // all, in turn; each time each seventh has moved
        for (int i = 0; i < MANY; i++)
            EXPECT(report, reads(rig, VA + 4096 * (uint64_t)i, 0, 100 + (uint64_t)((i + (i % 7 ? 0 : round)) % FRAMES)), "page %d, round %d: %llx", i, round, (unsigned long long)rig_x(rig)[A1]);
        for (int i = 0; i < MANY; i += 7)
            set_word(rig, LAST + 8 * (uint64_t)i, frame_of(rig, i + round + 1) | V | R | W | A | D);
        report->runs++;
    }
    core_rv64_fence(rig->core);                 // few of its many entries are used again when a table's own entry is stored
    EXPECT(report, reads(rig, VA + 4096, 0, 101), "one page of many");
    rig_x(rig)[A2] = table_at(rig, LAST);
    for (int round = 0; round < 4; round++) {
        EXPECT(report, one_access(rig, 1, 1, rig->base + MIDDLE, 0) < 0 && AT(uint64_t, rig->ram, MIDDLE) == table_at(rig, LAST), "a table's entry is stored");
        EXPECT(report, reads(rig, VA + 4096, 0, 101), "... and its page is read again");
    }
    for (int i = 0; i < MANY; i++)
        EXPECT(report, one_access(rig, 1, 0, VA + 4096 * (uint64_t)i, 0) < 0, "page %d", i);
    set_word(rig, MIDDLE, 0);
    EXPECT(report, one_access(rig, 1, 0, VA + 4096 * (MANY - 2), 0) == LOAD_PAGE_FAULT, "their table is gone");
    set_word(rig, MIDDLE, table_at(rig, LAST));
    for (size_t n = 0; n < sizeof few_and_many / sizeof *few_and_many; n++) {       // pages of U mode
        for (int i = 0; i < few_and_many[n]; i++)
            set_word(rig, LAST + 8 * (uint64_t)i, frame_of(rig, i) | V | R | W | U | A | D);
        for (int i = 0; i < few_and_many[n]; i++)
            EXPECT(report, reads(rig, VA + 4096 * (uint64_t)i, SUM, 100 + (uint64_t)(i % FRAMES)), "page %d with SUM", i);
        for (int i = 0; i < few_and_many[n]; i++)
            EXPECT(report, one_access(rig, 1, 0, VA + 4096 * (uint64_t)i, 0) == LOAD_PAGE_FAULT, "page %d of %d without SUM", i, few_and_many[n]);
        EXPECT(report, reads(rig, VA + 4096 * 100, 0, 100), "a page of S mode beside them");
        report->runs++;
    }
    set_word(rig, MIDDLE + 8, table_at(rig, LAST));             // the same table, 2 MiB above: once for S, once for U, which have a TLB each
    uint64_t again = VA + (1 << 21), entry = LAST + 8 * 101;
    for (int frame = 1; frame < 3; frame++) {
        set_word(rig, entry, frame_of(rig, frame) | V | R | W | U | A | D);
        for (int mode = 0; mode < 2; mode++) {
            int cause = one_access(rig, (uint64_t)mode, 0, (mode ? VA : again) + 4096 * 101, SUM);
            EXPECT(report, cause < 0 && rig_x(rig)[A1] == 100 + (uint64_t)frame, "a page at two addresses: %llx", (unsigned long long)rig_x(rig)[A1]);
        }
    }
    set_word(rig, entry, 0);
    for (int mode = 0; mode < 2; mode++)
        EXPECT(report, one_access(rig, (uint64_t)mode, 0, (mode ? VA : again) + 4096 * 101, SUM) == LOAD_PAGE_FAULT, "... is gone from both");
    set_word(rig, PAGE, RV_NOP | (uint64_t)RV_NOP << 32);       // code of a page that other code takes the place of
    set_word(rig, PAGE + 0x1000, RV_WFI | (uint64_t)RV_WFI << 32);
    for (int round = 0; round < 4; round++) {
        set_word(rig, entry, frame_of(rig, round) | V | X | A);
        rig_x(rig)[CORE_RV64_PC] = VA + 4096 * 101;
        rig_x(rig)[CORE_RV64_PRIV] = 1;
        EXPECT(report, core_run(rig->core, 1) == (round % 2 ? CORE_SLEEP : CORE_BUDGET), "code of the other frame, round %d", round);
        set_word(rig, PAGE + 0x1000 * 2, RV_NOP | (uint64_t)RV_NOP << 32);
        set_word(rig, PAGE + 0x1000 * 3, RV_WFI | (uint64_t)RV_WFI << 32);
    }
    // An instruction that begins in one page and ends in the next, which changes; and the first instructions of a block whose page does.
    AT(uint32_t, rig->ram, PAGE + 4090) = RV_NOP;
    AT(uint16_t, rig->ram, PAGE + 4094) = 0x0593;               // addi a1, zero, ...
    for (uint32_t frame = 1; frame < 3; frame++) {
        AT(uint16_t, rig->ram, PAGE + 0x1000 * frame) = (uint16_t)(frame << 4);
        AT(uint32_t, rig->ram, PAGE + 0x1000 * frame + 2) = RV_WFI;
        for (int i = 0; i < 6; i++)
            AT(uint32_t, rig->ram, PAGE + 0x1000 * frame + 0x100 + 4 * (uint32_t)i) = rv_addi(A1, A1, (int)frame);
    }
    core_memory_written(rig->memory, PAGE, 0x3000);
    set_word(rig, LAST + 8 * 110, frame_of(rig, 0) | V | X | A);
    for (int round = 0; round < 6; round++) {
        int frame = 1 + round % 2;
        set_word(rig, LAST + 8 * 111, frame_of(rig, frame) | V | X | A);
        rig_x(rig)[CORE_RV64_PC] = VA + 4096 * 110 + 4090;
        rig_x(rig)[CORE_RV64_PRIV] = 1;
        EXPECT(report, core_run(rig->core, 10) == CORE_SLEEP && rig_x(rig)[A1] == (uint64_t)frame, "across pages, round %d: %d", round, (int)rig_x(rig)[A1]);
        rig_x(rig)[CORE_RV64_PC] = VA + 4096 * 111 + 0x100;
        core_run(rig->core, 2);
        EXPECT(report, rig_x(rig)[A1] == 3 * (uint64_t)frame, "a part of a block, round %d: %d", round, (int)rig_x(rig)[A1]);
    }
    set_word(rig, PAGE + 0x2000, RV_NOP | (uint64_t)RV_NOP << 32);
    set_word(rig, 0xf000, 0);
    EXPECT(report, reads(rig, VA + 4096 * 102, 0, RV_NOP | (uint64_t)RV_NOP << 32), "a page of one address space");
    core_rv64_set_csr(rig->core, 0x180, 8ull << 60 | (rig->base + 0xf000) >> 12);
    EXPECT(report, one_access(rig, 3, 0, VA + 4096 * 102, MPRV | 1 << 11) == LOAD_PAGE_FAULT, "it is not in another one");
    rig_free(rig);
}
