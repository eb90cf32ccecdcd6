// The counters of RV64 as the guest and the host read them, and runs of odd lengths.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { CYCLE = 0xc00, TIME, INSTRET, MCYCLE = 0xb00, MINSTRET = 0xb02 };

static CoreAccessVerdict read_in_access(Rig *rig, CoreAccess *access)
{
    uint64_t value = 0;
    core_rv64_csr(rig->core, MCYCLE, &value);
    access->value = value;
    return CORE_ACCESS_DONE;
}

static CoreTrapVerdict deliver(Rig *rig, const CoreTrap *trap)
{
    (void)rig, (void)trap;
    return CORE_TRAP_DELIVER;
}

void counters(int variant, ProofReport *report)
{
    uint64_t step = variant ? (uint64_t)variant : 1000;
    Code *code = code_new(ram_base(CORE_RV64));
    int handler = code_label(code);
    rv_la(code, T0, handler, 0);                                // 0, 1
    put32(code, rv_csrrw(0, 0x305, T0));                        // 2
    put32(code, rv_csrrs(A0, CYCLE, 0));                        // 3
    put32(code, rv_csrrs(A1, INSTRET, 0));                      // 4
    put32(code, RV_ECALL);                                      // 5, the handler is 6 to 8, and 5 does not retire
    put32(code, rv_csrrs(A2, CYCLE, 0));                        // 10
    put32(code, rv_csrrs(A3, INSTRET, 0));                      // 11
    put32(code, rv_csrrs(A4, TIME, 0));                         // 12
    put32(code, rv_addi(T1, 0, 1000));                          // 13
    put32(code, rv_csrrw(0, MCYCLE, T1));                       // 14
    put32(code, rv_csrrs(A5, MCYCLE, 0));                       // 15
    put32(code, rv_csrrw(0, MINSTRET, T1));                     // 16
    put32(code, rv_csrrs(A6, MINSTRET, 0));                     // 17
    put32(code, rv_csrrs(A7, INSTRET, 0));                      // 18
    put32(code, rv_load(3, S2, 0, 0x40));                       // 19: the host reads mcycle in there
    put32(code, rv_csrrw(S3, MCYCLE, T1));                      // 20: the old value
    put32(code, rv_csrrs(S4, CYCLE, 0));                        // 21
    for (int i = 0; i < 10; i++)
        put32(code, RV_NOP);
    put32(code, RV_WFI);                                        // 32
    code_bind(code, handler);
    put32(code, rv_csrrs(T1, 0x341, 0));                        // 6
    put32(code, rv_addi(T1, T1, 4));                            // 7
    put32(code, rv_csrrw(0, 0x341, T1));                        // 8
    put32(code, RV_MRET);                                       // 9
    code_finish(code);
    Rig *rig = rig_new(CORE_RV64, code);
    rig->on_access = read_in_access;
    rig->on_trap = deliver;
    core_set_clock(rig->core, 5000, 3, 7, 100);
    CoreExit exit = CORE_BUDGET;
    for (int i = 0; i < 100 && exit == CORE_BUDGET; i++)
        exit = core_run(rig->core, step);
    uint64_t *x = rig_x(rig), value = 0;
    EXPECT(report, exit == CORE_SLEEP && core_index(rig->core) == 33 && core_retired(rig->core) == 32, "exit %d index %d", exit, (int)core_index(rig->core));
    EXPECT(report, x[A0] == 5003 && x[A1] == 4, "cycle %d, instret %d", (int)x[A0], (int)x[A1]);
    EXPECT(report, x[A2] == 5010 && x[A3] == 10 && x[A4] == 5012 * 3 / 7 + 100, "after the trap %d, %d, time %d", (int)x[A2], (int)x[A3], (int)x[A4]);
    EXPECT(report, x[A5] == 1000 && x[A6] == 1000 && x[A7] == 1001, "written %d, %d, %d", (int)x[A5], (int)x[A6], (int)x[A7]);
    EXPECT(report, x[S2] == 1004 && x[S3] == 1005 && x[S4] == 1000, "host %d, old %d, new %d", (int)x[S2], (int)x[S3], (int)x[S4]);
    EXPECT(report, core_rv64_csr(rig->core, CYCLE, &value) && value == 1012, "the host reads cycle %d", (int)value);
    EXPECT(report, core_rv64_set_csr(rig->core, MCYCLE, 77) && core_rv64_csr(rig->core, MCYCLE, &value) && value == 77, "the host writes mcycle, reads %d", (int)value);
    EXPECT(report, !core_rv64_csr(rig->core, 0x123, &value) && !core_rv64_csr(rig->core, 70000, &value), "no such CSR");
    rig_free(rig);
    code_free(code);
}

// ---- far limits: forever is a length, and a cut at the end of time is none
static CoreAccessVerdict cut_far(Rig *rig, CoreAccess *access)
{
    core_cut(rig->core, ~0ull >> rig->accesses);
    if (access->address == 0x48)
        core_stop(rig->core);
    return CORE_ACCESS_DONE;
}

void far_limits(int variant, ProofReport *report)
{
    (void)variant;
    Code *code = code_new(0);
    for (int i = 0; i < 3; i++)
        put32(code, rv_load(2, A0, 0, 0x40 + 4 * i));
    put32(code, RV_NOP);
    Rig *rig = rig_new(CORE_RV64, code);
    rig->on_access = cut_far;
    EXPECT(report, core_run(rig->core, ~0ull) == CORE_STOPPED && core_index(rig->core) == 3 && rig->accesses == 3, "forever: index %llu, %d accesses", (unsigned long long)core_index(rig->core), rig->accesses);
    rig_reset(rig);
    core_run(rig->core, 1);
    EXPECT(report, core_run(rig->core, 1ull << 63) == CORE_STOPPED && core_index(rig->core) == 3, "2^63: index %llu", (unsigned long long)core_index(rig->core));
    rig_free(rig);
    code_free(code);
}
