// The Core under test against a trace: every event in order, and the registers at every index where it happens to stop.
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Board board;                                // first: callbacks get a Board
    Core *core;
    CoreMemory *memory;
    const Trace *trace;
    Policy policy;
    ProofReport *report;
    Random random;
    uint64_t seen;                              // events
    uint64_t stop_expected, cut_expected;       // index; ~0: none
    unsigned one_of, set;                       // which breakpoints there are
    unsigned look_one_of, look_set;
    uint64_t *look_at;                          // which looks
    uint64_t looked;                            // up to this index there was one wherever there had to be
    uint64_t halted, touched;                   // index of the latest stop of a debugger
} Subject;

void fill_code_buffer(Core *core)
{
    AT(uintptr_t, AT(char *, core->uc, UC_TCG), TCG_HIGHWATER) = 0;
}

static void happened(Board *board, Event event)
{
    Subject *s = (Subject *)board;
    const Event *due = &s->trace->event[s->seen];
    s->report->compared_events++;
    if (s->policy.watches && (event.kind == SAW_LOAD || event.kind == SAW_STORE) && s->touched != event.index)
        wrong(s->report, "nobody was told of the access to a device at index %llu", (unsigned long long)event.index);
    s->report->interrupts += event.kind == SAW_INTERRUPT;
    if (s->report->failed)
        return;
    if (s->seen >= s->trace->events && event.index >= s->trace->attempts)
        return;                                 // the reference had ended
    if (s->seen < s->trace->events && !memcmp(due, &event, sizeof event)) {
        s->seen++;
        return;
    }
    Event none = { 0 };
    if (s->seen >= s->trace->events)
        due = &none;
    wrong(s->report, "event %llu: kind %llu index %llu pc %llx a %llx b %llx, not kind %llu index %llu pc %llx a %llx b %llx", (unsigned long long)s->seen,
        (unsigned long long)event.kind, (unsigned long long)event.index, (unsigned long long)event.pc, (unsigned long long)event.a, (unsigned long long)event.b,
        (unsigned long long)due->kind, (unsigned long long)due->index, (unsigned long long)due->pc, (unsigned long long)due->a, (unsigned long long)due->b);
    core_stop(s->core);
}

static void disturb(Subject *s, uint64_t soonest)               // from inside a callback of the instruction before soonest
{
    if (s->policy.overflows && one_in(&s->random, 3))
        fill_code_buffer(s->core);
    if (!s->policy.storm)
        return;
    uint32_t dice = below(&s->random, 12);
    if (dice < 2) {
        core_stop(s->core);
        s->stop_expected = soonest;
    } else if (dice < 4) {
        uint64_t index = below(&s->random, 8) ? soonest + below(&s->random, 60) : below(&s->random, 1000);
        core_cut(s->core, index);
        index = index > soonest ? index : soonest;
        s->cut_expected = index < s->cut_expected ? index : s->cut_expected;
    }
}

static CoreAccessVerdict on_access(void *context, CoreAccess *access)
{
    Subject *s = context;
    bool done = board_access(&s->board, access);
    disturb(s, access->index + 1);
    return done ? CORE_ACCESS_DONE : CORE_ACCESS_FAULT;
}

static void enter(Subject *s, unsigned number, uint32_t return_pc, uint64_t vector)
{
    CoreM4 state;
    uint32_t fpscr = core_m4_fpscr(s->core);
    core_m4_get(s->core, &state);
    m4_enter(&s->board, &state, core_m4_s(s->core), &fpscr, number, return_pc, (uint32_t)vector);
    core_m4_set(s->core, &state);
}

static CoreTrapVerdict on_trap(void *context, const CoreTrap *trap)
{
    Subject *s = context;
    const Guest *guest = s->board.guest;
    if (trap->cause >> 63) {
        happened(&s->board, (Event){ SAW_INTERRUPT, trap->index, trap->pc, trap->cause, 0 });
        disturb(s, trap->index);
        return CORE_TRAP_DELIVER;
    }
    happened(&s->board, (Event){ SAW_TRAP, trap->index, trap->pc, trap->cause, trap->value });
    disturb(s, trap->index);
    if (guest->kind == CORE_RV64)
        return CORE_TRAP_DELIVER;
    CoreM4 state;
    uint32_t fpscr = core_m4_fpscr(s->core);
    core_m4_get(s->core, &state);
    if (trap->cause == CORE_M4_SVC) {
        if (AT(uint8_t, s->board.ram, trap->pc - 2 - ram_base(CORE_CORTEX_M4)) & 0x80) {
            enter(s, 11, (uint32_t)trap->pc, guest->svc_handler);
            return CORE_TRAP_DELIVER;
        }
    } else if (trap->cause == CORE_M4_EXCEPTION_RETURN) {
        m4_leave(&s->board, &state, core_m4_s(s->core), &fpscr, (uint32_t)trap->value);
        core_m4_set(s->core, &state);
        core_m4_set_fpscr(s->core, fpscr);
        return CORE_TRAP_DELIVER;
    } else {
        m4_skip(&s->board, &state);
        core_m4_set(s->core, &state);
    }
    return CORE_TRAP_RESUME;
}

static void on_interrupt(void *context)
{
    Subject *s = context;
    CoreM4 state;
    core_m4_get(s->core, &state);
    if (!m4_takeable(&s->board, &state))
        return;
    s->board.pending = false;
    core_m4_set_pending(s->core, false, false);
    happened(&s->board, (Event){ SAW_INTERRUPT, core_index(s->core), state.r[15], 16, 0 });
    enter(s, 16, state.r[15], s->board.guest->irq_handler);
    disturb(s, core_index(s->core));
}

static void lines_changed(Board *board)
{
    Subject *s = (Subject *)board;
    if (board->guest->kind == CORE_RV64) {
        core_rv64_set_mip(s->core, ~0ull, board->mip);
        return;
    }
    CoreM4 state;
    core_m4_get(s->core, &state);
    core_m4_set_pending(s->core, board->pending, m4_takeable(board, &state));
}

static void ram_changed(Board *board, uint64_t offset, uint64_t length)
{
    core_memory_written(((Subject *)board)->memory, offset, length);
}

static uint64_t state_of(Core *core)
{
    if (core->kind == CORE_RV64)
        return rv64_state(core_rv64_words(core), (uint32_t)core_rv64_mip(core));
    CoreM4 state;
    core_m4_get(core, &state);
    return m4_state(&state, core_m4_s(core), core_m4_fpscr(core));
}

static void compare_state(Subject *s, CoreExit exit, uint64_t from)
{
    uint64_t at = core_index(s->core);
    if (at > s->trace->attempts)
        return;
    uint64_t state = state_of(s->core);
    s->report->compared_states++;
    if (exit == CORE_BREAKPOINT || exit == CORE_WATCHPOINT) {
        uint64_t pc = s->trace->pc[at] - ram_base(s->core->kind);
        bool makes_context = s->core->kind == CORE_CORTEX_M4 && exit == CORE_WATCHPOINT && (AT(uint16_t, s->board.ram, pc) & 0xee00) == 0xec00;
        if (state == s->trace->begun[at] || !at || makes_context)       // the boards begin each in its own way; FPCA is set before the access
            return;
    } else if (at == from) {                    // an interrupt's callback ended the run before it began
        if (state == s->trace->resumed[at])
            return;
    } else if (state == s->trace->after[at] || (exit != CORE_BUDGET && state == s->trace->before[at])) {
        return;
    }
    uint64_t pc = s->core->kind == CORE_RV64 ? core_rv64_words(s->core)[CORE_RV64_PC] : core_m4_r(s->core)[15];
    wrong(s->report, "registers differ at index %llu (pc %llx, exit %d)%s", (unsigned long long)at, (unsigned long long)pc, exit, state == s->trace->before[at] ? ": an interrupt is late" : "");
}

static void start(Subject *s)
{
    const Guest *guest = s->board.guest;
    Core *core = s->core;
    for (uint32_t page = 0; page < RAM_SIZE; page += 4096) {    // only what differs: translated code is kept
        uint8_t fresh[4096] = { 0 };
        uint32_t size = page < guest->code->size ? guest->code->size - page : 0;
        memcpy(fresh, guest->code->bytes + page, size < 4096 ? size : 4096);
        if (!memcmp(fresh, s->board.ram + page, 4096))
            continue;
        memcpy(s->board.ram + page, fresh, 4096);
        core_memory_written(s->memory, page, 4096);
    }
    core_reset(core, (CoreHost){ on_access, on_trap, on_interrupt }, s);
    if (guest->kind == CORE_RV64) {
        core_rv64_words(core)[CORE_RV64_PC] = guest->start;
        core_rv64_watch(core, ~0ull, true);
        return;
    }
    CoreM4 state;
    core_m4_get(core, &state);
    state.msp = (uint32_t)guest->stack;
    state.r[15] = (uint32_t)guest->start;
    state.xpsr |= 1 << 24;
    core_m4_set(core, &state);
    core_m4_set_fp(core, 3, true, false, 0);
}

// ---- a debugger that stops and goes on
static bool is_in(uint64_t pc, unsigned one_of, unsigned set)
{
    return one_of && (pc * 0x9e3779b97f4a7c15ull >> 40) % one_of == set % one_of;
}

static size_t choose(const Subject *s, unsigned one_of, unsigned set, uint64_t *addresses)
{
    const Code *code = s->board.guest->code;
    size_t count = 0;
    for (uint64_t at = code->base; at < code->base + code->size; at += 2) {
        if (is_in(at, one_of, set))
            addresses[count++] = at;
    }
    return count;
}

static bool has_breakpoint(const Subject *s, uint64_t pc)
{
    return is_in(pc, s->one_of, s->set);
}

static void choose_breakpoints(Subject *s)
{
    uint64_t *addresses = malloc(s->board.guest->code->size * sizeof *addresses);
    s->one_of = s->policy.storm && one_in(&s->random, 8) ? 0 : s->policy.breakpoints;
    s->set = below(&s->random, 1000);
    size_t count = choose(s, s->one_of, s->set, addresses);
    if (!core_set_breakpoints(s->core, addresses, count))
        wrong(s->report, "no breakpoints");
    free(addresses);
}

// ---- somebody who looks at it
static void look_to(Subject *s, uint64_t end)
{
    for (; s->looked < end && s->looked < s->trace->attempts; s->looked++) {
        if (is_in(s->trace->pc[s->looked], s->look_one_of, s->look_set))
            wrong(s->report, "no look at index %llu, pc %llx", (unsigned long long)s->looked, (unsigned long long)s->trace->pc[s->looked]);
    }
}

static void on_look(void *context, size_t place, uint64_t index)
{
    Subject *s = context;
    uint64_t pc = s->core->kind == CORE_RV64 ? core_rv64_words(s->core)[CORE_RV64_PC] : core_m4_r(s->core)[15];
    if (index >= s->trace->attempts)
        return;
    if (s->looked > index || pc != s->look_at[place] || pc != s->trace->pc[index])
        wrong(s->report, "a look at index %llu, pc %llx, place %llx; it is pc %llx, and all was seen up to %llu", (unsigned long long)index, (unsigned long long)pc,
            (unsigned long long)s->look_at[place], (unsigned long long)s->trace->pc[index], (unsigned long long)s->looked);
    look_to(s, index);
    s->looked = index + 1;
    s->report->halts++;
    if (index && state_of(s->core) != s->trace->begun[index])
        wrong(s->report, "registers differ in a look at index %llu, pc %llx", (unsigned long long)index, (unsigned long long)pc);
}

static void choose_looks(Subject *s)
{
    s->look_at = s->look_at ? s->look_at : malloc(s->board.guest->code->size * sizeof *s->look_at);
    s->look_one_of = s->policy.storm && one_in(&s->random, 8) ? 0 : s->policy.looks;
    s->look_set = below(&s->random, 1000);
    size_t count = choose(s, s->look_one_of, s->look_set, s->look_at);
    if (!core_set_looks(s->core, s->look_at, count, on_look, s))
        wrong(s->report, "no looks");
}

static void choose_watchpoints(Subject *s)
{
    enum { DATA = 0x20000 };
    uint64_t data = ram_base(s->board.guest->kind) + DATA;
    CoreWatchpoint watchpoints[] = { { device_base(s->board.guest->kind), DEVICE_SIZE, true, true }, { data + below(&s->random, 1600), 1 + below(&s->random, 16), true, false },
        { data + below(&s->random, 1600), 1 + below(&s->random, 16), false, true } };
    if (!core_set_watchpoints(s->core, watchpoints, 3))
        wrong(s->report, "no watchpoints");
}

static void check_halt(Subject *s, CoreExit exit, uint64_t from)
{
    uint64_t at = core_index(s->core);
    for (uint64_t i = from; i < at && i < s->trace->attempts; i++) {
        if (has_breakpoint(s, s->trace->pc[i]) && s->halted != i)
            wrong(s->report, "went by the breakpoint at index %llu, pc %llx", (unsigned long long)i, (unsigned long long)s->trace->pc[i]);
    }
    if (exit == CORE_BREAKPOINT && (!has_breakpoint(s, s->trace->pc[at]) || s->halted == at))
        wrong(s->report, "no breakpoint at index %llu, pc %llx", (unsigned long long)at, (unsigned long long)s->trace->pc[at]);
    CoreTouch touch = core_touch(s->core);
    if (exit == CORE_WATCHPOINT && (touch.index != at || touch.pc != s->trace->pc[at] || s->touched == at))
        wrong(s->report, "no watchpoint at index %llu, pc %llx", (unsigned long long)at, (unsigned long long)s->trace->pc[at]);
    if (exit == CORE_BREAKPOINT)
        s->halted = at;
    if (exit == CORE_WATCHPOINT)
        s->touched = at;
    s->report->halts += exit == CORE_BREAKPOINT || exit == CORE_WATCHPOINT;
}

// ---- what was executed
enum { BEGUN = 1, TAKEN = 2, PASSED = 4 };

static void add_covered(void *data, uint64_t pc, bool taken, bool passed)
{
    uint8_t *flags = data;
    uint64_t at = pc % 0x10000000 / 2;                          // both bases are multiples of that
    if (at < RAM_SIZE / 2)
        flags[at] = (uint8_t)(BEGUN | (taken ? TAKEN : 0) | (passed ? PASSED : 0));
}

static unsigned branch_size(CoreKind kind, const uint8_t *code)        // of a conditional branch; 0: it is something else
{
    uint32_t first = AT(uint16_t, code, 0), second = AT(uint16_t, code, 2);
    if (kind == CORE_RV64)
        return (first & 0x7f) == 0x63 ? 4 : (first & 0xc003) == 0xc001 ? 2 : 0;
    if ((first & 0xf000) == 0xd000 && (first & 0xe00) != 0xe00)
        return 2;
    if ((first & 0xf500) == 0xb100)
        return 2;
    return (first & 0xf800) == 0xf000 && (second & 0xd000) == 0x8000 && (first & 0x380) != 0x380 ? 4 : 0;
}

static void check_covered(Subject *s)
{
    const Guest *guest = s->board.guest;
    const Trace *trace = s->trace;
    uint64_t base = guest->code->base, size = RAM_SIZE / 2;
    uint8_t *memory = calloc(3, size), *found = memory, *due = memory + size, *perhaps = memory + 2 * size;
    core_each_covered(s->core, add_covered, found);
    for (uint64_t i = 0; i < trace->attempts; i++) {
        uint64_t at = (trace->pc[i] - base) / 2;
        if (at >= size)
            continue;
        due[at] |= BEGUN;
        unsigned length = s->policy.patched || 2 * at + 4 > guest->code->size ? 0 : branch_size(guest->kind, guest->code->bytes + 2 * at);
        bool known = i + 1 < trace->attempts && trace->begun[i + 1] == trace->before[i + 1];        // no interrupt came between
        if (length && known)
            due[at] |= trace->pc[i + 1] == trace->pc[i] + length ? PASSED : TAKEN;
        else if (length)
            perhaps[at] |= PASSED | TAKEN;
    }
    for (uint64_t at = 0; at < size && !s->report->failed; at++) {
        bool branches = !s->policy.patched && 2 * at + 4 <= guest->code->size && branch_size(guest->kind, guest->code->bytes + 2 * at);
        uint8_t asked = branches ? BEGUN | TAKEN | PASSED : BEGUN;
        if ((found[at] & asked) != (due[at] & asked) && (due[at] & ~found[at] & asked || found[at] & asked & ~(due[at] | perhaps[at])))
            wrong(s->report, "%x of %llx, not %x", found[at], (unsigned long long)(base + 2 * at), due[at]);
        s->report->ways += branches && found[at] & TAKEN && found[at] & PASSED;
    }
    free(memory);
}

static void check_exit(Subject *s, CoreExit exit, uint64_t target)
{
    uint64_t at = core_index(s->core);
    uint64_t due = s->cut_expected < target ? s->cut_expected : target;
    switch (exit) {
    case CORE_SLEEP: case CORE_SLEEP_EVENT:
        happened(&s->board, (Event){ SAW_SLEEP, at, exit == CORE_SLEEP_EVENT, 0, 0 });
        break;
    case CORE_STOPPED:
        if (at != s->stop_expected)
            wrong(s->report, "stopped at index %llu, not %lld", (unsigned long long)at, (long long)s->stop_expected);
        break;
    case CORE_BUDGET:
        if (s->stop_expected != ~0ull)
            wrong(s->report, "core_stop at %llu was lost, now at %llu", (unsigned long long)s->stop_expected, (unsigned long long)at);
        else if (at != due)
            wrong(s->report, "the budget ended at index %llu, not %llu", (unsigned long long)at, (unsigned long long)due);
        break;
    case CORE_BREAKPOINT: case CORE_WATCHPOINT:
        break;
    default:
        wrong(s->report, "exit %d at index %llu: %s", exit, (unsigned long long)at, core_failure(s->core));
    }
}

bool subject_run(const Guest *guest, const Trace *trace, Policy policy, Core *core, CoreMemory *memory, ProofReport *report)
{
    Subject s = { .board = { .guest = guest, .ram = core_memory_bytes(memory), .happened = happened, .lines_changed = lines_changed, .ram_changed = ram_changed },
        .core = core, .memory = memory, .trace = trace, .policy = policy, .report = report, .random = { policy.seed } };
    uint64_t end = policy.stop_at ? policy.stop_at : trace->attempts;
    CoreFigures before = core_figures(core);
    int next = 0;
    if (policy.covers)
        core_cover(core, true);
    start(&s);
    s.halted = s.touched = ~0ull;
    if (policy.breakpoints)
        choose_breakpoints(&s);
    if (policy.looks)
        choose_looks(&s);
    if (policy.watches)
        choose_watchpoints(&s);
    while (core_index(core) < end && !report->failed) {
        uint64_t target = end, at = core_index(core);
        if (next < guest->scheduled && guest->schedule[next].index < target)
            target = guest->schedule[next].index;
        if (policy.max_slice && target > at + 1) {
            uint64_t slice = 1 + random_next(&s.random) % policy.max_slice;
            target = at + slice < target ? at + slice : target;
        }
        s.stop_expected = s.cut_expected = ~0ull;
        CoreExit exit = target > at ? core_run(core, target - at) : CORE_BUDGET;
        if (target > at) {
            check_exit(&s, exit, target);
            check_halt(&s, exit, at);
            look_to(&s, core_index(core));
            compare_state(&s, exit, at);
        }
        while (next < guest->scheduled && guest->schedule[next].index == core_index(core))
            board_do(&s.board, &guest->schedule[next++]);
        if (policy.overflows && one_in(&s.random, 4))
            fill_code_buffer(core);
        if (policy.storm && one_in(&s.random, 20))
            core_drop_code(core);
        if (policy.breakpoints && one_in(&s.random, 50))
            choose_breakpoints(&s);
        if (policy.looks && one_in(&s.random, 50))
            choose_looks(&s);
        if (policy.watches && one_in(&s.random, 50))
            choose_watchpoints(&s);
    }
    core_set_breakpoints(core, NULL, 0);
    core_set_watchpoints(core, NULL, 0);
    core_set_looks(core, NULL, 0, NULL, NULL);
    free(s.look_at);
    CoreFigures after = core_figures(core);
    report->runs++;
    report->precise_exits += after.precise_exits - before.precise_exits;
    report->repeats += after.repeats - before.repeats;
    report->overflows += after.overflows - before.overflows;
    if (!report->failed && !policy.stop_at) {
        if (hash_words(1, s.board.ram, RAM_SIZE) != trace->memory)
            wrong(report, "memory differs at the end");
        if (core_retired(core) != trace->retired)
            wrong(report, "%llu retired, not %llu", (unsigned long long)core_retired(core), (unsigned long long)trace->retired);
        if (s.seen != trace->events)
            wrong(report, "%llu events of %llu", (unsigned long long)s.seen, (unsigned long long)trace->events);
    }
    if (policy.covers && !report->failed)
        check_covered(&s);
    return !report->failed;
}

bool prove(const Guest *guest, const Trace *trace, Policy policy, ProofReport *report)
{
    CoreMemory *memory = core_memory_new(RAM_SIZE);
    Core *core = core_open(guest->kind, 0, &(CoreRegion){ memory, ram_base(guest->kind), true }, 1);
    bool same = subject_run(guest, trace, policy, core, memory, report);
    if (report->failed) {
        size_t used = strlen(report->text);
        snprintf(report->text + used, sizeof report->text - used, " (slice %llu%s%s, a breakpoint of %u%s, a look of %u, seed %llu)", (unsigned long long)policy.max_slice,
            policy.storm ? ", storm" : "", policy.overflows ? ", overflows" : "", policy.breakpoints, policy.watches ? ", watches" : "", policy.looks, (unsigned long long)policy.seed);
    }
    core_close(core);
    core_memory_free(memory);
    return same;
}
