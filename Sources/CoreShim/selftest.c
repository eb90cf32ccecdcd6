// Is this really the library that the shim was proven on? A loop of stores and device reads, a block that patches its own next instruction
// (M4: inside an IT block), an indirect jump; M4: an FP trap; RV64: also paged. By single steps and in one go.
#include "internal.h"
#include <string.h>

typedef struct { Core *core; uint64_t sum, traps, trap_pc; } SelfTest;

static CoreAccessVerdict self_access(void *context, CoreAccess *access)
{
    SelfTest *t = context;
    t->sum = t->sum * 1000 + (access->pc & 0xff);
    access->value = access->index;
    return CORE_ACCESS_DONE;
}

static CoreTrapVerdict self_trap(void *context, const CoreTrap *trap)
{
    SelfTest *t = context;
    t->traps = t->traps * 100 + trap->cause;
    if (t->core->kind == CORE_CORTEX_M4 && trap->cause == CORE_M4_NO_COPROCESSOR) {
        t->trap_pc = trap->pc;
        core_m4_set_fp(t->core, 3, true, false, 0);
        return CORE_TRAP_RETRY;
    }
    core_stop(t->core);
    return CORE_TRAP_RESUME;
}

static void self_interrupt(void *context)
{
    (void)context;
}

const char *check_offsets(void)
{
    for (int m4 = 0; m4 < 2; m4++) {
        uc_engine *uc;
        uint64_t ignored;
        const Arch *a = m4 ? &arm : &rv64;
        if (uc_open(m4 ? UC_ARCH_ARM : UC_ARCH_RISCV, m4 ? UC_MODE_THUMB : UC_MODE_RISCV64, &uc))
            return "uc_open fails";
        if (m4)
            uc_ctl_set_cpu_model(uc, UC_CPU_ARM_CORTEX_M4);
        uc_reg_read(uc, m4 ? UC_ARM_REG_PC : UC_RISCV_REG_PC, &ignored);
        char *cpu = AT(char *, uc, UC_CPU);
        char *tcg = AT(char *, uc, UC_TCG);
        bool fits = cpu && tcg && AT(char *, cpu, CPU_ENV) == cpu + a->env && AT(char *, cpu, CPU_ENV + 8) == cpu + a->env + ENV_STOP
            && AT(void *, cpu, CPU_UC) == (void *)uc && AT(void *, tcg, a->tcg_return - 0x258) == (void *)uc && AT(size_t, tcg, a->tcg_return - 0x2d0 + 24) == 1
            && !AT(void *, cpu, CPU_CORE) && AT(uint32_t, cpu, CPU_NEXT_CFLAGS) == ~0u && !(m4 && AT(int, AT(char *, uc, UC_PAGE), 4) != a->page_bits);
        if (fits && m4) {
            uint32_t pattern = 0x3f801234, xpsr = 0;
            uc_reg_write(uc, UC_ARM_REG_S1, &pattern);
            uc_reg_read(uc, UC_ARM_REG_XPSR, &xpsr);
            fits = AT(uint32_t, cpu, a->env + ARM_S0 + 4) == pattern && (xpsr >> 30 & 1) == !AT(uint32_t, cpu, a->env + ARM_ZF)
                && knows_stack_pointer();
        }
        uc_close(uc);
        if (!fits)
            return m4 ? "offsets of its Cortex-M4" : "offsets of its RV64";
    }
    return NULL;
}

static size_t count_pages(CoreMemory *memory)
{
    return core_memory_take_dirty(memory, NULL, NULL);
}

static const char *self_run(bool m4, bool paged, uint64_t step)
{
    static const uint32_t rv_code[] = { 0x00001417, 0x100004b7, 0x00300593, 0x00b43023, 0x0004a603, 0x00c50533, 0xfff58593, 0xfe0598e3, 0x00000297, 0x01c2a303, 0x0062a623, 0x00150513, 0x014280e7, 0x00000073, 0x00000013, 0x06450513 };
    static const uint16_t m4_code[] = { 0xf04f, 0x5700, 0xf04f, 0x4680, 0x2103, 0xf8c7, 0x1400, 0x6832, 0x1880, 0x3901, 0xd1f9, 0xf8df, 0x3020, 0x4289, 0xbf04, 0xf8c7, 0x3824, 0x3001, 0xbf00, 0xf20f, 0x0406, 0x3401, 0x4720, 0xee10, 0x5a10, 0xdf00, 0xbf00, 0xbf00, 0x3064, 0xf20f };
    const char *wrong = NULL;
    uint64_t base = m4 ? 0x20000000 : 0x80000000;
    CoreMemory *memory = core_memory_new(0x4000);
    CoreRegion region = { memory, base, true };
    Core *core = memory ? core_open(m4 ? CORE_CORTEX_M4 : CORE_RV64, 0, &region, 1) : NULL;
    if (!core)
        return "a core cannot be opened";
    SelfTest t = { .core = core };
    core_reset(core, (CoreHost){ self_access, self_trap, self_interrupt }, &t);
    uint8_t *host = core_memory_bytes(memory);
    memcpy(host + (m4 ? 0x800 : 0), m4 ? (const void *)m4_code : rv_code, m4 ? sizeof m4_code : sizeof rv_code);
    if (m4) {
        CoreM4 state;
        core_m4_get(core, &state);
        state.r[15] = (uint32_t)base + 0x800;
        state.xpsr |= 1 << 24;
        core_m4_set(core, &state);
        core_m4_set_fp(core, 0, true, false, 0);
    } else {
        core_rv64_watch(core, 1 << 8 | 1 << 9 | 1 << 11, false);
        core_rv64_words(core)[CORE_RV64_PC] = paged ? 0x40000000 : base;
    }
    if (paged) {                                                // S mode; 1 GiB pages: 0 -> 0 for the device, 0x40000000 -> 0x80000000 with A = D = 0
        AT(uint64_t, host, 0x3000) = 0xcf;
        AT(uint64_t, host, 0x3008) = 0x80000000ul >> 2 | 0x0f;
        core_rv64_words(core)[CORE_RV64_SATP] = 8ul << 60 | 0x80003;
        core_rv64_words(core)[CORE_RV64_PRIV] = 1;
        core_rv64_set_csr(core, 0x3b0, ~0ull);                  // pmpaddr0, pmpcfg0: all memory
        core_rv64_set_csr(core, 0x3a0, 0x1f);
    }
    uint64_t end = m4 ? CORE_M4_SVC : paged ? 9 : 11;
    for (int i = 0; i < 100 && !wrong && t.traps % 100 != end; i++) {
        CoreExit left = core_run(core, step);
        if (left != CORE_BUDGET && left != CORE_STOPPED)
            wrong = "a short run fails";
    }
    uint64_t result = m4 ? core_m4_r(core)[0] : core_rv64_words(core)[10];
    CoreFigures figures = core_figures(core);
    if (!wrong && core_index(core) != (m4 ? 29 : 24))
        wrong = "instruction count";
    if (!wrong && t.sum != (m4 ? 14014014 : 16016016))
        wrong = "exact pc of device accesses";
    if (!wrong && result != (m4 ? 128 : 127))
        wrong = "self-modifying code or access index";
    if (!wrong && m4 && (t.traps != 100 * CORE_M4_NO_COPROCESSOR + CORE_M4_SVC || t.trap_pc != 0x2000082e))
        wrong = "FP trap";
    if (!wrong && step > 1 && (figures.precise_exits != 1 || figures.opened_pages != 1 || figures.slow_stores > 4))
        wrong = "store path";
    if (!wrong && paged && (host[0x3008] != 0xcf || figures.pte_updates != 2))
        wrong = "page table updates";
    if (!wrong && count_pages(memory) != (m4 ? 1 : paged ? 3 : 2))
        wrong = "dirty log";
    core_close(core);
    core_memory_free(memory);
    return wrong;
}

const char *core_self_test(void)
{
    const char *wrong = NULL;
    for (uint64_t step = 1; !wrong && step <= 1000; step += 999) {
        wrong = self_run(false, false, step);
        if (!wrong)
            wrong = self_run(false, true, step);
        if (!wrong)
            wrong = self_run(true, false, step);
    }
    return wrong;
}
