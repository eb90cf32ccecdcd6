// Running blocks: exact stops, leaving a block early with the right count, running one instruction again alone, indirect jumps.
#include "internal.h"
#include <string.h>

static bool counts_cycles(char *cpu)
{
    Core *c = core_of_cpu(cpu);
    return c && c->counts_cycles;
}

// Leaving a block early: give back what it subtracted for the instructions behind the current one, which counts as attempted.
static void give_back(const Arch *a, char *cpu, uintptr_t host_pc)
{
    char *tb;
    uint64_t pc;
    int i = find_index(a, cpu, host_pc, &tb, &pc);
    if (i == NOT_CODE || i + 1 >= block_count(a, tb))
        return;
    AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_BUDGET) += block_count(a, tb) - i - 1;
    if (counts_cycles(cpu))
        AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_CYCLES) += cycles_behind(tb, i);
}

static bool restore_state(const Arch *a, char *cpu, uintptr_t host_pc, bool leaving)
{
    if (leaving && usable) {
        give_back(a, cpu, host_pc);
        AT(int, AT(char *, cpu, CPU_UC), UC_BYTEWISE) = 0;      // set while the core stores byte by byte; nobody else would clear it
    }
    return a->restore(cpu, host_pc, leaving);
}

void repeat_alone(const Arch *a, char *cpu, const char *tb, int index, uintptr_t host_pc)
{
    a->restore(cpu, host_pc, false);
    AT(uint32_t, cpu, CPU_NEXT_CFLAGS) = 1;
    AT(int, AT(char *, cpu, CPU_UC), UC_BYTEWISE) = 0;
    AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_BUDGET) += block_count(a, tb) - index;
    if (counts_cycles(cpu))
        AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_CYCLES) += cycles_from(tb, index);
    a->leave(cpu);
}

const Memo *locate(Core *c, uintptr_t host_pc)
{
    Memo *m = &c->memo[(host_pc >> 2 ^ host_pc >> 8) % MEMO_SIZE];
    if (m->host_pc != host_pc || m->epoch != c->epoch) {
        char *tb = NULL;
        int i = find_index(c->arch, c->cpu, host_pc, &tb, &m->pc);
        m->host_pc = i == NOT_CODE ? 0 : host_pc;
        m->epoch = c->epoch;
        m->back = i == NOT_CODE ? 0 : block_count(c->arch, tb) - i;
        m->last = m->back <= 1;
        m->cycles_back = c->counts_cycles && i != NOT_CODE ? cycles_from(tb, i) : 0;
    }
    return m;
}

void repeat_at(Core *c, uintptr_t host_pc)
{
    char *tb;
    uint64_t pc;
    int i = find_index(c->arch, c->cpu, host_pc, &tb, &pc);
    c->figures.repeats++;
    if (i != NOT_CODE)
        repeat_alone(c->arch, c->cpu, tb, i, host_pc);
}

void leave_behind(Core *c)
{
    AT(uint16_t, c->env, ENV_STOP_HIGH) = 0xffff;
    if (c->stop)
        AT(uint8_t, c->cpu, CPU_EXIT) = 1;
}

// The library tests for a stop after every load and store: slow, and a stop there corrupts the guest. Keep the test after hook calls only.
static void check_exit(const Arch *a, char *tcg)
{
    if (!usable || (AT(char *, tcg, TCG_OPS) && AT(uint8_t, AT(char *, AT(char *, AT(char *, tcg, TCG_OPS + 8), 8), 0), 0) == OP_CALL))
        a->check_exit(tcg);
}

// The library's main loop until the budget is used up to the last attempt.
static int execute(Core *c)
{
    char *uc = (char *)c->uc;
    int64_t *budget = budget_of(c);
    char *short_of = NULL;                      // the block of which only a part may run now
    int64_t count = 0;
    for (;;) {
        c->expired = false;
        c->watched.memory = NULL;
        AT(uintptr_t, c->cpu, CPU_MEM_IO_PC) = 0;
        int result = c->arch->exec(uc, c->cpu);
        if (short_of)
            remember_part(c, short_of, count);
        if (c->stop && !repeating(c))           // repeating: the code buffer overflowed on the way
            AT(uint8_t, uc, UC_STOP) = 1;
        if (!c->expired)
            return result;
        if (*budget <= 0 || (c->counts_cycles && *cycles_of(c) <= 0) || AT(uint8_t, uc, UC_STOP)) {
            AT(uint8_t, uc, UC_STOP) = 1;
            return result;
        }
        short_of = c->expired_block;
        count = *budget;                        // less than a block is left: run a block of exactly that many
        if (c->counts_cycles && cycles_fit(c, c->expired_block) < count)
            count = cycles_fit(c, c->expired_block);
        AT(uint32_t, c->cpu, CPU_NEXT_CFLAGS) = (uint32_t)count;
    }
}

static int execute_any(const Arch *a, char *uc, char *cpu)
{
    Core *c = core_of_cpu(cpu);
    if (c)
        return execute(c);
    if (usable)
        AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_BUDGET) = INT64_MAX / 2;      // somebody else's engine: never stops
    return a->exec(uc, cpu);
}

// On RV64 what uc_emu_start does, less a quarter of a microsecond: it drops the code at its last address whenever it ends.
uc_err run_blocks(Core *c)
{
    enum { NOWHERE = 0xfffffffe };
    if (c->arch == &arm)
        return uc_emu_start(c->uc, AT(uint32_t, c->env, 60) | AT(uint32_t, c->env, ARM_THUMB), NOWHERE, 0, 0);
    char *uc = (char *)c->uc;
    AT(int, uc, UC_ERROR) = 0;
    AT(int, uc, UC_BYTEWISE) = 0;
    AT(uint8_t, uc, UC_STOP) = 0;
    do {
        AT(uint8_t, uc, UC_QUIT) = 0;
        AT(uint32_t, c->cpu, CPU_HALTED) = 0;
        AT(uint8_t, c->cpu, CPU_EXIT) = 0;
        AT(int32_t, c->cpu, CPU_EXCEPTION) = -1;
        if (run_quickly(c) || execute(c) == EXCP_HLT)
            break;
    } while (!AT(uint8_t, uc, UC_STOP) && !AT(int, uc, UC_ERROR));
    AT(uint8_t, c->cpu, CPU_EXIT) = 0;
    AT(uint16_t, c->env, ENV_STOP_HIGH) = 0;
    return (uc_err)AT(int, uc, UC_ERROR);
}

// ---- indirect jumps: the library's own test for our Cores, without its calls; anything unusual goes to the real helper
static const Arch rv64_layout = { RV64_LAYOUT };
static const Arch arm_layout = { ARM_LAYOUT };

static inline char **jump_cache(const Arch *a, const char *cpu, uint64_t pc)
{
    int shift = a->page_bits - 6;
    uint64_t t = pc ^ pc >> shift;
    return &AT(char *, cpu, CPU_JUMP_CACHE + 8 * ((t >> shift & 0xfc0) | (t & 63)));
}

static inline bool plain(const Arch *a, const char *tb, uint32_t flags)     // translated for these flags, without a length limit, still valid
{
    return AT(uint32_t, tb, a->tb_flags) == flags && (AT(uint32_t, tb, a->tb_cflags) & 0xff0effff) == 0xff000000;
}

static inline char *next_rv64_block(const char *env)
{
    const Arch *a = &rv64_layout;
    uint64_t pc = AT(uint64_t, env, RV_PC);
    uint64_t mstatus = AT(uint64_t, env, RV_MSTATUS);
    char *tb = *jump_cache(a, env - a->env, pc);
    bool hit = tb && AT(uint64_t, tb, 0) == pc && !(mstatus >> 17 & 1)          // bit 17 = MPRV: data accesses use another mode, and so other blocks
        && plain(a, tb, (uint32_t)(AT(uint64_t, env, RV_PRIV) | (mstatus & 0x6000)));
    return hit ? tb : NULL;
}

void *helper_lookup_tb_ptr_riscv64(char *env)
{
    char *tb = core_of_cpu(env - rv64_layout.env) ? next_rv64_block(env) : NULL;
    return tb ? AT(void *, tb, rv64_layout.tb_code) : rv64.lookup_ptr(env);
}

void *helper_lookup_tb_ptr_arm(char *env)
{
    const Arch *a = &arm_layout;
    char *cpu = env - a->env;
    if (!core_of_cpu(cpu))
        return arm.lookup_ptr(env);
    uint32_t pc = AT(uint32_t, env, 60);
    uint32_t flags = (AT(uint32_t, env, ARM_HFLAGS) & ~0x1ffu) | (AT(uint32_t, env, ARM_THUMB) & 1) << 8 | AT(uint8_t, env, ARM_CONDEXEC);
    char *tb = *jump_cache(a, cpu, pc);
    bool hit = tb && AT(uint32_t, tb, 0) == pc && plain(a, tb, flags);
    return hit ? AT(void *, tb, a->tb_code) : arm.lookup_ptr(env);
}

char *next_block(const Core *c)
{
    return next_rv64_block(c->env);
}

char **jump_cache_of(const Core *c, const char *block)
{
    return jump_cache(&rv64_layout, c->cpu, AT(uint64_t, block, 0));
}

#define EXPORT(name, target) \
    int cpu_exec_##name(char *uc, char *cpu) { return execute_any(&target, uc, cpu); } \
    void check_exit_request_##name(char *tcg) { check_exit(&target, tcg); } \
    bool cpu_restore_state_##name(char *cpu, uintptr_t host_pc, bool leaving) { return restore_state(&target, cpu, host_pc, leaving); }
EXPORT(riscv64, rv64)
EXPORT(arm, arm)
