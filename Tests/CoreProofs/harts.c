// Cores that share memory, also through aliases: a store by one, or by the host, is new code for every other at once.
#include "proofs.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

#define BASE 0x80000000ull
#define ALIAS 0xa0000000ull
enum { SHARED = 256 << 10 };

typedef struct { CoreMemory *memory; uint8_t *ram; Core *core[2]; } Pair;

static CoreTrapVerdict never(void *context, const CoreTrap *trap)
{
    (void)trap;
    core_stop(context);
    return CORE_TRAP_RESUME;
}

static Pair open_pair(void)
{
    Pair p = { .memory = core_memory_new(SHARED) };
    p.ram = core_memory_bytes(p.memory);
    for (unsigned hart = 0; hart < 2; hart++) {
        CoreRegion regions[] = { { p.memory, BASE, true }, { p.memory, ALIAS, true } };
        p.core[hart] = core_open(CORE_RV64, hart * 28, regions, 2);
        core_reset(p.core[hart], (CoreHost){ NULL, never, NULL }, p.core[hart]);
        core_rv64_watch(p.core[hart], ~0ull, false);
    }
    return p;
}

static void close_pair(Pair *p)
{
    core_close(p->core[0]);
    core_close(p->core[1]);
    core_memory_free(p->memory);
}

static uint64_t *x(Pair *p, int hart)
{
    return core_rv64_words(p->core[hart]);
}

static void go(Pair *p, int hart, uint64_t pc, uint64_t n)
{
    x(p, hart)[CORE_RV64_PC] = pc;
    core_run(p->core[hart], n);
}

void harts_by_hand(int variant, ProofReport *report)
{
    (void)variant;
    enum { ADD_1 = 0x00150513, ADD_2 = 0x00250513, ADD_3 = 0x00350513, ADD_4 = 0x00450513, BACK = 0xffdff06f, SW_A1_A2 = 0x00b62023, STORE_AT = 0x1000 };
    Pair p = open_pair();
    uint32_t *w = (uint32_t *)p.ram;
    EXPECT(report, x(&p, 1)[CORE_RV64_MHARTID] == 28, "mhartid");
    w[0] = ADD_1, w[1] = BACK;                                  // hart 1 runs this; hart 0 stores a1 to (a2)
    w[STORE_AT / 4] = SW_A1_A2;
    x(&p, 0)[A1] = ADD_2, x(&p, 0)[A2] = BASE + 0x100;
    go(&p, 0, BASE + STORE_AT, 1);                              // hart 0 has a fast entry for that page before hart 1 translates there
    go(&p, 1, BASE, 10);
    EXPECT(report, x(&p, 1)[A0] == 5, "at first: %d", (int)x(&p, 1)[A0]);
    x(&p, 0)[A2] = BASE;
    go(&p, 0, BASE + STORE_AT, 1);
    core_run(p.core[1], 10);
    EXPECT(report, x(&p, 1)[A0] == 15, "the other hart's store: %d", (int)x(&p, 1)[A0]);
    x(&p, 0)[A2] = ALIAS, x(&p, 0)[A1] = ADD_3;
    go(&p, 0, BASE + STORE_AT, 1);
    core_run(p.core[1], 10);
    EXPECT(report, x(&p, 1)[A0] == 30, "through the alias: %d", (int)x(&p, 1)[A0]);
    w[0] = ADD_4;
    core_memory_written(p.memory, 0, 4);
    core_run(p.core[1], 10);
    EXPECT(report, x(&p, 1)[A0] == 50, "the host's write: %d", (int)x(&p, 1)[A0]);
    w[0x800] = SW_A1_A2 | 4 << 7, w[0x801] = ADD_1, w[0x802] = RV_ECALL;         // hart 1 patches its own next instruction through the alias
    x(&p, 1)[A2] = ALIAS + 0x2000, x(&p, 1)[A1] = 0x06450513, x(&p, 1)[A0] = 0;
    go(&p, 1, BASE + 0x2000, 100);
    EXPECT(report, x(&p, 1)[A0] == 100, "its own next one through the alias: %d", (int)x(&p, 1)[A0]);
    w[0] = ADD_1;
    core_memory_written(p.memory, 0, 4);
    x(&p, 1)[A0] = 0;
    go(&p, 1, ALIAS, 10);                                       // code run through the alias, store through the first mapping
    x(&p, 0)[A2] = BASE, x(&p, 0)[A1] = ADD_2;
    go(&p, 0, ALIAS + STORE_AT, 1);
    core_run(p.core[1], 10);
    EXPECT(report, x(&p, 1)[A0] == 15, "run through the alias: %d", (int)x(&p, 1)[A0]);
    close_pair(&p);
}

// ---- two harts that patch each other's loops, against two plain engines with nothing cached
enum { LOOP = 61, SLICES = 600 };

static void write_loops(Random *random, uint8_t *ram)
{
    for (int hart = 0; hart < 2; hart++) {
        uint32_t *code = (uint32_t *)(ram + hart * 0x1000 + 0x80);
        for (int i = 0; i < LOOP - 1; i++) {
            uint32_t offset = (below(random, 20) * 3 + 1) * 4, rd = A0 + below(random, 4);
            code[i] = i % 3 == 2 ? rv_store(2, A5, A6, (int)offset) : i % 3 == 1 || one_in(random, 4) ? rv_addi((int)rd, (int)rd, (int)below(random, 100)) : (uint32_t)RV_NOP;
        }
        code[LOOP - 1] = 0xf11ff06f;                            // back to the first
    }
}

static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *blocks)
{
    (void)address, (void)size;
    if (++*(int *)blocks >= 2)
        uc_emu_stop(uc);
}

void harts_random(int variant, ProofReport *report)
{
    uint64_t seed = (uint64_t)variant + 9000;
    Random random = { seed }, schedule;
    uint8_t *ram = aligned_alloc(4096, SHARED);
    memset(ram, 0, SHARED);
    write_loops(&random, ram);
    Pair p = open_pair();
    memcpy(p.ram, ram, SHARED);
    uc_engine *plain[2];
    int blocks;
    for (int hart = 0; hart < 2; hart++) {
        uc_hook hook;
        uint64_t ignored;
        uc_open(UC_ARCH_RISCV, UC_MODE_RISCV64, &plain[hart]);
        uc_reg_read(plain[hart], UC_RISCV_REG_PC, &ignored);
        uc_mem_map_ptr(plain[hart], BASE, SHARED, UC_PROT_ALL, ram);
        uc_mem_map_ptr(plain[hart], ALIAS, SHARED, UC_PROT_ALL, ram);
        uc_hook_add(plain[hart], &hook, UC_HOOK_BLOCK, (void *)on_block, &blocks, 1, 0);
        uint64_t *words[] = { (uint64_t *)(AT(char *, AT(char *, plain[hart], UC_CPU), CPU_ENV)), x(&p, hart) };
        for (int i = 0; i < 2; i++) {
            words[i][A5] = rv_addi(A0, A0, 7 + hart);
            words[i][A6] = (hart || seed & 1 ? BASE : ALIAS) + (uint64_t)(1 - hart) * 0x1000 + 0x80;
            words[i][CORE_RV64_PC] = (seed & 2 ? BASE : ALIAS) + (uint64_t)hart * 0x1000 + 0x80;
        }
    }
    schedule = random;
    for (int i = 0; i < SLICES && !report->failed; i++) {
        int hart = i & 1;
        uint32_t n = 1 + below(&schedule, 40);
        uint64_t *words = (uint64_t *)(AT(char *, AT(char *, plain[hart], UC_CPU), CPU_ENV));
        for (uint32_t k = 0; k < n; k++) {
            uc_ctl_remove_cache(plain[hart], BASE, BASE + 0x3000);
            uc_ctl_remove_cache(plain[hart], ALIAS, ALIAS + 0x3000);
            AT(uint32_t, AT(char *, plain[hart], UC_CPU), CPU_NEXT_CFLAGS) = 1;
            blocks = 0;
            uc_emu_start(plain[hart], words[CORE_RV64_PC], ~1ull, 0, 0);
        }
        core_run(p.core[hart], n);
        report->instructions += n;
        report->compared_states++;
        EXPECT(report, !memcmp(words, x(&p, hart), (CORE_RV64_PC + 1) * 8), "slice %d: registers of hart %d at index %llu", i, hart, (unsigned long long)core_index(p.core[hart]));
        EXPECT(report, !memcmp(ram, p.ram, 0x3000), "slice %d: memory", i);
        for (int h = 0; i % 7 == 0 && h < 2; h++) {
            uint32_t rd = A0 + below(&schedule, 4), imm = below(&schedule, 100);
            ((uint64_t *)(AT(char *, AT(char *, plain[h], UC_CPU), CPU_ENV)))[A5] = x(&p, h)[A5] = rv_addi((int)rd, (int)rd, (int)imm);
        }
    }
    report->runs++;
    report->precise_exits += core_figures(p.core[0]).cross_drops;
    EXPECT(report, core_figures(p.core[0]).cross_drops > 0, "no code was dropped across harts");
    uc_close(plain[0]);
    uc_close(plain[1]);
    close_pair(&p);
    free(ram);
}
