// Page table entries that translations came from. A store into one of them takes effect for the very next instruction of every hart, as if
// nothing were ever cached: so what is in the soft TLB, which a saved Core loses and which two hosts fill differently, cannot be seen.
// The Privileged Architecture (4.2.1) lets an implementation use a changed entry at any time before the SFENCE.VMA.
#include "internal.h"
#include <string.h>

// Of a page of entries: the 2 MiB that they map page by page; else whatever is changed in it changes everything.
enum { LEAVES = 1, ANYTHING = 2, LEAF_BITS = 21 };

static bool marked(const CoreMemory *memory, uint64_t i)        // i: of an entry, in doublewords
{
    return memory->tables[i >> 3] >> (i & 7) & 1;
}

void rv64_table_used(const View *view, uint64_t address, uint64_t va, int level)
{
    CoreMemory *memory = view->memory;
    uint64_t at = address - view->guest, page = at & ~4095ull;
    uint64_t maps = level ? ANYTHING : (va >> LEAF_BITS << LEAF_BITS) | LEAVES, *known = &memory->mapped[at >> 12];
    memory->tables[at >> 6] |= (uint8_t)(1 << (at >> 3 & 7));
    if (*known == maps)
        return;
    *known = *known ? ANYTHING : maps;
    if (memory->code[at >> 10] & TABLES)
        return;
    for (uint64_t k = page >> 10; k < (page >> 10) + 4; k++)
        memory->code[k] |= TABLES;
    close_pages(memory, page, 4096);
}

static bool holds_entries(const CoreMemory *memory, uint64_t from, uint64_t last)
{
    for (uint64_t i = from >> 3; i <= last >> 3; i++) {
        if (marked(memory, i))
            return true;
    }
    return false;
}

static void no_table(CoreMemory *memory, uint64_t at)           // this page has no part in any translation any more
{
    uint64_t page = at & ~4095ull;
    memset(memory->tables + (page >> 6), 0, 64);
    memory->mapped[at >> 12] = 0;
    for (uint64_t k = page >> 10; k < (page >> 10) + 4; k++)
        memory->code[k] &= ~TABLES;
}

static bool is_table(const CoreMemory *memory, uint64_t at)
{
    static const uint8_t none[64];
    return memcmp(memory->tables + ((at & ~4095ull) >> 6), none, sizeof none);
}

static void forget(CoreMemory *memory, uint64_t from, uint64_t last)        // what entries of one page say, to every hart
{
    uint64_t mapped = memory->mapped[from >> 12];
    for (int i = 0; i < memory->view_count && mapped & ANYTHING; i++) {
        if (memory->views[i]->core->arch == &rv64)
            tlb_flush_riscv64(memory->views[i]->core->cpu);
    }
    if (mapped & ANYTHING) {
        no_table(memory, from);
        return;
    }
    for (uint64_t entry = from >> 3; entry <= last >> 3; entry++) {
        if (!marked(memory, entry))
            continue;
        memory->tables[entry >> 3] &= (uint8_t)~(1 << (entry & 7));
        for (int i = 0; i < memory->view_count; i++) {
            if (memory->views[i]->core->arch == &rv64)
                rv64_forget_page(memory->views[i]->core, (mapped & ~(uint64_t)LEAVES) + ((entry & 511) << 12));
        }
    }
    if (!is_table(memory, from))
        no_table(memory, from);
}

// Before a guest's store into a page with such entries. Returns where it may be made now; else the instruction runs again alone.
void rv64_entry_stored(Core *c, CoreMemory *memory, uint64_t at, uint64_t length, uintptr_t host_pc)
{
    if (!holds_entries(memory, at, at + length - 1))
        return;
    if (!locate(c, host_pc)->last)
        repeat_at(c, host_pc);
    forget(memory, at, at + length - 1);
    leave_behind(c);                            // the next instruction is looked up anew
}

bool rv64_entries_written(CoreMemory *memory, uint64_t from, uint64_t last)     // by the host or a device
{
    bool any = false;
    for (uint64_t page = from & ~4095ull; page <= last; page += 4096) {
        uint64_t low = page > from ? page : from, high = page + 4095 < last ? page + 4095 : last;
        if (!(memory->code[page >> 10] & TABLES) || !holds_entries(memory, low, high))
            continue;
        forget(memory, low, high);
        any = true;
    }
    for (int i = 0; any && i < memory->view_count; i++) {
        if (memory->views[i]->core->in_access)
            memory->views[i]->core->attention = true;           // the running block ends behind this instruction
    }
    return any;
}
