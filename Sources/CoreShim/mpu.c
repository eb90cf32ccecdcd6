// Cortex-M: who may touch what. The default memory map and the MPU (ARM DDI 0403E.e, B3.1 and B3.5), asked whenever the soft TLB misses.
// An entry stands for 1 KiB; where rights differ within one, the entry is good for a single access, and code there for a single instruction.
#include "internal.h"
#include <string.h>

enum { PAGE = 1024 };
enum { PRIVILEGED = 1, NEGATIVE = 2 };                          // bits of an mmu index: whose rights, and at a priority below 0
enum { ENABLE = 1, IN_FAULTS = 2, BACKGROUND = 4 };             // MPU_CTRL
enum { EXCP_PREFETCH_ABORT = 3 };

static unsigned default_rights(uint32_t address)                // as in tlb_set_page: 1 read, 2 write, 4 execute
{
    uint32_t half_gigabyte = address >> 29;                     // 2: peripherals; 5, 6: devices; 7: system
    return half_gigabyte == 2 || half_gigabyte >= 5 ? 3 : 7;
}

bool m4_is_device_space(uint32_t address)                       // Device or Strongly-ordered in the default memory map
{
    return !(default_rights(address) & 4);
}

static unsigned region_rights(uint32_t attributes, bool privileged)
{
    static const uint8_t by_privileged[8] = { 0, 3, 3, 3, 0, 1, 1, 1 };
    static const uint8_t by_anybody[8] = { 0, 0, 1, 3, 0, 0, 1, 1 };        // 4 is reserved: no access
    unsigned permission = attributes >> 24 & 7;
    unsigned rights = privileged ? by_privileged[permission] : by_anybody[permission];
    bool never_executes = attributes >> 28 & 1;
    return rights & 1 && !never_executes ? rights | 4 : rights;
}

// What a mode may do at an address. whole: NULL, or does no region end within the 1 KiB around it?
static unsigned rights_at(const Core *c, uint32_t address, unsigned mmu, bool *whole)
{
    bool own = address >> 20 == 0xe00;                          // the private peripheral bus: the default map always
    bool on = c->mpu.control & ENABLE && !(mmu & NEGATIVE && !(c->mpu.control & IN_FAULTS));
    if (whole)
        *whole = true;
    if (own || !on)
        return default_rights(address);
    unsigned rights = c->mpu.control & BACKGROUND && mmu & PRIVILEGED ? default_rights(address) : 0;
    for (int i = 0; i < 8; i++) {
        uint32_t attributes = c->mpu.attributes[i];
        unsigned bits = (attributes >> 1 & 31) + 1;
        if (!(attributes & 1) || bits < 5)
            continue;
        uint64_t size = 1ull << bits;
        uint64_t start = c->mpu.base[i] & ~(size - 1);
        uint64_t page = address & ~(PAGE - 1u);
        unsigned disabled = bits >= 8 ? attributes >> 8 & 255 : 0;
        if (whole && start < page + PAGE && page < start + size && (size < PAGE || (disabled && size < 8 * PAGE)))
            *whole = false;
        uint64_t offset = (uint64_t)address - start;
        if (offset < size && !(disabled >> (offset >> (bits - 3) & 7) & 1))
            rights = region_rights(attributes, mmu & PRIVILEGED);           // of several, the last one counts
    }
    return address >> 29 == 7 ? rights & ~4u : rights;          // the system space never executes
}

bool m4_watches(const Core *c, uint32_t va, uint32_t size)
{
    for (int i = 0; i < 4; i++) {
        if (va - c->data_watch.range[i].address < c->data_watch.range[i].size || (c->data_watch.range[i].size && c->data_watch.range[i].address - va < size))
            return true;
    }
    return false;
}

void m4_rights_changed(Core *c)
{
    memset(c->parts, 0, sizeof c->parts);       // kept for what could be executed
    arm.tlb_flush(c->cpu);
}

void core_m4_set_watch(Core *c, const CoreM4Watch *watch)
{
    if (!memcmp(&c->data_watch, watch, sizeof *watch))
        return;
    c->data_watch = *watch;
    c->watching = false;
    for (int i = 0; i < 4; i++)
        c->watching |= watch->range[i].size != 0;
    m4_rights_changed(c);
}

void core_m4_set_unreadable(Core *c, const CoreM4Unreadable *unreadable)
{
    if (!memcmp(&c->unreadable, unreadable, sizeof *unreadable))
        return;
    c->unreadable = *unreadable;
    m4_rights_changed(c);
}

static bool is_unreadable(const Core *c, uint32_t address)      // never of a part of a page
{
    if (!c->unreadable.block)
        return false;
    uint32_t number = (address - c->unreadable.start) / c->unreadable.block;
    return number < 8 * sizeof c->unreadable.blocks && c->unreadable.blocks[number / 32] >> number % 32 & 1;
}

// Is a page one to the soft TLB? whole: no region ends in it; and if one does, it need not make a difference.
static bool is_uniform(const Core *c, uint32_t page, unsigned mmu, unsigned rights, bool whole)
{
    if (c->watching && m4_watches(c, page, PAGE))
        return false;
    for (uint32_t offset = 0; !whole && offset < PAGE; offset += 32) {
        if (rights_at(c, page + offset, mmu, NULL) != rights)
            return false;
    }
    return true;
}

bool core_m4_allows(const Core *c, uint32_t address, uint32_t size, bool is_store, bool privileged, bool negative)
{
    unsigned mmu = (privileged ? PRIVILEGED : 0) | (negative ? NEGATIVE : 0);
    for (uint32_t offset = 0; offset < size; offset += 32 - ((address + offset) & 31)) {
        if (!(rights_at(c, address + offset, mmu, NULL) & (is_store ? 2 : 1)))
            return false;
    }
    return true;
}

void core_m4_set_mpu(Core *c, const CoreM4MPU *mpu)
{
    c->mpu = *mpu;
    m4_rights_changed(c);
}

// Of an access that is not aligned and may reach into another region: the rest of it.
void m4_check_tail(Core *c, uint32_t va, unsigned size, int type, unsigned mmu, uintptr_t host_pc)
{
    uint32_t last = va + size - 1;
    if (type == LOAD && is_unreadable(c, last))
        m4_access_fault(c, last & ~31u, CORE_M4_BUS_FAULT, host_pc);
    if ((va ^ last) >> 5 && rights_at(c, va, mmu, NULL) & ~rights_at(c, last, mmu, NULL) & 1u << type)
        m4_access_fault(c, last & ~31u, CORE_M4_MPU_FAULT, host_pc);
}

bool arm_cpu_tlb_fill_arm(char *cpu, uint64_t address, int size, int type, int mmu, bool probe, uintptr_t host_pc)
{
    Core *c = core_of_cpu(cpu);
    if (!c)
        return real.arm_fill(cpu, address, size, type, mmu, probe, host_pc);
    uint32_t va = (uint32_t)address;
    bool whole;
    unsigned rights = rights_at(c, va, (unsigned)mmu, &whole);
    bool unreadable = is_unreadable(c, va);
    if (rights & 1u << type && !(unreadable && type == LOAD)) {
        uint32_t page = va & ~(PAGE - 1u);
        bool uniform = is_uniform(c, page, (unsigned)mmu, rights, whole);
        if (unreadable)
            rights &= ~1u;
        real.arm_set_page(cpu, page, page, 0, (int)rights, mmu, uniform ? PAGE : 1);
        if (c->watchpoint_count)
            watch_entry(c, va, (unsigned)mmu);
        return true;
    }
    if (probe)
        return false;
    if (type != FETCH)
        m4_access_fault(c, va, rights & 1u << type ? CORE_M4_BUS_FAULT : CORE_M4_MPU_FAULT, host_pc);
    AT(int32_t, cpu, CPU_EXCEPTION) = EXCP_PREFETCH_ABORT;
    arm.leave_restore(cpu, host_pc);
    return false;
}

// A block where rights differ within the page: the library would keep it, and jump to it, without asking again. It is one instruction, and
// nothing finds it a second time.
char *m4_make_block(char *cpu, uint64_t pc, uint64_t base, uint32_t flags, uint32_t cflags)
{
    enum { COUNT = 0x7fff, LAST_IO = 0x8000, NO_PAGE = -2 };    // LAST_IO: no look-up ever wants it; a second page: no block is linked to it
    Core *c = core_of_cpu(cpu);
    bool whole = true;
    unsigned mmu = flags >> 24 & 15;
    unsigned rights = c->mpu.control & ENABLE ? rights_at(c, (uint32_t)pc, mmu, &whole) : 0;
    if (is_uniform(c, (uint32_t)pc & ~(PAGE - 1u), mmu, rights, whole))
        return arm.make_block(cpu, pc, base, flags, cflags);
    char *tb = arm.make_block(cpu, pc, base, flags, (cflags & ~COUNT) | LAST_IO | 1);
    AT(int64_t, tb, arm.tb_pages + 8) = NO_PAGE;
    return tb;
}
