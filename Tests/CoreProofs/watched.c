// Watched memory counted by hand: every kind of store that touches it is told once, done, directly behind its instruction; no other is.
#include "proofs.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

enum { WORD = 0x2ff8, NEXT = 0x3000 /* its neighbour in the next page */, CODE_WORD = 0x40, ROOT = 0xe000, LEVEL1 = 0xd000, LEVEL0 = 0xc000 };
typedef struct { uint64_t offset, length, index, pc, value; } Told;
typedef struct { Rig rig; Told told[32]; int count; uint32_t patch; bool stops; } Watcher;

static void stored(void *context, const CoreStore *store)
{
    Watcher *w = context;
    if (w->count < 32)
        w->told[w->count++] = (Told){ store->offset, store->length, store->index, store->pc, AT(uint64_t, w->rig.ram, WORD) };
    if (w->patch) {                             // the next instruction, which the running block has in it already
        AT(uint32_t, w->rig.ram, store->pc - w->rig.base + 4) = w->patch;
        core_memory_written(store->memory, store->pc - w->rig.base + 4, 4);
    }
    if (w->stops)
        core_stop(w->rig.core);
}

static CoreTrapVerdict stop_there(void *context, const CoreTrap *trap)
{
    Watcher *w = context;
    (void)trap;
    core_stop(w->rig.core);
    return CORE_TRAP_DELIVER;
}

static Watcher *watcher_new(CoreKind kind)
{
    Watcher *w = calloc(1, sizeof *w);
    Rig *rig = &w->rig;
    rig->base = ram_base(kind);
    rig->memory = core_memory_new(RIG_RAM);
    rig->ram = core_memory_bytes(rig->memory);
    rig->core = core_open(kind, 0, &(CoreRegion){ rig->memory, rig->base, true }, 1);
    rig_reset(rig);
    core_reset(rig->core, (CoreHost){ .trap = stop_there, .stored = stored }, w);
    return w;
}

static void watcher_free(Watcher *w)
{
    core_close(w->rig.core);
    core_memory_free(w->rig.memory);
    free(w);
}

typedef struct { const char *what; uint32_t code[4]; int at; uint64_t offset, length, value; } StoreCase;
#define FREE ~0ull
static const StoreCase cases[] = {              // a0 = 0x1122334455667788, a1 = WORD, the word is 0; `at`: which instruction
    { "sd", { 0x00a5b023 }, 0, WORD, 8, 0x1122334455667788 },
    { "sw, high half", { RV_NOP, 0x00a5a223 }, 1, WORD + 4, 4, 0x5566778800000000 },
    { "sh", { 0x00a59123 }, 0, WORD + 2, 2, 0x77880000 },
    { "sb", { RV_NOP, RV_NOP, 0x00a583a3 }, 2, WORD + 7, 1, 0x8800000000000000 },
    { "fsd", { 0xf2050053 /* fmv.d.x f0, a0 */, 0x0005b027 }, 1, WORD, 8, 0x1122334455667788 },
    { "c.sd", { 0x0001e188 /* and c.nop */ }, 0, WORD, 8, 0x1122334455667788 },
    { "amoadd.d", { 0x00a5b62f }, 0, WORD, 8, 0x1122334455667788 },
    { "amoswap.w", { 0x08a5a62f }, 0, WORD, 4, 0x55667788 },
    { "lr, sc", { 0x1005b62f, 0x18a5b6af }, 1, WORD, 8, 0x1122334455667788 },
    { "sc without lr", { 0x18a5b6af }, 0, FREE, 0, 0 },
    { "sd, misaligned, from below", { 0xfea5bea3 /* -3 */ }, 0, WORD, 5, 0x1122334455 },
    { "sd, misaligned, across pages", { 0x00a5b2a3 /* 5 */ }, 0, WORD + 5, 3, 0x6677880000000000 },
    { "sd, misaligned, from the page before", { 0x00a5b2a3, RV_NOP }, 0, WORD + 5, 3, 0x6677880000000000 },
    { "sd below", { 0xfea5bc23 /* -8 */ }, 0, FREE, 0, 0 },
    { "sw far off in the same page", { 0x80a5a023 /* -2048 */ }, 0, FREE, 0, 0 },
    { "ld", { 0x0005b603 }, 0, FREE, 0, 0 },
};

static void put_pages(uint8_t *ram, uint64_t base)              // 4 KiB pages at 0x40000000, each on its own; the page of WORD at + 0x5000 too
{
    enum { FULL = 0xcf };
    AT(uint64_t, ram, ROOT + 8) = (base + LEVEL1) >> 12 << 10 | 1;
    AT(uint64_t, ram, LEVEL1) = (base + LEVEL0) >> 12 << 10 | 1;
    for (uint64_t page = 0; page < 16; page++)
        AT(uint64_t, ram, LEVEL0 + 8 * page) = (base + page * 4096) >> 12 << 10 | FULL;
}

static void go(Rig *rig, uint64_t attempts, uint64_t step)
{
    for (uint64_t end = core_index(rig->core) + attempts; core_index(rig->core) < end;) {
        uint64_t left = end - core_index(rig->core);
        if (core_run(rig->core, left < step ? left : step) != CORE_BUDGET)
            break;
    }
}

static void every_store(bool paged, uint64_t step, ProofReport *report)
{
    Watcher *w = watcher_new(CORE_RV64);
    Rig *rig = &w->rig;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const StoreCase *k = &cases[i];
        uint64_t virtual = paged ? 0x40000000 : rig->base;
        memset(rig->ram, 0, RIG_RAM);
        put_pages(rig->ram, rig->base);
        for (int n = 0; n < 12; n++)
            AT(uint32_t, rig->ram, 4 * n) = n < 4 || !k->code[n - 4 < 4 ? n - 4 : 3] || n > 7 ? RV_NOP : k->code[n - 4];
        core_memory_written(rig->memory, 0, RIG_RAM);
        core_reset(rig->core, (CoreHost){ .trap = stop_there, .stored = stored }, w);
        w->count = 0;
        core_memory_watch(rig->memory, WORD, 8);
        rig_x(rig)[CORE_RV64_PC] = virtual;
        rig_x(rig)[CORE_RV64_MSTATUS] |= 1 << 13;
        rig_x(rig)[A0] = 0x1122334455667788;
        rig_x(rig)[A1] = virtual + WORD;
        core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
        core_rv64_set_csr(rig->core, 0x3a0, 31);
        if (paged) {
            core_rv64_set_csr(rig->core, 0x180, 8ull << 60 | (rig->base + ROOT) >> 12);
            rig_x(rig)[CORE_RV64_PRIV] = 1;
        }
        go(rig, 12, step);
        bool is_free = k->offset == FREE;
        EXPECT(report, core_index(rig->core) >= 11, "%s: index %d", k->what, (int)core_index(rig->core));
        EXPECT(report, w->count == !is_free, "%s: told %d times", k->what, w->count);
        const Told *t = &w->told[0];
        EXPECT(report, is_free || (t->offset == k->offset && t->length == k->length), "%s: %d bytes at %llx", k->what, (int)t->length, (unsigned long long)t->offset);
        EXPECT(report, is_free || t->value == k->value, "%s: then %llx was there", k->what, (unsigned long long)t->value);
        EXPECT(report, is_free || (t->index == 4u + (unsigned)k->at && t->pc == virtual + 16 + 4 * (uint64_t)k->at), "%s: index %d, pc %llx", k->what, (int)t->index, (unsigned long long)t->pc);
        core_memory_unwatch(rig->memory, WORD, 8);
        report->runs++;
    }
    watcher_free(w);
}

// ---- what the host does about it comes before the next instruction; and a watched page may hold code
static void at_once(uint64_t step, ProofReport *report)
{
    enum { SD = 0x00a5b023, ADD = 0x00160613 /* addi a2, a2, 1 */, ADD_2 = 0x00260613, JUMP = 0x0340006f /* over the watched word */ };
    Watcher *w = watcher_new(CORE_RV64);
    Rig *rig = &w->rig;
    uint32_t code[] = { ADD, SD, ADD, ADD, JUMP };
    for (size_t n = 0; n < sizeof code / 4; n++)
        AT(uint32_t, rig->ram, 4 * n) = code[n];
    for (uint32_t n = 0x44; n < 0x80; n += 4)
        AT(uint32_t, rig->ram, n) = ADD;
    core_memory_watch(rig->memory, CODE_WORD, 8);
    core_memory_watch(rig->memory, CODE_WORD + 8, 8);
    rig_x(rig)[A1] = rig->base + CODE_WORD;
    rig_x(rig)[CORE_RV64_PC] = rig->base;
    w->patch = ADD_2;
    go(rig, 5, step);
    EXPECT(report, w->count == 1 && w->told[0].index == 1, "told %d times", w->count);
    EXPECT(report, rig_x(rig)[A2] == 4 && rig_pc(rig) == rig->base + 0x44, "the host's write: %d", (int)rig_x(rig)[A2]);
    rig_x(rig)[CORE_RV64_PC] = rig->base;
    w->stops = true;
    CoreExit exit = core_run(rig->core, 100);
    EXPECT(report, exit == CORE_STOPPED && rig_pc(rig) == rig->base + 8 && w->count == 2, "stopped at %llx", (unsigned long long)rig_pc(rig));
    w->stops = false, w->patch = 0;

    // Two watches share the page; the last one to go opens it again, once the code is gone.
    core_memory_unwatch(rig->memory, CODE_WORD, 8);
    rig_x(rig)[CORE_RV64_PC] = rig->base;
    go(rig, 4, step);
    EXPECT(report, w->count == 2, "no longer watched: told %d times", w->count);
    rig_x(rig)[A1] += 8;
    rig_x(rig)[CORE_RV64_PC] = rig->base;
    go(rig, 4, step);
    EXPECT(report, w->count == 3, "the other one still is: told %d times", w->count);
    core_memory_unwatch(rig->memory, CODE_WORD + 8, 8);
    rig_x(rig)[A1] = rig->base + 0x8000;
    for (int n = 0; n < 3; n++) {
        rig_x(rig)[CORE_RV64_PC] = rig->base;
        go(rig, 4, step);
    }
    EXPECT(report, core_figures(rig->core).opened_pages > 0, "a page elsewhere stays fast");
    // Again and again, until what follows the store is linked to it.
    AT(uint32_t, rig->ram, 0x200) = SD, AT(uint32_t, rig->ram, 0x204) = ADD, AT(uint32_t, rig->ram, 0x208) = 0xff9ff06f /* back to SD */;
    core_memory_written(rig->memory, 0x200, 12);
    core_memory_watch(rig->memory, WORD, 8);
    rig_x(rig)[A1] = rig->base + WORD;
    rig_x(rig)[CORE_RV64_PC] = rig->base + 0x200;
    w->count = 0;
    go(rig, 30, step);
    w->stops = true;
    exit = core_run(rig->core, 100);
    EXPECT(report, exit == CORE_STOPPED && rig_pc(rig) == rig->base + 0x204 && w->count == 11, "stopped at %llx, told %d times", (unsigned long long)rig_pc(rig), w->count);
    w->stops = false;
    core_memory_unwatch(rig->memory, WORD, 8);
    EXPECT(report, !core_memory_watch(rig->memory, RIG_RAM - 4, 8) && !core_memory_watch(rig->memory, 0, 0), "outside");
    for (int n = 0; n < 32; n++)
        EXPECT(report, core_memory_watch(rig->memory, 8 * (uint64_t)n, 8), "watch %d", n);
    EXPECT(report, !core_memory_watch(rig->memory, 0x1000, 8), "too many");
    watcher_free(w);
}

// ---- a page may be open already when it begins to be watched; code comes and goes in it; every hart tells its own host
static void two_harts(ProofReport *report)
{
    enum { SD = 0x00a5b023, BACK = 0xffdff06f };
    Watcher *w = watcher_new(CORE_RV64);
    Rig *rig = &w->rig;
    Watcher *other = calloc(1, sizeof *other);
    other->rig = *rig;
    other->rig.core = core_open(CORE_RV64, 1, &(CoreRegion){ rig->memory, rig->base, true }, 1);
    core_reset(other->rig.core, (CoreHost){ .trap = stop_there, .stored = stored }, other);
    AT(uint32_t, rig->ram, 0) = SD;
    AT(uint32_t, rig->ram, 4) = BACK;
    AT(uint32_t, rig->ram, NEXT - 0x1000) = BACK;               // code in the watched page
    AT(uint32_t, rig->ram, NEXT - 0xffc) = 0xffdff06f;
    Core *cores[] = { rig->core, other->rig.core };
    for (int hart = 0; hart < 2; hart++) {
        core_rv64_words(cores[hart])[A1] = rig->base + WORD;
        core_rv64_words(cores[hart])[CORE_RV64_PC] = rig->base;
        core_run(cores[hart], 10);
    }
    EXPECT(report, w->count + other->count == 0, "not watched yet");
    core_memory_watch(rig->memory, WORD, 8);
    core_run(cores[1], 10);
    EXPECT(report, w->count == 0 && other->count == 5, "hart 1: told %d and %d times", w->count, other->count);
    core_rv64_words(cores[0])[CORE_RV64_PC] = rig->base + NEXT - 0xffc;
    core_run(cores[0], 4);
    core_drop_code(cores[0]);
    core_rv64_words(cores[0])[CORE_RV64_PC] = rig->base;
    core_run(cores[0], 10);
    EXPECT(report, w->count == 5 && other->count == 5, "hart 0: told %d and %d times", w->count, other->count);
    core_memory_take_dirty(rig->memory, NULL, NULL);
    core_run(cores[0], 2);
    EXPECT(report, w->count == 6, "with the dirty log taken: %d", w->count);
    EXPECT(report, core_memory_take_dirty(rig->memory, NULL, NULL) == 1, "its page is dirty");
    core_close(other->rig.core);
    free(other);
    watcher_free(w);
}

// ---- Cortex-M4: each word of a multiple store, in and behind an IT block
static void thumb_stores(uint64_t step, ProofReport *report)
{
    static const uint16_t code[] = { 0x6008 /* str r0, [r1] */, 0x3001, 0x4280 /* cmp r0, r0 */, 0xbf04 /* itt eq */, 0x7148 /* strbeq r0, [r1, #5] */, 0x3001 /* addeq */,
        0xc105 /* stmia r1!, {r0, r2} */, 0xf841, 0x0c06 /* str r0, [r1, #-6] */, 0x3001 };
    Watcher *w = watcher_new(CORE_CORTEX_M4);
    Rig *rig = &w->rig;
    memcpy(rig->ram, code, sizeof code);
    CoreM4 state;
    core_m4_get(rig->core, &state);
    state.r[0] = 0x100, state.r[1] = (uint32_t)rig->base + WORD, state.r[2] = 7, state.r[15] = (uint32_t)rig->base;
    state.xpsr |= 1 << 24;
    core_m4_set(rig->core, &state);
    core_memory_watch(rig->memory, WORD, 8);
    go(rig, 9, step);
    static const Told told[] = { { WORD, 4, 0, 0, 0x100 }, { WORD + 5, 1, 4, 8, 0x10000000100 }, { WORD, 4, 6, 12, 0x10000000102 }, { WORD + 4, 4, 6, 12, 0x700000102 },
        { WORD + 2, 4, 7, 14, 0x01020102 } };
    EXPECT(report, w->count == 5, "told %d times", w->count);
    for (int i = 0; i < 5; i++) {
        const Told *t = &w->told[i];
        EXPECT(report, t->offset == told[i].offset && t->length == told[i].length && t->index == told[i].index && t->pc == rig->base + told[i].pc, "store %d: %d bytes at %llx, index %d, pc %llx", i,
            (int)t->length, (unsigned long long)t->offset, (int)t->index, (unsigned long long)t->pc);
        EXPECT(report, t->value == told[i].value, "store %d: %llx", i, (unsigned long long)t->value);
    }
    EXPECT(report, rig_r(rig)[0] == 0x103 && core_index(rig->core) == 9, "r0 %x", rig_r(rig)[0]);
    watcher_free(w);
}

void watched_memory(int variant, ProofReport *report)
{
    static const uint64_t steps[] = { 1000, 1, 2, 3, 5 };
    uint64_t step = steps[variant % 5];
    every_store(false, step, report);
    every_store(true, step, report);
    at_once(step, report);
    two_harts(report);
    thumb_stores(step, report);
}
