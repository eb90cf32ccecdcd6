// A Core as a value: all that core_run depends on but memory and the host's callbacks, between two calls of core_run.
#include "internal.h"
#include <string.h>

enum { KEPT = offsetof(Core, granted), KEPT_BYTES = offsetof(Core, figures) - KEPT };

// Words of env that point at things of this one engine: its uc on both, and on ARM the arrays of the MPU's regions (the MPU is the
// host's model) and the NVIC that is not there.
static const uint16_t rv64_own[] = { 1560 };
static const uint16_t arm_own[] = { 4008, 4016, 4024, 4392, 4400 };

// From what the Core had when it was opened; NULL: zeros, so that equal Cores have equal bytes.
static void set_own(const Core *c, char *env, const char *from)
{
    const uint16_t *own = c->kind == CORE_RV64 ? rv64_own : arm_own;
    size_t count = c->kind == CORE_RV64 ? sizeof rv64_own / sizeof *rv64_own : sizeof arm_own / sizeof *arm_own;
    for (size_t i = 0; i < count; i++)
        AT(uint64_t, env, own[i]) = from ? AT(uint64_t, from, own[i]) : 0;
}

typedef struct { uint64_t guarded; int32_t view; uint32_t has_turn; } Turn;     // view: of the reservation that waits; -1: none

static Turn turn_of(const Core *c)
{
    Turn t = { .guarded = c->guarded.memory ? c->guarded.offset : 0, .view = -1, .has_turn = c->has_turn };
    for (int i = 0; i < c->view_count; i++) {
        if (c->guarded.memory == c->views[i].memory)
            t.view = i;
    }
    return t;
}

size_t core_state_size(const Core *c)
{
    return KEPT_BYTES + sizeof(Turn) + sizeof(uint32_t) + c->arch->reset_bytes;
}

void core_save(const Core *c, void *state)
{
    char *to = state;
    memcpy(to, (const char *)c + KEPT, KEPT_BYTES);
    Turn turn = turn_of(c);
    memcpy(to += KEPT_BYTES, &turn, sizeof turn);
    memcpy(to += sizeof turn, &AT(uint32_t, c->cpu, CPU_INTERRUPT), sizeof(uint32_t));
    memcpy(to += sizeof(uint32_t), c->env, c->arch->reset_bytes);
    set_own(c, to, NULL);
}

void core_load(Core *c, const void *state)
{
    const char *from = state;
    core_reset(c, c->host, c->context);
    memcpy((char *)c + KEPT, from, KEPT_BYTES);
    Turn turn;
    memcpy(&turn, from += KEPT_BYTES, sizeof turn);
    memcpy(&AT(uint32_t, c->cpu, CPU_INTERRUPT), from += sizeof turn, sizeof(uint32_t));
    memcpy(c->env, from += sizeof(uint32_t), c->arch->reset_bytes);
    set_own(c, c->env, c->pristine);
    restore_turn(c, turn.guarded, turn.view, turn.has_turn);
}
