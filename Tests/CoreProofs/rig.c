#include "rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CoreAccessVerdict on_access(void *context, CoreAccess *access)
{
    Rig *rig = context;
    CoreAccessVerdict verdict = CORE_ACCESS_DONE;
    if (!access->is_store)
        access->value = (uint64_t)rig->accesses + 1;
    if (rig->on_access)
        verdict = rig->on_access(rig, access);
    if (rig->accesses < RIG_LOG)
        rig->access[rig->accesses++] = *access;
    return verdict;
}

static CoreTrapVerdict on_trap(void *context, const CoreTrap *trap)
{
    Rig *rig = context;
    if (trap->cause >> 63)
        rig->interrupts++;
    if (rig->traps < RIG_LOG)
        rig->trap[rig->traps++] = *trap;
    if (rig->on_trap)
        return rig->on_trap(rig, trap);
    core_stop(rig->core);
    return CORE_TRAP_DELIVER;
}

static void on_interrupt(void *context)
{
    Rig *rig = context;
    if (rig->asked < RIG_LOG)
        rig->asked_at[rig->asked] = core_index(rig->core);
    rig->asked++;
    if (rig->on_interrupt)
        rig->on_interrupt(rig);
}

void rig_reset(Rig *rig)
{
    core_reset(rig->core, (CoreHost){ on_access, on_trap, on_interrupt }, rig);
    rig->accesses = rig->traps = rig->interrupts = rig->asked = 0;
    if (rig->core->kind == CORE_RV64) {
        rig_x(rig)[CORE_RV64_PC] = rig->base;
        core_rv64_watch(rig->core, ~0ull, true);
        return;
    }
    CoreM4 state;
    core_m4_get(rig->core, &state);
    state.r[15] = (uint32_t)rig->base;
    state.msp = (uint32_t)rig->base + RIG_RAM;
    state.xpsr |= 1 << 24;
    core_m4_set(rig->core, &state);
    core_m4_set_fp(rig->core, 3, true, false, 0);
}

Rig *rig_new(CoreKind kind, const Code *code)
{
    Rig *rig = calloc(1, sizeof *rig);
    rig->base = ram_base(kind);
    rig->memory = core_memory_new(RIG_RAM);
    rig->ram = core_memory_bytes(rig->memory);
    rig->core = core_open(kind, 0, &(CoreRegion){ rig->memory, rig->base, true }, 1);
    memcpy(rig->ram, code->bytes, code->size);
    rig_reset(rig);
    return rig;
}

void rig_free(Rig *rig)
{
    core_close(rig->core);
    core_memory_free(rig->memory);
    free(rig);
}

Rig *rig_bench(void)
{
    Code *code = code_new(ram_base(CORE_RV64));
    put32(code, RV_NOP), put32(code, RV_WFI);
    Rig *rig = rig_new(CORE_RV64, code);
    code_free(code);
    return rig;
}

CoreExit rig_one(Rig *rig, uint64_t privilege, uint32_t word, uint64_t status)
{
    enum { FS = 3 << 13 };
    const uint64_t sd = 1ull << 63;
    const uint32_t first = RV_NOP, last = RV_WFI;
    int length = (word & 3) == 3 ? 4 : 2;
    uint8_t code[12] = { 0 };
    memcpy(code, &first, 4);
    memcpy(code + 4, &word, 4);
    memcpy(code + 4 + length, &last, 4);
    if (memcmp(rig->ram, code, sizeof code)) {
        memcpy(rig->ram, code, sizeof code);
        core_memory_written(rig->memory, 0, sizeof code);
    }
    rig->traps = rig->accesses = 0;
    rig_x(rig)[CORE_RV64_PC] = rig->base;
    rig_x(rig)[CORE_RV64_PRIV] = privilege;
    rig_x(rig)[CORE_RV64_MSTATUS] = (rig_x(rig)[CORE_RV64_MSTATUS] & ~(FS | sd)) | status;
    return core_run(rig->core, privilege == 0 && word != RV_WFI ? 2 : 3);       // in U mode a wfi would trap
}

uint64_t rig_pc(const Rig *rig)
{
    return rig->core->kind == CORE_RV64 ? rig_x(rig)[CORE_RV64_PC] : rig_r(rig)[15];
}

void wrong_at(ProofReport *report, const char *condition, const char *file, int line)
{
    size_t used = strlen(report->text);
    if (!strstr(report->text, " [not "))
        snprintf(report->text + used, sizeof report->text - used, " [not %s, %s:%d]", condition, file, line);
}
