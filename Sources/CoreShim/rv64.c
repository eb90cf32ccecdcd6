// RV64 traps, interrupts, counters and wfi, as the Privileged Architecture 1.12 has them (3.1.6-3.1.9, 3.1.15, 4.1); the library stops at
// "something happened" and its own interrupt order is lowest bit first.
#include "internal.h"
#include <string.h>

enum { FETCH_MISALIGNED = 0, FETCH_FAULT = 1, ILLEGAL = 2, BREAKPOINT = 3, LOAD_MISALIGNED = 4, LOAD_FAULT = 5, STORE_MISALIGNED = 6, STORE_FAULT = 7,
       ECALL = 8, FETCH_PAGE_FAULT = 12 };
#define INTERRUPT (1ull << 63)

// ---- entering a trap
static void enter(Core *c, uint64_t cause, uint64_t value, uint64_t pc)
{
    uint64_t *w = words_of(c);
    uint64_t status = w[CORE_RV64_MSTATUS];
    uint64_t privilege = w[CORE_RV64_PRIV] & 3;
    uint64_t code = cause & 63;
    uint64_t delegated = cause & INTERRUPT ? w[CORE_RV64_MIDELEG] : w[CORE_RV64_MEDELEG];
    uint64_t vector;
    if (privilege <= 1 && delegated >> code & 1) {
        status = (status & ~(uint64_t)(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE)) | (status & MSTATUS_SIE ? MSTATUS_SPIE : 0) | (privilege ? MSTATUS_SPP : 0);
        w[CORE_RV64_SCAUSE] = cause;
        w[CORE_RV64_SEPC] = pc;
        w[CORE_RV64_STVAL] = value;
        vector = w[CORE_RV64_STVEC];
        w[CORE_RV64_PRIV] = 1;
    } else {
        status = (status & ~(uint64_t)(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE)) | (status & MSTATUS_MIE ? MSTATUS_MPIE : 0) | privilege << 11;
        w[CORE_RV64_MCAUSE] = cause;
        w[CORE_RV64_MEPC] = pc;
        w[CORE_RV64_MTVAL] = value;
        vector = w[CORE_RV64_MTVEC];
        w[CORE_RV64_PRIV] = 3;
    }
    w[CORE_RV64_MSTATUS] = status;
    w[CORE_RV64_PC] = (vector & ~3ull) + ((cause & INTERRUPT) && (vector & 3) == 1 ? 4 * code : 0);
    AT(uint64_t, c->env, RV_LOAD_RES) = NO_RESERVATION;
    came_by(c, CORE_CAME_ENTERED);
}

void rv64_trap(Core *c, uint64_t cause, uint64_t value, uint64_t pc)
{
    bool attempted = cause != FETCH_MISALIGNED && cause != FETCH_FAULT && cause != FETCH_PAGE_FAULT;
    if (c->stepping && !attempted && *budget_of(c) <= 0) {      // of the next instruction: not yet
        c->next_fault.waits = true;
        c->next_fault.cause = cause, c->next_fault.value = value, c->next_fault.pc = pc;
        c->stop = true;
        leave_behind(c);
        return;
    }
    c->sleeping = false;
    c->failed += attempted;
    uint64_t retired = core_retired(c);
    if (c->last_trap.valid && c->last_trap.pc == pc && c->last_trap.cause == cause && c->last_trap.retired == retired) {
        c->exit = CORE_TRAP_LOOP;
        c->stop = true;
    }
    c->last_trap.pc = pc;
    c->last_trap.cause = cause;
    c->last_trap.retired = retired;
    c->replay_next = c->replay_count = 0;
    note_trap(c, cause & 31, cause, pc);
    CoreTrapVerdict verdict = CORE_TRAP_DELIVER;
    if (c->watch >> (cause & 63) & 1 && c->exit != CORE_TRAP_LOOP) {
        CoreTrap trap = { .cause = cause, .value = value, .pc = pc, .index = core_index(c), .cycle = core_index(c) };
        verdict = c->host.trap(c->context, &trap);
    }
    c->last_trap.valid = verdict == CORE_TRAP_DELIVER;
    if (verdict != CORE_TRAP_RETRY)
        lose_reservation(c);
    if (verdict == CORE_TRAP_DELIVER)
        enter(c, cause, value, pc);
    else if (attempted)
        c->failed--;
    if (verdict == CORE_TRAP_RETRY && attempted)
        *budget_of(c) += 1;
    c->stop |= c->stepping && !attempted;
    c->attention = false;                       // the main loop looks for interrupts next anyway
    if (c->stop)
        leave_behind(c);
}

// The instruction that is running, from the memory that its block was made from: neither the TLB nor the page table need hold it any more.
static uint32_t word_at(Core *c, uintptr_t host_pc)
{
    char *tb;
    uint64_t pc;
    if (find_index(&rv64, c->cpu, host_pc, &tb, &pc) == NOT_CODE)
        return 0;
    uint8_t *first = code_bytes(c, tb, pc);
    if (!first)
        return c->only_word;                    // a block of one that is not kept
    uint32_t word = *(uint16_t *)first;
    uint8_t *second = (word & 3) == 3 ? code_bytes(c, tb, pc + 2) : NULL;
    return second ? word | (uint32_t)*(uint16_t *)second << 16 : word;
}

static bool is_amo(uint32_t word)               // AMO and SC report store causes, LR load causes
{
    return (word & 0x7f) == 0x2f && word >> 27 != 2;
}

bool rv64_is_amo(Core *c, uintptr_t host_pc)
{
    return is_amo(word_at(c, host_pc));
}

uint32_t rv64_cause(Core *c, uint32_t cause, uintptr_t host_pc)        // the library raises what the load half of an AMO would
{
    enum { LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
    if (host_pc)
        c->trap_word = word_at(c, host_pc);
    bool loads = cause == LOAD_MISALIGNED || cause == LOAD_FAULT || cause == LOAD_PAGE_FAULT;
    return loads && is_amo(c->trap_word) ? cause + 2 : cause;
}

void helper_raise_exception_riscv64(char *env, uint32_t cause)         // from translated code, which has written the pc
{
    Core *c = core_of_cpu(env - rv64.env);
    if (c)
        c->trap_word = word_at(c, (uintptr_t)__builtin_return_address(0));
    real.rv64_raise_here(env, cause);
}

void rv64_on_trap(Core *c, uint32_t number)
{
    uint64_t *w = words_of(c);
    uint64_t pc = w[CORE_RV64_PC];
    uint64_t cause = number;
    uint64_t value = 0;
    switch (number) {
    case BREAKPOINT:
        value = pc;
        break;
    case ECALL:
        cause += w[CORE_RV64_PRIV] & 3;
        break;
    case ILLEGAL:
        value = c->trap_word;
        break;
    default:
        value = AT(uint64_t, c->env, RV_BADADDR);
    }
    rv64_trap(c, cause, value, pc);
}

void rv64_misaligned(Core *c, uint64_t va, bool is_store, uintptr_t host_pc)
{
    AT(uint64_t, c->env, RV_BADADDR) = va;
    riscv_raise_exception_riscv64(c->env, is_store ? STORE_MISALIGNED : LOAD_MISALIGNED, host_pc);
}

void rv64_access_fault(Core *c, uint64_t va, bool is_store, uintptr_t host_pc)
{
    AT(uint64_t, c->env, RV_BADADDR) = va;
    riscv_raise_exception_riscv64(c->env, is_store ? STORE_FAULT : LOAD_FAULT, host_pc);
}

// ---- interrupts
static int takeable(const Core *c)              // the one to take now, in the specification's order; -1: none
{
    static const uint8_t order[] = { 11, 3, 7, 9, 1, 5 };
    const uint64_t *w = words_of(c);
    uint64_t pending = AT(uint32_t, c->env, RV_MIP) & w[CORE_RV64_MIE];
    uint64_t privilege = w[CORE_RV64_PRIV] & 3;
    uint64_t machine = privilege < 3 || w[CORE_RV64_MSTATUS] & MSTATUS_MIE ? pending & ~w[CORE_RV64_MIDELEG] : 0;
    uint64_t supervisor = privilege < 1 || (privilege == 1 && w[CORE_RV64_MSTATUS] & MSTATUS_SIE) ? pending & w[CORE_RV64_MIDELEG] : 0;
    for (size_t i = 0; i < sizeof order && machine; i++) {
        if (machine >> order[i] & 1)
            return order[i];
    }
    for (size_t i = 0; i < sizeof order && supervisor; i++) {
        if (supervisor >> order[i] & 1)
            return order[i];
    }
    return -1;
}

static void enter_interrupt(Core *c, unsigned number)
{
    uint64_t pc = words_of(c)[CORE_RV64_PC];
    note_trap(c, 32 + number, INTERRUPT | number, pc);
    enter(c, INTERRUPT | number, 0, pc);
    if (c->watch_interrupts) {
        CoreTrap trap = { .cause = INTERRUPT | number, .pc = pc, .index = core_index(c), .cycle = core_index(c) };
        c->host.trap(c->context, &trap);
    }
}

bool rv64_take_interrupt(Core *c)
{
    int number = takeable(c);
    if (number < 0 || repeating(c) || c->stepping)              // an instruction that is being repeated comes first
        return false;
    enter_interrupt(c, (unsigned)number);
    if (takeable(c) >= 0)                       // the host may just have raised one that goes before
        leave_behind(c);
    return true;
}

void core_enter_pending(Core *c)
{
    c->stop = false;
    for (int number; !c->stop && (number = takeable(c)) >= 0; c->next_fault.waits = false)
        enter_interrupt(c, (unsigned)number);
    if (c->next_fault.waits)
        rv64_trap(c, c->next_fault.cause, c->next_fault.value, c->next_fault.pc);
    c->next_fault.waits = false;
}

CoreExit core_step(Core *c)
{
    c->stepping = true;
    CoreExit exit = core_run(c, 1);
    c->stepping = false;
    return c->next_fault.waits && exit == CORE_STOPPED ? CORE_BUDGET : exit;
}

uint64_t core_rv64_mip(const Core *c)
{
    return AT(uint32_t, c->env, RV_MIP);
}

uint64_t rv64_written_mip(const Core *c)
{
    return (core_rv64_mip(c) & ~(uint64_t)MIP_SEIP) | (c->rv64.external_written ? MIP_SEIP : 0);
}

static void set_pending(Core *c, uint64_t mask, uint64_t bits)
{
    if (c->rv64.external_line || c->rv64.external_written)     // SEIP is the two of them (3.1.9)
        bits |= MIP_SEIP;
    uint32_t mip = (uint32_t)((AT(uint32_t, c->env, RV_MIP) & ~mask) | (bits & mask));
    AT(uint32_t, c->env, RV_MIP) = mip;
    AT(uint32_t, c->cpu, CPU_INTERRUPT) = mip ? AT(uint32_t, c->cpu, CPU_INTERRUPT) | INTERRUPT_HARD : AT(uint32_t, c->cpu, CPU_INTERRUPT) & ~INTERRUPT_HARD;
}

void rv64_write_mip(Core *c, uint64_t mask, uint64_t value)
{
    if (mask & MIP_SEIP)
        c->rv64.external_written = value & MIP_SEIP;
    set_pending(c, mask, value & mask);
}

void rv64_look_for_interrupts(Core *c)
{
    if (takeable(c) >= 0)
        c->attention = true;
}

void core_rv64_set_mip(Core *c, uint64_t mask, uint64_t bits)
{
    if (mask & MIP_SEIP)
        c->rv64.external_line = bits & MIP_SEIP;
    set_pending(c, mask, bits & mask);
    rv64_look_for_interrupts(c);
}

void core_rv64_watch(Core *c, uint64_t causes, bool interrupts)
{
    c->watch = causes;
    c->watch_interrupts = interrupts;
}

// ---- privileged instructions (3.3, 4.2)
static void check(char *env, bool allowed, uintptr_t host_pc)
{
    if (!allowed)
        riscv_raise_exception_riscv64(env, ILLEGAL, host_pc);
}

static uint64_t leave_trap(char *env, uint64_t to, uint64_t status, uint64_t pc)
{
    if (to != 3)
        status &= ~(uint64_t)MSTATUS_MPRV;
    AT(uint64_t, env, RV_MSTATUS) = status;
    AT(uint64_t, env, RV_PRIV) = to;
    AT(uint64_t, env, RV_LOAD_RES) = NO_RESERVATION;
    came_by(core_of_cpu(env - rv64.env), CORE_CAME_RETURNED);
    return pc & ~1ull;
}

uint64_t helper_mret_riscv64(char *env, uint64_t pc)
{
    uint64_t *w = (uint64_t *)env, status = w[CORE_RV64_MSTATUS];
    check(env, w[CORE_RV64_PRIV] == 3, (uintptr_t)__builtin_return_address(0));
    if (!core_of_cpu(env - rv64.env))
        return real.rv64_mret(env, pc);
    uint64_t enabled = status & MSTATUS_MPIE ? MSTATUS_MIE : 0;
    return leave_trap(env, status >> 11 & 3, (status & ~(uint64_t)(MSTATUS_MIE | MSTATUS_MPP)) | enabled | MSTATUS_MPIE, w[CORE_RV64_MEPC]);
}

uint64_t helper_sret_riscv64(char *env, uint64_t pc)
{
    uint64_t *w = (uint64_t *)env, status = w[CORE_RV64_MSTATUS], privilege = w[CORE_RV64_PRIV];
    check(env, privilege == 3 || (privilege == 1 && !(status & MSTATUS_TSR)), (uintptr_t)__builtin_return_address(0));
    if (!core_of_cpu(env - rv64.env))
        return real.rv64_sret(env, pc);
    uint64_t enabled = status & MSTATUS_SPIE ? MSTATUS_SIE : 0;
    return leave_trap(env, status >> 8 & 1, (status & ~(uint64_t)(MSTATUS_SIE | MSTATUS_SPP)) | enabled | MSTATUS_SPIE, w[CORE_RV64_SEPC]);
}

void helper_tlb_flush_riscv64(char *env)        // sfence.vma
{
    uint64_t privilege = AT(uint64_t, env, RV_PRIV), status = AT(uint64_t, env, RV_MSTATUS);
    Core *c = core_of_cpu(env - rv64.env);
    check(env, privilege == 3 || (privilege == 1 && !(status & MSTATUS_TVM)), (uintptr_t)__builtin_return_address(0));
    if (c)
        lose_reservation(c);                    // the soft TLB has followed every change (rv64_tables.c)
    else
        tlb_flush_riscv64(env - rv64.env);
}

void helper_wfi_riscv64(char *env)
{
    uint64_t privilege = AT(uint64_t, env, RV_PRIV), status = AT(uint64_t, env, RV_MSTATUS);
    Core *c = core_of_cpu(env - rv64.env);
    if (c) {
        check(env, privilege == 3 || (privilege == 1 && !(status & MSTATUS_TW)), (uintptr_t)__builtin_return_address(0));
        c->sleeping = true;
    }
    real.rv64_wfi(env);
}

void rv64_set_up(Core *c)                       // as core_open leaves it
{
    words_of(c)[CORE_RV64_MHARTID] = c->hart;
    words_of(c)[CORE_RV64_MSTATUS] = 0;
    rv64_size_tlb(c);
}

void core_rv64_fence(Core *c)
{
    tlb_flush_riscv64(c->cpu);
    lose_reservation(c);
}

bool core_rv64_load(Core *c, uint64_t va, uint64_t *value)
{
    uint8_t bytes[sizeof *value];
    for (uint64_t i = 0; i < sizeof bytes; i++) {
        const uint8_t *host = loads_from(c, va + i);
        if (!host)
            return false;
        bytes[i] = *host;
    }
    memcpy(value, bytes, sizeof bytes);
    return true;
}

void core_rv64_set_options(Core *c, unsigned options)
{
    if (options != c->rv64_options)
        core_drop_code(c);
    c->rv64_options = options;
}

uint64_t *core_rv64_words(Core *c)
{
    return words_of(c);
}
