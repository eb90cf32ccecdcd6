// The life of a Core, and the loop that runs it.
#include "internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void power_on(Core *c)
{
    forget_turn(c);
    memcpy(c->env, c->pristine, c->arch->reset_bytes);
    AT(uint32_t, c->cpu, CPU_INTERRUPT) = 0;
    AT(int32_t, c->cpu, CPU_EXCEPTION) = -1;
    AT(uint32_t, c->env, ENV_STOP) = 0;
    *budget_of(c) = 0;
    c->granted = c->granted_cycles = 0;
    c->counts_cycles = false;
    c->failed = c->flow = 0;
    c->stop = c->attention = c->sleeping = c->sleeping_event = c->alone = c->expired = c->event = false;
    c->done_index = ~0ull;
    c->done_count = c->replay_next = c->replay_count = 0;
    c->fault_cause = c->fault_address = c->access_va = 0;
    c->paged_lookup = c->in_access = false;
    c->watched.memory = NULL;
    c->next_fault.waits = false;
    c->passed.index = c->touch.index = c->looked.index = ~0ull;
    c->region = NO_REGION;
    c->came = 0;
    c->failure[0] = 0;
    memset(c->io_pages, 0xff, sizeof c->io_pages);
    c->watch = 0;
    c->watch_interrupts = false;
    c->last_trap.valid = 0;
    c->clock_offset = c->time_offset = c->cycle_offset = c->retired_offset = 0;
    c->clock_numerator = c->clock_denominator = 1;
    memset(c->trap_counts, 0, sizeof c->trap_counts);
    memset(&c->rv64, 0, sizeof c->rv64);
    if (c->arch == &rv64)
        tlb_flush_riscv64(c->cpu);
    else
        m4_rights_changed(c);
    c->priority_mask = 0xff;
    c->traps_unaligned = c->traps_divide = c->negative = false;
    memset(&c->mpu, 0, sizeof c->mpu);
    memset(&c->data_watch, 0, sizeof c->data_watch);
    memset(&c->unreadable, 0, sizeof c->unreadable);
    c->watching = false;
    if (c->kind == CORE_CORTEX_M4)
        core_m4_set_fp(c, 0, true, false, 0);
}

// The library keeps a soft-TLB entry for an address only where something is mapped: one device map over each gap makes every access
// outside memory quick, and precise.
static bool map_gaps(Core *c)
{
    uint64_t end = c->kind == CORE_CORTEX_M4 ? 0xfffff000 : ~0ull << 12;
    uint64_t from = 0;
    while (from < end) {
        uint64_t to = end;
        bool inside = false;
        for (int i = 0; i < c->view_count; i++) {
            uint64_t start = c->views[i].guest;
            if (start <= from && from - start < c->views[i].memory->size) {
                from = start + c->views[i].memory->size;
                inside = true;
                break;
            }
            if (start > from && start < to)
                to = start;
        }
        if (inside)
            continue;
        if (uc_mmio_map(c->uc, from, to - from, NULL, NULL, NULL, NULL))
            return false;
        from = to;
    }
    return true;
}

// The library ends the process where the host refuses it the address space of its code buffer: ask for as much first.
static bool has_room(void)
{
    const size_t room = (1ul << 30) + (64ul << 20);
    void *there = mmap(NULL, room, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return there != MAP_FAILED && !munmap(there, room);
}

Core *core_open(CoreKind kind, unsigned hart, const CoreRegion *regions, size_t count)
{
    if (!usable || hart > 28 || !has_room())
        return NULL;
    Core *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    bool m4 = kind == CORE_CORTEX_M4;
    if (uc_open(m4 ? UC_ARCH_ARM : UC_ARCH_RISCV, m4 ? UC_MODE_THUMB : UC_MODE_RISCV64, &c->uc)) {
        free(c);
        return NULL;
    }
    if (m4)
        uc_ctl_set_cpu_model(c->uc, UC_CPU_ARM_CORTEX_M4);     // UC_MODE_MCLASS would make it a Cortex-M33
    uint64_t ignored;
    uc_reg_read(c->uc, m4 ? UC_ARM_REG_PC : UC_RISCV_REG_PC, &ignored);         // the first call builds the CPU
    const Arch *a = c->arch = m4 ? &arm : &rv64;
    c->kind = kind;
    c->hart = hart;
    c->cpu = AT(char *, c->uc, UC_CPU);
    c->env = c->cpu + a->env;
    char *tcg = AT(char *, c->uc, UC_TCG);
    char *region = tcg + a->tcg_return - 0x2d0;
    AT(Core *, c->cpu, CPU_CORE) = c;
    AT(int, c->uc, UC_NESTED) = 1;              // as inside uc_emu_start, which we do without
    AT(uint64_t, c->uc, UC_UNTIL) = 1;          // where no instruction is
    // Bound the code buffer: the library aborts when its 1 GiB is full. With region 1 "current" an overflow flushes instead of clearing live code.
    uintptr_t end = (AT(uintptr_t, region, 0) + CODE_BYTES) & ~4095ul;
    AT(uintptr_t, region, 16) = end;
    AT(size_t, region, 48) = 1;
    AT(size_t, tcg, TCG_BUFFER_SIZE) = end - AT(uintptr_t, region, 0);
    AT(uintptr_t, tcg, TCG_HIGHWATER) = end - 1024;
    bool mapped = true;
    for (size_t i = 0; i < count && mapped; i++)
        mapped = map_region(c, &regions[i]);
    mapped = mapped && map_gaps(c);
    if (!mapped) {
        core_close(c);
        return NULL;
    }
    if (m4)                                     // the host keeps FPCCR (core_m4_set_fp); then a block's flags depend on hflags, T and IT only
        AT(uint32_t, c->env, ARM_FPCCR) = AT(uint32_t, c->env, ARM_FPCCR + 4) = 0;
    else
        rv64_set_up(c);
    memcpy(c->pristine, c->env, a->reset_bytes);
    power_on(c);
    return c;
}

void core_close(Core *c)
{
    core_cover(c, false);
    forget_turn(c);
    forget_code(c);
    unmap_regions(c);
    AT(Core *, c->cpu, CPU_CORE) = NULL;
    uc_close(c->uc);
    free(c->breakpoints);
    free(c->looks);
    free(c->regions);
    free(c);
}

void core_reset(Core *c, CoreHost host, void *context)
{
    c->host = host;
    c->context = context;
    power_on(c);
}

void note_trap(Core *c, uint64_t slot, uint64_t cause, uint64_t pc)
{
    c->trap_counts[slot & 63]++;
    uint64_t values[] = { core_index(c), cause, pc };
    for (int i = 0; i < 3; i++)
        c->flow = (c->flow ^ values[i]) * 0x9e3779b97f4a7c15ull, c->flow ^= c->flow >> 32;
}

void fail(Core *c, const char *what, long number)
{
    snprintf(c->failure, sizeof c->failure, what, number);
    c->exit = CORE_FAILED;
    c->stop = true;
    leave_behind(c);
}

// ---- running
void library_error(Core *c)
{
    enum { FETCH_FAULT = 1 };
    uint64_t pc = c->kind == CORE_RV64 ? AT(uint64_t, c->env, RV_PC) : AT(uint32_t, c->env, 60);
    int error = AT(int, c->uc, UC_ERROR);
    AT(int, c->uc, UC_ERROR) = 0;
    if (error != UC_ERR_FETCH_UNMAPPED && error != UC_ERR_FETCH_PROT)
        fail(c, "the library's error %ld", (long)error);
    else if (c->kind == CORE_RV64)
        rv64_trap(c, FETCH_FAULT, (pc & 4095) == 4094 && c->access_va == pc + 2 ? pc + 2 : pc, pc);    // its half that is not there
    else
        m4_trap(c, CORE_M4_FETCH_FAULT, pc);
}

CoreExit core_run(Core *c, uint64_t attempts)
{
    return core_run_cycles(c, attempts, 1ull << 62);
}

CoreExit core_run_cycles(Core *c, uint64_t attempts, uint64_t cycles)
{
    const uint64_t forever = 1ull << 62;
    if (attempts > forever)
        attempts = forever;
    c->exit = CORE_BUDGET;
    c->stop = c->attention = false;
    c->sleeping = c->sleeping_event = false;
    begin_turn(c);
    c->granted += (int64_t)attempts;
    *budget_of(c) += (int64_t)attempts;
    if (c->counts_cycles) {
        cycles = cycles > forever ? forever : cycles;
        c->granted_cycles += (int64_t)cycles;
        *cycles_of(c) += (int64_t)cycles;
    }
    if (*budget_of(c) > 0 && (!c->counts_cycles || *cycles_of(c) > 0))
        run_blocks(c);
    if (c->counts_cycles) {
        c->granted_cycles = (int64_t)core_cycle(c);
        *cycles_of(c) = 0;
    }
    c->granted = (int64_t)core_index(c);        // forget what is left
    *budget_of(c) = 0;
    if (c->exit != CORE_BUDGET)
        return c->exit;
    return c->sleeping ? CORE_SLEEP : c->sleeping_event ? CORE_SLEEP_EVENT : c->stop ? CORE_STOPPED : CORE_BUDGET;
}

void core_stop(Core *c)
{
    c->stop = c->attention = true;
}

void core_cut(Core *c, uint64_t index)
{
    uint64_t soonest = c->in_access ? c->done_index + 1 : core_index(c);
    uint64_t end = index > soonest ? index : soonest;
    if (end >= (uint64_t)c->granted)
        return;
    *budget_of(c) -= c->granted - (int64_t)end;
    c->granted = (int64_t)end;
    if (*budget_of(c) < 0)                      // inside the block that is running
        c->attention = true;
}

uint64_t core_index(const Core *c)
{
    return (uint64_t)(c->granted - *budget_of(c));
}

uint64_t core_retired(const Core *c)
{
    return core_index(c) - c->failed;
}

uint64_t core_flow(const Core *c)
{
    return c->flow;
}

const uint64_t *core_trap_counts(const Core *c)
{
    return c->trap_counts;
}

const char *core_failure(const Core *c)
{
    return c->failure;
}

CoreFigures core_figures(const Core *c)
{
    return c->figures;
}

void core_set_clock(Core *c, uint64_t offset, uint64_t numerator, uint64_t denominator, uint64_t time_offset)
{
    c->clock_offset = offset;
    c->clock_numerator = numerator;
    c->clock_denominator = denominator;
    c->time_offset = time_offset;
}
