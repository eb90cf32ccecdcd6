// Page table entries that translations came from. A store into one of them takes effect for the very next instruction of every hart, as if
// nothing were ever cached: so what is in the soft TLB, which a saved Core loses and which two hosts fill differently, cannot be seen.
// The Privileged Architecture (4.2.1) lets an implementation use a changed entry at any time before the SFENCE.VMA.
#include "internal.h"
#include <string.h>

void rv64_table_used(Core *c, const View *view, uint64_t address)
{
    CoreMemory *memory = view->memory;
    uint64_t at = address - view->guest, page = at & ~4095ull;
    memory->tables[at >> 6] |= (uint8_t)(1 << (at >> 3 & 7));
    if (memory->code[at >> 10] & TABLES)
        return;
    for (uint64_t k = page >> 10; k < (page >> 10) + 4; k++)
        memory->code[k] |= TABLES;
    close_pages(memory, page, 4096);
    (void)c;
}

static bool holds_entries(const CoreMemory *memory, uint64_t from, uint64_t last)
{
    for (uint64_t i = from >> 3; i <= last >> 3; i++) {
        if (memory->tables[i >> 3] >> (i & 7) & 1)
            return true;
    }
    return false;
}

static void forget(CoreMemory *memory, uint64_t at)             // every hart's translations, and that this page had any part in them
{
    uint64_t page = at & ~4095ull;
    memset(memory->tables + (page >> 6), 0, 64);
    for (uint64_t k = page >> 10; k < (page >> 10) + 4; k++)
        memory->code[k] &= ~TABLES;
    for (int i = 0; i < memory->view_count; i++) {
        Core *c = memory->views[i]->core;
        if (c->arch == &rv64)
            tlb_flush_riscv64(c->cpu);
    }
}

// Before a guest's store into a page with such entries. Returns where it may be made now; else the instruction runs again alone.
void rv64_entry_stored(Core *c, CoreMemory *memory, uint64_t at, uint64_t length, uintptr_t host_pc)
{
    if (!holds_entries(memory, at, at + length - 1))
        return;
    if (!locate(c, host_pc)->last)
        repeat_at(c, host_pc);
    forget(memory, at);
    leave_behind(c);                            // the next instruction is looked up anew
}

bool rv64_entries_written(CoreMemory *memory, uint64_t from, uint64_t last)     // by the host or a device
{
    bool any = false;
    for (uint64_t page = from & ~4095ull; page <= last; page += 4096) {
        uint64_t low = page > from ? page : from, high = page + 4095 < last ? page + 4095 : last;
        if (!(memory->code[page >> 10] & TABLES) || !holds_entries(memory, low, high))
            continue;
        forget(memory, page);
        any = true;
    }
    for (int i = 0; any && i < memory->view_count; i++) {
        if (memory->views[i]->core->in_access)
            memory->views[i]->core->attention = true;           // the running block ends behind this instruction
    }
    return any;
}
