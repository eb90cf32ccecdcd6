// Cases counted by hand, RV64 and Cortex-M4: where runs end, what traps say, accesses that no memory answers.
#include "proofs.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

enum { ADD = 0x00150513 /* addi a0, a0, 1 */, T_ADD = 0x3001 /* adds r0, #1 */ };

// ---- one odd instruction after some plain ones: exit, index, retired, pc, trap
typedef struct {
    const char *name;
    CoreKind kind;
    uint32_t code[8];
    int before;                 // plain instructions before the odd one
    uint64_t budget;
    CoreExit exit;
    uint64_t index, retired, pc;
    uint64_t cause, value;      // of the trap; ~0: none
} Edge;

#define NONE ~0ull
static const Edge edges[] = {
    { "budget 0", CORE_RV64, { ADD }, 0, 0, CORE_BUDGET, 0, 0, 0, NONE, 0 },
    { "budget inside a block", CORE_RV64, { ADD, ADD, ADD, ADD, ADD, 0xfedff06f }, 0, 8, CORE_BUDGET, 8, 8, 8, NONE, 0 },
    { "ebreak", CORE_RV64, { ADD, ADD, ADD, RV_EBREAK, ADD }, 3, 1000, CORE_STOPPED, 4, 3, 12, 3, 0x8000000c },
    { "ecall", CORE_RV64, { ADD, ADD, ADD, RV_ECALL, ADD }, 3, 1000, CORE_STOPPED, 4, 3, 12, 11, 0 },
    { "illegal", CORE_RV64, { ADD, ADD, ADD, 0xffffffff, ADD }, 3, 1000, CORE_STOPPED, 4, 3, 12, 2, 0xffffffff },
    { "illegal CSR", CORE_RV64, { ADD, 0x123025f3, ADD }, 1, 1000, CORE_STOPPED, 2, 1, 4, 2, 0x123025f3 },
    { "wfi", CORE_RV64, { ADD, ADD, RV_WFI, ADD }, 2, 1000, CORE_SLEEP, 3, 3, 12, NONE, 0 },
    { "wfi as the last of the budget", CORE_RV64, { ADD, ADD, RV_WFI, ADD }, 2, 3, CORE_SLEEP, 3, 3, 12, NONE, 0 },
    { "lw 0x40", CORE_RV64, { ADD, 0x04002583, ADD }, 1, 1000, CORE_STOPPED, 2, 1, 4, 5, 0x40 },
    { "sw 0x40", CORE_RV64, { ADD, 0x04a02023, ADD }, 1, 1000, CORE_STOPPED, 2, 1, 4, 7, 0x40 },
    { "jump to 0x40", CORE_RV64, { ADD, 0x04000067, ADD }, 1, 1000, CORE_STOPPED, 2, 2, 0, 1, 0x40 },
    { "misaligned lr", CORE_RV64, { ADD, 0x00158593, 0x1005a5af }, 2, 1000, CORE_STOPPED, 3, 2, 8, 4, 1 },
    { "misaligned amo", CORE_RV64, { ADD, 0x00158593, 0x00a5a62f }, 2, 1000, CORE_STOPPED, 3, 2, 8, 6, 1 },
    { "misaligned sc", CORE_RV64, { ADD, 0x00258593, 0x1005a62f | 3 << 27 }, 2, 1000, CORE_STOPPED, 3, 2, 8, NONE, 0 },
    { "lr nowhere", CORE_RV64, { ADD, 0x1000262f }, 1, 1000, CORE_STOPPED, 2, 1, 4, 5, 0 },
    { "amo nowhere", CORE_RV64, { ADD, 0x00a0262f }, 1, 1000, CORE_STOPPED, 2, 1, 4, 7, 0 },
    { "misaligned ld nowhere", CORE_RV64, { ADD, 0x04103583 }, 1, 1000, CORE_STOPPED, 2, 1, 4, 5, 0x41 },
    { "c.ebreak", CORE_RV64, { ADD, 0x90029002 }, 1, 1000, CORE_STOPPED, 2, 1, 4, 3, 0x80000004 },
    { "c.illegal", CORE_RV64, { ADD, 0 }, 1, 1000, CORE_STOPPED, 2, 1, 4, 2, 0 },
    { "budget inside a block", CORE_CORTEX_M4, { T_ADD, T_ADD, T_ADD, T_ADD, 0xe7fa }, 0, 12, CORE_BUDGET, 12, 12, 4, NONE, 0 },
    { "udf", CORE_CORTEX_M4, { T_ADD, T_ADD, T_ADD, 0xde07, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNDEFINED, 0xde073001 },
    { "bkpt", CORE_CORTEX_M4, { T_ADD, T_ADD, T_ADD, 0xbeab, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_BKPT, 0xab },
    { "svc", CORE_CORTEX_M4, { T_ADD, T_ADD, T_ADD, 0xdf05, T_ADD }, 3, 1000, CORE_STOPPED, 4, 4, 8, CORE_M4_SVC, 0 },
    { "svc inside IT", CORE_CORTEX_M4, { 0x4280 /* cmp r0, r0 */, 0xbf04 /* itt eq */, T_ADD, 0xdf05, T_ADD }, 3, 1000, CORE_STOPPED, 4, 4, 8, CORE_M4_SVC, 0 },
    { "wfi", CORE_CORTEX_M4, { T_ADD, T_ADD, T_WFI, T_ADD }, 2, 1000, CORE_SLEEP, 3, 3, 6, NONE, 0 },
    { "wfi, wide", CORE_CORTEX_M4, { T_ADD, T_ADD, 0xf3af, 0x8003, T_ADD }, 2, 1000, CORE_SLEEP, 3, 3, 8, NONE, 0 },
    { "wfe", CORE_CORTEX_M4, { T_ADD, T_ADD, T_WFE, T_ADD }, 2, 1000, CORE_SLEEP_EVENT, 3, 3, 6, NONE, 0 },
    { "sev, wfe, wfe", CORE_CORTEX_M4, { T_ADD, T_SEV, T_WFE, T_ADD, T_WFE, T_ADD }, 4, 1000, CORE_SLEEP_EVENT, 5, 5, 10, NONE, 0 },
    { "yield", CORE_CORTEX_M4, { T_ADD, T_YIELD, T_ADD, T_WFI }, 3, 1000, CORE_SLEEP, 4, 4, 8, NONE, 0 },
    { "wfi not executed in IT", CORE_CORTEX_M4, { 0x4280, 0xbf18 /* it ne */, T_WFI, T_ADD, T_WFI }, 4, 1000, CORE_SLEEP, 5, 5, 10, NONE, 0 },
    { "ldr 0x40", CORE_CORTEX_M4, { T_ADD, 0x2140, 0x680a, T_ADD }, 2, 1000, CORE_STOPPED, 3, 2, 4, CORE_M4_BUS_FAULT, 0x40 },
    { "str 0x40 inside IT", CORE_CORTEX_M4, { 0x2140, 0x4280, 0xbf02 /* ittt eq */, T_ADD, 0x600a, T_ADD, T_ADD }, 4, 1000, CORE_STOPPED, 5, 4, 8, CORE_M4_BUS_FAULT, 0x40 },
    { "ldr 0x41", CORE_CORTEX_M4, { T_ADD, 0x2141, 0x680a, T_ADD }, 2, 1000, CORE_STOPPED, 3, 2, 4, CORE_M4_BUS_FAULT, 0x41 },
    { "ldrex 0x41", CORE_CORTEX_M4, { T_ADD, 0x2141, 0xe851, 0x2f00, T_ADD }, 2, 1000, CORE_STOPPED, 3, 2, 4, CORE_M4_UNALIGNED, 0x41 },
    { "ldrex in memory, unaligned", CORE_CORTEX_M4, { T_ADD, 0x4679, 0x3101, 0xe851, 0x2f00, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNALIGNED, 0x20000007 },
    { "mcr p15", CORE_CORTEX_M4, { T_ADD, 0xee07, 0x0f15, T_ADD }, 1, 1000, CORE_STOPPED, 2, 1, 2, CORE_M4_NO_COPROCESSOR, 0 },
    { "bx to an even address", CORE_CORTEX_M4, { T_ADD, 0x2140, 0x4708, T_ADD }, 3, 1000, CORE_STOPPED, 3, 3, 0, CORE_M4_FETCH_FAULT, 0 },
    { "bx to an even address in memory", CORE_CORTEX_M4, { T_ADD, 0x4679 /* mov r1, pc */, 0x4708, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 0, CORE_M4_INVALID_STATE, 0 },
    { "ldrd in memory, unaligned", CORE_CORTEX_M4, { T_ADD, 0x4679, 0x3104, 0xe9d1, 0x2300, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNALIGNED, 0x2000000a },
    { "strd in memory, unaligned", CORE_CORTEX_M4, { T_ADD, 0x4679, 0x3104, 0xe9c1, 0x2300, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNALIGNED, 0x2000000a },
    { "ldm in memory, unaligned", CORE_CORTEX_M4, { T_ADD, 0x4679, 0x3101, 0xc90c, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNALIGNED, 0x20000007 },
    { "stm.w in memory, unaligned", CORE_CORTEX_M4, { T_ADD, 0x4679, 0x3101, 0xe881, 0x000c, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNALIGNED, 0x20000007 },
    { "vldr in memory, unaligned", CORE_CORTEX_M4, { T_ADD, 0x4679, 0x3104, 0xedd1, 0x0a00, T_ADD }, 3, 1000, CORE_STOPPED, 4, 3, 6, CORE_M4_UNALIGNED, 0x2000000a },
    { "bx to 0x41", CORE_CORTEX_M4, { T_ADD, 0x2141, 0x4708, T_ADD }, 3, 1000, CORE_STOPPED, 3, 3, 0, CORE_M4_FETCH_FAULT, 0 },
    { "bx to a device", CORE_CORTEX_M4, { T_ADD, 0xf04f, 0x4180, 0x3101, 0x4708, T_ADD }, 4, 1000, CORE_STOPPED, 4, 4, 0, CORE_M4_EXECUTE_NEVER, 0 },
};

static CoreAccessVerdict refuse(Rig *rig, CoreAccess *access)
{
    (void)rig, (void)access;
    return CORE_ACCESS_FAULT;
}

void edge_cases(int variant, ProofReport *report)
{
    uint64_t step = variant == 0 ? 1000 : (uint64_t)variant;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        const Edge *e = &edges[i];
        Code *code = code_new(0);
        for (int k = 0; k < 8; k++) {
            if (e->kind == CORE_RV64)
                put32(code, e->code[k]);
            else
                put16(code, (uint16_t)e->code[k]);
        }
        Rig *rig = rig_new(e->kind, code);
        rig->on_access = refuse;
        CoreExit exit = CORE_BUDGET;
        for (uint64_t left = e->budget; left && exit == CORE_BUDGET; left -= left < step ? left : step)
            exit = core_run(rig->core, left < step ? left : step);
        uint64_t pc = e->kind == CORE_RV64 && rig->traps ? rig->trap[0].pc : rig_pc(rig);
        bool jumped = e->cause == 1 || e->cause == CORE_M4_FETCH_FAULT || e->cause == CORE_M4_EXECUTE_NEVER || e->cause == CORE_M4_INVALID_STATE;
        EXPECT(report, e->cause != NONE || exit == e->exit, "%s: exit %d", e->name, exit);
        if (!strcmp(e->name, "misaligned sc")) {                // either it fails or it traps
            rig_free(rig);
            code_free(code);
            continue;
        }
        EXPECT(report, core_index(rig->core) == e->index, "%s: index %d", e->name, (int)core_index(rig->core));
        EXPECT(report, core_retired(rig->core) == e->retired, "%s: %d retired", e->name, (int)core_retired(rig->core));
        EXPECT(report, jumped || pc == rig->base + e->pc, "%s: pc %llx", e->name, (unsigned long long)pc);
        EXPECT(report, rig->traps == (e->cause != NONE), "%s: %d traps", e->name, rig->traps);
        if (rig->traps)
            EXPECT(report, rig->trap[0].cause == e->cause && (jumped || rig->trap[0].value == e->value) && rig->trap[0].index == e->index, "%s: cause %llx value %llx index %llu", e->name,
                (unsigned long long)rig->trap[0].cause, (unsigned long long)rig->trap[0].value, (unsigned long long)rig->trap[0].index);
        rig_free(rig);
        code_free(code);
        report->runs++;
    }
}

// ---- loads and stores all over the address space, on both cores, in every size: one access as the guest made it, or a precise fault
void unmapped_everywhere(int variant, ProofReport *report)
{
    static const uint64_t wide[] = { 0, 0x40, 0xff8, 0x0fffffff8, 0x7ffffff8, 0x80010000, 0xffffeff8, 0xfffffff8, 0x123456789abcd0, 0x7ffffffffffffff8, 0x8000000000000000, 0xffffffff80000000,
        0xffffffffffffeff8, 0xfffffffffffffff8 };
    static const uint32_t narrow[] = { 0, 0x40, 0x1ffffff8, 0x20010000, 0x3ffffff8, 0x40000000, 0xdffffff8, 0xe000e100, 0xffffeff8, 0xfffff000, 0xfffffff8 };
    bool rv = variant == 0;
    for (size_t i = 0; i < (rv ? sizeof wide / 8 : sizeof narrow / 4); i++) {
        uint64_t address = rv ? wide[i] : narrow[i];
        for (int form = 0; form < (rv ? 11 : 6); form++) {
            static const uint16_t thumb[] = { LDRB_W, LDRH_W, LDR_W, STRB_W, STRH_W, STR_W };
            bool store = rv ? form >= 7 : form >= 3;
            int size = rv ? 1 << (store ? form - 7 : form & 3) : 1 << form % 3;
            Code *code = code_new(0);
            if (rv) {
                put32(code, ADD);
                put32(code, store ? rv_store(form - 7, A1, A2, 0) : rv_load(form, A1, A2, 0));
                put32(code, ADD), put32(code, ADD);
            } else {
                put16(code, T_ADD);
                t_memory(code, thumb[form], 1, 2, 0);
                put16(code, T_ADD), put16(code, T_ADD);
            }
            Rig *rig = rig_new(rv ? CORE_RV64 : CORE_CORTEX_M4, code);
            for (int fault = 0; fault < 2 && !report->failed; fault++) {
                rig_reset(rig);
                rig->on_access = fault ? refuse : NULL;
                if (rv)
                    rig_x(rig)[A1] = 0x1122334455667788, rig_x(rig)[A2] = address;
                else
                    rig_r(rig)[1] = 0x55667788, rig_r(rig)[2] = (uint32_t)address;
                core_run(rig->core, fault ? 1000 : 3);
                CoreAccess *a = &rig->access[0];
                uint64_t value = store ? 0x1122334455667788 & (size == 8 ? ~0ull : (1ull << 8 * size) - 1) : 1;
                EXPECT(report, rig->accesses == 1 && a->address == address && a->size == size && a->is_store == store && a->index == 1 && a->pc == rig->base + (rv ? 4 : 2) && a->privileged,
                    "%llx form %d: %d accesses, %llx size %d", (unsigned long long)address, form, rig->accesses, (unsigned long long)a->address, a->size);
                EXPECT(report, a->value == value, "%llx form %d: value %llx", (unsigned long long)address, form, (unsigned long long)a->value);
                EXPECT(report, fault || store || (rv ? rig_x(rig)[A1] : rig_r(rig)[1]) == 1, "the load's answer");
                EXPECT(report, fault || core_index(rig->core) == 3, "index");
                EXPECT(report, !fault || (rig->traps == 1 && rig->trap[0].cause == (rv ? (store ? 7u : 5u) : (unsigned)CORE_M4_BUS_FAULT) && rig->trap[0].value == address
                    && rig->trap[0].pc == rig->base + (rv ? 4 : 2) && rig->trap[0].index == 2), "%llx form %d: fault %llx at %llx", (unsigned long long)address, form,
                    (unsigned long long)rig->trap[0].cause, (unsigned long long)rig->trap[0].value);
                report->runs++;
            }
            rig_free(rig);
            code_free(code);
        }
    }
}

// ---- accesses that begin in memory and end outside, both ways; stores to read-only memory
void torn_and_read_only(int variant, ProofReport *report)
{
    bool rv = variant % 2 == 0;
    CoreKind kind = rv ? CORE_RV64 : CORE_CORTEX_M4;
    CoreMemory *flash = core_memory_new(4096), *ram = core_memory_new(4096);
    uint64_t base = ram_base(kind);
    CoreRegion regions[] = { { flash, base, false }, { ram, base + 4096, true } };
    Rig *rig = calloc(1, sizeof *rig);
    rig->base = base;
    rig->core = core_open(kind, 3, regions, 2);
    Code *code = code_new(base);
    for (int i = 0; i < 4; i++) {
        if (rv)
            put32(code, i == 1 ? (variant & 4 ? rv_store(variant & 2 ? 3 : 2, A1, A2, 0) : rv_load(variant & 2 ? 3 : 2, A1, A2, 0)) : (uint32_t)ADD);
        else if (i == 1)
            t_memory(code, variant & 4 ? STR_W : LDR_W, 1, 2, 0);
        else
            put16(code, T_ADD);
    }
    memcpy(core_memory_bytes(flash), code->bytes, code->size);
    struct { uint64_t address; bool faults; uint64_t at; } tries[] = {
        { base + 8192 - 2, true, base + 8192 }, { base + 8192 - 4, variant & 2 && rv, base + 8192 }, { base - 2, true, base - 2 }, { base + 4096 - 2, variant & 4, base + 4096 - 2 },
        { base + 4096 + 100, false, 0 }, { base + 64, variant & 4, base + 64 }, { base + 1024 - 2, variant & 4, base + 1024 - 2 }, { base + 4096 + 1024 - 2, false, 0 } };
    for (size_t i = 0; i < sizeof tries / sizeof *tries && !report->failed; i++) {
        rig_reset(rig);
        rig->on_access = refuse;
        if (rv)
            rig_x(rig)[A2] = tries[i].address;
        else
            rig_r(rig)[2] = (uint32_t)tries[i].address;
        CoreExit exit = core_run(rig->core, 3);
        EXPECT(report, exit == (tries[i].faults ? CORE_STOPPED : CORE_BUDGET), "%llx: exit %d: %s", (unsigned long long)tries[i].address, exit, core_failure(rig->core));
        if (tries[i].faults)
            EXPECT(report, rig->traps == 1 && rig->trap[0].index == 2 && rig->trap[0].value == tries[i].at && rig->trap[0].pc == base + (rv ? 4 : 2), "%llx: value %llx, pc %llx", (unsigned long long)tries[i].address,
                (unsigned long long)rig->trap[0].value, (unsigned long long)rig->trap[0].pc);
        report->runs++;
    }
    if (rv) {                                   // an SC that nothing is reserved for
        uint32_t sc = rv_amo(AMO_SC, variant & 2 ? 3 : 2, A1, A2, A0);
        memcpy(core_memory_bytes(flash) + 4, &sc, 4);
        core_memory_written(flash, 0, 4096);
        rig_reset(rig);
        rig_x(rig)[A2] = base + 64;
        core_run(rig->core, 3);
        EXPECT(report, rig->traps == 1 && rig->trap[0].cause == 7 && rig->trap[0].value == base + 64, "SC: %d traps, cause %d", rig->traps, (int)rig->trap[0].cause);
    }
    core_close(rig->core);
    free(rig);
    core_memory_free(flash);
    core_memory_free(ram);
    code_free(code);
}

// ---- RV64 fetch faults at the end of memory: the instruction before has run, mtval is the half that is missing
void fetch_faults(int variant, ProofReport *report)
{
    (void)variant;
    Code *code = code_new(0);
    put32(code, ADD);
    Rig *rig = rig_new(CORE_RV64, code);
    for (uint32_t at = RIG_RAM - 16; at < RIG_RAM; at += 2)
        AT(uint16_t, rig->ram, at) = at == RIG_RAM - 2 ? 0x0513 : 0x0505;      // c.addi a0, 1; half of an addi
    for (uint64_t step = 1; step < 30; step += 28) {
        rig_reset(rig);
        rig_x(rig)[CORE_RV64_PC] = rig->base + RIG_RAM - 16;
        rig_x(rig)[CORE_RV64_MTVEC] = rig->base;
        for (int i = 0; i < 30 && !rig->traps; i++)
            core_run(rig->core, step);
        EXPECT(report, rig->traps == 1 && rig->trap[0].cause == 1 && rig->trap[0].pc == rig->base + RIG_RAM - 2 && rig->trap[0].value == rig->base + RIG_RAM && rig->trap[0].index == 7,
            "cause %d pc %llx value %llx index %d", (int)rig->trap[0].cause, (unsigned long long)rig->trap[0].pc, (unsigned long long)rig->trap[0].value, (int)rig->trap[0].index);
        EXPECT(report, rig_x(rig)[A0] == 7 && core_retired(rig->core) == 7, "the ones before");
    }
    rig_free(rig);
    code_free(code);
}
