// A debugger's stops, and looks that stop nothing. A block that begins at a breakpoint only comes back to the main loop, whoever jumps to it; no other block has one
// behind its first instruction. A page with a watchpoint is in the soft TLB in such a way that each load or store there comes by.
// Where somebody only looks, the block that begins there calls him behind its budget test. A Core without any runs the code that it
// runs anyway.
#include "internal.h"
#include <stdlib.h>
#include <string.h>

// ---- sets of addresses, in ascending order
typedef struct { const uint64_t *address; size_t count; } Set;

static size_t first_from(Set set, uint64_t address)             // how many lie below it
{
    size_t low = 0, high = set.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set.address[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool contains(Set set, uint64_t address)
{
    size_t i = first_from(set, address);
    return i < set.count && set.address[i] == address;
}

static int by_address(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool is_breakpoint(const Core *c, uint64_t pc)
{
    return contains((Set){ c->breakpoints, c->breakpoint_count }, pc);
}

bool begins_block(const Core *c, uint64_t pc)
{
    return (c->breakpoint_count && is_breakpoint(c, pc)) || look_at(c, pc) != NO_LOOK || contains((Set){ c->regions, c->region_count }, pc);
}

// ---- what was translated for other sets than there are
typedef struct { Core *core; Set changed; } Change;

static int drop_changed(void *key, void *block, void *data)     // 0: go on
{
    enum { SIZE = -2 };                         // beside the number of instructions
    const Change *change = data;
    const Arch *a = change->core->arch;
    uint64_t pc = a->pc_bytes == 8 ? AT(uint64_t, block, 0) : AT(uint32_t, block, 0);
    size_t i = first_from(change->changed, pc);
    (void)key;
    bool holds = i < change->changed.count && change->changed.address[i] - pc < AT(uint16_t, block, a->tb_icount + SIZE);
    if (holds && !(AT(uint32_t, block, a->tb_cflags) & CF_INVALID))
        a->drop_block(AT(char *, change->core->uc, UC_TCG), block, ~0ull);
    return 0;
}

static bool exchange(Core *c, uint64_t **place, size_t *place_count, const uint64_t *addresses, size_t count)
{
    Set old = { *place, *place_count };
    uint64_t *set = NULL, *changed = NULL;
    size_t changes = 0;
    if (!count && !old.count)
        return true;
    set = malloc((count + 1) * sizeof *set);
    changed = malloc((count + old.count) * sizeof *changed);
    if (!set || !changed) {
        free(set);
        free(changed);
        return false;
    }
    if (count)
        memcpy(set, addresses, count * sizeof *set);
    qsort(set, count, sizeof *set, by_address);
    for (size_t i = 0; i < count; i++) {
        if (!contains(old, set[i]))
            changed[changes++] = set[i];
    }
    for (size_t i = 0; i < old.count; i++) {
        if (!contains((Set){ set, count }, old.address[i]))
            changed[changes++] = old.address[i];
    }
    qsort(changed, changes, sizeof *changed, by_address);
    free(*place);
    *place = set;
    *place_count = count;
    if (changes)
        c->arch->each_block(AT(char *, c->uc, UC_TCG), drop_changed, &(Change){ c, { changed, changes } });
    free(changed);
    return true;
}

bool core_set_breakpoints(Core *c, const uint64_t *addresses, size_t count)
{
    return exchange(c, &c->breakpoints, &c->breakpoint_count, addresses, count);
}

// ---- looks
bool core_set_looks(Core *c, const uint64_t *addresses, size_t count, void (*look)(void *, size_t, uint64_t), void *context)
{
    if (!exchange(c, &c->looks, &c->look_count, addresses, count))
        return false;
    c->look = look;
    c->look_context = context;
    return true;
}

int look_at(const Core *c, uint64_t pc)
{
    Set looks = { c->looks, c->look_count };
    return looks.count && contains(looks, pc) ? (int)first_from(looks, pc) : NO_LOOK;
}

bool core_set_regions(Core *c, const uint64_t *starts, size_t count)
{
    if (!count && !c->region_count)
        return true;
    core_drop_code(c);
    memset(c->parts, 0, sizeof c->parts);
    c->region = NO_REGION;
    return exchange(c, &c->regions, &c->region_count, starts, count);
}

uint32_t region_of(const Core *c, uint64_t pc)                  // how many begin at or below it
{
    return (uint32_t)first_from((Set){ c->regions, c->region_count }, pc + 1);
}

unsigned core_came(const Core *c)
{
    return c->told_came;
}

uint64_t core_looked_cycle(const Core *c)
{
    return c->looked.cycle;
}

// From a block of so many instructions and cycles, which has counted them already; the place: of a look, or behind them of a region.
void look_here(Core *c, uint64_t pc, uint32_t place, uint32_t region, uint32_t count, uint32_t cycles)
{
    uint64_t index = core_index(c) - count;
    if (c->looked.index == index && c->looked.pc == pc)         // undone, and begun again
        return;
    c->looked.index = index;
    c->looked.pc = pc;
    c->looked.cycle = core_cycle(c) - (c->counts_cycles ? cycles : count);
    c->region = region;
    c->told_came = c->came;
    c->came = 0;
    if (c->arch == &rv64)                                       // stale where one block jumps to the next
        AT(uint64_t, c->env, RV_PC) = pc;
    else
        AT(uint32_t, c->env, c->arch->pc) = (uint32_t)pc;
    c->look(c->look_context, place, index);
}

// ---- loads and stores
static bool touches(const CoreWatchpoint *w, uint64_t va, uint64_t size)
{
    return va - w->address < w->size || w->address - va < size;
}

static bool waits_for(const CoreWatchpoint *w, int type)
{
    return type == STORE ? w->stores : w->loads;
}

bool is_watched_page(const Core *c, uint64_t va, int type)
{
    uint64_t size = 1ull << c->arch->page_bits;
    for (size_t i = 0; i < c->watchpoint_count; i++) {
        if (waits_for(&c->watchpoints[i], type) && touches(&c->watchpoints[i], va & ~(size - 1), size))
            return true;
    }
    return false;
}

bool core_set_watchpoints(Core *c, const CoreWatchpoint *watchpoints, size_t count)
{
    if (count > MAX_WATCHES)
        return false;
    if (count == c->watchpoint_count && (!count || !memcmp(c->watchpoints, watchpoints, count * sizeof *watchpoints)))
        return true;
    c->watchpoint_count = count;
    if (count)
        memcpy(c->watchpoints, watchpoints, count * sizeof *watchpoints);
    if (c->arch == &rv64)
        tlb_flush_riscv64(c->cpu);
    else
        m4_rights_changed(c);
    return true;
}

static uint64_t running_index(Core *c, const Memo *m)
{
    return (uint64_t)(c->granted - *budget_of(c) - m->back);
}

// Is somebody waiting for this access, who was not told of this instruction yet?
bool is_watched_access(Core *c, uint64_t va, unsigned size, int type, uintptr_t host_pc)
{
    for (size_t i = 0; i < c->watchpoint_count; i++) {
        const CoreWatchpoint *w = &c->watchpoints[i];
        if (!waits_for(w, type) || !touches(w, va, size))
            continue;
        const Memo *m = locate(c, host_pc);
        return m->host_pc && !(c->touch.pc == m->pc && c->touch.index == running_index(c, m));
    }
    return false;
}

// Undoes the instruction, to the state before it. What it has had of devices by then it gets again when it runs.
void stop_before_access(Core *c, uint64_t va, unsigned size, int type, uintptr_t host_pc)
{
    const Memo *m = locate(c, host_pc);
    char *tb;
    uint64_t pc;
    int i = find_index(c->arch, c->cpu, host_pc, &tb, &pc);
    c->touch = (CoreTouch){ .address = va, .index = running_index(c, m), .pc = m->pc, .size = (uint8_t)size, .is_store = type == STORE };
    if (c->done_index == c->touch.index && c->done_count) {
        c->replay_next = 0;
        c->replay_count = c->done_count;
    }
    c->exit = CORE_WATCHPOINT;
    repeat_alone(c->arch, c->cpu, tb, i, host_pc);
}

CoreTouch core_touch(const Core *c)
{
    return c->touch;
}

// ---- on from there
bool stops_before(Core *c, uint64_t pc)
{
    if (c->passed.pc == pc && c->passed.index == core_index(c))
        return false;
    c->passed.pc = pc;
    c->passed.index = core_index(c);
    c->exit = CORE_BREAKPOINT;
    return true;
}

void core_pass(Core *c)
{
    c->passed.pc = c->kind == CORE_RV64 ? AT(uint64_t, c->env, RV_PC) : AT(uint32_t, c->env, c->arch->pc);
    c->passed.index = core_index(c);
}

void core_moved(Core *c)
{
    c->replay_next = c->replay_count = 0;
    c->alone = false;
    c->passed.index = c->touch.index = ~0ull;
}
