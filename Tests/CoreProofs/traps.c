// What a host may answer to a trap, what it may do inside, and traps that lead nowhere.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { ADD = 0x00150513, T_ADD = 0x3001, MTVEC_AT = 0x800 };

static CoreAccessVerdict refuse(Rig *rig, CoreAccess *access)
{
    (void)rig, (void)access;
    return CORE_ACCESS_FAULT;
}

static CoreTrapVerdict skip_four(Rig *rig, const CoreTrap *trap)
{
    rig_x(rig)[CORE_RV64_PC] = trap->pc + 4;
    return CORE_TRAP_RESUME;
}

static CoreTrapVerdict mend_and_retry(Rig *rig, const CoreTrap *trap)   // several times, before it mends
{
    if (rig->traps < 4)
        return CORE_TRAP_RETRY;
    uint64_t at = trap->pc - rig->base;
    if (rig->core->kind == CORE_RV64)
        AT(uint32_t, rig->ram, at) = ADD;
    else
        AT(uint16_t, rig->ram, at) = T_ADD;
    core_memory_written(rig->memory, at, 4);
    return CORE_TRAP_RETRY;
}

static CoreTrapVerdict deliver(Rig *rig, const CoreTrap *trap)
{
    (void)rig, (void)trap;
    return CORE_TRAP_DELIVER;
}

static CoreTrapVerdict stop_and_deliver(Rig *rig, const CoreTrap *trap)
{
    (void)trap;
    core_stop(rig->core);
    return CORE_TRAP_DELIVER;
}

static CoreTrapVerdict cut_and_deliver(Rig *rig, const CoreTrap *trap)
{
    (void)trap;
    core_cut(rig->core, 0);
    return CORE_TRAP_DELIVER;
}

static CoreTrapVerdict raise_and_deliver(Rig *rig, const CoreTrap *trap)
{
    if (trap->cause == 11)
        core_rv64_set_mip(rig->core, 0x80, 0x80);
    return CORE_TRAP_DELIVER;
}

void trap_verdicts(int variant, ProofReport *report)
{
    uint64_t step = variant ? (uint64_t)variant : 1000;
    uint32_t odd[] = { RV_ECALL, RV_EBREAK, 0xffffffff, 0x0000b503 /* ld a0, 0(x1) */ };
    for (int i = 0; i < 4; i++) {
        Code *code = code_new(0);
        put32(code, ADD), put32(code, odd[i]), put32(code, ADD), put32(code, RV_WFI);
        Rig *rig = rig_new(CORE_RV64, code);
#define RUN() do { CoreExit e_; for (int k_ = 0; k_ < 100; k_++) { e_ = core_run(rig->core, step); if (e_ != CORE_BUDGET) break; } exit = e_; } while (0)
        CoreExit exit = CORE_BUDGET;
        rig->on_access = refuse;
        rig->on_trap = skip_four;
        RUN();
        EXPECT(report, exit == CORE_SLEEP && core_index(rig->core) == 4 && core_retired(rig->core) == 4 && rig_x(rig)[A0] == 2 && rig->traps == 1, "resume %d: exit %d index %d", i, exit, (int)core_index(rig->core));
        rig_reset(rig);
        rig->on_trap = mend_and_retry;
        RUN();
        EXPECT(report, exit == CORE_SLEEP && core_index(rig->core) == 4 && core_retired(rig->core) == 4 && rig_x(rig)[A0] == 3 && rig->traps == 4, "retry %d: exit %d index %d, %d traps", i, exit,
            (int)core_index(rig->core), rig->traps);
        AT(uint32_t, rig->ram, 4) = odd[i];
        AT(uint32_t, rig->ram, MTVEC_AT) = 0x34102673;          // csrr a2, mepc; csrr a3, mcause; addi a2, a2, 4; csrw mepc, a2; mret
        AT(uint32_t, rig->ram, MTVEC_AT + 4) = 0x342026f3;
        AT(uint32_t, rig->ram, MTVEC_AT + 8) = 0x00460613;
        AT(uint32_t, rig->ram, MTVEC_AT + 12) = 0x34161073;
        AT(uint32_t, rig->ram, MTVEC_AT + 16) = RV_MRET;
        core_memory_written(rig->memory, 0, RIG_RAM);
        for (int how = 0; how < 3; how++) {
            rig_reset(rig);
            exit = CORE_BUDGET;
            rig_x(rig)[CORE_RV64_MTVEC] = rig->base + MTVEC_AT;
            rig->on_trap = how == 0 ? deliver : how == 1 ? stop_and_deliver : cut_and_deliver;
            for (int k = 0; k < 100 && exit != CORE_STOPPED && !rig->traps; k++)
                exit = core_run(rig->core, step);
            while (how == 0 && exit != CORE_SLEEP)
                exit = core_run(rig->core, step);
            if (how == 1)
                EXPECT(report, exit == CORE_STOPPED, "stop in the trap callback: exit %d", exit);
            if (how)
                EXPECT(report, core_index(rig->core) == 2 && rig_pc(rig) == rig->base + MTVEC_AT, "before the handler's first: index %d pc %llx", (int)core_index(rig->core), (unsigned long long)rig_pc(rig));
            for (int k = 0; k < 100 && exit != CORE_SLEEP; k++)
                exit = core_run(rig->core, step);
            EXPECT(report, exit == CORE_SLEEP && core_index(rig->core) == 9 && core_retired(rig->core) == 8 && rig_x(rig)[A0] == 2, "deliver %d: exit %d index %d retired %d a0 %d", i, exit, (int)core_index(rig->core),
                (int)core_retired(rig->core), (int)rig_x(rig)[A0]);
        }
        if (odd[i] == RV_ECALL) {                               // a line raised in the trap's callback waits for the handler's mret
            rig_reset(rig);
            rig_x(rig)[CORE_RV64_MTVEC] = rig->base + MTVEC_AT;
            rig_x(rig)[CORE_RV64_MIE] = 0x80;
            rig_x(rig)[CORE_RV64_MSTATUS] |= 8;
            rig->on_trap = raise_and_deliver;
            core_run(rig->core, 7);
            EXPECT(report, rig->interrupts == 1 && rig->trap[1].index == 7 && rig->trap[1].pc == rig->base + 8, "%d interrupts, index %d pc %llx", rig->interrupts, (int)rig->trap[1].index, (unsigned long long)rig->trap[1].pc);
        }
        rig_free(rig);
        code_free(code);
        report->runs += 5;
    }
    // Cortex-M4: RETRY of what the library reports in different ways
    uint16_t thumb[] = { 0xde01, 0xbe01, 0x6808 /* ldr r0, [r1] */ };
    for (int i = 0; i < 3; i++) {
        Code *code = code_new(0);
        put16(code, T_ADD), put16(code, thumb[i]), put16(code, T_ADD), put16(code, T_WFI);
        Rig *rig = rig_new(CORE_CORTEX_M4, code);
        CoreExit exit = CORE_BUDGET;
        rig->on_access = refuse;
        rig->on_trap = mend_and_retry;
        RUN();
        EXPECT(report, exit == CORE_SLEEP && core_index(rig->core) == 4 && core_retired(rig->core) == 4 && rig_r(rig)[0] == 3 && rig->traps == 4, "M4 retry %d: exit %d index %d, %d traps", i, exit,
            (int)core_index(rig->core), rig->traps);
        rig_free(rig);
        code_free(code);
        report->runs++;
    }
}

// ---- a trap handler that cannot even begin ends the run; one that can, never does
void trap_loops(int variant, ProofReport *report)
{
    uint64_t step = variant ? (uint64_t)variant : 1000;
    Code *code = code_new(0);
    put32(code, ADD), put32(code, RV_ECALL), put32(code, ADD), put32(code, RV_WFI);
    Rig *rig = rig_new(CORE_RV64, code);
    AT(uint32_t, rig->ram, MTVEC_AT) = 0xffffffff;
    for (int how = 0; how < 4; how++) {
        rig_reset(rig);
        rig->on_trap = deliver;
        rig_x(rig)[CORE_RV64_MTVEC] = how == 0 ? 0x40 : rig->base + MTVEC_AT;  // no memory; an illegal instruction
        if (how == 2) {                         // an interrupt whose handler is illegal
            rig_x(rig)[CORE_RV64_MIE] = 0x80;
            rig_x(rig)[CORE_RV64_MSTATUS] |= 8;
            core_rv64_set_mip(rig->core, 0x80, 0x80);
        }
        if (how == 3) {                         // S mode's own handler
            rig_x(rig)[CORE_RV64_PRIV] = 1;
            rig_x(rig)[CORE_RV64_MEDELEG] = 0xb304;
            rig_x(rig)[CORE_RV64_STVEC] = rig->base + MTVEC_AT;
            uint64_t all = ~0ull, open = 31;
            core_rv64_set_csr(rig->core, 0x3b0, all);
            core_rv64_set_csr(rig->core, 0x3a0, open);
        }
        CoreExit exit = CORE_BUDGET;
        for (int k = 0; k < 50 && exit == CORE_BUDGET; k++)
            exit = core_run(rig->core, step);
        EXPECT(report, exit == CORE_TRAP_LOOP, "loop %d: exit %d, %d traps", how, exit, rig->traps);
        EXPECT(report, core_index(rig->core) < 6, "loop %d: index %d", how, (int)core_index(rig->core));
        EXPECT(report, core_run(rig->core, 100) == CORE_TRAP_LOOP, "it stays one");
        report->runs++;
    }
    rig_free(rig);
    code_free(code);
    code = code_new(0);                         // an illegal instruction for ever, but its handler works
    put32(code, 0xffffffff);
    rig = rig_new(CORE_RV64, code);
    AT(uint32_t, rig->ram, MTVEC_AT) = RV_MRET;
    rig_x(rig)[CORE_RV64_MTVEC] = rig->base + MTVEC_AT;
    rig->on_trap = deliver;
    for (int i = 0; i < 100; i++)
        EXPECT(report, core_run(rig->core, step) == CORE_BUDGET, "no loop");
    rig_free(rig);
    code_free(code);
}

// ---- a block that ends in an illegal instruction goes when that is overwritten
void patched_illegal(int variant, ProofReport *report)
{
    uint32_t illegal = variant % 2 ? 0xffff0000 : 0xffffffff;   // 2 bytes, 4 bytes
    Code *code = code_new(0);
    for (int i = 0; i < 4; i++)
        put32(code, i == 2 ? illegal : (uint32_t)ADD);
    put32(code, RV_WFI);
    put32(code, 0x00552423);                    // at 20: sw t0, 8(a0)
    put32(code, RV_WFI);
    Rig *rig = rig_new(CORE_RV64, code);
    for (int how = 0; how < 2; how++) {
        core_run(rig->core, 10);
        EXPECT(report, rig->traps == 1 && rig->trap[0].index == 3, "%d traps", rig->traps);
        rig_reset(rig);
        if (how) {                              // the guest's store
            rig_x(rig)[CORE_RV64_PC] = rig->base + 20;
            rig_x(rig)[A0] = rig->base;
            rig_x(rig)[T0] = ADD;
            core_run(rig->core, 10);
        } else {
            AT(uint32_t, rig->ram, 8) = ADD;
            core_memory_written(rig->memory, 8, 4);
        }
        rig_reset(rig);
        EXPECT(report, core_run(rig->core, 10) == CORE_SLEEP && rig->traps == 0 && rig_x(rig)[A0] == 4, "still illegal: %d traps, a0 %d", rig->traps, (int)rig_x(rig)[A0]);
        AT(uint32_t, rig->ram, 8) = illegal;
        core_memory_written(rig->memory, 8, 4);
        rig_reset(rig);
    }
    rig_free(rig);
    code_free(code);
}
