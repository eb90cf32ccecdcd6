// RV64 traps, interrupts, counters and wfi, as the Privileged Architecture 1.12 has them (3.1.6-3.1.9, 3.1.15, 4.1); the library stops at
// "something happened" and its own interrupt order is lowest bit first.
#include "internal.h"
#include <string.h>

enum { MSTATUS_SIE = 1 << 1, MSTATUS_MIE = 1 << 3, MSTATUS_SPIE = 1 << 5, MSTATUS_MPIE = 1 << 7, MSTATUS_SPP = 1 << 8, MSTATUS_MPP = 3 << 11 };
enum { FETCH_MISALIGNED = 0, FETCH_FAULT = 1, ILLEGAL = 2, BREAKPOINT = 3, LOAD_MISALIGNED = 4, LOAD_FAULT = 5, STORE_MISALIGNED = 6, STORE_FAULT = 7,
       ECALL = 8, FETCH_PAGE_FAULT = 12 };
#define INTERRUPT (1ull << 63)
#define NO_RESERVATION (~0ull)

static inline uint64_t *words_of(const Core *c)
{
    return (uint64_t *)c->env;
}

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
}

void rv64_trap(Core *c, uint64_t cause, uint64_t value, uint64_t pc)
{
    bool attempted = cause != FETCH_MISALIGNED && cause != FETCH_FAULT && cause != FETCH_PAGE_FAULT;
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
        CoreTrap trap = { .cause = cause, .value = value, .pc = pc, .index = core_index(c) };
        verdict = c->host.trap(c->context, &trap);
    }
    c->last_trap.valid = verdict == CORE_TRAP_DELIVER;
    if (verdict == CORE_TRAP_DELIVER)
        enter(c, cause, value, pc);
    else if (attempted)
        c->failed--;
    if (verdict == CORE_TRAP_RETRY && attempted)
        *budget_of(c) += 1;
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
    uint32_t word = first ? *(uint16_t *)first : 0;
    uint8_t *second = (word & 3) == 3 ? code_bytes(c, tb, pc + 2) : NULL;
    return second ? word | (uint32_t)*(uint16_t *)second << 16 : word;
}

static bool is_amo(uint32_t word)               // AMO and SC report store causes, LR load causes
{
    return (word & 0x7f) == 0x2f && word >> 27 != 2;
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

void rv64_on_trap(uc_engine *uc, uint32_t number, void *core)
{
    Core *c = core;
    uint64_t *w = words_of(c);
    uint64_t pc = w[CORE_RV64_PC] -= 4;         // the library adds 4 whatever the instruction's length
    uint64_t cause = number;
    uint64_t value = 0;
    (void)uc;
    switch (number) {
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

bool riscv_cpu_exec_interrupt_riscv64(char *cpu, int request)
{
    Core *c = core_of_cpu(cpu);
    if (!c)
        return real.rv64_interrupt(cpu, request);
    int number = takeable(c);
    if (number < 0 || repeating(c))             // an instruction that is being repeated comes first
        return false;
    uint64_t pc = words_of(c)[CORE_RV64_PC];
    note_trap(c, 32 + (unsigned)number, INTERRUPT | (unsigned)number, pc);
    enter(c, INTERRUPT | (unsigned)number, 0, pc);
    if (c->watch_interrupts) {
        CoreTrap trap = { .cause = INTERRUPT | (unsigned)number, .pc = pc, .index = core_index(c) };
        c->host.trap(c->context, &trap);
    }
    if (c->stop || takeable(c) >= 0)            // the host may just have raised one that goes before
        leave_behind(c);
    return true;
}

uint64_t core_rv64_mip(const Core *c)
{
    return AT(uint32_t, c->env, RV_MIP);
}

void core_rv64_set_mip(Core *c, uint64_t mask, uint64_t bits)
{
    uint32_t mip = (uint32_t)((AT(uint32_t, c->env, RV_MIP) & ~mask) | (bits & mask));
    AT(uint32_t, c->env, RV_MIP) = mip;
    AT(uint32_t, c->cpu, CPU_INTERRUPT) = mip ? AT(uint32_t, c->cpu, CPU_INTERRUPT) | INTERRUPT_HARD : AT(uint32_t, c->cpu, CPU_INTERRUPT) & ~INTERRUPT_HARD;
    if (takeable(c) >= 0)
        c->attention = true;
}

void core_rv64_watch(Core *c, uint64_t causes, bool interrupts)
{
    c->watch = causes;
    c->watch_interrupts = interrupts;
}

void helper_tlb_flush_riscv64(char *env)        // sfence.vma: the next instruction is looked up anew
{
    Core *c = core_of_cpu(env - rv64.env);
    real.rv64_tlb_flush(env);
    if (c)
        leave_behind(c);
}

void helper_wfi_riscv64(char *env)
{
    Core *c = core_of_cpu(env - rv64.env);
    if (c)
        c->sleeping = true;                     // taken back where it traps instead
    real.rv64_wfi(env);
}

// ---- counters: the library reads the host's clock. A CSR instruction is the last of its block, so it has been counted already
enum { CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_INSTRET = 0xc02, CSR_MCYCLE = 0xb00, CSR_MINSTRET = 0xb02 };
typedef struct { int (*predicate)(void *, int); int (*read)(char *, int, uint64_t *); int (*write)(char *, int, uint64_t); void *op; } CsrOps;
static CsrOps library_ops[4096];

static uint64_t attempts_before(Core *c)        // the CSR instruction, or the device access in whose callback the host asks
{
    return c->in_access ? c->done_index : core_index(c) - !c->host_csr;
}

static int csr_read(char *env, int csr, uint64_t *value)
{
    Core *c = core_of_cpu(env - rv64.env);
    if (!c)
        return library_ops[csr].read ? library_ops[csr].read(env, csr, value) : -1;
    uint64_t before = attempts_before(c);
    uint64_t tick = before + c->clock_offset;
    switch (csr) {
    case CSR_TIME:
        *value = (uint64_t)((unsigned __int128)tick * c->clock_numerator / c->clock_denominator) + c->time_offset;
        break;
    case CSR_CYCLE: case CSR_MCYCLE:
        *value = tick + c->cycle_offset;
        break;
    default:
        *value = before - c->failed + c->retired_offset;
    }
    return 0;
}

static int csr_write(char *env, int csr, uint64_t value)        // what the next instruction reads is what was written
{
    Core *c = core_of_cpu(env - rv64.env);
    if (!c)
        return library_ops[csr].write ? library_ops[csr].write(env, csr, value) : -1;
    uint64_t next = attempts_before(c) + (c->in_access || !c->host_csr);
    if (csr == CSR_MCYCLE)
        c->cycle_offset = value - next - c->clock_offset;
    else
        c->retired_offset = value - (next - c->failed);
    return 0;
}

// ---- the soft TLB holds nothing but what the registers say now: what a miss would find can not depend on what is in it, which is
// gone in a Core that goes on from a saved state
static void forget_translations(Core *c)
{
    c->arch->tlb_flush(c->cpu);
    memset(c->io_pages, 0xff, sizeof c->io_pages);
}

static int translation_write(char *env, int csr, uint64_t value)        // satp and the PMP, which the library writes without a flush
{
    Core *c = core_of_cpu(env - rv64.env);
    int refused = library_ops[csr].write ? library_ops[csr].write(env, csr, value) : -1;
    if (c && refused >= 0)
        forget_translations(c);
    return refused;
}

static void watch_translation(int csr)
{
    CsrOps own;
    real.rv64_get_csr_ops(csr, &library_ops[csr]);
    own = library_ops[csr];
    own.write = translation_write;
    real.rv64_set_csr_ops(csr, &own);
}

void rv64_set_up(void)
{
    enum { SATP = 0x180, PMPCFG = 0x3a0, PMPADDR = 0x3b0 };
    watch_translation(SATP);
    for (int i = 0; i < 4; i++)
        watch_translation(PMPCFG + i);
    for (int i = 0; i < 16; i++)
        watch_translation(PMPADDR + i);
    static const int counters[] = { CSR_CYCLE, CSR_TIME, CSR_INSTRET, CSR_MCYCLE, CSR_MINSTRET };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        CsrOps *saved = &library_ops[counters[i]];
        real.rv64_get_csr_ops(counters[i], saved);
        CsrOps own = *saved;
        own.read = csr_read;
        own.write = counters[i] < 0xc00 ? csr_write : saved->write;
        real.rv64_set_csr_ops(counters[i], &own);
    }
}

static bool host_csr(Core *c, unsigned csr, uint64_t *read, uint64_t value, uint64_t mask)
{
    uint64_t privilege = words_of(c)[CORE_RV64_PRIV];
    words_of(c)[CORE_RV64_PRIV] = 3;            // as the library's CSR functions check it
    c->host_csr = true;
    int refused = csr < 4096 ? real.rv64_csr(c->env, (int)csr, read, value, mask) : -1;
    c->host_csr = false;
    words_of(c)[CORE_RV64_PRIV] = privilege;
    return refused >= 0;
}

bool core_rv64_csr(Core *c, unsigned csr, uint64_t *value)
{
    return host_csr(c, csr, value, 0, 0);
}

bool core_rv64_set_csr(Core *c, unsigned csr, uint64_t value)
{
    uint64_t old;
    bool exists = host_csr(c, csr, &old, value, ~0ull);
    if (takeable(c) >= 0)
        c->attention = true;
    return exists;
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
