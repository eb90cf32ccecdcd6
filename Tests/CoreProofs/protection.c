// Physical memory protection (Privileged Architecture 1.12, 3.7) and page tables (4.3 to 4.5), against the specification's own words: every
// byte of an access is looked up by itself here, and a page table entry is a row of a table.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { FETCH_FAULT = 1, LOAD_FAULT = 5, STORE_FAULT = 7, FETCH_PAGE_FAULT = 12, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
enum { MPRV = 1 << 17, SUM = 1 << 18, MXR = 1 << 19, DATA = 0x4000, DATA_SIZE = 0x4000 };
typedef struct { uint8_t config[16]; uint64_t address[16]; } Entries;

static int matching(const Entries *e, uint64_t byte)            // the first entry for a byte; -1: none
{
    for (int i = 0; i < 16; i++) {
        uint64_t a = e->address[i];
        bool in = false;
        switch (e->config[i] >> 3 & 3) {
        case 1: in = byte >> 2 < a && byte >> 2 >= (i ? e->address[i - 1] : 0); break;
        case 2: in = byte >> 2 == a; break;
        case 3: {
            int ones = 0;
            while (a >> ones & 1)
                ones++;
            in = byte >> (ones + 3) == a >> (ones + 1);
        } }
        if (in)
            return i;
    }
    return -1;
}

static bool allowed(const Entries *e, uint64_t address, int size, int right, uint64_t mode)
{
    int first = matching(e, address);
    for (int i = 1; i < size; i++) {
        if (matching(e, address + (uint64_t)i) != first)
            return false;
    }
    if (first < 0)
        return mode == 3;
    return (mode == 3 && !(e->config[first] & 0x80)) || e->config[first] & right;
}

static void set_entries(Rig *rig, const Entries *e)
{
    for (unsigned i = 0; i < 16; i++)
        core_rv64_set_csr(rig->core, 0x3b0 + i, e->address[i]);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t value = 0;
        for (int i = 0; i < 8; i++)
            value |= (uint64_t)e->config[8 * half + (unsigned)i] << 8 * i;
        core_rv64_set_csr(rig->core, 0x3a0 + 2 * half, value);
    }
}

static Entries random_entries(Rig *rig, Random *random)         // over DATA; entry 0 holds the code
{
    Entries e = { .config = { 0x1d }, .address = { rig->base >> 2 | 0x1ff } };
    bool coarse = one_in(random, 3);
    for (int i = 1; i < 16; i++) {
        uint64_t at = rig->base + DATA + below(random, DATA_SIZE) - 64;
        uint8_t rights = (uint8_t)below(random, 8);
        if ((rights & 3) == 2)
            rights = 1;
        e.config[i] = one_in(random, 3) ? 0 : (uint8_t)(rights | below(random, 4) << 3 | (one_in(random, 6) ? 0x80 : 0));
        e.address[i] = (coarse ? at & ~4095ull : at) >> 2;
        if ((e.config[i] >> 3 & 3) == 3) {
            uint64_t bits = coarse ? 9 + below(random, 3) : below(random, 12);
            e.address[i] = (e.address[i] & ~((1ull << (bits + 1)) - 1)) | ((1ull << bits) - 1);
        }
    }
    return e;
}

void memory_protection(int variant, ProofReport *report)
{
    static const int modes[] = { 0, 1, 3, 3 };
    Random random = { (uint64_t)variant * 91 + 3 };
    Rig *rig = rig_bench();
    uint64_t *x = rig_x(rig);
    for (int round = 0; round < 60 && !report->failed; round++) {
        rig_reset(rig);
        Entries e = random_entries(rig, &random);
        set_entries(rig, &e);
        for (int k = 0; k < 60; k++) {
            int choice = (int)below(&random, 4), bits = (int)below(&random, 4), size = 1 << bits;
            uint64_t mode = (uint64_t)modes[choice], as = choice == 3 ? below(&random, 2) : mode;
            uint64_t at = rig->base + DATA + (below(&random, DATA_SIZE - 8) & (one_in(&random, 4) ? ~0u : ~(uint32_t)(size - 1)));
            if (one_in(&random, 3))             // where a region begins or ends
                at = ((e.address[1 + below(&random, 15)] << 2) + below(&random, 9) - 4) % (DATA_SIZE - 8) + rig->base + DATA;
            bool store = one_in(&random, 2);
            int inside = (int)(4096 - (at & 4095)) < size ? (int)(4096 - (at & 4095)) : size;
            bool first = allowed(&e, at, inside, store ? 2 : 1, as);
            bool second = inside == size || allowed(&e, at + (uint64_t)inside, size - inside, store ? 2 : 1, as);
            x[A0] = at;
            x[CORE_RV64_MSTATUS] = choice == 3 ? MPRV | as << 11 : 0;
            rig_one(rig, mode, store ? rv_store(bits, A2, A0, 0) : rv_load(bits, A1, A0, 0), 0);
            uint64_t value = first ? at + (uint64_t)inside : at;
            bool right = first && second ? !rig->traps : rig->traps == 1 && rig->trap[0].cause == (store ? STORE_FAULT : LOAD_FAULT) && rig->trap[0].value == value;
            EXPECT(report, right, "%s of %d at %llx as %d: %d traps, cause %d, tval %llx", store ? "store" : "load", size, (unsigned long long)at, (int)as, rig->traps,
                (int)rig->trap[0].cause, (unsigned long long)rig->trap[0].value);
            report->runs++;
        }
        for (int k = 0; k < 10; k++) {          // fetches: 2 and 4 byte nops in a row
            uint64_t at = rig->base + DATA + (below(&random, DATA_SIZE - 64) & ~1u), pc = at, mode = (uint64_t)modes[below(&random, 3)];
            uint8_t *ram = rig->ram + (at - rig->base);
            for (int i = 0; i < 20; i += 2)
                memcpy(ram + i, i % 6 == 0 ? &(uint16_t){ 0x0001 } : i % 6 == 2 ? &(uint16_t){ 0x0013 } : &(uint16_t){ 0 }, 2);
            core_memory_written(rig->memory, at - rig->base, 20);
            int instructions = 0;
            uint64_t fault = 0;
            for (;;) {                          // the sixth is looked up, and faults, behind the fifth
                int length = (pc - at) % 6 == 0 ? 2 : 4;
                for (int i = 0; i < length && !fault; i += 2)
                    fault = allowed(&e, pc + (uint64_t)i, 2, 4, mode) ? 0 : pc + (uint64_t)i;
                if (fault || instructions == 5)
                    break;
                pc += (uint64_t)length, instructions++;
            }
            rig_one(rig, 3, RV_NOP, 0);         // two fetches that fail are no trap loop
            rig->traps = 0;
            x[CORE_RV64_PC] = at;
            x[CORE_RV64_PRIV] = mode;
            x[CORE_RV64_MSTATUS] = 0;
            uint64_t before = core_index(rig->core);
            for (int i = 0; i < 5 && !rig->traps; i += variant % 2 ? 1 : 5)
                core_run(rig->core, variant % 2 ? 1 : 5);
            bool right = fault ? rig->traps == 1 && rig->trap[0].cause == FETCH_FAULT && rig->trap[0].value == fault && rig->trap[0].pc == pc : !rig->traps && rig_pc(rig) == pc;
            EXPECT(report, right && core_index(rig->core) - before == (uint64_t)instructions, "fetches at %llx in mode %d: %d traps, tval %llx, not %llx; %d attempts, not %d",
                (unsigned long long)at, (int)mode, rig->traps, (unsigned long long)rig->trap[0].value, (unsigned long long)fault, (int)(core_index(rig->core) - before), instructions);
            report->runs++;
        }
    }
    // locked entries hold: themselves, and the address below one in TOR mode
    rig_reset(rig);
    core_rv64_set_csr(rig->core, 0x3b4, 0x111);
    core_rv64_set_csr(rig->core, 0x3b5, 0x222);
    core_rv64_set_csr(rig->core, 0x3a0, 0x8full << 40);
    uint64_t value = 0;
    core_rv64_set_csr(rig->core, 0x3b4, 0);
    EXPECT(report, core_rv64_csr(rig->core, 0x3b4, &value) && value == 0x111, "the address below a locked TOR entry: %llx", (unsigned long long)value);
    core_rv64_set_csr(rig->core, 0x3b5, 0);
    EXPECT(report, core_rv64_csr(rig->core, 0x3b5, &value) && value == 0x222, "a locked address: %llx", (unsigned long long)value);
    core_rv64_set_csr(rig->core, 0x3a0, 0);
    EXPECT(report, core_rv64_csr(rig->core, 0x3a0, &value) && value == 0x8full << 40, "a locked entry: %llx", (unsigned long long)value);
    rig_free(rig);
}

// ---- page tables: root, middle and last level at these offsets; the page under test is the data page
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

// One access to va in that mode; the trap's cause, or -1.
static int one_access(Rig *rig, uint64_t mode, int what, uint64_t va, uint64_t status)
{
    uint64_t *x = rig_x(rig);
    const uint32_t code[] = { RV_NOP, what == 1 ? rv_store(3, A2, A0, 0) : rv_load(3, A1, A0, 0), RV_NOP };
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
