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

size_t core_state_size(const Core *c)
{
    return KEPT_BYTES + sizeof(uint32_t) + c->arch->reset_bytes;
}

void core_save(const Core *c, void *state)
{
    char *to = state;
    memcpy(to, (const char *)c + KEPT, KEPT_BYTES);
    memcpy(to += KEPT_BYTES, &AT(uint32_t, c->cpu, CPU_INTERRUPT), sizeof(uint32_t));
    memcpy(to += sizeof(uint32_t), c->env, c->arch->reset_bytes);
    set_own(c, to, NULL);
}

void core_load(Core *c, const void *state)
{
    const char *from = state;
    core_reset(c, c->host, c->context);
    memcpy((char *)c + KEPT, from, KEPT_BYTES);
    memcpy(&AT(uint32_t, c->cpu, CPU_INTERRUPT), from += KEPT_BYTES, sizeof(uint32_t));
    memcpy(c->env, from += sizeof(uint32_t), c->arch->reset_bytes);
    set_own(c, c->env, c->pristine);
}
