// Sv39: an S-mode guest whose virtual addresses are nobody's physical ones, with demand paging, pages taken away, A and D bits read and
// cleared, aliases, accesses and instructions that cross pages, code written through one page and run, an address that is something else
// in M mode, devices. One go, single steps with nothing cached, and random slices must agree, and QEMU must find the same checksum.
#include "proofs.h"
#include "rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY = 8 << 20, OPERATIONS = 1000, ROUNDS = 3, PAGES = 64 };
enum { V = 1, R = 2, W = 4, X = 8, A = 64, D = 128 };
#define PHYSICAL 0x80000000ull
#define SHIFT 0x40000000ull                     // S mode runs the image at physical - SHIFT
#define ROOT 0x80100000ull
#define LEAVES_DATA 0x80110000ull
#define LEAVES_ALIAS 0x80111000ull
#define LEAVES_CODE 0x80112000ull
#define DATA_PAGES 0x80400000ull
#define CODE_PAGES 0x80500000ull
#define DATA 0x50000000ull
#define ALIAS 0x52000000ull
#define CODE 0x54000000ull
#define WINDOW 0x60000000ull                    // the leaves of DATA as data
#define DEVICE 0x61000000ull
#define FINISHER 0x61001000ull
#define CLASH 0x80100000ull                     // in S mode a page of data, in M mode the page table
enum { STATE = S2, SUM = S3, GENERATION = S6, CHECK = TP, PRIME = GP, FAULTS = S11 };  // S8-S11, TP, GP: the M handler's own

static uint64_t *at(uint8_t *memory, uint64_t physical)
{
    return (uint64_t *)(memory + (physical - PHYSICAL));
}

static void map(uint8_t *memory, uint64_t *next, uint64_t va, uint64_t pa, uint64_t flags, uint64_t leaves)
{
    uint64_t table = ROOT;
    for (int level = 2; level > 0; level--) {
        uint64_t *entry = &at(memory, table)[va >> (12 + 9 * level) & 511];
        if (!*entry) {
            uint64_t new = level == 1 && leaves ? leaves : (*next += 4096);
            *entry = new >> 12 << 10 | V;
        }
        table = *entry >> 10 << 12;
    }
    at(memory, table)[va >> 12 & 511] = pa >> 12 << 10 | flags;
}

static void mix(Code *c, int value)
{
    put32(c, rv_xor(CHECK, CHECK, value));
    put32(c, rv_r(RV_OP, 0, 1, CHECK, CHECK, PRIME));
    put32(c, rv_srli(S7, CHECK, 29));
    put32(c, rv_xor(CHECK, CHECK, S7));
}

static void demand(Code *c, int done, int other, uint64_t va, uint64_t pages, uint64_t leaves, uint64_t pa, int spread, int flags)
{
    rv_li(c, S7, va);                           // is tval in there?
    put32(c, rv_r(RV_OP, 0, 32, S7, S10, S7));
    put32(c, rv_srli(S7, S7, 12));
    put32(c, rv_i(RV_OP_IMM, 3, S8, S7, (int)pages));          // sltiu
    rv_branch(c, BEQ, S8, ZERO, other);
    rv_li(c, S8, leaves);
    put32(c, rv_slli(S10, S7, 3));
    put32(c, rv_add(S8, S8, S10));
    if (spread) {                               // page * 37 + generation, modulo 128
        put32(c, rv_addi(S10, ZERO, 37));
        put32(c, rv_r(RV_OP, 0, 1, S7, S7, S10));
        put32(c, rv_add(S7, S7, GENERATION));
        put32(c, rv_andi(S7, S7, 127));
    }
    put32(c, rv_slli(S7, S7, 10));
    rv_li(c, S10, (pa >> 12 << 10) | (uint64_t)flags);
    put32(c, rv_add(S7, S7, S10));
    put32(c, rv_store(3, S7, S8, 0));
    rv_jal(c, ZERO, done);
}

static void print_digit(Code *c, int value, int shift)          // in M mode, on the UART
{
    int letter = code_label(c);
    put32(c, rv_srli(S7, value, shift));
    put32(c, rv_andi(S7, S7, 15));
    put32(c, rv_addi(S8, S7, -10));
    put32(c, rv_addi(S7, S7, '0'));
    rv_branch(c, BLT, S8, ZERO, letter);
    put32(c, rv_addi(S7, S8, 'a'));
    code_bind(c, letter);
    put32(c, rv_store(0, S7, S9, 0));
}

static int handler(Code *c)                     // M mode
{
    code_align(c, 4, false);
    int entry = code_here(c), call = code_label(c), done = code_label(c), finish = code_label(c), access = code_label(c), next = code_label(c);
    put32(c, rv_csrrs(S8, 0x342, ZERO));
    put32(c, rv_csrrs(S9, 0x341, ZERO));
    put32(c, rv_csrrs(S10, 0x343, ZERO));
    put32(c, rv_addi(FAULTS, FAULTS, 1));
    mix(c, S8);
    mix(c, S9);
    mix(c, S10);
    put32(c, rv_addi(S7, ZERO, 9));
    rv_branch(c, BEQ, S8, S7, call);
    put32(c, rv_addi(S7, ZERO, 8));
    rv_branch(c, BLT, S8, S7, access);
    int tests[3] = { code_label(c), code_label(c), finish };
    demand(c, done, tests[0], DATA, PAGES, LEAVES_DATA, DATA_PAGES, true, R | W | V);
    code_bind(c, tests[0]);
    demand(c, done, tests[1], ALIAS, PAGES, LEAVES_ALIAS, DATA_PAGES, true, R | W | V);
    code_bind(c, tests[1]);
    demand(c, done, tests[2], CODE, 2, LEAVES_CODE, CODE_PAGES, false, R | W | X | V);
    code_bind(c, access);                       // an access fault: the next instruction
    put32(c, rv_addi(S9, S9, 4));
    put32(c, rv_csrrw(ZERO, 0x341, S9));
    put32(c, RV_MRET);
    code_bind(c, call);                         // ecall: a0, a3: addresses of PTEs; a1: what stays of them; a2: what it adds to the generation; a4: finish
    rv_branch(c, BNE, A4, ZERO, finish);
    for (int k = 0; k < 2; k++) {
        put32(c, rv_load(3, S7, k ? A3 : A0, 0));
        put32(c, rv_r(RV_OP, 7, 0, S7, S7, A1));
        put32(c, rv_store(3, S7, k ? A3 : A0, 0));
    }
    put32(c, rv_add(GENERATION, GENERATION, A2));
    put32(c, rv_addi(S9, S9, 4));
    put32(c, rv_csrrw(ZERO, 0x341, S9));
    code_bind(c, done);
    put32(c, RV_SFENCE_VMA);
    put32(c, RV_MRET);
    code_bind(c, finish);
    mix(c, SUM);
    rv_li(c, S9, 0x10000000);
    for (int shift = 60; shift >= 0; shift -= 4)
        print_digit(c, CHECK, shift);
    for (int shift = 28; shift >= 0; shift -= 4)
        print_digit(c, FAULTS, shift);
    rv_li(c, S9, 0x100000);
    rv_li(c, S7, 0x5555);
    put32(c, rv_store(2, S7, S9, 0));
    code_bind(c, next);
    rv_jal(c, ZERO, next);
    return entry;
}

static void operation(Code *c, Random *random, bool devices)
{
    uint64_t page = below(random, PAGES - 1), va = (one_in(random, 2) ? ALIAS : DATA) + page * 4096, in = va + below(random, 4096);
    put32(c, rv_slli(T0, STATE, 13)), put32(c, rv_xor(STATE, STATE, T0));
    put32(c, rv_srli(T0, STATE, 7)), put32(c, rv_xor(STATE, STATE, T0));
    put32(c, rv_slli(T0, STATE, 17)), put32(c, rv_xor(STATE, STATE, T0));
    uint32_t kind = one_in(random, 6) ? 11 : below(random, devices ? 19 : 16);
    switch (kind) {
    case 0: case 1: case 2: case 3:
        rv_li(c, T1, in);
        put32(c, rv_store((int)kind, STATE, T1, 0));
        break;
    case 4:                                     // crosses into the next page
        rv_li(c, T1, va + 4092);
        put32(c, rv_store(3, STATE, T1, 0));
        break;
    case 5: {
        int loop = code_label(c);
        rv_li(c, T1, va);
        put32(c, rv_addi(T2, ZERO, 20));
        code_bind(c, loop);
        put32(c, rv_load(3, T0, T1, 0));
        put32(c, rv_add(T0, T0, STATE));
        put32(c, rv_store(3, T0, T1, 0));
        put32(c, rv_addi(T1, T1, 24));
        put32(c, rv_addi(T2, T2, -1));
        rv_branch(c, BNE, T2, ZERO, loop);
        break;
    }
    case 6: case 7:
        rv_li(c, T1, in);
        put32(c, rv_load(kind == 6 ? 2 : 3, T0, T1, 0));
        put32(c, rv_add(SUM, SUM, T0));
        break;
    case 8:
        rv_li(c, T1, va + 4093);
        put32(c, rv_load(3, T0, T1, 0));
        put32(c, rv_xor(SUM, SUM, T0));
        break;
    case 9: {
        static const int kinds[] = { AMO_ADD, AMO_SWAP, AMO_XOR, AMO_OR };
        rv_li(c, T1, in & ~7ull);
        if (!devices)                           // QEMU 7.2 reports the page fault of an AMO as a load's (cause 13, not 15): let a store have it
            put32(c, rv_store(0, STATE, T1, 0));
        put32(c, rv_amo(kinds[below(random, 4)], 3, T0, T1, STATE));
        put32(c, rv_add(SUM, SUM, T0));
        break;
    }
    case 10:
        rv_li(c, T1, CLASH + page * 8);
        put32(c, rv_load(3, T0, T1, 0));
        put32(c, rv_add(T0, T0, STATE));
        put32(c, rv_store(3, T0, T1, 0));
        put32(c, rv_load(3, T2, T1, 8));
        put32(c, rv_add(SUM, SUM, T2));
        break;
    case 11: {                                  // take pages away, or their A and D bits
        bool code = one_in(random, 4), away = one_in(random, 2);
        rv_li(c, A0, code ? LEAVES_CODE + 8 * (page & 1) : LEAVES_DATA + page * 8);
        rv_li(c, A3, code ? LEAVES_CODE + 8 * (page & 1) : LEAVES_ALIAS + page * 8);
        put32(c, rv_addi(A1, ZERO, away ? 0 : ~(A | D)));
        put32(c, rv_addi(A2, ZERO, away && !code));
        put32(c, rv_addi(A4, ZERO, 0));
        put32(c, RV_ECALL);
        break;
    }
    case 12:                                    // a PTE, with the A and D bits as they are now
        rv_li(c, T1, WINDOW + page * 8);
        put32(c, rv_load(4, T0, T1, 0));
        put32(c, rv_slli(SUM, SUM, 1));
        put32(c, rv_add(SUM, SUM, T0));
        break;
    case 13:                                    // a function that ends in an instruction across the page boundary
        rv_li(c, T1, CODE + 0xff0);
        put32(c, rv_addi(A0, STATE, 0));
        put32(c, rv_jalr(RA, T1));
        put32(c, rv_add(SUM, SUM, A0));
        break;
    case 14:                                    // write an instruction, run it
        rv_li(c, T1, CODE + 0x100);
        rv_li(c, T0, rv_addi(A0, A0, (int)below(random, 2000)));
        put32(c, rv_store(2, T0, T1, 0));
        put32(c, RV_FENCE_I);
        put32(c, rv_jalr(RA, T1));
        put32(c, rv_add(SUM, SUM, A0));
        break;
    case 15:
        rv_li(c, T1, in & ~3ull);
        put32(c, rv_amo(AMO_LR, 2, T0, T1, 0));
        put32(c, rv_add(T0, T0, STATE));
        put32(c, rv_amo(AMO_SC, 2, T2, T1, T0));
        put32(c, rv_add(SUM, SUM, T2));
        break;
    case 16:
        rv_li(c, T1, DEVICE + (page & 15) * 8);
        put32(c, rv_load(one_in(random, 2) ? 2 : 3, T0, T1, 0));
        put32(c, rv_add(SUM, SUM, T0));
        break;
    case 17:
        rv_li(c, T1, DEVICE + 8 + (page & 15) * 8);
        put32(c, rv_store(one_in(random, 2) ? 2 : 3, SUM, T1, 0));
        break;
    case 18:                                    // refused: cause 7, though the load half is what fails
        rv_li(c, T1, DEVICE + 0x800);
        put32(c, rv_amo(AMO_ADD, 3, T0, T1, SUM));
    }
}

static uint64_t build(uint8_t *memory, uint64_t seed, bool devices)     // the size of what QEMU must load
{
    static const uint16_t crossing[] = { 0x0505, 0x0505, 0x0505, 0x0505, 0x0505, 0x0505, 0x0505, 0x0513, 0x0035 /* addi a0, a0, 3 */, 0x0505, 0x8082 /* ret */ };
    Random random = { seed };
    Code *c = code_new(PHYSICAL);
    uint64_t next = ROOT;
    memset(memory, 0, MEMORY);
    for (uint64_t offset = 0; offset < CODE_LIMIT; offset += 4096)
        map(memory, &next, PHYSICAL - SHIFT + offset, PHYSICAL + offset, V | R | W | X, 0);
    map(memory, &next, CLASH, 0x80300000, V | R | W, 0);
    map(memory, &next, DATA, 0, 0, LEAVES_DATA);
    map(memory, &next, ALIAS, 0, 0, LEAVES_ALIAS);
    map(memory, &next, CODE, 0, 0, LEAVES_CODE);
    map(memory, &next, WINDOW, LEAVES_DATA, V | R | A, 0);
    map(memory, &next, DEVICE, 0x10000000, V | R | W, 0);
    map(memory, &next, FINISHER, 0x100000, V | R | W, 0);
    if (next >= LEAVES_DATA)
        abort();
    memcpy((uint8_t *)at(memory, CODE_PAGES) + 0xff0, crossing, sizeof crossing);
    ((uint32_t *)at(memory, CODE_PAGES))[0x40] = RV_NOP;
    ((uint32_t *)at(memory, CODE_PAGES))[0x41] = rv_addi(A0, A0, 10);
    ((uint32_t *)at(memory, CODE_PAGES))[0x42] = RV_RET;
    int start = code_label(c), user = code_label(c), round = code_label(c);
    rv_jal(c, ZERO, start);
    int trap = handler(c);
    code_bind(c, start);
    struct { int csr; uint64_t value; } set[] = { { 0x3b0, ~0ull }, { 0x3a0, 31 }, { 0x180, 8ull << 60 | ROOT >> 12 }, { 0x302, 0 }, { 0x304, 0 } };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        rv_li(c, T0, set[i].value);
        put32(c, rv_csrrw(ZERO, set[i].csr, T0));
    }
    put32(c, RV_SFENCE_VMA);
    rv_la(c, T0, trap, 0);
    put32(c, rv_csrrw(ZERO, 0x305, T0));
    int zero[] = { SUM, GENERATION, FAULTS, A0, A1, A2, A3, A4, T0, T2 };
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        put32(c, rv_addi(zero[i], ZERO, 0));
    put32(c, rv_addi(CHECK, ZERO, 1));
    rv_li(c, PRIME, 0x100000001b3);
    rv_li(c, STATE, 88172645463325252);
    put32(c, rv_addi(S4, ZERO, ROUNDS));
    rv_li(c, T0, 0x1800);
    put32(c, rv_csrrc(ZERO, 0x300, T0));
    rv_li(c, T0, 0x800);
    put32(c, rv_csrrs(ZERO, 0x300, T0));
    rv_la(c, T0, user, 0);
    rv_li(c, T1, SHIFT);
    put32(c, rv_r(RV_OP, 0, 32, T0, T0, T1));
    put32(c, rv_csrrw(ZERO, 0x341, T0));
    put32(c, RV_MRET);
    code_bind(c, user);
    code_bind(c, round);
    for (int i = 0; i < OPERATIONS; i++)
        operation(c, &random, devices);
    int end = code_label(c);
    put32(c, rv_addi(S4, S4, -1));
    rv_branch(c, BEQ, S4, ZERO, end);
    rv_jal(c, ZERO, round);
    code_bind(c, end);
    put32(c, rv_addi(A4, ZERO, 1));
    put32(c, RV_ECALL);
    code_finish(c);
    memcpy(memory, c->bytes, c->size);
    code_free(c);
    return CODE_PAGES + 0x2000 - PHYSICAL;
}

// ---- the Core
typedef enum { ONE_GO, STEPS, SLICES } How;
typedef struct { Core *core; uint64_t events, traps, page_faults, crossing, amo_faults, accesses; char text[40]; size_t length; bool ended; } Sv39;
typedef struct { uint64_t index, events, memory, registers; Sv39 s; CoreFigures figures; uint64_t unlogged, logged; } Outcome;

static CoreAccessVerdict on_access(void *context, CoreAccess *access)
{
    Sv39 *s = context;
    uint64_t values[] = { access->index, access->pc, access->address, access->size, access->value * access->is_store };
    s->accesses++;
    s->events = hash_words(s->events, values, sizeof values);
    if (access->address == 0x10000800)
        return CORE_ACCESS_FAULT;
    if (access->address == 0x100000) {
        s->ended = true;
        core_stop(s->core);
    }
    if (access->address == 0x10000000 && access->size == 1 && s->length < sizeof s->text - 1)
        s->text[s->length++] = (char)access->value;
    access->value = access->index * 2654435761u;
    return access->address - 0x10000000 < 0x1000 || access->address == 0x100000 ? CORE_ACCESS_DONE : CORE_ACCESS_FAULT;
}

static CoreTrapVerdict on_trap(void *context, const CoreTrap *trap)
{
    Sv39 *s = context;
    uint64_t values[] = { trap->index, trap->pc, trap->cause, trap->value };
    s->traps++;
    s->page_faults += trap->cause >= 12;
    s->crossing += trap->cause == 12 && (trap->pc & 4095) == 4094;
    s->amo_faults += trap->cause == 7;
    s->events = hash_words(s->events, values, sizeof values);
    return CORE_TRAP_DELIVER;
}

static void logged_page(void *context, uint64_t offset)
{
    uint8_t **copies = context;
    memcpy(copies[1] + offset, copies[0] + offset, 4096);
}

static Outcome run(const uint8_t *image, How how, uint64_t seed, ProofReport *report)
{
    Outcome o = { 0 };
    CoreMemory *memory = core_memory_new(MEMORY);
    uint8_t *copies[2] = { core_memory_bytes(memory), malloc(MEMORY) };
    Random random = { seed };
    memcpy(copies[0], image, MEMORY);
    memcpy(copies[1], image, MEMORY);
    o.s.core = core_open(CORE_RV64, 0, &(CoreRegion){ memory, PHYSICAL, true }, 1);
    core_reset(o.s.core, (CoreHost){ on_access, on_trap, NULL }, &o.s);
    core_rv64_words(o.s.core)[CORE_RV64_PC] = PHYSICAL;
    core_rv64_watch(o.s.core, ~0ull, false);
    while (!o.s.ended && core_index(o.s.core) < 10000000) {
        if (how == STEPS && !report->instructions)
            core_drop_code(o.s.core);
        CoreExit exit = core_run(o.s.core, how == STEPS ? 1 : how == SLICES ? 1 + below(&random, 300) : 100000000);
        if (exit != CORE_BUDGET && !o.s.ended) {
            wrong(report, "exit %d at index %llu pc %llx: %s", exit, (unsigned long long)core_index(o.s.core), (unsigned long long)core_rv64_words(o.s.core)[CORE_RV64_PC], core_failure(o.s.core));
            break;
        }
        if (how == SLICES && one_in(&random, 100))
            fill_code_buffer(o.s.core);
        if (how == SLICES && one_in(&random, 16)) {            // the log must have every page that changed
            o.logged += core_memory_take_dirty(memory, logged_page, copies);
            if (memcmp(copies[0], copies[1], MEMORY)) {
                o.unlogged++;
                memcpy(copies[1], copies[0], MEMORY);
            }
        }
    }
    o.index = core_index(o.s.core);
    o.events = o.s.events;
    o.memory = hash_words(1, copies[0], MEMORY);
    o.registers = rv64_state(core_rv64_words(o.s.core), 0);
    o.figures = core_figures(o.s.core);
    report->runs++;
    core_close(o.s.core);
    core_memory_free(memory);
    free(copies[1]);
    return o;
}

static bool ask_qemu(const uint8_t *image, uint64_t size, char *answer, size_t room)   // false: there is no QEMU
{
    char name[] = "/tmp/emurun-sv39.XXXXXX", command[300];
    int file = mkstemp(name);
    if (file < 0 || write(file, image, size) != (ssize_t)size)
        abort();
    close(file);
    snprintf(command, sizeof command, "timeout 60 qemu-system-riscv64 -machine virt -m 64M -bios %s -display none -monitor none -serial stdio 2>/dev/null", name);
    FILE *qemu = popen(command, "r");
    size_t length = qemu ? fread(answer, 1, room - 1, qemu) : 0;
    answer[length] = 0;
    int status = qemu ? pclose(qemu) : -1;
    unlink(name);
    return WEXITSTATUS(status) != 127;
}

void sv39(int variant, ProofReport *report)
{
    bool devices = variant % 2;
    uint8_t *image = malloc(MEMORY);
    uint64_t size = build(image, (uint64_t)variant / 2 + 1, devices);
    Outcome whole = run(image, ONE_GO, 1, report), steps = run(image, STEPS, 1, report), slices = run(image, SLICES, 1, report);
    report->instructions = whole.index;
    report->compared_events = whole.s.traps + whole.s.accesses;
    report->overflows = slices.figures.overflows;
    EXPECT(report, whole.s.traps > 400 && whole.s.page_faults > 200 && whole.s.crossing > 0 && whole.figures.pte_updates > 300 && (!devices || whole.s.amo_faults > 10),
        "too little happened: %d traps, %d page faults, %d crossing, %d PTE updates", (int)whole.s.traps, (int)whole.s.page_faults, (int)whole.s.crossing, (int)whole.figures.pte_updates);
    EXPECT(report, whole.index == steps.index && whole.events == steps.events && whole.memory == steps.memory && whole.registers == steps.registers, "single steps differ: index %llu, %llu; %llu, %llu traps",
        (unsigned long long)whole.index, (unsigned long long)steps.index, (unsigned long long)whole.s.traps, (unsigned long long)steps.s.traps);
    EXPECT(report, whole.index == slices.index && whole.events == slices.events && whole.memory == slices.memory && whole.registers == slices.registers, "slices differ: index %llu, %llu",
        (unsigned long long)whole.index, (unsigned long long)slices.index);
    EXPECT(report, slices.logged > 0 && !slices.unlogged, "%d times a changed page was not in the dirty log", (int)slices.unlogged);
    EXPECT(report, slices.figures.overflows > 5, "%d overflows", (int)slices.figures.overflows);
    if (!devices && !report->failed) {
        char answer[100];
        if (ask_qemu(image, size, answer, sizeof answer)) {
            EXPECT(report, !strcmp(answer, whole.s.text), "QEMU finds %s, not %s", answer, whole.s.text);
        } else if (getenv("CI")) {
            wrong(report, "there is no qemu-system-riscv64 to compare with");
        } else {
            report->skipped = true;
            snprintf(report->text, sizeof report->text, "there is no qemu-system-riscv64 to compare with");
        }
    }
    free(image);
}
