// Short runs of an RV64, such as the turns of several harts: the library's main loop costs some 200 ns a run, which is a lot where a run takes half
// a microsecond. A run that begins and ends in ordinary code does without it: straight into the first block, and at the end into the block
// that is exactly what is left of the last one. Everything else is the main loop's, which goes on from wherever this has got.
#include "internal.h"
#include <setjmp.h>

enum { CF_KEY = (int)0xff0effff, CF_PLAIN = (int)0xff000000 };

static Part *place(Core *c, const char *block, int64_t count)
{
    return &c->parts[((uintptr_t)block + (uintptr_t)count * 8) * 0x9e3779b97f4a7c15ull >> 32 & (MAX_PARTS - 1)];
}

static bool is_part(const Arch *a, const char *part, const char *block, int64_t count)     // for certain: not in more than one page
{
    return (AT(uint32_t, part, a->tb_cflags) & (uint32_t)CF_KEY) == ((uint32_t)CF_PLAIN | (uint32_t)count) && AT(uint64_t, part, 0) == AT(uint64_t, block, 0)
        && AT(uint32_t, part, a->tb_flags) == AT(uint32_t, block, a->tb_flags) && AT(uint64_t, part, a->tb_pages) == AT(uint64_t, block, a->tb_pages)
        && AT(uint64_t, part, a->tb_pages + 8) == ~0ull && AT(uint64_t, block, a->tb_pages + 8) == ~0ull;
}

// The main loop has just run that many instructions of a block, as a block of its own, which it left in the jump cache.
void remember_part(Core *c, char *block, int64_t count)
{
    char **cached = jump_cache_of(c, block);
    if (c->arch != &rv64 || AT(uint32_t, block, c->arch->tb_cflags) & CF_INVALID || !*cached || !is_part(c->arch, *cached, block, count))
        return;
    *place(c, block, count) = (Part){ block, *cached };
    *cached = block;                            // which is what one looks for there
}

typedef enum { EXPIRED, LINK, OTHERWISE } Left;  // the budget does not hold the next block; a jump that is not linked to its block yet

static Left enter(Core *c, const char *block)
{
    enum { FIRST_JUMP, SECOND_JUMP, REQUESTED = 3 };
    uintptr_t (*run)(char *, void *);
    *(void **)&run = AT(void *, AT(char *, c->uc, UC_TCG), TCG_ENTER);
    uintptr_t left = run(c->env, AT(void *, block, c->arch->tb_code)) & 3;
    return left <= SECOND_JUMP ? LINK : left == REQUESTED && c->expired ? EXPIRED : OTHERWISE;
}

bool run_quickly(Core *c)
{
    if (AT(uint32_t, c->cpu, CPU_INTERRUPT) || AT(uint32_t, c->cpu, CPU_NEXT_CFLAGS) != ~0u || repeating(c))
        return false;
    char *block = next_block(c);
    if (!block)
        return false;
    if (sigsetjmp(AT(sigjmp_buf, c->uc, UC_JUMP_BUFFER), 0)) {                  // from the middle of a block: a trap, wfi, ...
        AT(uint32_t, c->cpu, CPU_HALTED) = 0;   // or the main loop would not look at what happened
        return false;
    }
    c->expired = false;
    c->watched.memory = NULL;
    AT(uintptr_t, c->cpu, CPU_MEM_IO_PC) = 0;
    AT(uint16_t, c->env, ENV_STOP_HIGH) = 0;
    while (block) {
        Left left = enter(c, block);
        int64_t count = *budget_of(c);
        if (left == OTHERWISE || AT(uint32_t, c->cpu, CPU_INTERRUPT))
            return false;
        if (left == LINK) {
            block = next_block(c);
            continue;
        }
        c->expired = false;
        AT(uint8_t, c->cpu, CPU_EXIT) = 0;
        AT(uint16_t, c->env, ENV_STOP_HIGH) = 0;
        if (!count) {
            *jump_cache_of(c, c->expired_block) = c->expired_block;                 // where the next run begins
            return true;
        }
        Part *part = place(c, c->expired_block, count);
        bool known = part->block == c->expired_block && is_part(c->arch, part->part, part->block, count);
        block = known ? part->part : NULL;
    }
    return false;
}
