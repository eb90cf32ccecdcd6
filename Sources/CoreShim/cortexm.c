// Cortex-M4: the library knows the instructions, not the exceptions. Every trap and every chance to take an interrupt goes to the host,
// which enters and leaves exceptions by core_m4_get and core_m4_set (ARM DDI 0403, B1.4.4 and B1.5).
#include "internal.h"
#include <string.h>

enum { EXCP_UDEF = 1, EXCP_SWI = 2, EXCP_PREFETCH_ABORT = 3, EXCP_DATA_ABORT = 4, EXCP_IRQ = 5, EXCP_BKPT = 7, EXCP_EXCEPTION_EXIT = 8, EXCP_NOCP = 17, EXCP_INVSTATE = 18 };
enum { SP = 13, PC = 15, CONTROL_SPSEL = 2, CONTROL_FPCA = 4 };

static inline uint32_t *r_of(const Core *c)
{
    return (uint32_t *)c->env;
}

static inline uint32_t *banked(const Core *c, int offset)       // the v8-M core banks by security; a Cortex-M4 lives in one bank
{
    return &AT(uint32_t, c->env, offset + 4 * (AT(uint32_t, c->env, ARM_SECURE) & 1));
}

// ---- a block's flags: what it was translated for. Beside the library's own there are ours
static void add_flags(Core *c)
{
    bool negative = c->negative || *banked(c, ARM_FAULTMASK) & 1;
    AT(uint32_t, c->env, ARM_HFLAGS) |= (c->traps_unaligned ? HFLAG_ALIGN : 0) | (c->traps_divide ? HFLAG_DIVIDE : 0)
        | (negative ? HFLAG_NEGATIVE : 0) | (c->counts_cycles ? HFLAG_CYCLES : 0);
}

static void rebuild_hflags(Core *c)             // the library's hang on a few bits only, and are slow to come by
{
    enum { KNOWN = 1 << 30 };                   // single steps, of which there are none
    unsigned state = (AT(uint32_t, c->env, ARM_IPSR) != 0) | (*banked(c, ARM_CONTROL) & 1) << 1 | (AT(uint32_t, c->env, ARM_FPCA) & CONTROL_FPCA)
        | c->fp_access << 3 | (unsigned)c->fp_automatic << 5 | (unsigned)c->fp_lazy_active << 6;
    if (!c->hflags[state]) {
        real.arm_rebuild_hflags(c->env);
        c->hflags[state] = AT(uint32_t, c->env, ARM_HFLAGS) | KNOWN;
    }
    AT(uint32_t, c->env, ARM_HFLAGS) = c->hflags[state] & ~(uint32_t)KNOWN;
    add_flags(c);
}

void arm_rebuild_hflags_arm(char *env)
{
    Core *c = core_of_cpu(env - arm.env);
    if (c)
        rebuild_hflags(c);
    else
        real.arm_rebuild_hflags(env);
}

void helper_rebuild_hflags_m32_arm(char *env, int el)
{
    Core *c = core_of_cpu(env - arm.env);
    real.arm_rebuild_m32(env, el);
    if (c)
        add_flags(c);
}

void helper_rebuild_hflags_m32_newel_arm(char *env)
{
    Core *c = core_of_cpu(env - arm.env);
    real.arm_rebuild_m32_newel(env);
    if (c)
        add_flags(c);
}

void core_m4_set_traps(Core *c, bool unaligned, bool divide_by_zero)
{
    c->traps_unaligned = unaligned;
    c->traps_divide = divide_by_zero;
    rebuild_hflags(c);
}

void core_m4_set_negative(Core *c, bool active)
{
    if (c->negative == active)
        return;
    c->negative = active;
    rebuild_hflags(c);
}

static uint16_t halfword_at(Core *c, uint32_t address)
{
    for (int i = 0; i < c->view_count; i++) {
        if (address - c->views[i].guest + 1 < c->views[i].memory->size)
            return AT(uint16_t, c->views[i].memory->host, address - c->views[i].guest);
    }
    return 0;
}

// ---- traps
static void take_back(Core *c)                  // an FP instruction that trapped and will run now: one attempt, which cost one cycle
{
    *budget_of(c) += 1;
    if (c->counts_cycles)
        *cycles_of(c) += 1;
}

void m4_trap(Core *c, uint64_t cause, uint64_t value)
{
    bool attempted = cause != CORE_M4_FETCH_FAULT && cause != CORE_M4_EXECUTE_NEVER;
    bool seen = cause != CORE_M4_LAZY_FP;
    bool retires = cause == CORE_M4_SVC || cause == CORE_M4_EXCEPTION_RETURN;
    CoreTrap trap = { .cause = cause, .value = value, .pc = r_of(c)[PC], .index = core_index(c), .cycle = core_cycle(c) };
    c->sleeping = c->sleeping_event = false;
    c->replay_next = c->replay_count = 0;
    c->failed += attempted && !retires;
    if (seen)
        note_trap(c, cause, cause, trap.pc);
    CoreTrapVerdict verdict = c->host.trap(c->context, &trap);
    if (verdict != CORE_TRAP_DELIVER && attempted && !retires)
        c->failed--;
    if (verdict == CORE_TRAP_RETRY && attempted)
        take_back(c);
    if (c->stop || c->attention) {
        c->attention = false;
        leave_behind(c);
    }
}

static bool fp_allowed(const Core *c)
{
    bool privileged = AT(uint32_t, c->env, ARM_IPSR) || !(*banked(c, ARM_CONTROL) & 1);
    return c->fp_access == 3 || (c->fp_access == 1 && privileged);
}

static void fp_trap(Core *c)
{
    bool allowed = fp_allowed(c);
    if ((halfword_at(c, r_of(c)[PC] + 2) >> 8 & 14) != 10) {    // neither CP10 nor CP11: there is no such coprocessor
        m4_trap(c, CORE_M4_NO_COPROCESSOR, 0);
        return;
    }
    if (!allowed || c->fp_lazy_active) {
        m4_trap(c, allowed ? CORE_M4_LAZY_FP : CORE_M4_NO_COPROCESSOR, 0);
        return;
    }
    AT(uint32_t, c->env, ARM_FPCA) |= CONTROL_FPCA;             // a new FP context (B1.4.7); then the instruction runs
    enum { DEFAULTS = 0x07c00000 };                             // AHP, DN, FZ, RMode: the rest stays as it is (ExecuteFPCheck)
    core_m4_set_fpscr(c, (core_m4_fpscr(c) & ~DEFAULTS) | (c->fpdscr & DEFAULTS));
    rebuild_hflags(c);
    take_back(c);
}

// An encoding of CP10 or CP11 that is UNDEFINED is an attempt to access that coprocessor nevertheless (B3.2.20).
static bool is_fp_space(uint32_t first, uint32_t second)
{
    return (first & 0xec00) == 0xec00 && (first & 0x0300) != 0x0300 && (second >> 8 & 14) == 10;
}

static void invalid(Core *c)
{
    uint32_t first = halfword_at(c, r_of(c)[PC]), second = halfword_at(c, r_of(c)[PC] + 2);
    if (!AT(uint32_t, c->env, ARM_THUMB))
        m4_trap(c, CORE_M4_INVALID_STATE, 0);
    else if (!fp_allowed(c) && is_fp_space(first, second))
        m4_trap(c, CORE_M4_NO_COPROCESSOR, 0);
    else
        m4_trap(c, CORE_M4_UNDEFINED, first << 16 | second);
}

void m4_on_trap(Core *c, uint32_t number)
{
    switch (number) {
    case EXCP_UDEF: case EXCP_INVSTATE:
        invalid(c);
        break;
    case EXCP_SWI:
        m4_trap(c, CORE_M4_SVC, 0);
        break;
    case EXCP_BKPT:
        m4_trap(c, CORE_M4_BKPT, halfword_at(c, r_of(c)[PC]) & 0xff);
        break;
    case EXCP_PREFETCH_ABORT:
        m4_trap(c, CORE_M4_EXECUTE_NEVER, r_of(c)[PC]);
        break;
    case EXCP_DATA_ABORT:
        m4_trap(c, c->fault_cause ? c->fault_cause : CORE_M4_MPU_FAULT, c->fault_address);
        c->fault_cause = 0;
        break;
    case EXCP_EXCEPTION_EXIT:
        m4_trap(c, CORE_M4_EXCEPTION_RETURN, r_of(c)[PC] | (AT(uint32_t, c->env, ARM_THUMB) & 1));     // a jump moves bit 0 there
        break;
    case EXCP_NOCP:
        fp_trap(c);
        break;
    default:
        fail(c, "exception number %ld of the Arm core", (long)number);
    }
}

// SVC and a return, each the last of its block, without the library's jump out of it: it would cost as much as all the rest.
void helper_exception_internal_arm(char *env, uint32_t number)
{
    Core *c = core_of_cpu(env - arm.env);
    if (c && number == EXCP_EXCEPTION_EXIT)
        m4_on_trap(c, number);
    else
        real.arm_raise(env, number);
}

void helper_exception_with_syndrome_arm(char *env, uint32_t number, uint32_t syndrome, uint32_t level)
{
    Core *c = core_of_cpu(env - arm.env);
    if (c && number == EXCP_SWI)
        m4_on_trap(c, number);
    else
        real.arm_raise_with(env, number, syndrome, level);
}

void m4_access_fault(Core *c, uint64_t va, uint64_t cause, uintptr_t host_pc)
{
    c->fault_address = va;
    c->fault_cause = cause;
    AT(int32_t, c->cpu, CPU_EXCEPTION) = EXCP_DATA_ABORT;
    arm.leave_restore(c->cpu, host_pc);
}

// ---- interrupts: between two blocks while the request is up. True: one was entered
bool m4_take_interrupt(Core *c)
{
    uint32_t before = AT(uint32_t, c->env, ARM_IPSR);
    if (repeating(c))                           // that instruction comes first
        return false;
    c->host.interrupt(c->context);
    c->attention = false;
    return AT(uint32_t, c->env, ARM_IPSR) != before;
}

void core_m4_set_pending(Core *c, bool pending, bool takeable)
{
    uint32_t *request = &AT(uint32_t, c->cpu, CPU_INTERRUPT);
    *request = pending ? *request | INTERRUPT_HARD : *request & ~INTERRUPT_HARD;
    if (pending && takeable)
        c->attention = true;
}

// ---- WFI, WFE, SEV, YIELD
static void halt(Core *c)
{
    AT(int32_t, c->cpu, CPU_EXCEPTION) = EXCP_HLT;
    real.arm_exit(c->cpu);
}

void helper_wfi_arm(char *env, uint32_t length)
{
    Core *c = core_of_cpu(env - arm.env);
    if (!c) {
        real.arm_wfi(env, length);
        return;
    }
    c->sleeping = true;
    halt(c);
}

void helper_wfe_arm(char *env)
{
    enum { SEV = 0xbf40, WIDE_HINT = 0xf3af, WIDE_SEV = 0x8004 };
    Core *c = core_of_cpu(env - arm.env);
    if (!c) {
        real.arm_wfe(env);
        return;
    }
    uint16_t last = halfword_at(c, r_of(c)[PC] - 2);
    bool sets = last == SEV || (last == WIDE_SEV && halfword_at(c, r_of(c)[PC] - 4) == WIDE_HINT);
    bool sleeps = !sets && !c->event;
    c->event = sets;
    if (!sleeps)
        return;
    c->sleeping_event = true;
    halt(c);
}

void helper_yield_arm(char *env)                // a hint: nothing to do; the library would leave the run with an error
{
    if (!core_of_cpu(env - arm.env))
        real.arm_yield(env);
}

void core_m4_set_event(Core *c, bool event)
{
    c->event = event;
}

bool core_m4_event(const Core *c)
{
    return c->event;
}

void core_m4_clear_exclusive(Core *c)
{
    AT(uint64_t, c->env, ARM_EXCLUSIVE) = ~0ull;
}

// ---- SDIV and UDIV while CCR.DIV_0_TRP is set or cycles are counted: blocks.c calls these two names, which nothing else does
static void divide(Core *c, uint32_t dividend, uint32_t divisor, uintptr_t host_pc)
{
    if (!divisor && c->traps_divide)
        m4_access_fault(c, 0, CORE_M4_DIVIDE_BY_ZERO, host_pc);
    core_m4_take_cycles(c, m4_divide_cycles(dividend, divisor) - 1);
}

static uint32_t magnitude(uint32_t x)
{
    return x >> 31 ? -x : x;
}

uint32_t helper_add_usaturate_arm(char *env, uint32_t a, uint32_t b)
{
    Core *c = core_of_cpu(env - arm.env);
    if (!c)
        return real.arm_add_usaturate(env, a, b);
    divide(c, magnitude(a), magnitude(b), (uintptr_t)__builtin_return_address(0));
    return (uint32_t)real.arm_sdiv((int32_t)a, (int32_t)b);
}

uint32_t helper_sub_usaturate_arm(char *env, uint32_t a, uint32_t b)
{
    Core *c = core_of_cpu(env - arm.env);
    if (!c)
        return real.arm_sub_usaturate(env, a, b);
    divide(c, a, b, (uintptr_t)__builtin_return_address(0));
    return real.arm_udiv(a, b);
}

// ---- MSR and CPS: three rules that the library does not know
void helper_v7m_msr_arm(char *env, uint32_t target, uint32_t value)
{
    enum { MSP = 8, PSP = 9, BASEPRI = 17, BASEPRI_MAX = 18, FAULTMASK = 19, NMI = 2, HARD_FAULT = 3 };
    Core *c = core_of_cpu(env - arm.env);
    uint32_t number = target & 0xff;
    uint32_t running = AT(uint32_t, env, ARM_IPSR);
    if (c && (number == BASEPRI || number == BASEPRI_MAX))
        value &= c->priority_mask;
    if (c && (number == MSP || number == PSP))
        value &= ~3u;                                           // B1.4.1: bits 1:0 of a stack pointer are zero
    if (c && number == FAULTMASK && value & 1 && (running == NMI || running == HARD_FAULT))
        return;                                                 // B5.2.3: ignored at priority -1 and -2
    real.arm_msr(env, target, value);
}

void core_m4_set_priority_mask(Core *c, uint8_t mask)
{
    c->priority_mask = mask;
}

// ---- FP: the library asks only when hflags are rebuilt; 1 = trap. While FPCA is clear it must trap too: the library decides FPCA once per block
int fp_exception_el_arm(char *env, int el)
{
    Core *c = core_of_cpu(env - arm.env);
    if (!c)
        return real.arm_fp_exception(env, el);
    bool allowed = c->fp_access == 3 || (c->fp_access == 1 && el > 0);
    return !allowed || c->fp_lazy_active || (c->fp_automatic && !(AT(uint32_t, env, ARM_FPCA) & CONTROL_FPCA));
}

void core_m4_set_fp(Core *c, unsigned access, bool automatic, bool lazy_active, uint32_t fpdscr)
{
    c->fp_access = access;
    c->fp_automatic = automatic;
    c->fp_lazy_active = lazy_active;
    c->fpdscr = fpdscr;
    rebuild_hflags(c);
}

uint32_t core_m4_fpscr(Core *c)
{
    uint32_t value = 0;
    uc_reg_read(c->uc, UC_ARM_REG_FPSCR, &value);
    return value;
}

void core_m4_set_fpscr(Core *c, uint32_t fpscr)
{
    uc_reg_write(c->uc, UC_ARM_REG_FPSCR, &fpscr);
}

uint32_t *core_m4_s(Core *c)
{
    return &AT(uint32_t, c->env, ARM_S0);
}

// ---- registers
uint32_t *core_m4_r(Core *c)
{
    return r_of(c);
}

CoreM4Masks core_m4_masks(const Core *c)
{
    const uint32_t *primask = banked(c, ARM_PRIMASK), *faultmask = banked(c, ARM_FAULTMASK), *basepri = banked(c, ARM_BASEPRI);
    return (CoreM4Masks){ *primask, *faultmask, *basepri };
}

void core_m4_get(Core *c, CoreM4 *state)
{
    const char *env = c->env;
    uint32_t it = AT(uint32_t, env, ARM_CONDEXEC);
    uint32_t control = *banked(c, ARM_CONTROL);
    bool psp = !AT(uint32_t, env, ARM_IPSR) && control & CONTROL_SPSEL;
    memcpy(state->r, env, sizeof state->r);
    state->xpsr = (AT(uint32_t, env, ARM_NF) & 1u << 31) | (uint32_t)!AT(uint32_t, env, ARM_ZF) << 30 | (AT(uint32_t, env, ARM_CF) & 1) << 29
        | (AT(uint32_t, env, ARM_VF) & 1u << 31) >> 3 | (AT(uint32_t, env, ARM_QF) & 1) << 27 | (it & 3) << 25 | (AT(uint32_t, env, ARM_THUMB) & 1) << 24
        | (AT(uint32_t, env, ARM_GE) & 15) << 16 | (it & 0xfc) << 8 | (AT(uint32_t, env, ARM_IPSR) & 0x1ff);
    state->msp = psp ? AT(uint32_t, env, ARM_OTHER_SP) : r_of(c)[SP];
    state->psp = psp ? r_of(c)[SP] : AT(uint32_t, env, ARM_OTHER_SP);
    state->control = (control & 3) | (AT(uint32_t, env, ARM_FPCA) & CONTROL_FPCA);
    CoreM4Masks masks = core_m4_masks(c);
    state->primask = masks.primask;
    state->faultmask = masks.faultmask;
    state->basepri = masks.basepri;
}

void core_m4_set(Core *c, const CoreM4 *state)
{
    char *env = c->env;
    uint32_t *control = banked(c, ARM_CONTROL), *primask = banked(c, ARM_PRIMASK);
    uint32_t *faultmask = banked(c, ARM_FAULTMASK), *basepri = banked(c, ARM_BASEPRI);
    uint32_t x = state->xpsr;
    memcpy(env, state->r, sizeof state->r);
    AT(uint32_t, env, ARM_NF) = x & 1u << 31;
    AT(uint32_t, env, ARM_ZF) = !(x >> 30 & 1);
    AT(uint32_t, env, ARM_CF) = x >> 29 & 1;
    AT(uint32_t, env, ARM_VF) = (x >> 28 & 1) << 31;
    AT(uint32_t, env, ARM_QF) = x >> 27 & 1;
    AT(uint32_t, env, ARM_GE) = x >> 16 & 15;
    AT(uint32_t, env, ARM_THUMB) = x >> 24 & 1;
    AT(uint32_t, env, ARM_CONDEXEC) = (x >> 25 & 3) | (x >> 8 & 0xfc);
    AT(uint32_t, env, ARM_IPSR) = x & 0x1ff;
    *control = (*control & ~3u) | (state->control & 3);
    AT(uint32_t, env, ARM_FPCA) = (AT(uint32_t, env, ARM_FPCA) & ~(uint32_t)CONTROL_FPCA) | (state->control & CONTROL_FPCA);
    bool psp = !(x & 0x1ff) && *control & CONTROL_SPSEL;
    r_of(c)[SP] = psp ? state->psp : state->msp;
    AT(uint32_t, env, ARM_OTHER_SP) = psp ? state->msp : state->psp;
    *primask = state->primask & 1;
    *faultmask = state->faultmask & 1;
    *basepri = state->basepri & 0xff;
    rebuild_hflags(c);
    came_by(c, CORE_CAME_MOVED);
}
