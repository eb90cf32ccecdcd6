// The main loop: which block runs next, what comes between two blocks, and where a run ends. The library's own does the same, with so much
// around it that a run of a thousand instructions, or an interrupt, costs several times as much.
//
// Between two blocks, in this order: interrupts, a stop, the end of the budget, a breakpoint. A budget that ends inside a block runs a block of exactly
// the rest; such parts are kept beside the jump cache, where they would displace the blocks that are looked for.
#include "internal.h"
#include <setjmp.h>

#define ALWAYS inline __attribute__((always_inline))
#define NO_PAGE (~0ull)
enum { CF_PLAIN = (int)0xff000000, CF_KEY = (int)0xff0effff };

static const Arch rv64_layout = { RV64_LAYOUT };
static const Arch arm_layout = { ARM_LAYOUT };

// ---- what a block is translated for
static ALWAYS uint64_t pc_of(const Arch *a, const char *p)         // of a block's or a hart's own memory
{
    return a->pc_bytes == 8 ? AT(uint64_t, p, 0) : AT(uint32_t, p, 0);
}

static ALWAYS uint32_t flags_of(const Arch *a, char *env)
{
    if (a == &arm_layout)
        return (AT(uint32_t, env, ARM_HFLAGS) & ~0x1ffu) | (AT(uint32_t, env, ARM_THUMB) & 1) << 8 | AT(uint8_t, env, ARM_CONDEXEC);
    uint64_t status = AT(uint64_t, env, RV_MSTATUS);
    uint64_t mode = status & MSTATUS_MPRV ? (uint64_t)riscv_cpu_mmu_index_riscv64(env, false) : AT(uint64_t, env, RV_PRIV);
    return (uint32_t)(mode | (status & MSTATUS_FS));
}

static ALWAYS bool is_for(const Arch *a, const char *block, uint64_t pc, uint32_t flags, uint32_t count)       // and still valid
{
    return pc_of(a, block) == pc && AT(uint32_t, block, a->tb_flags) == flags
        && (AT(uint32_t, block, a->tb_cflags) & (uint32_t)CF_KEY) == ((uint32_t)CF_PLAIN | count);
}

// ---- the next block
static ALWAYS char **jump_cache(const Arch *a, char *cpu, uint64_t pc)
{
    int shift = a->page_bits - 6;
    uint64_t t = pc ^ pc >> shift;
    return &AT(char *, cpu, CPU_JUMP_CACHE + 8 * ((t >> shift & 0xfc0) | (t & 63)));
}

char **jump_cache_of_page(const Core *c, uint64_t va)           // RV64: 64 places, of whatever begins in that page
{
    return jump_cache(&rv64_layout, c->cpu, va & ~4095ull);
}

static ALWAYS char **place_of(Core *c, uint64_t pc, uint32_t count)
{
    return &c->parts[(pc + count * 0x9e3779b9u) * 0x9e3779b97f4a7c15ull >> 32 & (MAX_PARTS - 1)];
}

static char *find_or_make(Core *c, uint64_t pc, uint32_t flags, uint32_t count)
{
    char *block = c->arch->find_block(c->cpu, pc, 0, flags, (uint32_t)CF_PLAIN | count);
    if (block)
        return block;
    return c->arch == &arm ? m4_make_block(c->cpu, pc, 0, flags, count) : rv64.make_block(c->cpu, pc, 0, flags, count);
}

// On a Cortex-M where an interrupt returns to, mostly into the middle of a block, leaves the place of others in the jump cache alone. There an
// address is what it is; so what could be executed once still can, until m4_rights_changed.
static ALWAYS char *next(Core *c, const Arch *a)
{
    uint64_t pc = pc_of(a, c->env + a->pc);
    uint32_t flags = flags_of(a, c->env);
    char **cached = jump_cache(a, c->cpu, pc);
    if (*cached && is_for(a, *cached, pc, flags, 0))
        return *cached;
    char **kept = a == &arm_layout && *cached ? place_of(c, pc, 0) : cached;
    if (*kept && is_for(a, *kept, pc, flags, 0) && kept != cached)
        return *kept;
    char *block = find_or_make(c, pc, flags, 0);
    if (is_for(a, block, pc, flags, 0) && (kept == cached || AT(uint64_t, block, a->tb_pages + 8) == NO_PAGE))
        *kept = block;
    return block;
}

// An indirect jump: the library's own test without its calls.
static ALWAYS void *after_jump(const Arch *a, void *(*library)(char *), char *env)
{
    char *cpu = env - a->env;
    uint64_t pc = pc_of(a, env + a->pc);
    char *block = *jump_cache(a, cpu, pc);
    bool hit = core_of_cpu(cpu) && block && is_for(a, block, pc, flags_of(a, env), 0);
    return hit ? AT(void *, block, a->tb_code) : library(env);
}

void *helper_lookup_tb_ptr_riscv64(char *env)
{
    return after_jump(&rv64_layout, rv64.lookup_ptr, env);
}

void *helper_lookup_tb_ptr_arm(char *env)
{
    return after_jump(&arm_layout, arm.lookup_ptr, env);
}

// ---- the first instructions of a block, or one in its middle
static ALWAYS bool is_part(const Arch *a, const char *part, const char *block, uint64_t pc, uint32_t flags, uint32_t count)    // for certain
{
    return is_for(a, part, pc, flags, count) && block && (pc ^ pc_of(a, block)) >> a->page_bits == 0
        && AT(uint64_t, part, a->tb_pages) == AT(uint64_t, block, a->tb_pages) && AT(uint64_t, part, a->tb_pages + 8) == NO_PAGE;
}

static ALWAYS char *part_of(Core *c, const Arch *a, const char *block, uint32_t count)
{
    uint64_t pc = pc_of(a, c->env + a->pc);
    uint32_t flags = flags_of(a, c->env);
    char **kept = place_of(c, pc, count);
    if (*kept && is_part(a, *kept, block, pc, flags, count))
        return *kept;
    char *part = find_or_make(c, pc, flags, count);
    if (is_part(a, part, block, pc, flags, count))
        *kept = part;
    return part;
}

// ---- jumps from one block to the next
static void link_blocks(const Arch *a, char *from, unsigned jump, char *to)
{
    enum { HEAD = 16, NEXT = 24, TARGET = 40 };                 // behind tb_jump_arg
    char *jumps = from + a->tb_jump_arg, *head = to + a->tb_jump_arg + HEAD;
    if (AT(uint32_t, to, a->tb_cflags) & CF_INVALID || AT(uint64_t, to, a->tb_pages + 8) != NO_PAGE || AT(char *, jumps, TARGET + 8 * jump))
        return;
    AT(char *, jumps, TARGET + 8 * jump) = to;
    char *place = AT(char *, from, a->tb_code) + AT(uint64_t, jumps, 8 * jump);
    AT(int32_t, place, 0) = (int32_t)(AT(char *, to, a->tb_code) - (place + 4));
    AT(uintptr_t, jumps, NEXT + 8 * jump) = AT(uintptr_t, head, 0);
    AT(uintptr_t, head, 0) = (uintptr_t)from | jump;
}

static ALWAYS uintptr_t enter(Core *c, const Arch *a, const char *block)       // the block that was left, and how
{
    uintptr_t (*run)(char *, void *);
    *(void **)&run = AT(void *, AT(char *, c->uc, UC_TCG), TCG_ENTER);
    return run(c->env, AT(void *, block, a->tb_code));
}

// ---- a run
static inline bool used_up(const Core *c)
{
    return *budget_of(c) <= 0 || (c->counts_cycles && *cycles_of(c) <= 0);
}

static inline uint32_t rest(const Core *c)      // of the budget: less than the block that did not fit
{
    int64_t count = *budget_of(c);
    if (c->counts_cycles && cycles_fit(c, c->running) < count)
        count = cycles_fit(c, c->running);
    return (uint32_t)count;
}

static ALWAYS void run(Core *c, const Arch *a, bool (*interrupt)(Core *))
{
    enum { EXIT = 3, REQUESTED = 3 };           // the low bits of what a block says at its end
    char *from = NULL, *block;                  // from: what was left by a jump that is not linked yet
    unsigned exit = 0;
    for (;;) {
        bool once = AT(uint16_t, c->env, ENV_STOP_HIGH);        // what comes next need not be what always does: a trap, another translation ...
        AT(uint16_t, c->env, ENV_STOP_HIGH) = 0;
        if (AT(int, c->uc, UC_ERROR)) {
            once = true;
            library_error(c);
        }
        if (AT(uint32_t, c->cpu, CPU_INTERRUPT) && interrupt(c)) {
            once = true;
            if (c->expired && used_up(c))
                return;
            c->expired = false;
        }
        if (c->stop && !repeating(c))
            return;
        bool part = c->expired || c->alone;
        if (part) {
            if (c->expired && used_up(c))
                return;
            block = part_of(c, a, c->running, c->alone ? 1 : rest(c));
            once = true;
        } else {
            block = next(c, a);
        }
        if (AT(int, c->uc, UC_ERROR))           // there is nothing to be fetched
            continue;
        if (!part && used_up(c)) {              // as it would say itself; it is what comes next, or what an interrupt comes back to
            __builtin_prefetch(AT(char *, block, a->tb_code));
            __builtin_prefetch(AT(char *, block, a->tb_code) + 64);
            return;
        }
        if (c->breakpoint_count && !used_up(c) && is_breakpoint(c, pc_of(a, c->env + a->pc))) {
            if (stops_before(c, pc_of(a, c->env + a->pc)))
                return;
            if (!part)                          // that block only comes back here
                block = part_of(c, a, block, 1);
            once = true;
        }
        c->expired = c->alone = false;
        if (from && !once)
            link_blocks(a, from, exit, block);
        uintptr_t left = enter(c, a, block);
        exit = left & EXIT;
        from = exit == REQUESTED ? NULL : (char *)(left & ~(uintptr_t)EXIT);
        if (from && c->coverage)
            cover_exit(c, from, (int)exit);
    }
}

// A block was left in its middle. False: the core sleeps.
static bool caught(Core *c)
{
    int32_t number = AT(int32_t, c->cpu, CPU_EXCEPTION);
    AT(int32_t, c->cpu, CPU_EXCEPTION) = -1;
    if (number == EXCP_HLT)
        return false;
    if (number >= 0 && number < EXCP_INTERRUPT) // else an instruction is run again, or the code buffer was full
        c->arch == &arm ? m4_on_trap(c, (uint32_t)number) : rv64_on_trap(c, (uint32_t)number);
    return true;
}

void run_blocks(Core *c)
{
    AT(int, c->uc, UC_ERROR) = 0;
    AT(int, c->uc, UC_BYTEWISE) = 0;
    if (sigsetjmp(AT(sigjmp_buf, c->uc, UC_JUMP_BUFFER), 0) != 0) {
        if (!caught(c) || c->exit == CORE_WATCHPOINT)
            return;
    }
    coverage_begin_run(c);
    c->expired = false;
    c->watched.memory = NULL;
    AT(uintptr_t, c->cpu, CPU_MEM_IO_PC) = 0;
    if (c->arch == &arm)
        run(c, &arm_layout, m4_take_interrupt);
    else
        run(c, &rv64_layout, rv64_take_interrupt);
}
