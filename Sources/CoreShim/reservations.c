// LR/SC between harts that take turns (Unprivileged ISA, 8.2). The library keeps a reservation as a virtual address and a value in the hart's
// own registers: a store by another hart does not touch them, and one that is undone again would go unseen.
//
// A hart whose turn ends with a reservation has its doubleword guarded: its page is closed to the fast stores of every Core, so that each
// store there comes by and breaks the reservation if it touches it. Where nobody holds one at the end of a turn, nothing is done. Writes by
// the host and by devices break reservations too, also that of the hart whose turn it is. What changes how addresses are translated (xRET,
// satp, mstatus, the PMP, SFENCE.VMA) breaks the hart's own, as traps do; and so does a page table that makes other bytes of its address while
// it waits.
#include "internal.h"

enum { SET = 8 };                               // bytes that a reservation is about, aligned

void lose_reservation(Core *c)
{
    if (c->arch == &rv64)
        AT(uint64_t, c->env, RV_LOAD_RES) = NO_RESERVATION;
}

static void mark(const Core *c, bool guarded)
{
    CoreMemory *memory = c->guarded.memory;
    uint64_t page = c->guarded.offset & ~4095ull;
    for (uint64_t k = page >> 10; k < (page >> 10) + 4; k++)
        memory->code[k] = guarded ? memory->code[k] | GUARDED : memory->code[k] & ~GUARDED;
}

static void guard(Core *c, CoreMemory *memory, uint64_t offset)
{
    c->guarded.memory = memory;
    c->guarded.offset = offset;
    memory->guards++;
    bool closed = memory->code[offset >> 10] & GUARDED;
    mark(c, true);
    if (!closed)
        close_pages(memory, offset & ~4095ull, 4096);
}

static void unguard(Core *c)
{
    CoreMemory *memory = c->guarded.memory;
    if (!memory)
        return;
    mark(c, false);
    c->guarded.memory = NULL;
    memory->guards--;
    for (int i = 0; memory->guards && i < memory->view_count; i++) {
        Core *other = memory->views[i]->core;   // others may have theirs in the same page
        if (other->guarded.memory == memory)
            mark(other, true);
    }
}

static bool find(Core *c, CoreMemory **memory, uint64_t *offset)       // the doubleword in memory that the hart has reserved
{
    const uint8_t *host = loads_from(c, AT(uint64_t, c->env, RV_LOAD_RES));
    for (int i = 0; host && i < c->view_count; i++) {
        *memory = c->views[i].memory;
        *offset = (uint64_t)(host - (*memory)->host) & ~(uint64_t)(SET - 1);
        if (*offset < (*memory)->size)
            return true;
    }
    return false;
}

static bool holds(const Core *c)
{
    return c->arch == &rv64 && AT(uint64_t, c->env, RV_LOAD_RES) != NO_RESERVATION;
}

static void end_turn(Core *c)
{
    CoreMemory *memory;
    uint64_t offset;
    c->has_turn = false;
    if (!holds(c) || c->guarded.memory)
        return;
    if (find(c, &memory, &offset))
        guard(c, memory, offset);
    else
        lose_reservation(c);                    // of a device
}

void begin_turn(Core *c)
{
    if (c->has_turn)
        return;
    for (int i = 0; i < c->view_count; i++) {
        CoreMemory *memory = c->views[i].memory;
        if (memory->last && memory->last != c)
            end_turn(memory->last);
        memory->last = c;
    }
    c->has_turn = true;
    CoreMemory *guarded = c->guarded.memory, *memory;
    uint64_t offset;
    if (!guarded)
        return;
    if (holds(c) && (!find(c, &memory, &offset) || memory != guarded || offset != c->guarded.offset))
        lose_reservation(c);
    unguard(c);
}

void forget_turn(Core *c)
{
    unguard(c);
    c->has_turn = false;
    for (int i = 0; i < c->view_count; i++) {
        if (c->views[i].memory->last == c)
            c->views[i].memory->last = NULL;
    }
}

void restore_turn(Core *c, uint64_t guarded, int view, bool has_turn)
{
    if (view >= 0)
        guard(c, c->views[view].memory, guarded);
    if (!has_turn)
        return;
    for (int i = 0; i < c->view_count; i++)
        c->views[i].memory->last = c;
    c->has_turn = true;
}

static bool touches(uint64_t set, uint64_t at, uint64_t length)
{
    return at < set + SET && set < at + length;
}

void break_guarded(CoreMemory *memory, uint64_t at, uint64_t length)
{
    for (int i = 0; memory->guards && i < memory->view_count; i++) {
        Core *c = memory->views[i]->core;
        if (c->guarded.memory != memory || !touches(c->guarded.offset, at, length))
            continue;
        lose_reservation(c);
        unguard(c);
    }
}

void break_reservations(CoreMemory *memory, uint64_t at, uint64_t length)      // somebody who is no hart has written
{
    CoreMemory *reserved;
    uint64_t offset;
    Core *c = memory->last;
    break_guarded(memory, at, length);
    if (c && holds(c) && (!find(c, &reserved, &offset) || (reserved == memory && touches(offset, at, length))))
        lose_reservation(c);
}
