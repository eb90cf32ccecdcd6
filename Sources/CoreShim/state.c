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

enum { HEAD_BYTES = KEPT_BYTES + sizeof(Turn) + sizeof(uint32_t) };

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
    return HEAD_BYTES + c->arch->reset_bytes;
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

// ---- for another process

// Of env, what a guest's run changes and nothing sets again behind core_load. All else is as core_open left it: of what the library
// takes on trust (modes, features, pointers to functions) nothing comes from outside.
typedef struct { uint16_t from, size; } Part;
enum { RV_FRM = 536, RV_CSRS = 648, RV_COUNTEREN = 952, RV_ROUNDING = 1538 };
static const Part rv64_parts[] = {
    { 0, RV_BADADDR + 8 },                      // x, f, pc, the reservation, frm, the address of the last fault
    { RV_PRIV, 8 }, { RV_MSTATUS, 16 }, { RV_CSRS, 16 }, { RV_SATP, 88 },
    { RV_COUNTEREN, 32 },                       // scounteren, mcounteren, sscratch, mscratch
    { RV_ROUNDING, 2 },                         // and the accrued exceptions
};
static const Part arm_parts[] = { { ARM_EXCLUSIVE, 24 } };         // the rest the host writes by core_m4_set and its sisters

static const Part *parts_of(const Core *c, size_t *count)
{
    *count = c->kind == CORE_RV64 ? sizeof rv64_parts / sizeof *rv64_parts : sizeof arm_parts / sizeof *arm_parts;
    return c->kind == CORE_RV64 ? rv64_parts : arm_parts;
}

size_t core_portable_size(const Core *c)
{
    size_t count, size = HEAD_BYTES;
    const Part *parts = parts_of(c, &count);
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    return size;
}

bool core_to_portable(const Core *c, const void *state, void *portable)
{
    char *to = portable, rest[ARM_RESET_BYTES];
    const char *env = (const char *)state + HEAD_BYTES;
    memcpy(to, state, HEAD_BYTES);
    memset(to + offsetof(Core, guarded) - KEPT, 0, sizeof c->guarded);       // Turn says which
    to += HEAD_BYTES;
    memcpy(rest, env, c->arch->reset_bytes);
    size_t count;
    const Part *parts = parts_of(c, &count);
    for (size_t i = 0; i < count; i++, to += parts[i - 1].size) {
        memcpy(to, env + parts[i].from, parts[i].size);
        memcpy(rest + parts[i].from, c->pristine + parts[i].from, parts[i].size);
    }
    set_own(c, rest, c->pristine);
    return c->kind == CORE_CORTEX_M4 || !memcmp(rest, c->pristine, c->arch->reset_bytes);
}

#define KEPT_FIELD(state, field) AT(__typeof__(((Core *)0)->field), state, offsetof(Core, field) - KEPT)

// Could a Core have this? What it computes with, or finds its way by, is checked; what it only shows to the guest is not.
static bool is_sound(const Core *c, const char *state, const char *env)
{
    // Flags are bytes of 0 or 1, or what compilers assume is not true.
    static const uint16_t flags[] = {
        offsetof(Core, counts_cycles), offsetof(Core, event), offsetof(Core, fp_lazy_active), offsetof(Core, fp_automatic),
        offsetof(Core, traps_unaligned), offsetof(Core, traps_divide), offsetof(Core, negative), offsetof(Core, rv64.external_line),
        offsetof(Core, rv64.external_written), offsetof(Core, watching), offsetof(Core, has_turn),
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (AT(uint8_t, state, flags[i] - KEPT) > 1)
            return false;
    }
    const int64_t most = 1ll << 62;
    int64_t granted = KEPT_FIELD(state, granted), cycles = KEPT_FIELD(state, granted_cycles);
    uint32_t done = KEPT_FIELD(state, done_count), replayed = KEPT_FIELD(state, replay_count);
    Turn turn;
    memcpy(&turn, state + KEPT_BYTES, sizeof turn);
    if (granted < 0 || granted >= most || cycles < 0 || cycles >= most || KEPT_FIELD(state, failed) > (uint64_t)granted)
        return false;
    if (!KEPT_FIELD(state, clock_numerator) || !KEPT_FIELD(state, clock_denominator) || KEPT_FIELD(state, fp_access) > 3)
        return false;
    if (done > MAX_DONE || replayed > done || KEPT_FIELD(state, replay_next) > replayed || KEPT_FIELD(state, guarded).memory)
        return false;
    if (turn.has_turn > 1 || turn.view < -1 || turn.view >= c->view_count || (turn.view >= 0 && turn.guarded >= c->views[turn.view].memory->size))
        return false;
    if (AT(uint32_t, state, KEPT_BYTES + sizeof turn) & ~INTERRUPT_HARD)
        return false;
    if (c->kind == CORE_CORTEX_M4)
        return true;
    uint64_t priv = AT(uint64_t, env, RV_PRIV);
    return priv <= 3 && priv != 2 && !(AT(uint64_t, env, RV_PC) & 1) && AT(uint64_t, env, RV_FRM) <= 7 && AT(uint8_t, env, RV_ROUNDING) <= 4
        && !(AT(uint8_t, env, RV_ROUNDING + 1) & ~0x3d) && KEPT_FIELD(state, rv64.pmp_used) <= 16;
}

bool core_from_portable(const Core *c, const void *portable, void *state)
{
    const char *from = portable;
    char *env = (char *)state + HEAD_BYTES;
    memcpy(state, from, HEAD_BYTES);
    from += HEAD_BYTES;
    memcpy(env, c->pristine, c->arch->reset_bytes);
    size_t count;
    const Part *parts = parts_of(c, &count);
    for (size_t i = 0; i < count; from += parts[i].size, i++)
        memcpy(env + parts[i].from, from, parts[i].size);
    set_own(c, env, NULL);
    return is_sound(c, state, env);
}
