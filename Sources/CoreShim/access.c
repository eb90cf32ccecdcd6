// Every load and store that misses the inline fast path. RAM goes on to the library; everything else is one call to the host, as the
// guest made it: one access of 1, 2, 4 or 8 bytes with the exact index and pc of its instruction, or a precise guest fault.
#include "internal.h"
#include <string.h>

bool paging(const Core *c, unsigned mmu)
{
    return c->arch == &rv64 && mmu != 3 && AT(uint64_t, c->env, RV_SATP) >> 60;
}

// ---- the soft TLB
typedef struct { uint64_t tag, invalid, mmio; } TlbWord;                    // invalid, mmio: flag bits, by page size

static char *tlb_entry(Core *c, unsigned mmu, uint64_t va)
{
    char *fast = c->env + ENV_STOP - 16 * (c->arch->modes - (int)mmu);
    return AT(char *, fast, 8) + ((va >> c->arch->page_bits & AT(uintptr_t, fast, 0) >> 5) << 5);
}

static TlbWord tlb_word(Core *c, const char *entry, int type)
{
    int bits = c->arch->page_bits;
    uint64_t tag = c->arch->pc_bytes == 8 ? AT(uint64_t, entry, type * 8) : AT(uint32_t, entry, type * 4);
    return (TlbWord){ tag, 1ull << (bits - 1), 1ull << (bits - 3) };
}

static bool tlb_hits(Core *c, TlbWord w, uint64_t va)
{
    uint64_t page = ~0ull << c->arch->page_bits;
    return (w.tag & (page | w.invalid)) == (va & page);
}

void rv64_remember_page(Core *c, uint64_t va, uint64_t pa, unsigned mmu)
{
    uint64_t page = va >> 12;
    unsigned slot = (unsigned)((page ^ mmu) % IO_PAGES);
    c->io_pages[slot].va = page;
    c->io_pages[slot].pa = pa >> 12;
    c->io_pages[slot].mmu = mmu;
}

// A page with a watchpoint: what is in the soft TLB says where it is, and that each load or each store of it comes by.
void watch_entry(Core *c, uint64_t va, unsigned mmu)
{
    char *entry = tlb_entry(c, mmu, va);
    for (int type = LOAD; type <= STORE; type++) {
        if (!is_watched_page(c, va, type) || !tlb_hits(c, tlb_word(c, entry, type), va))
            continue;
        if (c->arch->pc_bytes == 8)
            AT(uint64_t, entry, type * 8) |= NOT_DIRTY(c->arch);
        else
            AT(uint32_t, entry, type * 4) |= (uint32_t)NOT_DIRTY(c->arch);
    }
}

static bool fill(Core *c, uint64_t va, unsigned size, int type, unsigned mmu, uintptr_t host_pc)       // does not return on a guest fault
{
    bool (*walk)(char *, uint64_t, int, int, int, bool, uintptr_t) = c->arch == &rv64 ? riscv_cpu_tlb_fill_riscv64 : arm_cpu_tlb_fill_arm;
    c->fault_cause = 0;
    c->fault_address = va;
    return walk(c->cpu, va, (int)size, type, (int)mmu, false, host_pc);
}

const uint8_t *loads_from(Core *c, uint64_t va)
{
    unsigned mmu = (unsigned)riscv_cpu_mmu_index_riscv64(c->env, false);
    if (mmu > 3)                                // MPRV: by the mode in MPP
        return NULL;
    char *entry = tlb_entry(c, mmu, va);
    TlbWord word = tlb_word(c, entry, LOAD);
    if (!tlb_hits(c, word, va)) {
        if (!riscv_cpu_tlb_fill_riscv64(c->cpu, va, 1, LOAD, (int)mmu, true, 0))
            return NULL;
        entry = tlb_entry(c, mmu, va);
        word = tlb_word(c, entry, LOAD);
    }
    return tlb_hits(c, word, va) && !(word.tag & word.mmio) ? (const uint8_t *)(AT(uint64_t, entry, c->arch->entry_addend) + va) : NULL;
}

static uint64_t physical(Core *c, uint64_t va, unsigned size, int type, unsigned mmu, uintptr_t host_pc)
{
    if (!paging(c, mmu))
        return va;
    uint64_t page = va >> 12;
    unsigned slot = (unsigned)((page ^ mmu) % IO_PAGES);
    if (c->io_pages[slot].va != page || c->io_pages[slot].mmu != mmu)
        fill(c, va, size, type, mmu, host_pc);                  // another page took the slot: walk again
    return c->io_pages[slot].pa << 12 | (va & 4095);
}

// ---- one access by the host
static void access_fault(Core *c, uint64_t va, int type, uint64_t m4_cause, uintptr_t host_pc)      // does not return
{
    c->attention = false;
    c->done_index = ~0ull;                                      // the host may have it tried again
    if (c->arch == &rv64)
        rv64_access_fault(c, va, type == STORE, host_pc);
    m4_access_fault(c, va, m4_cause, host_pc);
}

static CoreAccess describe(Core *c, const Memo *m, uint64_t address, unsigned size, int type, unsigned mmu, uint64_t value)
{
    CoreAccess access = { .address = address, .value = value, .pc = m->pc, .index = (uint64_t)(c->granted - *budget_of(c) - m->back),
        .size = (uint8_t)size, .is_store = type == STORE };
    access.cycle = c->counts_cycles ? (uint64_t)(c->granted_cycles - *cycles_of(c) - m->cycles_back) : access.index;
    access.privileged = c->arch == &rv64 ? mmu != 0 : mmu & 1;
    return access;
}

static void tell_misaligned(Core *c, const CoreAccess *access)
{
    c->in_access = true;
    if (c->host.misaligned)
        c->host.misaligned(c->context, access);
    c->in_access = false;
}

static uint64_t device(Core *c, uint64_t va, unsigned size, int type, unsigned mmu, uint64_t value, uintptr_t host_pc)
{
    const Memo *m = locate(c, host_pc);
    if (c->replay_next < c->replay_count) {
        uint64_t answer = c->done[c->replay_next++];
        if (c->replay_next == c->replay_count)                  // the repeated instruction has had them all
            leave_behind(c);
        return answer;
    }
    uint64_t mask = size == 8 ? ~0ull : (1ull << 8 * size) - 1;
    CoreAccess access = describe(c, m, physical(c, va, size, type, mmu, host_pc), size, type, mmu, value & mask);
    c->done_cycle = access.cycle;
    if (access.index != c->done_index) {
        c->done_index = access.index;
        c->done_count = 0;
    }
    bool misaligned = va & (size - 1);
    CoreAccessVerdict verdict = CORE_ACCESS_FAULT;
    if (misaligned) {
        tell_misaligned(c, &access);
    } else {
        c->in_access = true;
        verdict = c->host.access(c->context, &access);
        c->in_access = false;
    }
    if (verdict == CORE_ACCESS_FAULT)
        access_fault(c, va, type, misaligned && m4_is_device_space((uint32_t)va) ? CORE_M4_UNALIGNED : CORE_M4_BUS_FAULT, host_pc);
    if (c->done_count < MAX_DONE)
        c->done[c->done_count++] = access.value & mask;
    if (c->attention) {
        c->attention = false;
        if (!m->last) {                                         // run the instruction again, alone, so that what it brought on comes directly behind it
            c->replay_next = 0;
            c->replay_count = c->done_count;
            repeat_at(c, host_pc);
        }
        leave_behind(c);
    }
    return access.value & mask;
}

typedef uint64_t Helper(char *, uint64_t, uint64_t, uint64_t, uint64_t);

static bool is_read_only(Core *c, uint64_t address)             // on a Cortex-M, where the TLB does not know
{
    for (int i = 0; i < c->view_count; i++) {
        if (address - c->views[i].guest < c->views[i].memory->size)
            return !c->views[i].writable;
    }
    return false;
}

// Is there no memory that the access may use? The last page of the address space is never mapped.
static bool is_device(Core *c, uint64_t va, unsigned size, int type, unsigned mmu, uintptr_t host_pc)
{
    TlbWord word = tlb_word(c, tlb_entry(c, mmu, va), type);
    if (!tlb_hits(c, word, va)) {
        fill(c, va, size, type, mmu, host_pc);
        word = tlb_word(c, tlb_entry(c, mmu, va), type);
    }
    if (word.tag == (c->arch->pc_bytes == 8 ? ~0ull : ~0u) || word.tag & word.mmio)
        return true;
    return type == STORE && c->arch == &arm && c->some_read_only && is_read_only(c, va);
}

// RV64: ordinary memory that the soft TLB did not hold, or a page that only waits for its first store, without the library.
static bool ordinary_access(Core *c, uint64_t va, unsigned size, int type, unsigned mmu, uint64_t *value, uintptr_t host_pc)
{
    char *entry = tlb_entry(c, mmu, va);
    if ((va & 4095) + size > 4096)
        return false;
    if (!tlb_hits(c, tlb_word(c, entry, type), va)) {
        fill(c, va, size, type, mmu, host_pc);
        entry = tlb_entry(c, mmu, va);
    }
    uint64_t tag = AT(uint64_t, entry, 8 * type), *write = &AT(uint64_t, entry, 8);
    uint8_t *host = (uint8_t *)(AT(uint64_t, entry, rv64.entry_addend) + va);
    if ((tag ^ va) & ~4095ull || tag & 4095 & ~NOT_DIRTY(&rv64))
        return false;
    if (type == LOAD) {
        memcpy(value, host, size);
        return true;
    }
    if (tag & NOT_DIRTY(&rv64) && !store_opens(c, host))
        return false;
    memcpy(host, value, size);
    if (!is_watched_page(c, va, STORE))
        *write = tag & ~4095ull;
    return true;
}

// Whatever its reservation, an SC may only be where a store may be. The address decides whether it succeeds, not the value: the library, which
// compares both, is told that LR has seen what is there now.
void rv64_before_sc(Core *c, uint64_t va, unsigned size, uintptr_t host_pc)
{
    unsigned mmu = (unsigned)riscv_cpu_mmu_index_riscv64(c->env, false) & 3;
    if (va & (size - 1))
        rv64_misaligned(c, va, true, host_pc);
    bool device = is_device(c, va, size, STORE, mmu, host_pc);
    const char *entry = tlb_entry(c, mmu, va);
    if (tlb_word(c, entry, STORE).tag == ~0ull)                 // read-only memory
        access_fault(c, va, STORE, 0, host_pc);
    if (device)
        return;
    const uint8_t *host = (const uint8_t *)(AT(uint64_t, entry, rv64.entry_addend) + va);
    AT(uint64_t, c->env, RV_LOAD_VAL) = size == 4 ? (uint64_t)AT(int32_t, host, 0) : AT(uint64_t, host, 0);
}

static uint64_t bytewise(const Arch *a, char *env, uint64_t va, uint64_t x, uint64_t y, uint64_t z, unsigned size, int type);

static uint64_t slow_access(const Arch *a, Helper *library, char *env, uint64_t address, uint64_t x, uint64_t y, uint64_t z, unsigned size, int type)
{
    char *cpu = env - a->env;
    Core *c = core_of_cpu(cpu);
    if (!c)
        return library(env, address, x, y, z);
    uint64_t va = a->pc_bytes == 8 ? address : (uint32_t)address;
    uintptr_t host_pc = type == STORE ? z : y;
    unsigned mmu = (type == STORE ? y : x) & 15;
    uint64_t value = type == STORE ? x : 0;
    bool must_align = (type == STORE ? y : x) >> 8 & 7;         // MO_ALIGN of the memory operation
    if (must_align && a == &rv64 && va & (size - 1))            // before anything else: LR, SC and AMO
        rv64_misaligned(c, va, type == STORE, host_pc);
    if (must_align && type == LOAD && a == &rv64 && rv64_is_amo(c, host_pc) && !tlb_hits(c, tlb_word(c, tlb_entry(c, mmu, va), STORE), va))
        fill(c, va, size, STORE, mmu, host_pc);                 // an AMO that may not store does not load: its page fault goes before an access fault
    if (must_align && a == &arm && va & (size < 4 ? size - 1 : 3)) {
        CoreAccess access = describe(c, locate(c, host_pc), va, size, type, mmu, value);
        tell_misaligned(c, &access);
        access_fault(c, va, type, CORE_M4_UNALIGNED, host_pc);
    }
    if (a == &arm && va & (size - 1) && (c->mpu.control & 1 || c->unreadable.block))
        m4_check_tail(c, (uint32_t)va, size, type, mmu, host_pc);
    if (c->watchpoint_count && is_watched_access(c, va, size, type, host_pc)) {
        is_device(c, va, size, type, mmu, host_pc);             // its page fault comes first
        stop_before_access(c, va, size, type, host_pc);
    }
    c->split_page = false;
    if (a == &rv64 && ordinary_access(c, va, size, type, mmu, &value, host_pc))
        return value;
    if (is_device(c, va, size, type, mmu, host_pc)) {
        if (a == &rv64 || size < 8)
            return device(c, va, size, type, mmu, value, host_pc);
        uint64_t low = device(c, va, 4, type, mmu, value, host_pc);         // a Cortex-M4 moves its double registers as words
        return low | device(c, (uint32_t)(va + 4), 4, type, mmu, value >> 32, host_pc) << 32;
    }
    if (a == &arm && c->watching && m4_watches(c, (uint32_t)va, size)) {
        unsigned part = va & (size - 1) ? 1 : size < 4 ? size : 4;          // as the host takes them: aligned, words at most
        uint64_t result = 0;
        for (unsigned i = 0; i < size; i += part)
            result |= device(c, (uint32_t)(va + i), part, type, mmu, value >> 8 * i, host_pc) << 8 * i;
        return result;
    }
    uint64_t page = ~0ull << a->page_bits;
    uint64_t end = (a->pc_bytes == 8 ? va + size - 1 : (uint32_t)(va + size - 1)) & page;
    if (end != (va & page) && is_device(c, end, (unsigned)(va + size - end), type, mmu, host_pc))
        access_fault(c, end, type, CORE_M4_BUS_FAULT, host_pc);             // begins in memory, ends outside
    if (c->split_page && va & (size - 1))
        return bytewise(a, env, va, x, y, z, size, type);
    c->access_va = va;
    c->access_mmu = mmu;
    c->paged_lookup = paging(c, mmu);
    if (a == &arm)                                              // checked above; the library asks it of each byte that it splits an access into
        *(type == STORE ? &y : &x) &= ~(7ull << 8);
    uintptr_t outer = AT(uintptr_t, cpu, CPU_MEM_IO_PC);
    AT(uintptr_t, cpu, CPU_MEM_IO_PC) = host_pc;
    uint64_t result = library(env, address, x, y, z);
    AT(uintptr_t, cpu, CPU_MEM_IO_PC) = outer;
    c->paged_lookup = false;
    if (c->watched.memory && !AT(int, AT(char *, cpu, CPU_UC), UC_BYTEWISE))
        report_store(c, host_pc);               // the last byte of one that crosses pages was stored, too
    return result;
}

#define ACCESS(name, arch, target, size, type) \
    uint64_t helper_##name##_mmu_##arch(char *env, uint64_t va, uint64_t x, uint64_t y, uint64_t z) { \
        static Helper *library; \
        if (!library) *(void **)&library = real_symbol("helper_" #name "_mmu", target.suffix); \
        return slow_access(&target, library, env, va, x, y, z, size, type); }
#define EXPORT(arch, target) \
    ACCESS(ret_ldub, arch, target, 1, LOAD) ACCESS(le_lduw, arch, target, 2, LOAD) ACCESS(le_ldul, arch, target, 4, LOAD) ACCESS(le_ldq, arch, target, 8, LOAD) \
    ACCESS(ret_stb, arch, target, 1, STORE) ACCESS(le_stw, arch, target, 2, STORE) ACCESS(le_stl, arch, target, 4, STORE) ACCESS(le_stq, arch, target, 8, STORE)
EXPORT(riscv64, rv64)
EXPORT(arm, arm)

// Where the PMP tells parts of a page apart, the library's own way with a misaligned access would ask for bytes that are no part of it.
static uint64_t bytewise(const Arch *a, char *env, uint64_t va, uint64_t x, uint64_t y, uint64_t z, unsigned size, int type)
{
    Core *c = core_of_cpu(env - a->env);
    int *recursion = &AT(int, AT(char *, c->cpu, CPU_UC), UC_BYTEWISE);
    uint64_t value = 0, byte_of_memory = ~(7ull << 8 | 3 << 4);         // the same operation on an unsigned byte, with no alignment
    *recursion = (int)size;
    for (unsigned i = 0; i < size; i++) {
        if (type == STORE)
            helper_ret_stb_mmu_riscv64(env, va + i, x >> 8 * i & 0xff, y & byte_of_memory, z);
        else
            value |= (helper_ret_ldub_mmu_riscv64(env, va + i, x & byte_of_memory, y, z) & 0xff) << 8 * i;
    }
    *recursion = 0;
    if (c->watched.memory)
        report_store(c, type == STORE ? z : y);
    return value;
}

// ---- Sv39. 2.0.1 looks the *virtual* address up among the physical regions before it translates: answer with one that permits everything.
// An access that crosses pages asks once for each of the aligned words that it touches.
void *memory_mapping(char *uc, uint64_t address)
{
    Core *c = core_of_uc(uc);
    if (c && c->paged_lookup && address - (c->access_va & ~7ull) < 16)
        return c->any_region;
    return real.memory_mapping(uc, address);
}

void paged_fetch(Core *c, uint64_t va)          // a page of nothing: the library would make instructions of what it reads there
{
    unsigned mmu = (unsigned)AT(uint64_t, c->env, RV_PRIV) & 3;
    enum { FETCH_FAULT = 1 };
    if (is_device(c, va, 2, FETCH, mmu, 0)) {
        AT(uint64_t, c->env, RV_BADADDR) = va;
        riscv_raise_exception_riscv64(c->env, FETCH_FAULT, 0);
    }
    c->access_va = va;
    c->paged_lookup = true;
}

void riscv_raise_exception_riscv64(char *env, uint32_t cause, uintptr_t host_pc)
{
    Core *c = core_of_cpu(env - rv64.env);
    if (c)
        cause = rv64_cause(c, cause, host_pc);
    real.rv64_raise(env, cause, host_pc);
}
