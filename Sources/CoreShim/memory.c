// Memory that the guest reaches directly: stores are fast where no Core has translated code and precise where one has; writes by
// anybody else drop the code too; a log tells which pages were written.
#include "internal.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

CoreMemory *core_memory_new(uint64_t size)
{
    CoreMemory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return NULL;
    memory->size = size;
    memory->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memory->code = calloc((size >> 10) + 1, sizeof *memory->code);
    memory->dirty = calloc((size >> 12) + 8, 1);
    memory->tables = calloc((size >> 6) + 64, 1);
    memory->mapped = calloc(size >> 12, sizeof *memory->mapped);
    memory->code_low = UINT64_MAX;
    if (memory->host != MAP_FAILED && memory->code && memory->dirty && memory->tables && memory->mapped)
        return memory;
    core_memory_free(memory);
    return NULL;
}

void core_memory_free(CoreMemory *memory)
{
    if (memory->host != MAP_FAILED)
        munmap(memory->host, memory->size);
    free(memory->code);
    free(memory->dirty);
    free(memory->tables);
    free(memory->mapped);
    free(memory);
}

uint8_t *core_memory_bytes(CoreMemory *memory)
{
    return memory->host;
}

static void written(CoreMemory *memory, uint64_t from, uint64_t length, const View *done)
{
    if (!length || from >= memory->size)
        return;
    uint64_t last = length > memory->size - from ? memory->size - 1 : from + length - 1;
    uint32_t code = 0;
    for (uint64_t page = from >> 12; page <= last >> 12; page++)
        memory->dirty[page] = 1;
    for (uint64_t k = from >> 10; k <= last >> 10; k++)
        code |= memory->code[k];
    for (int i = 0; code && i < memory->view_count; i++) {      // drop the blocks of every Core, through every mapping
        View *v = memory->views[i];
        if (v == done || !(code >> v->core->hart & 1))
            continue;
        v->core->figures.cross_drops++;
        if (v->core->in_access)                                 // a device wrote: the running block may be one of them, so it ends behind this instruction
            v->core->attention = true;
        v->core->arch->invalidate_range((char *)v->core->uc, v->ram_address + from, v->ram_address + last + 1);
    }
}

// Nothing but data there, and no reservation anywhere: a stack, mostly.
static bool is_plain(const CoreMemory *memory, uint64_t offset, uint64_t length)
{
    uint64_t last = offset + length - 1;
    return length && last < memory->size && offset >> 10 == last >> 10 && !memory->code[offset >> 10] && !(memory->last && memory->last->kind == CORE_RV64);
}

void core_memory_written(CoreMemory *memory, uint64_t offset, uint64_t length)
{
    if (is_plain(memory, offset, length)) {
        memory->dirty[offset >> 12] = 1;
        return;
    }
    if (length && offset < memory->size)
        rv64_entries_written(memory, offset, length > memory->size - offset ? memory->size - 1 : offset + length - 1);
    written(memory, offset, length, NULL);
    if (length)
        break_reservations(memory, offset, length);
}

void entry_marked(CoreMemory *memory, uint64_t at)
{
    written(memory, at, 8, NULL);
    break_guarded(memory, at, 8);
}

size_t core_memory_take_dirty(CoreMemory *memory, void (*page)(void *, uint64_t), void *data)
{
    size_t count = 0;
    for (uint64_t i = 0; i < memory->size >> 12; i += 8) {
        if (!AT(uint64_t, memory->dirty, i))                    // eight pages at once: nearly all are clean
            continue;
        for (uint64_t j = i; j < i + 8; j++) {
            if (!memory->dirty[j])
                continue;
            memory->dirty[j] = 0;
            count++;
            if (page)
                page(data, j << 12);
        }
    }
    if (count)
        close_pages(memory, 0, memory->size);
    return count;
}

// Stores through an entry that maps some of these bytes come by again: by host address, which finds every alias. The library looks through the
// TLBs of all modes, most of which a hart never uses.
static void close_entries(const Arch *a, char *entry, size_t count, uint64_t from, uint64_t size)
{
    uint64_t page = ~0ull << a->page_bits, closed = NOT_DIRTY(a);
    for (; count--; entry += TLB_ENTRY) {
        uint64_t tag = a->pc_bytes == 8 ? AT(uint64_t, entry, a->entry_write) : AT(uint32_t, entry, a->entry_write);
        if (tag & ~page || tag + AT(uint64_t, entry, a->entry_addend) - from >= size)   // not open, or of other bytes
            continue;
        if (a->pc_bytes == 8)
            AT(uint64_t, entry, a->entry_write) |= closed;
        else
            AT(uint32_t, entry, a->entry_write) |= (uint32_t)closed;
    }
}

static void close_tlb(const Core *c, uint64_t from, uint64_t size)
{
    const Arch *a = c->arch;
    char *fast = c->env + ENV_STOP - 16 * a->modes, *descriptors = fast - a->descriptor * a->modes;
    uint16_t used = AT(uint16_t, descriptors, TLB_USED_MODES);
    for (int mode = 0; mode < a->modes; mode++) {
        if (!(used >> mode & 1))
            continue;
        close_entries(a, AT(char *, fast, 16 * mode + 8), AT(uint64_t, fast, 16 * mode) / TLB_ENTRY + 1, from, size);
        close_entries(a, descriptors + a->descriptor * mode + a->victims, TLB_VICTIM_COUNT, from, size);
    }
}

void close_pages(CoreMemory *memory, uint64_t from, uint64_t size)
{
    uint32_t closed = 0;
    for (int i = 0; i < memory->view_count; i++) {
        Core *c = memory->views[i]->core;
        if (!(closed >> c->hart & 1))
            close_tlb(c, (uint64_t)memory->host + from, size);
        closed |= 1u << c->hart;
    }
}

// ---- mappings
bool map_region(Core *c, const CoreRegion *region)
{
    CoreMemory *memory = region->memory;
    if (c->view_count == MAX_VIEWS || memory->view_count == MAX_SHARED_VIEWS)
        return false;
    uint32_t rights = region->writable ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_EXEC;
    if (uc_mem_map_ptr(c->uc, region->address, memory->size, rights, memory->host))
        return false;
    void *found = real.memory_mapping((char *)c->uc, region->address);
    View *v = &c->views[c->view_count++];
    *v = (View){ c, memory, c->arch->ram_address(found), region->address, region->writable };
    c->some_read_only |= !region->writable;
    memory->views[memory->view_count++] = v;
    if (region->writable && !c->any_region)
        c->any_region = found;
    return true;
}

void unmap_regions(Core *c)
{
    for (int i = 0; i < c->view_count; i++) {
        CoreMemory *memory = c->views[i].memory;
        for (int j = 0; j < memory->view_count; j++) {
            if (memory->views[j] == &c->views[i])
                memory->views[j--] = memory->views[--memory->view_count];
        }
    }
    c->view_count = 0;
}

static View *view_of(Core *c, uint64_t ram_address)
{
    for (int i = 0; i < c->view_count; i++) {
        if (ram_address - c->views[i].ram_address < c->views[i].memory->size)
            return &c->views[i];
    }
    return NULL;
}

uint8_t *code_bytes(Core *c, const char *tb, uint64_t pc)
{
    int second = pc >> 12 != AT(uint64_t, tb, 0) >> 12;
    uint64_t page = AT(uint64_t, tb, c->arch->tb_pages + 8 * second);
    View *v = view_of(c, page);
    return v ? v->memory->host + (page - v->ram_address) + (pc & 4095) : NULL;
}

// ---- stores by the guest
static __thread struct { const Arch *arch; uintptr_t host_pc; char *hit; } storing;

static void open_page(Core *c, const uint8_t *host_page)        // let further stores through this one TLB entry, if it really maps that page
{
    const Arch *a = c->arch;
    char *fast = c->env + ENV_STOP - 16 * (a->modes - (int)c->access_mmu);
    uint64_t page = c->access_va >> a->page_bits;
    char *entry = AT(char *, fast, 8) + ((page & AT(uintptr_t, fast, 0) >> 5) << 5);
    uint64_t start = page << a->page_bits;
    uint64_t closed = start | NOT_DIRTY(a);
    if (start + AT(uint64_t, entry, a->entry_addend) != (uint64_t)host_page)
        return;
    if (a->pc_bytes == 8 && AT(uint64_t, entry, a->entry_write) == closed)
        AT(uint64_t, entry, a->entry_write) = start;
    if (a->pc_bytes == 4 && AT(uint32_t, entry, a->entry_write) == closed)
        AT(uint32_t, entry, a->entry_write) = (uint32_t)start;
    c->figures.opened_pages++;
}

bool store_opens(Core *c, const uint8_t *host)                  // a page of which nothing is known that a store could touch
{
    for (int i = 0; i < c->view_count; i++) {
        CoreMemory *memory = c->views[i].memory;
        uint64_t at = (uint64_t)(host - memory->host);
        if (at >= memory->size)
            continue;
        if (memory->code[at >> 10])
            return false;
        memory->dirty[at >> 12] = 1;
        c->figures.slow_stores++;
        c->figures.opened_pages++;
        return true;
    }
    return false;
}

static void store_slow(const Arch *a, char *uc, void *pages, uint64_t ram_address, int length, uintptr_t host_pc)
{
    Core *c = core_of_uc(uc);
    View *v = c ? view_of(c, ram_address) : NULL;
    if (!v) {
        a->invalidate_fast(uc, pages, ram_address, length, host_pc);
        return;
    }
    CoreMemory *memory = v->memory;
    uint64_t at = ram_address - v->ram_address;
    uint32_t marks = memory->code[at >> 10] | memory->code[(at + (uint64_t)length - 1) >> 10];
    c->figures.slow_stores++;
    if (marks & WATCHED)
        watched_store(c, memory, at, (uint64_t)length, host_pc);
    if (marks & TABLES)
        rv64_entry_stored(c, memory, at, (uint64_t)length, host_pc);
    if (marks & GUARDED)
        break_guarded(memory, at, (uint64_t)length);
    if (!(marks & ~NOT_HARTS)) {
        memory->dirty[at >> 12] = 1;
        if (!marks && !is_watched_page(c, c->access_va, STORE))
            open_page(c, memory->host + (at >> a->page_bits << a->page_bits));
        return;
    }
    storing.arch = a;
    storing.host_pc = host_pc;
    storing.hit = NULL;
    a->invalidate_fast(uc, pages, ram_address, length, host_pc);
    written(memory, at, (uint64_t)length, v);
    storing.host_pc = 0;
    if (!storing.hit)
        return;
    uint64_t pc;
    int i = block_index(a, storing.hit, host_pc, &pc);          // the store hit the block it belongs to
    if (i != NOT_CODE && i + 1 < block_count(a, storing.hit)) {
        c->figures.precise_exits++;
        repeat_alone(a, c->cpu, storing.hit, i, host_pc);
    }
    leave_behind(c);                                            // a block that is dropped keeps its jump to the next one, which may be dropped too
}

bool qht_remove(void *table, char *tb, uint32_t hash)           // a block is dropped: is it the one that is storing?
{
    if (storing.host_pc && storing.host_pc - AT(uintptr_t, tb, storing.arch->tb_code) <= AT(size_t, tb, storing.arch->tb_code_size))
        storing.hit = tb;
    return real.qht_remove(table, tb, hash);
}

// ---- which pages hold code
static void protect(const Arch *a, char *uc, uint64_t ram_address)      // first block in a page: no Core may store there unseen
{
    uint64_t size = 1ull << a->page_bits;
    Core *c = core_of_uc(uc);
    View *v = c ? view_of(c, ram_address) : NULL;
    if (!v) {
        a->protect(uc, ram_address);
        return;
    }
    CoreMemory *memory = v->memory;
    uint64_t at = (ram_address - v->ram_address) & ~(size - 1);
    for (uint64_t k = at >> 10; k < (at + size) >> 10; k++)
        memory->code[k] |= 1u << c->hart;
    memory->code_low = at >> 10 < memory->code_low ? at >> 10 : memory->code_low;
    memory->code_high = (at + size) >> 10 > memory->code_high ? (at + size) >> 10 : memory->code_high;
    close_pages(memory, at, size);
}

static void unprotect(const Arch *a, char *uc, uint64_t ram_address)    // the last block of a page is gone
{
    uint64_t size = 1ull << a->page_bits;
    Core *c = core_of_uc(uc);
    View *v = c ? view_of(c, ram_address) : NULL;
    if (!v) {
        a->unprotect(uc, ram_address);
        return;
    }
    uint64_t at = (ram_address - v->ram_address) & ~(size - 1);
    for (int i = 0; i < c->view_count; i++) {
        if (&c->views[i] != v && c->views[i].memory == v->memory)
            return;                                             // the other mapping may still have blocks
    }
    for (uint64_t k = at >> 10; k < (at + size) >> 10; k++)
        v->memory->code[k] &= ~(1u << c->hart);
}

void forget_code(Core *c)
{
    for (int i = 0; i < c->view_count; i++) {
        CoreMemory *memory = c->views[i].memory;
        for (uint64_t k = memory->code_low; k < memory->code_high; k++)
            memory->code[k] &= ~(1u << c->hart);
    }
}

void core_drop_code(Core *c)
{
    for (int i = 0; i < c->view_count; i++) {
        View *v = &c->views[i];
        for (uint64_t k = v->memory->code_low; k < v->memory->code_high; k++) {
            if (v->memory->code[k] >> c->hart & 1)
                c->arch->invalidate_range((char *)c->uc, v->ram_address + (k << 10), v->ram_address + ((k + 1) << 10));
        }
    }
}

static void flush(const Arch *a, char *cpu)                     // the code buffer is full: all blocks are gone, so all pages may be fast again
{
    Core *c = core_of_cpu(cpu);
    a->flush(cpu);
    if (!c)
        return;
    c->figures.overflows++;
    c->epoch++;
    memset(c->parts, 0, sizeof c->parts);
    c->running = NULL;
    forget_code(c);
}

// page_collection_lock walks every block of a page to take locks that are compiled out; what it returns only goes to unlock.
#define EXPORT(name, target) \
    void tb_flush_##name(char *cpu) { flush(&target, cpu); } \
    void tlb_protect_code_##name(char *uc, uint64_t ram_address) { protect(&target, uc, ram_address); } \
    void tlb_unprotect_code_##name(char *uc, uint64_t ram_address) { unprotect(&target, uc, ram_address); } \
    void tb_invalidate_phys_page_fast_##name(char *uc, void *pages, uint64_t at, int length, uintptr_t host_pc) { store_slow(&target, uc, pages, at, length, host_pc); } \
    void *page_collection_lock_##name(char *uc, uint64_t start, uint64_t end) { return usable ? NULL : target.pages_lock(uc, start, end); } \
    void page_collection_unlock_##name(void *pages) { if (pages) target.pages_unlock(pages); }
EXPORT(riscv64, rv64)
EXPORT(arm, arm)
