// core_reset: a Core that has seen the worst is as good as new.
#include "proofs.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

static void every_csr(Core *core, uint64_t *value)
{
    for (unsigned csr = 0; csr < 4096; csr++)
        value[csr] = core_rv64_csr(core, csr, &value[csr]) ? value[csr] : 0xdead;
}

static CoreAccessVerdict raise_lines(Rig *rig, CoreAccess *access)
{
    (void)access;
    if (rig->core->kind == CORE_RV64)
        core_rv64_set_mip(rig->core, ~0ull, 0xaaa);
    else
        core_m4_set_pending(rig->core, true, true);
    return CORE_ACCESS_DONE;
}

static void soil_rv64(Rig *rig)                 // FP flags and rounding, PMP, paging, a reservation, delegation, counters, pending lines
{
    static const struct { unsigned csr; uint64_t value; } writes[] = { { 0x300, 0x6000 | 1 << 17 | 0x18aa }, { 3, 0xff }, { 0x3b0, 0x3ffffff }, { 0x3a0, 0x9f }, { 0x302, ~0ull }, { 0x303, ~0ull }, { 0x304, ~0ull },
        { 0x306, ~0ull }, { 0x106, ~0ull }, { 0x105, 0x80000101 }, { 0x140, 5 }, { 0x141, 6 }, { 0x142, 7 }, { 0x143, 8 }, { 0x340, 9 }, { 0xb00, 10 }, { 0xb02, 11 }, { 0x344, 0x222 }, { 0x180, 8ull << 60 | 0x80008 } };
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        core_rv64_set_csr(rig->core, writes[i].csr, writes[i].value);
    for (int i = 1; i < 64; i++)
        rig_x(rig)[i] = 0x1234567800000000 + (uint64_t)i;
    rig_x(rig)[A2] = rig->base + 0x1000;
    rig_x(rig)[A3] = 0x40;
    core_run(rig->core, 2);                     // lr.w, lw from a device that raises every line
    rig_x(rig)[CORE_RV64_PRIV] = 0;
    core_run(rig->core, 3);
}

static void soil_m4(Rig *rig)
{
    CoreM4 state;
    core_m4_get(rig->core, &state);
    for (int i = 0; i < 15; i++)
        state.r[i] = 0x1000u + (uint32_t)i;
    state.r[2] = (uint32_t)rig->base + 0x1000;
    state.psp = (uint32_t)rig->base + 0x800;
    state.control = 7;
    state.primask = 1, state.faultmask = 1, state.basepri = 0x40;
    state.xpsr |= 0xf80f0000;
    core_m4_set(rig->core, &state);
    core_m4_set_fpscr(rig->core, 0x03c0009f);
    for (int i = 0; i < 32; i++)
        core_m4_s(rig->core)[i] = 0x3f800000u + (uint32_t)i;
    core_m4_set_event(rig->core, true);
    core_run(rig->core, 2);
    state.xpsr = (state.xpsr & ~0xffu) | 11;
    core_m4_set(rig->core, &state);
    core_m4_set_pending(rig->core, true, true);
    core_m4_set_fp(rig->core, 1, true, true, 0xffffffff);
}

void reset_is_new(int variant, ProofReport *report)
{
    CoreKind kind = variant % 2 ? CORE_CORTEX_M4 : CORE_RV64;
    Code *code = code_new(0);
    if (kind == CORE_RV64) {
        put32(code, rv_amo(AMO_LR, 2, A0, A2, 0)), put32(code, rv_load(2, A1, A3, 0));
        for (int i = 0; i < 6; i++)
            put32(code, rv_addi(A0, A0, 1));
    } else {
        t_ldrex(code, 0, 2, 0);
        for (int i = 0; i < 6; i++)
            put16(code, t_adds(0, 1));
    }
    Rig *new = rig_new(kind, code), *used = rig_new(kind, code);
    used->on_access = raise_lines;
    used->on_trap = NULL;
    if (kind == CORE_RV64)
        soil_rv64(used);
    else
        soil_m4(used);
    rig_reset(used);
    EXPECT(report, !memcmp(new->core->env, used->core->env, kind == CORE_RV64 ? 94 * 8 : 64), "registers");
    EXPECT(report, core_index(used->core) == 0 && core_retired(used->core) == 0 && core_flow(used->core) == 0 && !core_failure(used->core)[0], "index, retired, flow");
    for (int i = 0; i < 64; i++)
        EXPECT(report, core_trap_counts(used->core)[i] == 0, "trap counts");
    if (kind == CORE_RV64) {
        uint64_t *a = calloc(8192, 8), *b = a + 4096;
        every_csr(new->core, a);
        every_csr(used->core, b);
        for (int i = 0; i < 4096; i++)
            EXPECT(report, a[i] == b[i], "CSR %x is %llx, not %llx", i, (unsigned long long)b[i], (unsigned long long)a[i]);
        free(a);
        EXPECT(report, core_rv64_mip(used->core) == 0, "mip");
        AT(uint32_t, used->ram, 0) = rv_amo(AMO_SC, 2, A0, A2, A1);             // SC without a reservation must fail
        core_memory_written(used->memory, 0, 4);
        rig_x(used)[A2] = used->base + 0x1000;
        core_run(used->core, 1);
        EXPECT(report, rig_x(used)[A0] == 1 && used->traps == 0, "the reservation");
    } else {
        CoreM4 a, b;
        core_m4_get(new->core, &a);
        core_m4_get(used->core, &b);
        EXPECT(report, !memcmp(&a, &b, sizeof a), "state");
        EXPECT(report, core_m4_fpscr(new->core) == core_m4_fpscr(used->core) && !memcmp(core_m4_s(new->core), core_m4_s(used->core), 128), "FP");
        EXPECT(report, !core_m4_event(used->core), "event");
        Code *again = code_new(0);
        t_strex(again, 0, 1, 2, 0);
        memcpy(used->ram, again->bytes, 4);
        core_memory_written(used->memory, 0, 4);
        rig_r(used)[2] = (uint32_t)used->base + 0x1000;
        core_run(used->core, 1);
        EXPECT(report, rig_r(used)[0] == 1 && used->asked == 0, "the exclusive monitor, or a pending interrupt");
        code_free(again);
    }
    rig_free(new);
    rig_free(used);
    code_free(code);
    // and one after another, on the same Core, in the middle of whatever the one before was doing
    unsigned with = WITH_PATCHES | WITH_HOST_PATCHES | WITH_INTERRUPTS | WITH_FAULTS | WITH_DMA;
    CoreMemory *memory = core_memory_new(RAM_SIZE);
    Core *core = core_open(kind, 0, &(CoreRegion){ memory, ram_base(kind), true }, 1);
    for (uint64_t i = 0; i < 6 && !report->failed; i++) {
        uint64_t seed = (uint64_t)variant * 10 + i + 500;
        Guest *guest = kind == CORE_CORTEX_M4 ? random_m4(seed, with, 3000) : i % 2 ? random_privileged(seed, 3000) : random_rv64(seed, with, 3000);
        Trace *trace = reference_run(guest);
        report->instructions += trace->attempts;
        subject_run(guest, trace, (Policy){ .max_slice = 100, .storm = true, .overflows = i & 1, .seed = i }, core, memory, report);
        subject_run(guest, trace, (Policy){ .max_slice = 0, .stop_at = 700 + i }, core, memory, report);
        trace_free(trace);
        guest_free(guest);
    }
    core_close(core);
    core_memory_free(memory);
}
