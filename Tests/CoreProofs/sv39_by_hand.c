// Sv39 cases counted by hand: 1 GiB pages from a root at the end of RAM, S mode, one instruction under test.
#include "proofs.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

enum { ROOT = 0xe000, LEVEL1 = 0xd000, LEVEL0 = 0xc000, V = 1, R = 2, W = 4, X = 8, A = 64, D = 128 };
#define VIRTUAL 0x40000000ull                   // RAM; 2 MiB and 4 KiB pages behind it
#define CLASHING (VIRTUAL + 0x100000)           // the same soft-TLB entries
#define NOWHERE 0x140000000ull
#define DEVICE_VA (VIRTUAL + 0x200000)          // 2 MiB at physical 0x10000000

typedef struct { const char *what; uint32_t code[4]; uint64_t address; uint64_t cause, value, physical; unsigned pte; } Case;
#define NONE ~0ull
#define SW 0x00b62023u                          // sw a1, 0(a2)
#define LW 0x00062583u
#define JR 0x000600e7u
#define AMO 0x00b6252fu
#define LR 0x1006252fu
#define SC 0x18b6252fu
static const Case cases[] = {
    { "jump to a page of nothing", { JR }, NOWHERE, 1, NOWHERE, 0, 0 },
    { "jump to a page of a device", { JR }, DEVICE_VA, 1, DEVICE_VA, 0, 0 },
    { "jump to no page", { JR }, 0x200000000, 12, 0x200000000, 0, 0 },
    { "load from a page of nothing", { LW }, NOWHERE + 0x40, 5, NOWHERE + 0x40, 0x40, 0 },
    { "store to a page of nothing", { SW }, NOWHERE + 0x40, 7, NOWHERE + 0x40, 0x40, 0 },
    { "AMO on a device, its TLB entry where the code's was", { AMO }, DEVICE_VA, 7, DEVICE_VA, 0x10000000, 0 },
    { "LR on a device", { LR }, DEVICE_VA, 5, DEVICE_VA, 0x10000000, 0 },
    { "AMO on no page", { AMO }, 0x200000000, 15, 0x200000000, 0, 0 },
    { "LR on no page", { LR }, 0x200000000, 13, 0x200000000, 0, 0 },
    { "misaligned AMO on no page", { AMO }, 0x200000002, 6, 0x200000002, 0, 0 },
    { "AMO on a page that is only read", { AMO }, CLASHING + 0x3000, 15, CLASHING + 0x3000, 0, V | R },
    { "AMO on a page of nothing that is only read", { AMO }, VIRTUAL + 0x11000, 15, VIRTUAL + 0x11000, 0, 0 },
    { "store to a page that is only read", { SW }, CLASHING + 0x3000, 15, CLASHING + 0x3000, 0, V | R },
    { "illegal, with its TLB entry gone", { LW, 0xffffffff }, CLASHING + 0x1000, 2, 0xffffffff, 0, V | R | A },
    { "illegal CSR, with its TLB entry gone", { LW, 0x123025f3 }, CLASHING + 0x1000, 2, 0x123025f3, 0, V | R | A },
    { "a load sets A", { LW, RV_WFI }, CLASHING + 0x1000, NONE, 0, 0, V | R | W | A },
    { "a store sets A and D", { SW, RV_WFI }, CLASHING + 0x1000, NONE, 0, 0, V | R | W | A | D },
    { "store to read-only memory", { SW }, 0x100000000 + 0x40, 7, 0x100000000 + 0x40, 0x90000040, 0 },
    { "misaligned load, ends in nothing", { LW }, VIRTUAL + RIG_RAM - 2, 5, VIRTUAL + RIG_RAM, 0, 0 },
};

static CoreAccessVerdict refuse_it(Rig *rig, CoreAccess *access)
{
    (void)rig, (void)access;
    return CORE_ACCESS_FAULT;
}

void sv39_by_hand(int variant, ProofReport *report)
{
    uint64_t step = variant ? (uint64_t)variant : 1000;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *k = &cases[i];
        Rig *rig = calloc(1, sizeof *rig);
        CoreMemory *flash = core_memory_new(4096);
        rig->base = 0x80000000;
        rig->memory = core_memory_new(RIG_RAM);
        rig->ram = core_memory_bytes(rig->memory);
        CoreRegion regions[] = { { flash, 0x90000000, false }, { rig->memory, rig->base, true } };
        rig->core = core_open(CORE_RV64, 0, regions, 2);
        rig_reset(rig);
        uint64_t *root = (uint64_t *)(rig->ram + ROOT), *level1 = (uint64_t *)(rig->ram + LEVEL1), *level0 = (uint64_t *)(rig->ram + LEVEL0);
        root[1] = (rig->base + LEVEL1) >> 12 << 10 | V;
        root[4] = 0x80000000ull >> 12 << 10 | V | R | W | X | A | D;           // 0x100000000: physical 0x80000000 and up, so flash is at +0x10000000
        root[5] = 0ull | V | R | W | X | A | D;                 // NOWHERE: physical 0
        level1[0] = (rig->base + LEVEL0) >> 12 << 10 | V;
        level1[1] = 0x10000000ull >> 12 << 10 | V | R | W | X | A | D;
        for (uint64_t page = 0; page < 512; page++)
            level0[page] = (rig->base + (page & 15) * 4096) >> 12 << 10 | V | R | W | X | A | D;
        level0[16] = (rig->base + RIG_RAM) >> 12 << 10 | V | R | W | A | D;    // the page behind RAM
        level0[17] = (rig->base + RIG_RAM) >> 12 << 10 | V | R | A;
        uint64_t *pte = &level0[(CLASHING - VIRTUAL) >> 12 | (k->address >> 12 & 15)];
        if (k->pte)
            *pte = (rig->base + 0x1000) >> 12 << 10 | (k->pte & ~(unsigned)(A | D));
        for (uint32_t n = 0; n < 20; n++)
            AT(uint32_t, rig->ram, 4 * n) = RV_NOP;             // the code lies in a page whose TLB entry the data may take
        memcpy(rig->ram + 40, k->code, sizeof k->code);
        uint64_t address = k->address == 0x100000040 ? 0x110000040 : k->address;
        rig_x(rig)[A2] = address;
        rig_x(rig)[A1] = 1;
        core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
        core_rv64_set_csr(rig->core, 0x3a0, 31);
        core_rv64_set_csr(rig->core, 0x180, 8ull << 60 | (rig->base + ROOT) >> 12);
        rig_x(rig)[CORE_RV64_PRIV] = 1;
        rig_x(rig)[CORE_RV64_MTVEC] = rig->base + 0x800;
        rig_x(rig)[CORE_RV64_PC] = VIRTUAL;
        rig->on_access = refuse_it;
        CoreExit exit = CORE_BUDGET;
        for (int n = 0; n < 100 && exit == CORE_BUDGET; n++)
            exit = core_run(rig->core, step);
        bool fetch = k->cause == 1 || k->cause == 12;
        uint64_t value = k->value == 0x100000040 ? 0x110000040 : k->value;
        EXPECT(report, exit == (k->cause == NONE ? CORE_SLEEP : CORE_STOPPED), "%s: exit %d: %s", k->what, exit, core_failure(rig->core));
        EXPECT(report, k->cause == NONE || (rig->traps == 1 && rig->trap[0].cause == k->cause && rig->trap[0].value == value), "%s: %d traps, cause %lld value %llx", k->what, rig->traps,
            (long long)rig->trap[0].cause, (unsigned long long)rig->trap[0].value);
        EXPECT(report, k->cause == NONE || rig->trap[0].pc == (fetch ? address : VIRTUAL + 40 + (k->cause == 2 ? 4 : 0)), "%s: pc %llx", k->what, (unsigned long long)rig->trap[0].pc);
        EXPECT(report, k->cause == NONE || rig->trap[0].index == 11u + (k->cause == 2), "%s: index %d", k->what, (int)rig->trap[0].index);
        EXPECT(report, !k->physical || (rig->accesses == 1 && rig->access[0].address == k->physical && rig->access[0].pc == VIRTUAL + 40), "%s: %d accesses, at %llx", k->what, rig->accesses,
            (unsigned long long)rig->access[0].address);
        EXPECT(report, !k->pte || k->cause == 2 || (*pte & 255) == k->pte, "%s: the PTE is %x", k->what, (int)(*pte & 255));
        EXPECT(report, AT(uint32_t, core_memory_bytes(flash), 0x40) == 0, "%s: the flash was written", k->what);
        core_close(rig->core);
        core_memory_free(rig->memory);
        core_memory_free(flash);
        free(rig);
        report->runs++;
    }
}

// ---- core_reset forgets translations
void reset_forgets_pages(int variant, ProofReport *report)
{
    (void)variant;
    Code *code = code_new(0);
    put32(code, LW);
    Rig *rig = rig_new(CORE_RV64, code);
    uint64_t *root = (uint64_t *)(rig->ram + ROOT), *level1 = (uint64_t *)(rig->ram + LEVEL1), *level0 = (uint64_t *)(rig->ram + LEVEL0);
    root[1] = (rig->base + LEVEL1) >> 12 << 10 | V;
    level1[0] = (rig->base + LEVEL0) >> 12 << 10 | V;
    AT(uint32_t, rig->ram, 0x1000) = 11;
    AT(uint32_t, rig->ram, 0x2000) = 22;
    level0[0] = rig->base >> 12 << 10 | V | R | W | X | A | D;
    for (uint64_t page = 1; page < 3; page++) {
        level0[5] = (rig->base + page * 4096) >> 12 << 10 | V | R | W | A | D;
        rig_reset(rig);
        core_rv64_set_csr(rig->core, 0x3b0, ~0ull);
        core_rv64_set_csr(rig->core, 0x3a0, 31);
        rig_x(rig)[CORE_RV64_SATP] = 8ull << 60 | (rig->base + ROOT) >> 12;
        rig_x(rig)[CORE_RV64_PRIV] = 1;
        rig_x(rig)[CORE_RV64_PC] = VIRTUAL;
        rig_x(rig)[A2] = VIRTUAL + 0x5000;
        core_run(rig->core, 1);
        EXPECT(report, rig->traps == 0 && rig_x(rig)[A1] == page * 11, "page %d: %d", (int)page, (int)rig_x(rig)[A1]);
    }
    rig_reset(rig);                             // no paging, and no PMP entry: S mode may load nothing
    rig_x(rig)[CORE_RV64_MSTATUS] = 1 << 17 | 1 << 11;
    rig_x(rig)[A2] = VIRTUAL + 0x5000;
    core_run(rig->core, 1);
    EXPECT(report, rig->traps == 1 && rig->trap[0].cause == 5, "a load as S behind a reset: %d traps", rig->traps);
    rig_free(rig);
    code_free(code);
}
