// RV64 address translation: Privileged Architecture 1.12, sections 4.3 to 4.5 (Sv39, Sv48, Sv57), 3.1.6.3 (MPRV) and 3.7.2 (PMP and paging).
// The library asks here whenever its soft TLB does not know a page.
#include "internal.h"

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
enum { FETCH_FAULT = 1, LOAD_FAULT = 5, STORE_FAULT = 7, FETCH_PAGE_FAULT = 12, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
typedef enum { FOUND, PAGE_FAULT, ACCESS_FAULT } Outcome;

// A data access in M mode with MPRV uses the translations of the mode in MPP, and so blocks of its own: bit 2 tells them from that mode's.
int riscv_cpu_mmu_index_riscv64(char *env, bool fetch)
{
    uint64_t privilege = AT(uint64_t, env, RV_PRIV), status = AT(uint64_t, env, RV_MSTATUS);
    uint64_t as = status >> 11 & 3;
    if (fetch || privilege != 3 || !(status & MSTATUS_MPRV) || as == 3 || !core_of_cpu(env - rv64.env))
        return (int)privilege;
    return (int)as | 4;
}

static const View *view_at(const Core *c, uint64_t address)      // physical; NULL: not in memory
{
    for (int i = 0; i < c->view_count; i++) {
        if (address - c->views[i].guest < c->views[i].memory->size)
            return &c->views[i];
    }
    return NULL;
}

static Outcome walk(Core *c, uint64_t va, int type, unsigned mode, uint64_t *pa, int *rights, bool *theirs)
{
    uint64_t satp = words_of(c)[CORE_RV64_SATP], status = words_of(c)[CORE_RV64_MSTATUS];
    int levels = (int)(satp >> 60) - 5;                         // 8: Sv39, 9: Sv48, 10: Sv57
    int64_t beyond = (int64_t)va >> (12 + 9 * levels - 1);
    if (beyond != 0 && beyond != -1)
        return PAGE_FAULT;
    uint64_t table = (satp & ((1ull << 44) - 1)) << 12;
    for (int level = levels - 1; level >= 0; level--) {
        uint64_t at = table + (va >> (12 + 9 * level) & 511) * 8;
        const View *view = view_at(c, at);
        bool whole;
        if (!view || !(rv64_protection(c, at, 8, 1, &whole) & PMP_R))
            return ACCESS_FAULT;
        uint64_t *slot = (uint64_t *)(view->memory->host + (at - view->guest));
        uint64_t pte = *slot, page = pte >> 10;
        if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W || pte >> 54)
            return PAGE_FAULT;
        if (!(pte & (PTE_R | PTE_X))) {                         // the next table
            if (pte & (PTE_U | PTE_A | PTE_D))
                return PAGE_FAULT;
            rv64_table_used(view, at, va, level);
            table = page << 12;
            continue;
        }
        uint64_t inside = (1ull << 9 * level) - 1;
        bool readable = pte & PTE_R || (pte & PTE_X && status & MSTATUS_MXR);
        *theirs = pte & PTE_U;
        bool data = mode == 0 ? *theirs : !*theirs || status & MSTATUS_SUM, code = *theirs == (mode == 0);
        bool allowed = type == FETCH ? code && pte & PTE_X : data && (type == STORE ? pte & PTE_W : readable);
        if (!allowed || page & inside)
            return PAGE_FAULT;
        uint64_t marks = PTE_A | (type == STORE ? PTE_D : 0);
        if ((pte & marks) != marks) {
            if (c->rv64_options & CORE_RV64_SVADE)
                return PAGE_FAULT;
            if (!view->writable || !(rv64_protection(c, at, 8, 1, &whole) & PMP_W))
                return ACCESS_FAULT;
            *slot = pte |= marks;
            c->figures.pte_updates++;
            entry_marked(view->memory, at - view->guest);
        }
        rv64_table_used(view, at, va, level);
        *pa = (page | (va >> 12 & inside)) << 12 | (va & 4095);
        *rights = (data && readable ? PAGE_READ : 0) | (code && pte & PTE_X ? PAGE_EXEC : 0) | (data && pte & PTE_W && pte & PTE_D ? PAGE_WRITE : 0);
        return FOUND;
    }
    return PAGE_FAULT;
}

bool riscv_cpu_tlb_fill_riscv64(char *cpu, uint64_t va, int size, int type, int mode, bool probe, uintptr_t host_pc)
{
    static const uint8_t causes[][3] = { { LOAD_PAGE_FAULT, STORE_PAGE_FAULT, FETCH_PAGE_FAULT }, { LOAD_FAULT, STORE_FAULT, FETCH_FAULT } };
    static const uint8_t needs[] = { PMP_R, PMP_W, PMP_X };
    Core *c = core_of_cpu(cpu);
    if (!c)
        return real.rv64_fill(cpu, va, size, type, mode, probe, host_pc);
    uint64_t pa = va, length = size ? (uint64_t)size : 2;
    int rights = PAGE_READ | PAGE_WRITE | PAGE_EXEC;
    bool whole = true, theirs = false;
    Outcome outcome = paging(c, (unsigned)mode) ? walk(c, va, type, (unsigned)mode, &pa, &rights, &theirs) : FOUND;
    if (outcome == FOUND) {
        uint64_t room = 4096 - (pa & 4095);                     // what lies in the next page is asked for by itself
        unsigned allowed = rv64_protection(c, pa, length < room ? length : room, (unsigned)mode, &whole);
        if (!(allowed & needs[type]))
            outcome = ACCESS_FAULT;
        rights &= (allowed & PMP_R ? PAGE_READ : 0) | (allowed & PMP_W ? PAGE_WRITE : 0) | (allowed & PMP_X ? PAGE_EXEC : 0);
    }
    if (outcome == FOUND) {
        const View *view = view_at(c, pa);
        c->split_page |= !whole;
        if (theirs && mode == 1)
            rv64_user_page(c, va);
        if (!view || !view->writable)
            rv64_remember_page(c, va, pa, (unsigned)mode);
        if (view && !view->writable)
            rights &= ~PAGE_WRITE;              // a store there is the host's
        if (whole && view)
            rv64_set_page(c, va & ~4095ull, view, (pa - view->guest) & ~4095ull, rights, (unsigned)mode);
        else
            real.rv64_set_page(cpu, va & ~4095ull, pa & ~4095ull, rights, mode, whole ? 4096 : 1);        // less than a page: for this one access
        if (c->watchpoint_count)
            watch_entry(c, va, (unsigned)mode);
        return true;
    }
    if (probe)
        return false;
    AT(uint64_t, c->env, RV_BADADDR) = va;
    riscv_raise_exception_riscv64(c->env, causes[outcome == ACCESS_FAULT][type], host_pc);
    return false;
}
