// A Core as a value: all that core_run depends on but memory and the host's callbacks, between two calls of core_run.
#include "internal.h"
#include <string.h>

typedef struct {
    int64_t index;
    uint64_t failed, flow, trap_counts[64];
    uint64_t clock_offset, clock_numerator, clock_denominator, time_offset, cycle_offset, retired_offset;
    uint64_t last_pc, last_cause, last_retired;
    uint64_t done_index, done[MAX_DONE];
    uint32_t done_count, replay_next, replay_count, interrupt;
    uint32_t fp_access, fpdscr;
    bool last_valid, event, fp_lazy_active, fp_automatic;
} Counts;

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

size_t core_state_size(const Core *c)
{
    return sizeof(Counts) + c->arch->reset_bytes;
}

void core_save(const Core *c, void *state)
{
    Counts s;
    memset(&s, 0, sizeof s);                    // padding too
    s.index = (int64_t)core_index(c);
    s.failed = c->failed;
    s.flow = c->flow;
    memcpy(s.trap_counts, c->trap_counts, sizeof s.trap_counts);
    s.clock_offset = c->clock_offset;
    s.clock_numerator = c->clock_numerator;
    s.clock_denominator = c->clock_denominator;
    s.time_offset = c->time_offset;
    s.cycle_offset = c->cycle_offset;
    s.retired_offset = c->retired_offset;
    s.last_pc = c->last_trap.pc;
    s.last_cause = c->last_trap.cause;
    s.last_retired = c->last_trap.retired;
    s.last_valid = c->last_trap.valid;
    s.done_index = c->done_index;
    memcpy(s.done, c->done, sizeof s.done);
    s.done_count = c->done_count;
    s.replay_next = c->replay_next;
    s.replay_count = c->replay_count;
    s.interrupt = AT(uint32_t, c->cpu, CPU_INTERRUPT);
    s.event = c->event;
    s.fp_lazy_active = c->fp_lazy_active;
    s.fp_automatic = c->fp_automatic;
    s.fp_access = c->fp_access;
    s.fpdscr = c->fpdscr;
    memcpy(state, &s, sizeof s);
    memcpy((char *)state + sizeof s, c->env, c->arch->reset_bytes);
    set_own(c, (char *)state + sizeof s, NULL);
}

void core_load(Core *c, const void *state)
{
    Counts s;
    memcpy(&s, state, sizeof s);
    core_reset(c, c->host, c->context);
    memcpy(c->env, (const char *)state + sizeof s, c->arch->reset_bytes);
    set_own(c, c->env, c->pristine);
    AT(uint32_t, c->cpu, CPU_INTERRUPT) = s.interrupt;
    c->granted = s.index;
    c->failed = s.failed;
    c->flow = s.flow;
    memcpy(c->trap_counts, s.trap_counts, sizeof s.trap_counts);
    c->clock_offset = s.clock_offset;
    c->clock_numerator = s.clock_numerator;
    c->clock_denominator = s.clock_denominator;
    c->time_offset = s.time_offset;
    c->cycle_offset = s.cycle_offset;
    c->retired_offset = s.retired_offset;
    c->last_trap.pc = s.last_pc;
    c->last_trap.cause = s.last_cause;
    c->last_trap.retired = s.last_retired;
    c->last_trap.valid = s.last_valid;
    c->done_index = s.done_index;
    memcpy(c->done, s.done, sizeof s.done);
    c->done_count = s.done_count;
    c->replay_next = s.replay_next;
    c->replay_count = s.replay_count;
    c->event = s.event;
    c->fp_lazy_active = s.fp_lazy_active;
    c->fp_automatic = s.fp_automatic;
    c->fp_access = s.fp_access;
    c->fpdscr = s.fpdscr;
}
