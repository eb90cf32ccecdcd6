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

static int execute(const Arch *a, char *uc, char *cpu)
{
    if (!usable)
        return a->exec(uc, cpu);
    Core *c = AT(Core *, cpu, CPU_CORE);
    int64_t *budget = &AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_BUDGET);
    if (!c) {
        *budget = INT64_MAX / 2;                                // somebody else's engine: never stops
        return a->exec(uc, cpu);
    }
    for (;;) {
        c->expired = false;
        c->watched.memory = NULL;
        AT(uintptr_t, cpu, CPU_MEM_IO_PC) = 0;
        int result = a->exec(uc, cpu);
        if (c->stop && !repeating(c))           // repeating: the code buffer overflowed on the way
            AT(uint8_t, uc, UC_STOP) = 1;
        if (!c->expired)
            return result;
        if (*budget <= 0 || (c->counts_cycles && *cycles_of(c) <= 0) || AT(uint8_t, uc, UC_STOP)) {
            AT(uint8_t, uc, UC_STOP) = 1;
            return result;
        }
        int64_t next = *budget;                 // less than a block is left: run a block of exactly that many
        if (c->counts_cycles && cycles_fit(c, c->expired_block) < next)
            next = cycles_fit(c, c->expired_block);
        AT(uint32_t, cpu, CPU_NEXT_CFLAGS) = (uint32_t)next;
    }
}

// ---- indirect jumps: the library's own test for our Cores, without its calls; anything unusual goes to the real helper
static const Arch rv64_layout = { RV64_LAYOUT };
static const Arch arm_layout = { ARM_LAYOUT };

static inline char *jump_cache(const Arch *a, const char *cpu, uint64_t pc)
{
    int shift = a->page_bits - 6;
    uint64_t t = pc ^ pc >> shift;
    return AT(char *, cpu, CPU_JUMP_CACHE + 8 * ((t >> shift & 0xfc0) | (t & 63)));
}

static inline bool plain(const Arch *a, const char *tb, uint32_t flags)     // translated for these flags, without a length limit, still valid
{
    return AT(uint32_t, tb, a->tb_flags) == flags && (AT(uint32_t, tb, a->tb_cflags) & 0xff0effff) == 0xff000000;
}

void *helper_lookup_tb_ptr_riscv64(char *env)
{
    const Arch *a = &rv64_layout;
    char *cpu = env - a->env;
    if (!core_of_cpu(cpu))
        return rv64.lookup_ptr(env);
    uint64_t pc = AT(uint64_t, env, RV_PC);
    uint64_t mstatus = AT(uint64_t, env, RV_MSTATUS);
    char *tb = jump_cache(a, cpu, pc);
    bool hit = tb && AT(uint64_t, tb, 0) == pc && !(mstatus >> 17 & 1)          // bit 17 = MPRV: data accesses use another mode, and so other blocks
        && plain(a, tb, (uint32_t)(AT(uint64_t, env, RV_PRIV) | (mstatus & 0x6000)));
    return hit ? AT(void *, tb, a->tb_code) : rv64.lookup_ptr(env);
}

void *helper_lookup_tb_ptr_arm(char *env)
{
    const Arch *a = &arm_layout;
    char *cpu = env - a->env;
    if (!core_of_cpu(cpu))
        return arm.lookup_ptr(env);
    uint32_t pc = AT(uint32_t, env, 60);
    uint32_t flags = (AT(uint32_t, env, ARM_HFLAGS) & ~0x1ffu) | (AT(uint32_t, env, ARM_THUMB) & 1) << 8 | AT(uint8_t, env, ARM_CONDEXEC);
    char *tb = jump_cache(a, cpu, pc);
    bool hit = tb && AT(uint32_t, tb, 0) == pc && plain(a, tb, flags);
    return hit ? AT(void *, tb, a->tb_code) : arm.lookup_ptr(env);
}

#define EXPORT(name, target) \
    int cpu_exec_##name(char *uc, char *cpu) { return execute(&target, uc, cpu); } \
    void check_exit_request_##name(char *tcg) { check_exit(&target, tcg); } \
    bool cpu_restore_state_##name(char *cpu, uintptr_t host_pc, bool leaving) { return restore_state(&target, cpu, host_pc, leaving); }
EXPORT(riscv64, rv64)
EXPORT(arm, arm)
