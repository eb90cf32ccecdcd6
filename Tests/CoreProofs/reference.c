// The reference: an engine of the library with no Core attached, one instruction at a time, and around it the architecture written
// down once more: traps, interrupts, counters, hints. Nothing is cached across steps when the guest asks for that.
#include "guest.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Board board;                                // first: callbacks get a Board
    uc_engine *uc;
    char *cpu, *env;
    Trace *trace;
    uint64_t index, pc, retired;
    int blocks;
    int64_t trapped;                            // the library's number, -1: none
    bool access_fault, fault_is_store, sleep;
    uint64_t fault_address;
    uint32_t word;                              // RV64: the instruction being stepped
    unsigned whole;                             // RV64: bytes of its access; the library makes two of one of 8
    uint64_t half;
    bool event;                                 // M4: the register of WFE
} Reference;

enum { UNDEFINED_INSTRUCTION = 10 };

static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *data)
{
    Reference *r = data;
    (void)address, (void)size;
    if (++r->blocks >= 2 || r->trapped >= 0)
        uc_emu_stop(uc);
}

static void on_trap(uc_engine *uc, uint32_t number, void *data)
{
    Reference *r = data;
    if (r->trapped < 0)
        r->trapped = number;
    else
        uc_emu_stop(uc);                        // the second one: it will not get further
}

static bool on_unmapped(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *data)
{
    Reference *r = data;
    (void)uc, (void)size, (void)value;
    if (type == UC_MEM_FETCH_UNMAPPED) {
        fprintf(stderr, "reference: the guest went to %llx\n", (unsigned long long)address);
        abort();
    }
    if (!r->access_fault) {
        r->access_fault = true;
        r->fault_address = address;
    }
    return false;
}

static _Noreturn void refuse(Reference *r, uint64_t address)    // out of the library's access and out of the instruction
{
    static void (*leave)(char *, uintptr_t);
    if (!leave)
        *(void **)&leave = dlsym(RTLD_DEFAULT, "cpu_loop_exit_restore_arm");
    uintptr_t from = AT(uintptr_t, r->cpu, CPU_MEM_IO_PC);
    r->access_fault = true;
    r->fault_address = address;
    if (r->board.guest->kind == CORE_CORTEX_M4) {
        AT(int32_t, r->cpu, CPU_EXCEPTION) = 4;
        leave(r->cpu, from);
    }
    riscv_raise_exception_riscv64(r->env, 5, from);
    abort();
}

static uint64_t on_load(uc_engine *uc, uint64_t offset, unsigned size, void *data)
{
    Reference *r = data;
    (void)uc;
    if (r->whole == 8 && offset & 4)
        return r->half >> 32;
    uint64_t address = device_base(r->board.guest->kind) + offset;
    CoreAccess access = { .address = address, .index = r->index, .pc = r->pc, .size = (uint8_t)(r->whole == 8 ? 8 : size) };
    r->fault_is_store = false;
    if (!board_access(&r->board, &access))
        refuse(r, address);
    r->half = access.value;
    return access.value;
}

static void on_store(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *data)
{
    Reference *r = data;
    (void)uc;
    if (r->whole == 8 && !(offset & 4)) {
        r->half = value & 0xffffffff;
        return;
    }
    if (r->whole == 8) {
        value = value << 32 | r->half;
        offset &= ~7ull;
        size = 8;
    }
    uint64_t address = device_base(r->board.guest->kind) + offset;
    CoreAccess access = { .address = address, .value = size == 8 ? value : value & ((1ull << 8 * size) - 1), .index = r->index, .pc = r->pc, .size = (uint8_t)size, .is_store = true };
    r->fault_is_store = true;
    if (!board_access(&r->board, &access))
        refuse(r, address);
}

static void happened(Board *board, Event event)
{
    trace_add(((Reference *)board)->trace, event);
}

static void step(Reference *r)                  // one instruction of the library
{
    const Guest *guest = r->board.guest;
    bool m4 = guest->kind == CORE_CORTEX_M4;
    if (guest->drop)
        uc_ctl_remove_cache(r->uc, ram_base(guest->kind), ram_base(guest->kind) + RAM_SIZE);
    AT(uint32_t, r->cpu, CPU_NEXT_CFLAGS) = 1;
    r->blocks = 0;
    r->trapped = -1;
    r->access_fault = false;
    uc_err error = uc_emu_start(r->uc, r->pc | m4, m4 ? 0xfffffffe : ~1ull, 0, 0);
    if (error == UC_ERR_INSN_INVALID)
        r->trapped = m4 ? UNDEFINED_INSTRUCTION : 3;
    else if (error && !r->access_fault) {
        fprintf(stderr, "reference: error %d at %llx\n", error, (unsigned long long)r->pc);
        abort();
    }
}

// ---- RV64
static uint64_t *words(Reference *r)
{
    return (uint64_t *)r->env;
}

static void rv64_enter(Reference *r, uint64_t cause, bool interrupt, uint64_t value)
{
    uint64_t *w = words(r), status = w[CORE_RV64_MSTATUS], from = w[CORE_RV64_PRIV];
    bool supervisor = from < 3 && (interrupt ? w[CORE_RV64_MIDELEG] : w[CORE_RV64_MEDELEG]) >> cause & 1;
    uint64_t vector = supervisor ? w[CORE_RV64_STVEC] : w[CORE_RV64_MTVEC];
    uint64_t full = cause | (uint64_t)interrupt << 63;
    uint64_t at = r->pc;
    if (supervisor) {
        bool enabled = status & 2;
        status = (status & ~0x122ull) | (enabled ? 0x20 : 0) | (from == 1 ? 0x100 : 0);
        w[CORE_RV64_SCAUSE] = full, w[CORE_RV64_SEPC] = r->pc, w[CORE_RV64_STVAL] = value;
    } else {
        bool enabled = status & 8;
        status = (status & ~0x1888ull) | (enabled ? 0x80 : 0) | from << 11;
        w[CORE_RV64_MCAUSE] = full, w[CORE_RV64_MEPC] = r->pc, w[CORE_RV64_MTVAL] = value;
    }
    w[CORE_RV64_MSTATUS] = status;
    w[CORE_RV64_PRIV] = supervisor ? 1 : 3;
    w[65] = ~0ull;                              // the reservation is gone
    r->pc = (vector & ~3ull) + (interrupt && (vector & 3) == 1 ? 4 * cause : 0);
    w[CORE_RV64_PC] = r->pc;
    happened(&r->board, (Event){ interrupt ? SAW_INTERRUPT : SAW_TRAP, r->index, at, full, value });
}

static bool rv64_interrupt(Reference *r)        // Privileged Architecture 3.1.9: machine level first; MEI MSI MTI SEI SSI STI
{
    uint64_t *w = words(r), ready = r->board.mip & w[CORE_RV64_MIE], level = w[CORE_RV64_PRIV], status = w[CORE_RV64_MSTATUS];
    uint64_t machine = ready & ~w[CORE_RV64_MIDELEG], supervisor = ready & w[CORE_RV64_MIDELEG];
    if (level == 3 && !(status & 8))
        machine = 0;
    if (level == 3 || (level == 1 && !(status & 2)))
        supervisor = 0;
    uint64_t chosen = machine ? machine : supervisor;
    static const int rank[] = { 11, 3, 7, 9, 1, 5 };
    for (int i = 0; i < 6 && chosen; i++) {
        if (chosen & 1ull << rank[i]) {
            rv64_enter(r, (uint64_t)rank[i], true, 0);
            return true;
        }
    }
    return false;
}

static void rv64_step(Reference *r)
{
    uint64_t *w = words(r);
    uint64_t offset = r->pc - ram_base(CORE_RV64);
    uint32_t word = offset + 4 <= RAM_SIZE ? AT(uint32_t, r->board.ram, offset) : 0;
    unsigned length = (word & 3) == 3 ? 4 : 2;
    uint64_t before = r->retired;
    if (length == 2)
        word &= 0xffff;
    r->word = word;
    r->whole = 4;
    unsigned opcode = word & 0x7f, f3 = word >> 12 & 7, rd = word >> 7 & 31, rs1 = word >> 15 & 31, csr = word >> 20;
    if ((opcode == RV_LOAD || opcode == RV_STORE || opcode == RV_AMO || opcode == RV_LOAD_FP || opcode == RV_STORE_FP) && f3 == 3)
        r->whole = 8;
    uint64_t ticks = r->index, *counter = csr == 0xb00 || csr == 0xc00 || csr == 0xc01 ? &ticks : &before;
    bool counts = opcode == RV_SYSTEM && (csr == 0xc00 || csr == 0xc01 || csr == 0xc02 || csr == 0xb00 || csr == 0xb02);
    int64_t cause = -1;
    uint64_t value = 0;
    r->sleep = false;
    if (counts && f3 == 2 && rs1 == 0) {
        if (rd)
            w[rd] = *counter;
        w[CORE_RV64_PC] += 4;
    } else if (opcode == RV_SYSTEM && csr == 0x104 && f3 == 1 && !rd && w[CORE_RV64_PRIV]) {        // sie: the delegated ones only
        w[CORE_RV64_MIE] = (w[CORE_RV64_MIE] & ~w[CORE_RV64_MIDELEG]) | (w[rs1] & w[CORE_RV64_MIDELEG]);
        w[CORE_RV64_PC] += 4;
    } else if (word == RV_ECALL) {
        cause = 8 + (int64_t)w[CORE_RV64_PRIV];
    } else if (word == RV_EBREAK || word == RV_C_EBREAK) {
        cause = 3;
        value = r->pc;
    } else if (word == RV_WFI) {
        w[CORE_RV64_PC] += 4;
        r->sleep = true;
    } else {
        step(r);
        bool amo = opcode == RV_AMO && word >> 27 != AMO_LR;
        if (r->access_fault) {
            cause = r->fault_is_store || amo ? 7 : 5;
            value = r->fault_address;
        } else if (r->trapped >= 0) {
            cause = r->trapped == 4 && amo ? 6 : r->trapped;
            value = cause == 2 ? word : AT(uint64_t, r->env, RV_BADADDR);
        }
    }
    r->index++;
    if (cause >= 0)
        rv64_enter(r, (uint64_t)cause, false, value);
    else
        r->retired++;
    r->pc = w[CORE_RV64_PC];
    if (r->sleep)
        happened(&r->board, (Event){ SAW_SLEEP, r->index, 0, 0, 0 });
}

static void rv64_lines(Board *board)            // mip as the guest reads it
{
    AT(uint32_t, ((Reference *)board)->env, RV_MIP) = board->mip;
}

// ---- Cortex-M4
static uint32_t reg(Reference *r, int number)
{
    uint32_t value = 0;
    uc_reg_read(r->uc, number, &value);
    return value;
}

static void set_reg(Reference *r, int number, uint32_t value)
{
    uc_reg_write(r->uc, number, &value);
}

static void m4_read(Reference *r, CoreM4 *state)
{
    memcpy(state->r, r->env, sizeof state->r);
    state->xpsr = reg(r, UC_ARM_REG_XPSR);
    state->msp = reg(r, UC_ARM_REG_MSP);
    state->psp = reg(r, UC_ARM_REG_PSP);
    state->control = reg(r, UC_ARM_REG_CONTROL);
    state->primask = reg(r, UC_ARM_REG_PRIMASK);
    state->faultmask = reg(r, UC_ARM_REG_FAULTMASK);
    state->basepri = reg(r, UC_ARM_REG_BASEPRI);
}

static void m4_write(Reference *r, const CoreM4 *state)
{
    memcpy(r->env, state->r, 13 * 4);
    set_reg(r, UC_ARM_REG_IPSR, 0);             // first to thread mode: CONTROL.SPSEL cannot be written in another
    set_reg(r, UC_ARM_REG_CONTROL, 0);
    set_reg(r, UC_ARM_REG_MSP, state->msp);
    set_reg(r, UC_ARM_REG_PSP, state->psp);
    set_reg(r, UC_ARM_REG_CONTROL, state->control);
    set_reg(r, UC_ARM_REG_XPSR, state->xpsr);
    set_reg(r, UC_ARM_REG_IPSR, state->xpsr & 0x1ff);
    AT(uint32_t, r->env, ARM_FPCA) = (AT(uint32_t, r->env, ARM_FPCA) & ~4u) | (state->control & 4);
    AT(uint32_t, r->env, ARM_CONDEXEC) = (state->xpsr >> 25 & 3) | (state->xpsr >> 8 & 0xfc);
    set_reg(r, UC_ARM_REG_LR, state->r[14]);
    uint32_t flags = reg(r, UC_ARM_REG_APSR_NZCV);
    set_reg(r, UC_ARM_REG_APSR_NZCV, flags);    // makes the library look at the mode again
    AT(uint32_t, r->env, 60) = state->r[15];
    r->pc = state->r[15];
}

static void m4_exception(Reference *r, unsigned number, uint32_t return_pc, uint64_t vector)
{
    CoreM4 state;
    uint32_t fpscr = reg(r, UC_ARM_REG_FPSCR);
    m4_read(r, &state);
    m4_enter(&r->board, &state, &AT(uint32_t, r->env, ARM_S0), &fpscr, number, return_pc, (uint32_t)vector);
    m4_write(r, &state);
}

static bool m4_interrupt(Reference *r)
{
    CoreM4 state;
    if (!r->board.pending)
        return false;
    m4_read(r, &state);
    if (!m4_takeable(&r->board, &state))
        return false;
    r->board.pending = false;
    happened(&r->board, (Event){ SAW_INTERRUPT, r->index, r->pc, 16, 0 });
    m4_exception(r, 16, (uint32_t)r->pc, r->board.guest->irq_handler);
    return true;
}

static bool condition_holds(uint32_t xpsr)
{
    uint32_t it = (xpsr >> 25 & 3) | (xpsr >> 8 & 0xfc), n = xpsr >> 31, z = xpsr >> 30 & 1, c = xpsr >> 29 & 1, v = xpsr >> 28 & 1;
    uint32_t base[] = { z, c, n, v, c && !z, n == v, n == v && !z, 1 };
    return !(it & 15) || base[it >> 5] != (it >> 4 & 1);
}

static void m4_step(Reference *r)
{
    CoreM4 state;
    uint16_t first = AT(uint16_t, r->board.ram, r->pc - ram_base(CORE_CORTEX_M4));
    int64_t cause = -1;
    uint64_t value = 0;
    r->sleep = false;
    r->whole = 4;
    if (first == T_WFI || first == T_WFE || first == T_SEV || first == T_YIELD) {
        m4_read(r, &state);
        bool acts = condition_holds(state.xpsr);
        m4_skip(&r->board, &state);
        m4_write(r, &state);
        r->index++;
        r->retired++;
        r->sleep = acts && (first == T_WFI || (first == T_WFE && !r->event));
        r->event = acts && first == T_SEV ? true : acts && first == T_WFE ? false : r->event;
        if (r->sleep)
            happened(&r->board, (Event){ SAW_SLEEP, r->index, first == T_WFE, 0, 0 });
        return;
    }
    enum { FPDSCR = 0xbbc, DEFAULTS = 0x07c00000 };             // a new FP context takes these fields of FPSCR only; the library takes all
    AT(uint32_t, r->env, FPDSCR + 4 * (AT(uint32_t, r->env, ARM_SECURE) & 1)) = reg(r, UC_ARM_REG_FPSCR) & ~DEFAULTS;
    step(r);
    r->index++;
    uint32_t next = AT(uint32_t, r->env, 60);
    enum { SVC = 2, DATA_ABORT = 4, BKPT = 7, EXCEPTION_EXIT = 8, NOCP = 17 };
    switch (r->trapped) {
    case SVC:
        cause = CORE_M4_SVC;
        break;
    case BKPT:
        cause = CORE_M4_BKPT;
        value = first & 0xff;
        break;
    case UNDEFINED_INSTRUCTION:
        cause = CORE_M4_UNDEFINED;
        value = (uint32_t)first << 16 | AT(uint16_t, r->board.ram, r->pc + 2 - ram_base(CORE_CORTEX_M4));
        break;
    case NOCP:
        cause = CORE_M4_NO_COPROCESSOR;
        break;
    case 3:
        fprintf(stderr, "reference: the guest went to %x\n", next);
        abort();
    case EXCEPTION_EXIT:
        cause = CORE_M4_EXCEPTION_RETURN;
        value = next | 1;
        break;
    default:
        if (r->access_fault) {
            cause = CORE_M4_BUS_FAULT;
            value = r->fault_address;
        }
    }
    if (cause < 0) {
        r->pc = next;
        r->retired++;
        return;
    }
    uint32_t at = cause == CORE_M4_SVC || cause == CORE_M4_EXCEPTION_RETURN ? next : (uint32_t)r->pc;
    happened(&r->board, (Event){ SAW_TRAP, r->index, at, (uint64_t)cause, value });
    r->retired++;                               // this board handles every trap, or it is one that retires
    uint32_t fpscr = reg(r, UC_ARM_REG_FPSCR);
    m4_read(r, &state);
    state.r[15] = at;
    r->pc = at;
    if (cause == CORE_M4_SVC && first & 0x80) {
        m4_exception(r, 11, at, r->board.guest->svc_handler);
    } else if (cause == CORE_M4_EXCEPTION_RETURN) {
        m4_leave(&r->board, &state, &AT(uint32_t, r->env, ARM_S0), &fpscr, (uint32_t)value);
        m4_write(r, &state);
        set_reg(r, UC_ARM_REG_FPSCR, fpscr);
    } else if (cause != CORE_M4_SVC) {
        m4_skip(&r->board, &state);
        m4_write(r, &state);
    }
}

static void no_lines(Board *board)
{
    (void)board;
}

static void ram_changed(Board *board, uint64_t offset, uint64_t length)
{
    Reference *r = (Reference *)board;
    uint64_t at = ram_base(board->guest->kind) + offset;
    uc_ctl_remove_cache(r->uc, at, at + length);
}

static uint64_t state_of(Reference *r)
{
    CoreM4 state;
    if (r->board.guest->kind == CORE_RV64)
        return rv64_state(words(r), AT(uint32_t, r->env, RV_MIP));
    m4_read(r, &state);
    state.r[15] = (uint32_t)r->pc;
    return m4_state(&state, &AT(uint32_t, r->env, ARM_S0), reg(r, UC_ARM_REG_FPSCR));
}

Trace *reference_run(const Guest *guest)
{
    bool m4 = guest->kind == CORE_CORTEX_M4;
    uc_hook hook;
    Reference r = { .board = { .guest = guest, .happened = happened, .lines_changed = m4 ? no_lines : rv64_lines, .ram_changed = ram_changed }, .pc = guest->start };
    if (uc_open(m4 ? UC_ARCH_ARM : UC_ARCH_RISCV, m4 ? UC_MODE_THUMB : UC_MODE_RISCV64, &r.uc))
        abort();
    if (m4)
        uc_ctl_set_cpu_model(r.uc, UC_CPU_ARM_CORTEX_M4);
    r.board.ram = aligned_alloc(4096, RAM_SIZE);
    memset(r.board.ram, 0, RAM_SIZE);
    memcpy(r.board.ram + (guest->code->base - ram_base(guest->kind)), guest->code->bytes, guest->code->size);
    r.trace = trace_new(guest->attempts);
    uc_mem_map_ptr(r.uc, ram_base(guest->kind), RAM_SIZE, UC_PROT_ALL, r.board.ram);
    uc_mmio_map(r.uc, device_base(guest->kind), DEVICE_SIZE, on_load, &r, on_store, &r);
    uc_hook_add(r.uc, &hook, UC_HOOK_BLOCK, (void *)on_block, &r, 1, 0);
    uc_hook_add(r.uc, &hook, UC_HOOK_INTR, (void *)on_trap, &r, 1, 0);
    uc_hook_add(r.uc, &hook, UC_HOOK_MEM_UNMAPPED, (void *)on_unmapped, &r, 1, 0);
    r.cpu = AT(char *, r.uc, UC_CPU);
    r.env = AT(char *, r.cpu, CPU_ENV);
    if (m4) {
        set_reg(&r, UC_ARM_REG_SP, (uint32_t)guest->stack);
        AT(uint32_t, r.env, 60) = (uint32_t)r.pc;
    } else {
        words(&r)[CORE_RV64_PC] = r.pc;
        words(&r)[CORE_RV64_MTVEC] = 0;
    }
    int next = 0;
    while (r.index < guest->attempts) {
        r.trace->before[r.index] = state_of(&r);
        bool taken = m4 ? m4_interrupt(&r) : rv64_interrupt(&r);
        r.trace->after[r.index] = taken ? state_of(&r) : r.trace->before[r.index];
        while (next < guest->scheduled && guest->schedule[next].index == r.index)
            board_do(&r.board, &guest->schedule[next++]);
        r.trace->resumed[r.index] = r.trace->after[r.index];
        while (m4 ? m4_interrupt(&r) : rv64_interrupt(&r))
            r.trace->resumed[r.index] = state_of(&r);
        r.trace->begun[r.index] = state_of(&r);
        r.trace->pc[r.index] = r.pc;
        if (m4)
            m4_step(&r);
        else
            rv64_step(&r);
    }
    r.trace->attempts = r.index;
    r.trace->before[r.index] = state_of(&r);
    if (m4 ? m4_interrupt(&r) : rv64_interrupt(&r))
        r.trace->after[r.index] = state_of(&r);
    else
        r.trace->after[r.index] = r.trace->before[r.index];
    r.trace->retired = r.retired;
    r.trace->memory = hash_words(1, r.board.ram, RAM_SIZE);
    uc_close(r.uc);
    free(r.board.ram);
    return r.trace;
}
