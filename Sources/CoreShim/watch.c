// Watched bytes: a store that touches one of them is made by a block of one instruction and then told to the host, so that what the host
// does about it comes between that instruction and the next, whatever the page and however the run is sliced.
#include "internal.h"

static void mark(CoreMemory *memory, int number)                // the pages that the bytes lie in
{
    uint64_t first = memory->watches[number].offset & ~4095ull;
    uint64_t end = (memory->watches[number].offset + memory->watches[number].length + 4095) & ~4095ull;
    for (uint64_t k = first >> 10; k < end >> 10; k++)
        memory->code[k] |= WATCHED;
    close_pages(memory, first, end - first);
}

bool core_memory_watch(CoreMemory *memory, uint64_t offset, uint64_t length)
{
    if (memory->watch_count == MAX_WATCHES || !length || offset >= memory->size || length > memory->size - offset)
        return false;
    memory->watches[memory->watch_count].offset = offset;
    memory->watches[memory->watch_count].length = length;
    mark(memory, memory->watch_count++);
    return true;
}

void core_memory_unwatch(CoreMemory *memory, uint64_t offset, uint64_t length)
{
    for (int i = 0; i < memory->watch_count; i++) {
        if (memory->watches[i].offset != offset || memory->watches[i].length != length)
            continue;
        for (uint64_t k = (offset & ~4095ull) >> 10; k < ((offset + length + 4095) & ~4095ull) >> 10; k++)
            memory->code[k] &= ~WATCHED;
        memory->watches[i] = memory->watches[--memory->watch_count];
        break;
    }
    for (int i = 0; i < memory->watch_count; i++)
        mark(memory, i);                        // another one may lie in the same page
}

// Before a store. Returns where it may be made now; else the instruction is undone and runs again alone.
void watched_store(Core *c, CoreMemory *memory, uint64_t at, uint64_t length, uintptr_t host_pc)
{
    CoreStore *s = &c->watched;
    for (int i = 0; i < memory->watch_count; i++) {
        uint64_t start = memory->watches[i].offset, end = start + memory->watches[i].length;
        uint64_t from = at > start ? at : start, to = at + length < end ? at + length : end;
        if (from >= to)
            continue;
        if (!locate(c, host_pc)->last)
            repeat_at(c, host_pc);
        if (s->memory != memory) {
            *s = (CoreStore){ .memory = memory, .offset = from, .length = to - from };
            continue;
        }
        uint64_t low = from < s->offset ? from : s->offset;     // several watches, or the bytes of a store across pages
        uint64_t high = to > s->offset + s->length ? to : s->offset + s->length;
        s->offset = low;
        s->length = high - low;
    }
}

void report_store(Core *c, uintptr_t host_pc)
{
    const Memo *m = locate(c, host_pc);
    CoreStore store = c->watched;
    c->watched.memory = NULL;
    store.pc = m->pc;
    store.index = (uint64_t)(c->granted - *budget_of(c) - m->back);
    if (store.index != c->done_index) {
        c->done_index = store.index;
        c->done_count = 0;
    }
    if (c->host.stored) {
        c->in_access = true;
        c->host.stored(c->context, &store);
        c->in_access = false;
    }
    c->attention = false;
    leave_behind(c);
}
