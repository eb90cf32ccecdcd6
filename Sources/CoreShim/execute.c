// Leaving a block early: with the right count, and to run one instruction again, alone.
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
    if (core_of_cpu(cpu))
        uncover(core_of_cpu(cpu), tb, i + 1);
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

void repeat_alone(const Arch *a, char *cpu, char *tb, int index, uintptr_t host_pc)
{
    Core *c = core_of_cpu(cpu);
    a->restore(cpu, host_pc, false);
    uncover(c, tb, index);
    c->running = tb;
    c->alone = true;
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

// An instruction that has to be the last one of its block again and again is that by itself from some time on.
enum { SOME = 16 };

static unsigned place(uint64_t pc)
{
    return (unsigned)(pc >> 1 ^ pc >> 7) % MAX_ENDERS;
}

bool ends_block(const Core *c, uint64_t pc)
{
    return c->enders[place(pc)].pc == pc && c->enders[place(pc)].repeats >= SOME;
}

static void note_repeat(Core *c, char *tb, uint64_t pc)
{
    if (c->enders[place(pc)].pc != pc)
        c->enders[place(pc)].repeats = 0;
    c->enders[place(pc)].pc = pc;
    if (++c->enders[place(pc)].repeats >= SOME)
        c->arch->drop_block(AT(char *, c->uc, UC_TCG), tb, ~0ull);
}

void repeat_at(Core *c, uintptr_t host_pc)
{
    char *tb;
    uint64_t pc;
    int i = find_index(c->arch, c->cpu, host_pc, &tb, &pc);
    c->figures.repeats++;
    if (i == NOT_CODE)
        return;
    note_repeat(c, tb, pc);
    repeat_alone(c->arch, c->cpu, tb, i, host_pc);
}

void leave_behind(Core *c)
{
    AT(uint16_t, c->env, ENV_STOP_HIGH) = 0xffff;
}

// The library tests for a stop after every load and store: slow, and a stop there corrupts the guest. Keep the test after hook calls only.
static void check_exit(const Arch *a, char *tcg)
{
    if (!usable || (AT(char *, tcg, TCG_OPS) && AT(uint8_t, AT(char *, AT(char *, AT(char *, tcg, TCG_OPS + 8), 8), 0), 0) == OP_CALL))
        a->check_exit(tcg);
}

static int execute(const Arch *a, char *uc, char *cpu)
{
    if (usable)
        AT(int64_t, AT(char *, cpu, CPU_ENV), ENV_BUDGET) = INT64_MAX / 2;      // somebody else's engine: never stops
    return a->exec(uc, cpu);
}

#define EXPORT(name, target) \
    int cpu_exec_##name(char *uc, char *cpu) { return execute(&target, uc, cpu); } \
    void check_exit_request_##name(char *tcg) { check_exit(&target, tcg); } \
    bool cpu_restore_state_##name(char *cpu, uintptr_t host_pc, bool leaving) { return restore_state(&target, cpu, host_pc, leaving); }
EXPORT(riscv64, rv64)
EXPORT(arm, arm)
