// The soft TLB of an RV64: what translated code looks an address up in. Its layout is the library's; what is in it and how large it is, ours
// to say (the library resizes it by the host's clock). It is a cache and nothing more: rv64_tables.c keeps it true to the page tables, so an
// SFENCE.VMA finds nothing to do, and nothing that a guest can see depends on what is in it.
#include "internal.h"
#include <stdlib.h>
#include <string.h>

enum { MODES = 4, ENTRY = TLB_ENTRY, DESCRIPTOR = 0x1b8, TABLES_AT = ENV_STOP - 16 * MODES, DESCRIPTORS = TABLES_AT - DESCRIPTOR * MODES };
enum { LARGE_ADDRESS = 0, LARGE_MASK = 8, USED = 0x20, VICTIM = 0x28, VICTIMS = 0x30, IOTLB = 0x1b0 };       // of a descriptor
enum { FEWEST = 256, MOST = 16384 };            // entries of a mode
enum { READ = 0, WRITE = 8, CODE = 16, ADDEND = 24, UNSPECIFIED = 1 };
enum { JUMPS = 4096, JUMPS_OF_PAGE = 64 };

static inline char *table_of(const Core *c, unsigned mode)
{
    return c->env + TABLES_AT + 16 * (int)mode;
}

static inline char *descriptor_of(const Core *c, unsigned mode)
{
    return c->env + DESCRIPTORS + DESCRIPTOR * (int)mode;
}

static inline size_t size_of(const char *table)
{
    return AT(uint64_t, table, 0) / ENTRY + 1;
}

static void forget_entries(char *entry, size_t count)
{
    for (; count--; entry += ENTRY)             // not their addends: a store that brings this on is still to use its own
        AT(uint64_t, entry, READ) = AT(uint64_t, entry, WRITE) = AT(uint64_t, entry, CODE) = ~0ull;
}

static void forget_mode(Core *c, unsigned mode)
{
    char *table = table_of(c, mode), *d = descriptor_of(c, mode);
    forget_entries(AT(char *, table, 8), size_of(table));
    forget_entries(d + VICTIMS, TLB_VICTIM_COUNT);
    AT(uint64_t, d, LARGE_ADDRESS) = AT(uint64_t, d, LARGE_MASK) = ~0ull;
    AT(uint64_t, d, USED) = AT(uint64_t, d, VICTIM) = 0;
    c->replaced[mode] = 0;
    AT(uint16_t, c->env, DESCRIPTORS + TLB_USED_MODES) &= (uint16_t)~(1 << mode);
}

static void resize(Core *c, unsigned mode, size_t entries)
{
    char *table = table_of(c, mode), *d = descriptor_of(c, mode);
    void *bytes = realloc(AT(void *, table, 8), entries * ENTRY);
    void *io = realloc(AT(void *, d, IOTLB), entries * 16);
    if (!bytes || !io)
        abort();                                // as the library does
    AT(uint64_t, table, 0) = (entries - 1) * ENTRY;
    AT(void *, table, 8) = bytes;
    AT(void *, d, IOTLB) = io;
    memset(bytes, 0xff, entries * ENTRY);
    forget_mode(c, mode);
}

void rv64_size_tlb(Core *c)
{
    for (unsigned mode = 0; mode < MODES; mode++)
        resize(c, mode, FEWEST);
}

static void flush(Core *c, unsigned modes)
{
    modes &= AT(uint16_t, c->env, DESCRIPTORS + TLB_USED_MODES);
    for (unsigned mode = 0; mode < MODES; mode++) {
        if (!(modes >> mode & 1))
            continue;
        c->sparse[mode] = AT(uint64_t, descriptor_of(c, mode), USED) < size_of(table_of(c, mode)) / 8;
        forget_mode(c, mode);
    }
    memset(c->cpu + CPU_JUMP_CACHE, 0, JUMPS * sizeof(void *));
    memset(c->io_pages, 0xff, sizeof c->io_pages);
    c->user_pages = 0;
}

void tlb_flush_riscv64(char *cpu)
{
    Core *c = core_of_cpu(cpu);
    if (c)
        flush(c, (1 << MODES) - 1);
    else
        rv64.tlb_flush(cpu);
}

void rv64_forget_spaces(Core *c)                // M mode's addresses are no page table's
{
    flush(c, 3);
}

// A page of memory that may be written. Not for stores yet: the first one has to be seen.
void rv64_set_page(Core *c, uint64_t va, const View *view, uint64_t offset, int rights, unsigned mode)
{
    char *table = table_of(c, mode), *d = descriptor_of(c, mode);
    uint64_t i = va >> 12 & (size_of(table) - 1);
    char *entry = AT(char *, table, 8) + i * ENTRY;
    uint64_t old = AT(uint64_t, entry, READ) & AT(uint64_t, entry, WRITE) & AT(uint64_t, entry, CODE);
    size_t size = size_of(table), fits = size;
    if (c->sparse[mode])                        // only here: a store that empties it is still to use its entry
        fits = size > FEWEST ? size / 2 : size;
    else if (old != ~0ull && (old ^ va) >> 12 && ++c->replaced[mode] > size && size < MOST)
        fits = size * 2;
    c->sparse[mode] = false;
    if (fits != size) {
        resize(c, mode, fits);
        rv64_set_page(c, va, view, offset, rights, mode);
        return;
    }
    AT(uint64_t, d, USED) += old == ~0ull;
    AT(uint16_t, c->env, DESCRIPTORS + TLB_USED_MODES) |= (uint16_t)(1 << mode);
    AT(uint64_t, entry, READ) = rights & PAGE_READ ? va : ~0ull;
    AT(uint64_t, entry, WRITE) = rights & PAGE_WRITE ? va | NOT_DIRTY(&rv64) : ~0ull;
    AT(uint64_t, entry, CODE) = rights & PAGE_EXEC ? va : ~0ull;
    AT(uint64_t, entry, ADDEND) = (uint64_t)view->memory->host + offset - va;
    char *io = AT(char *, d, IOTLB) + i * 16;
    AT(uint64_t, io, 0) = view->ram_address + offset - va;
    AT(uint64_t, io, 8) = UNSPECIFIED;
}

static void forget_entry(char *entry, uint64_t va)
{
    for (int kind = READ; kind <= CODE; kind += 8) {
        if (AT(uint64_t, entry, kind) != ~0ull && !((AT(uint64_t, entry, kind) ^ va) >> 12)) {
            forget_entries(entry, 1);
            return;
        }
    }
}

static void forget_translation(Core *c, uint64_t va, unsigned mode)
{
    char *table = table_of(c, mode), *victims = descriptor_of(c, mode) + VICTIMS;
    forget_entry(AT(char *, table, 8) + (va >> 12 & (size_of(table) - 1)) * ENTRY, va);
    for (int i = 0; i < TLB_VICTIM_COUNT; i++)
        forget_entry(victims + i * ENTRY, va);
}

void rv64_forget_page(Core *c, uint64_t va)
{
    forget_translation(c, va, 0);
    forget_translation(c, va, 1);
    for (int i = 0; i < IO_PAGES; i++) {
        if (c->io_pages[i].va == va >> 12)
            c->io_pages[i].va = ~0ull;
    }
    for (uint64_t page = (va & ~4095ull) - 4096, n = 0; n < 2; page += 4096, n++)           // blocks may reach into it
        memset(jump_cache_of_page(c, page), 0, JUMPS_OF_PAGE * sizeof(void *));
}

// ---- SUM: pages of U mode that S mode has in its TLB while it may
void rv64_user_page(Core *c, uint64_t va)
{
    if (c->user_pages < MAX_USER_PAGES)
        c->user_page[c->user_pages] = va;
    c->user_pages += c->user_pages <= MAX_USER_PAGES;
}

void rv64_forget_user_pages(Core *c)
{
    if (c->user_pages > MAX_USER_PAGES)
        forget_mode(c, 1);
    else {
        for (int i = 0; i < c->user_pages; i++)
            forget_translation(c, c->user_page[i], 1);
    }
    for (int i = 0; i < IO_PAGES; i++) {
        if (c->io_pages[i].mmu == 1)
            c->io_pages[i].va = ~0ull;
    }
    c->user_pages = 0;
}
