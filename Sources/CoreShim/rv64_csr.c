// RV64 control and status registers after the Privileged Architecture 1.12: which exist, who may touch them, what their fields may hold.
// docs/rv64.md lists the choices that the specification leaves open.
#include "internal.h"
#include <string.h>

enum { // numbers (table 2.2 to 2.6)
    FFLAGS = 0x001, FRM, FCSR,
    SSTATUS = 0x100, SIE = 0x104, STVEC, SCOUNTEREN, SENVCFG = 0x10a, SSCRATCH = 0x140, SEPC, SCAUSE, STVAL, SIP, SATP = 0x180,
    MSTATUS = 0x300, MISA, MEDELEG, MIDELEG, MIE, MTVEC, MCOUNTEREN, MENVCFG = 0x30a, MCOUNTINHIBIT = 0x320, MHPMEVENT3 = 0x323, MHPMEVENT31 = 0x33f,
    MSCRATCH = 0x340, MEPC, MCAUSE, MTVAL, MIP, PMPCFG0 = 0x3a0, PMPCFG2 = 0x3a2, PMPADDR0 = 0x3b0, PMPADDR15 = 0x3bf,
    TSELECT = 0x7a0, TDATA1, TDATA2, TDATA3, TINFO, MCYCLE = 0xb00, MINSTRET = 0xb02, MHPMCOUNTER3, MHPMCOUNTER31 = 0xb1f,
    CYCLE = 0xc00, TIME, INSTRET, HPMCOUNTER3, HPMCOUNTER31 = 0xc1f, MVENDORID = 0xf11, MARCHID, MIMPID, MHARTID, MCONFIGPTR,
};
enum { ENV_FRM = 0x218, ENV_SCOUNTEREN = 0x3b8, ENV_MCOUNTEREN = 0x3c0, ENV_SSCRATCH = 0x3c8, ENV_MSCRATCH = 0x3d0, ENV_FLOAT_FLAGS = 0x603 };
enum { INHIBIT_CYCLE = 1, INHIBIT_INSTRET = 4 };

static const uint64_t SUPERVISOR = MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR;
static const uint64_t MACHINE = MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR;
static const uint64_t UXL_64 = 2ull << 32, SXL_64 = 2ull << 34, IMPLEMENTATION = 0x656d7500 | 1;           // "emu", 1
static const uint64_t EXCEPTIONS = 0xb3fe, INTERRUPTS = 0xaaa, DELEGABLE = MIP_SSIP | MIP_STIP | MIP_SEIP;   // what medeleg, mie, mideleg hold
static const uint64_t ADDRESS_WORDS = (1ull << 54) - 1;

// ---- mstatus
static uint64_t status(const Core *c)
{
    uint64_t fields = words_of(c)[CORE_RV64_MSTATUS] & (SUPERVISOR | MACHINE);
    return fields | UXL_64 | SXL_64 | ((fields & MSTATUS_FS) == MSTATUS_FS ? MSTATUS_SD : 0);
}

static void set_status(Core *c, uint64_t value, uint64_t mask)
{
    uint64_t old = words_of(c)[CORE_RV64_MSTATUS];
    uint64_t new = ((old & ~mask) | (value & mask)) & (SUPERVISOR | MACHINE);
    if ((new & MSTATUS_MPP) == 2 << 11)         // there is no mode 2
        new &= ~(uint64_t)MSTATUS_MPP;
    words_of(c)[CORE_RV64_MSTATUS] = new | ((new & MSTATUS_FS) == MSTATUS_FS ? MSTATUS_SD : 0);
    lose_reservation(c);
    if ((old ^ new) & MSTATUS_MXR)
        tlb_flush_riscv64(c->cpu);
    else if (old & ~new & MSTATUS_SUM)          // set, it only adds what is not in the soft TLB yet
        rv64_forget_user_pages(c);
}

static void float_is_dirty(Core *c)
{
    words_of(c)[CORE_RV64_MSTATUS] |= MSTATUS_FS | MSTATUS_SD;
}

// ---- fcsr: softfloat has its own order of flags
static uint64_t flags(const Core *c)
{
    uint8_t soft = AT(uint8_t, c->env, ENV_FLOAT_FLAGS);
    return (soft >> 5 & 1) | (soft >> 3 & 2) | (soft >> 1 & 4) | (soft << 1 & 8) | (soft << 4 & 16);
}

static void set_flags(Core *c, uint64_t hard)
{
    AT(uint8_t, c->env, ENV_FLOAT_FLAGS) = (uint8_t)((hard & 1) << 5 | (hard & 2) << 3 | (hard & 4) << 1 | (hard & 8) >> 1 | (hard & 16) >> 4);
    float_is_dirty(c);
}

static void set_rounding(Core *c, uint64_t mode)
{
    AT(uint64_t, c->env, ENV_FRM) = mode & 7;
    float_is_dirty(c);
}

// ---- counters. A CSR instruction is the last of its block, so it has been counted already
static uint64_t attempts_before(Core *c)        // the CSR instruction, or the device access in whose callback the host asks
{
    return c->in_access ? c->done_index : core_index(c) - !c->host_csr;
}

static uint64_t attempts_behind(Core *c)
{
    return attempts_before(c) + (c->in_access || !c->host_csr);
}

static uint64_t time_at(Core *c)
{
    uint64_t tick = attempts_before(c) + c->clock_offset;
    return (uint64_t)((unsigned __int128)tick * c->clock_numerator / c->clock_denominator) + c->time_offset;
}

static uint64_t cycle(Core *c, uint64_t attempts)
{
    return c->rv64.inhibited & INHIBIT_CYCLE ? c->rv64.cycle : attempts + c->clock_offset + c->cycle_offset;
}

static uint64_t instret(Core *c, uint64_t attempts)
{
    return c->rv64.inhibited & INHIBIT_INSTRET ? c->rv64.instret : attempts - c->failed + c->retired_offset;
}

static void set_cycle(Core *c, uint64_t value)  // what the next instruction reads
{
    c->rv64.cycle = value;
    c->cycle_offset = value - attempts_behind(c) - c->clock_offset;
}

static void set_instret(Core *c, uint64_t value)
{
    c->rv64.instret = value;
    c->retired_offset = value - (attempts_behind(c) - c->failed);
}

static void set_inhibited(Core *c, uint64_t value)
{
    uint64_t cycles = cycle(c, attempts_behind(c)), retired = instret(c, attempts_behind(c));
    c->rv64.inhibited = value & 0xfffffffd;         // time has no such bit; the other counters stand still anyway
    set_cycle(c, cycles);
    set_instret(c, retired);
}

// ---- physical memory protection
static uint64_t protection(const Core *c, unsigned first)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)c->rv64.pmp_config[first + i] << 8 * i;
    return value;
}

static void set_protection(Core *c, unsigned first, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        uint8_t entry = value >> 8 * i & (PMP_LOCKED | PMP_MODE | PMP_R | PMP_W | PMP_X);
        if (!(entry & PMP_R))                   // W without R is reserved
            entry &= (uint8_t)~PMP_W;
        if (!(c->rv64.pmp_config[first + i] & PMP_LOCKED))
            c->rv64.pmp_config[first + i] = entry;
    }
    rv64_protection_changed(c);
}

static void set_protected_address(Core *c, unsigned entry, uint64_t value)
{
    uint8_t above = entry < 15 ? c->rv64.pmp_config[entry + 1] : 0;
    if (c->rv64.pmp_config[entry] & PMP_LOCKED || (above & PMP_LOCKED && (above & PMP_MODE) == PMP_TOR))
        return;
    c->rv64.pmp_address[entry] = value & ADDRESS_WORDS;
    rv64_protection_changed(c);
}

static void set_satp(Core *c, uint64_t value)
{
    uint64_t mode = value >> 60;
    if (mode && (mode < 8 || mode > 10))        // a mode that there is not: the write has no effect
        return;
    lose_reservation(c);
    if (words_of(c)[CORE_RV64_SATP] == value)
        return;
    words_of(c)[CORE_RV64_SATP] = value;
    rv64_forget_spaces(c);
}

// ---- reading and writing
static bool read_csr(Core *c, unsigned csr, uint64_t *value)        // false: there is no such CSR
{
    const uint64_t *w = words_of(c);
    switch (csr) {
    case FFLAGS: *value = flags(c); return true;
    case FRM: *value = AT(uint64_t, c->env, ENV_FRM); return true;
    case FCSR: *value = flags(c) | AT(uint64_t, c->env, ENV_FRM) << 5; return true;
    case SSTATUS: *value = status(c) & (SUPERVISOR | UXL_64 | MSTATUS_SD); return true;
    case SIE: *value = w[CORE_RV64_MIE] & w[CORE_RV64_MIDELEG]; return true;
    case STVEC: *value = w[CORE_RV64_STVEC]; return true;
    case SCOUNTEREN: *value = AT(uint64_t, c->env, ENV_SCOUNTEREN); return true;
    case SENVCFG: *value = c->rv64.senvcfg; return true;
    case SSCRATCH: *value = AT(uint64_t, c->env, ENV_SSCRATCH); return true;
    case SEPC: *value = w[CORE_RV64_SEPC]; return true;
    case SCAUSE: *value = w[CORE_RV64_SCAUSE]; return true;
    case STVAL: *value = w[CORE_RV64_STVAL]; return true;
    case SIP: *value = core_rv64_mip(c) & w[CORE_RV64_MIDELEG]; return true;
    case SATP: *value = w[CORE_RV64_SATP]; return true;
    case MSTATUS: *value = status(c); return true;
    case MISA: *value = w[CORE_RV64_MISA]; return true;
    case MEDELEG: *value = w[CORE_RV64_MEDELEG]; return true;
    case MIDELEG: *value = w[CORE_RV64_MIDELEG]; return true;
    case MIE: *value = w[CORE_RV64_MIE]; return true;
    case MTVEC: *value = w[CORE_RV64_MTVEC]; return true;
    case MCOUNTEREN: *value = AT(uint64_t, c->env, ENV_MCOUNTEREN); return true;
    case MENVCFG: *value = c->rv64.menvcfg; return true;
    case MCOUNTINHIBIT: *value = c->rv64.inhibited; return true;
    case MSCRATCH: *value = AT(uint64_t, c->env, ENV_MSCRATCH); return true;
    case MEPC: *value = w[CORE_RV64_MEPC]; return true;
    case MCAUSE: *value = w[CORE_RV64_MCAUSE]; return true;
    case MTVAL: *value = w[CORE_RV64_MTVAL]; return true;
    case MIP: *value = core_rv64_mip(c); return true;
    case PMPCFG0: case PMPCFG2: *value = protection(c, 4 * (csr - PMPCFG0)); return true;
    case PMPADDR0 ... PMPADDR15: *value = c->rv64.pmp_address[csr - PMPADDR0]; return true;
    case TINFO: *value = 1; return true;        // no triggers
    case MCYCLE: case CYCLE: *value = cycle(c, attempts_before(c)); return true;
    case MINSTRET: case INSTRET: *value = instret(c, attempts_before(c)); return true;
    case TIME: *value = time_at(c); return true;
    case MHARTID: *value = w[CORE_RV64_MHARTID]; return true;
    case MIMPID: *value = IMPLEMENTATION; return true;
    case MVENDORID: case MARCHID: case MCONFIGPTR: case TSELECT ... TDATA3:
    case MHPMEVENT3 ... MHPMEVENT31: case MHPMCOUNTER3 ... MHPMCOUNTER31: case HPMCOUNTER3 ... HPMCOUNTER31:
        *value = 0;
        return true;
    }
    return false;
}

static void write_csr(Core *c, unsigned csr, uint64_t value)
{
    uint64_t *w = words_of(c);
    uint64_t delegated = w[CORE_RV64_MIDELEG];
    switch (csr) {
    case FFLAGS: set_flags(c, value); break;
    case FRM: set_rounding(c, value); break;
    case FCSR: set_flags(c, value); set_rounding(c, value >> 5); break;
    case SSTATUS: set_status(c, value, SUPERVISOR); break;
    case SIE: w[CORE_RV64_MIE] = (w[CORE_RV64_MIE] & ~delegated) | (value & delegated); break;
    case STVEC: w[CORE_RV64_STVEC] = value & ~2ull; break;
    case SCOUNTEREN: AT(uint64_t, c->env, ENV_SCOUNTEREN) = (uint32_t)value; break;
    case SENVCFG: c->rv64.senvcfg = value & 1; break;
    case SSCRATCH: AT(uint64_t, c->env, ENV_SSCRATCH) = value; break;
    case SEPC: w[CORE_RV64_SEPC] = value & ~1ull; break;
    case SCAUSE: w[CORE_RV64_SCAUSE] = value; break;
    case STVAL: w[CORE_RV64_STVAL] = value; break;
    case SIP: rv64_write_mip(c, delegated & MIP_SSIP, value); break;
    case SATP: set_satp(c, value); break;
    case MSTATUS: set_status(c, value, SUPERVISOR | MACHINE); break;
    case MEDELEG: w[CORE_RV64_MEDELEG] = value & EXCEPTIONS; break;
    case MIDELEG: w[CORE_RV64_MIDELEG] = value & DELEGABLE; break;
    case MIE: w[CORE_RV64_MIE] = value & INTERRUPTS; break;
    case MTVEC: w[CORE_RV64_MTVEC] = value & ~2ull; break;
    case MCOUNTEREN: AT(uint64_t, c->env, ENV_MCOUNTEREN) = (uint32_t)value; break;
    case MENVCFG: c->rv64.menvcfg = value & 1; break;
    case MCOUNTINHIBIT: set_inhibited(c, value); break;
    case MSCRATCH: AT(uint64_t, c->env, ENV_MSCRATCH) = value; break;
    case MEPC: w[CORE_RV64_MEPC] = value & ~1ull; break;
    case MCAUSE: w[CORE_RV64_MCAUSE] = value; break;
    case MTVAL: w[CORE_RV64_MTVAL] = value; break;
    case MIP: rv64_write_mip(c, DELEGABLE, value); break;
    case PMPCFG0: case PMPCFG2: set_protection(c, 4 * (csr - PMPCFG0), value); break;
    case PMPADDR0 ... PMPADDR15: set_protected_address(c, csr - PMPADDR0, value); break;
    case MCYCLE: set_cycle(c, value); break;
    case MINSTRET: set_instret(c, value); break;
    }
}

static bool permitted(const Core *c, unsigned csr, bool writes)        // to the guest, in its mode
{
    uint64_t privilege = words_of(c)[CORE_RV64_PRIV], mstatus = words_of(c)[CORE_RV64_MSTATUS];
    if ((csr >> 8 & 3) > privilege || (writes && csr >> 10 == 3))
        return false;
    if (csr <= FCSR)
        return mstatus & MSTATUS_FS;
    if (csr == SATP)
        return privilege == 3 || !(mstatus & MSTATUS_TVM);
    if (csr >> 5 == CYCLE >> 5) {
        uint64_t bit = 1u << (csr & 31);
        return (privilege == 3 || AT(uint64_t, c->env, ENV_MCOUNTEREN) & bit) && (privilege > 0 || AT(uint64_t, c->env, ENV_SCOUNTEREN) & bit);
    }
    return true;
}

typedef enum { NEVER, WRITE, SET, CLEAR } Update;

static bool access_csr(Core *c, unsigned csr, Update update, uint64_t operand, uint64_t *old)
{
    if (!read_csr(c, csr, old))
        return false;
    uint64_t base = csr == MIP ? rv64_written_mip(c) : *old;
    if (update == SET)
        operand |= base;
    if (update == CLEAR)
        operand = base & ~operand;
    if (update)
        write_csr(c, csr, operand);
    return true;
}

static uint64_t from_guest(char *env, uint64_t csr, Update update, uint64_t operand, uintptr_t host_pc)
{
    enum { ILLEGAL = 2 };
    uint64_t old = 0;
    Core *c = core_of_cpu(env - rv64.env);
    bool done;
    if (c) {
        done = permitted(c, (unsigned)csr, update) && access_csr(c, (unsigned)csr, update, operand, &old);
    } else {                                    // somebody else's engine
        uint64_t mask = update == WRITE ? ~0ull : update ? operand : 0;
        done = real.rv64_csr(env, (int)csr, &old, update == SET ? ~0ull : update == CLEAR ? 0 : operand, mask) >= 0;
    }
    if (!done)
        riscv_raise_exception_riscv64(env, ILLEGAL, host_pc);
    return old;
}

uint64_t helper_csrrw_riscv64(char *env, uint64_t operand, uint64_t csr)
{
    return from_guest(env, csr, WRITE, operand, (uintptr_t)__builtin_return_address(0));
}

uint64_t helper_csrrs_riscv64(char *env, uint64_t operand, uint64_t csr, uint64_t writes)      // writes: rs1 is not x0
{
    return from_guest(env, csr, writes ? SET : NEVER, operand, (uintptr_t)__builtin_return_address(0));
}

uint64_t helper_csrrc_riscv64(char *env, uint64_t operand, uint64_t csr, uint64_t writes)
{
    return from_guest(env, csr, writes ? CLEAR : NEVER, operand, (uintptr_t)__builtin_return_address(0));
}

// ---- the host
bool core_rv64_csr(Core *c, unsigned csr, uint64_t *value)
{
    c->host_csr = true;
    bool exists = read_csr(c, csr, value);
    c->host_csr = false;
    return exists;
}

bool core_rv64_set_csr(Core *c, unsigned csr, uint64_t value)
{
    uint64_t old;
    c->host_csr = true;
    bool exists = access_csr(c, csr, WRITE, value, &old);
    c->host_csr = false;
    rv64_look_for_interrupts(c);
    return exists;
}

bool core_rv64_is_legal(Core *c)
{
    static const uint16_t all[] = {
        MSTATUS, MEDELEG, MIDELEG, MIE, MTVEC, MCOUNTEREN, MENVCFG, SENVCFG, MCOUNTINHIBIT, MEPC, MCAUSE, STVEC, SCOUNTEREN, SEPC, SCAUSE, SATP,
    };
    uint64_t mstatus = words_of(c)[CORE_RV64_MSTATUS];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint64_t before, after;
        if (!core_rv64_csr(c, all[i], &before) || !core_rv64_set_csr(c, all[i], before) || !core_rv64_csr(c, all[i], &after) || after != before)
            return false;
    }
    uint64_t from[16], past[16];
    memcpy(from, c->rv64.pmp_from, sizeof from);
    memcpy(past, c->rv64.pmp_past, sizeof past);
    uint8_t used = c->rv64.pmp_used;
    rv64_protection_changed(c);
    bool same = !memcmp(from, c->rv64.pmp_from, sizeof from) && !memcmp(past, c->rv64.pmp_past, sizeof past) && used == c->rv64.pmp_used;
    return same && mstatus == words_of(c)[CORE_RV64_MSTATUS] && !(core_rv64_mip(c) & ~INTERRUPTS);
}
