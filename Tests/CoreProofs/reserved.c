// LR/SC of harts that take turns, against an interpreter that knows no translated code: who reserves what, and what breaks it.
#include "proofs.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

#define BASE 0x80000000ull
enum { HARTS = 3, PLACES = 6, DATA = 0x4000, CODE_STEP = 0x1000, RAM_BYTES = 64 << 10, LENGTH = 48 };
// Some share a doubleword, some a page, and one lies in a page of code.
static const uint64_t places[PLACES] = { DATA, DATA + 4, DATA + 8, DATA + 0x1000, DATA + 0x1ff8, 0xf00 };

typedef enum { LOAD_RESERVED, STORE_CONDITIONAL, STORE_WORD, STORE_BYTE, SWAP, ADD_ONE, CALL, FENCE, KINDS } Kind;
typedef struct { Kind kind; int place; bool wide; } Step;

typedef struct {
    uint64_t reserved;          // address; ~0: none
    uint64_t a0, a1;   // a0: what was loaded or SC's answer; a1: what is stored
    int at;
} Model;

typedef struct { uint8_t ram[RAM_BYTES]; Model hart[HARTS]; Step program[HARTS][LENGTH]; } Machine;

static uint64_t read_at(const Machine *m, uint64_t at, bool wide)
{
    int64_t value = 0;
    int32_t word;
    if (wide)
        memcpy(&value, m->ram + at, 8);
    else
        memcpy(&word, m->ram + at, 4), value = word;
    return (uint64_t)value;
}

static void written_by(Machine *m, int writer, uint64_t at, uint64_t length)
{
    for (int h = 0; h < HARTS; h++) {
        uint64_t set = m->hart[h].reserved & ~7ull;
        if (h != writer && m->hart[h].reserved != ~0ull && at < set + 8 && set < at + length)
            m->hart[h].reserved = ~0ull;
    }
}

static void write_at(Machine *m, int writer, uint64_t at, uint64_t value, uint64_t length)
{
    memcpy(m->ram + at, &value, length);
    written_by(m, writer, at, length);
}

static void model_step(Machine *m, int h)
{
    Model *x = &m->hart[h];
    Step s = m->program[h][x->at];
    uint64_t at = places[s.place], size = s.wide ? 8 : 4, old;
    x->at = (x->at + 1) % LENGTH;
    switch (s.kind) {
    case LOAD_RESERVED:
        x->a0 = read_at(m, at, s.wide);
        x->reserved = at;
        break;
    case STORE_CONDITIONAL:
        x->a0 = x->reserved != at;
        if (!x->a0)
            write_at(m, h, at, x->a1, size);
        x->reserved = ~0ull;
        break;
    case STORE_WORD:
        write_at(m, h, at, x->a1, size);
        break;
    case STORE_BYTE:
        write_at(m, h, at + 3, x->a1, 1);
        break;
    case SWAP:                  // with itself: stores the value that is there
        old = read_at(m, at, s.wide);
        write_at(m, h, at, old, size);
        x->a0 = old;
        break;
    case ADD_ONE:
        x->a1++;
        break;
    default:
        x->reserved = ~0ull;    // a trap, sfence.vma
    }
}

// ---- the same as code. s0..s5 hold the places' addresses, a0 what is loaded, a1 what is stored
static uint32_t code_of(Step s)
{
    enum { S_BASE = 18 };
    uint32_t address = (uint32_t)(S_BASE + s.place), width = s.wide ? 3 : 2;
    switch (s.kind) {
    case LOAD_RESERVED: return 2u << 27 | address << 15 | width << 12 | A0 << 7 | 0x2f;
    case STORE_CONDITIONAL: return 3u << 27 | A1 << 20 | address << 15 | width << 12 | A0 << 7 | 0x2f;
    case STORE_WORD: return rv_store((int)width, A1, (int)address, 0);
    case STORE_BYTE: return rv_store(0, A1, (int)address, 3);
    case SWAP: return 8u << 27 | 0 << 20 | address << 15 | width << 12 | A0 << 7 | 0x2f;       // amoor with x0
    case ADD_ONE: return rv_addi(A1, A1, 1);
    case CALL: return RV_ECALL;
    default: return 0x12000073; // sfence.vma
    }
}

static CoreTrapVerdict skip(void *context, const CoreTrap *trap)       // an ecall that the host answers
{
    core_rv64_words(context)[CORE_RV64_PC] = trap->pc + 4;
    return CORE_TRAP_RESUME;
}

static void write_program(Machine *m, Random *random, int h)
{
    uint32_t *code = (uint32_t *)(m->ram + h * CODE_STEP);
    int place = 0;
    bool wide = false;
    for (int i = 0; i < LENGTH; i++) {          // mostly pairs to one place, with something in between or not
        Step *s = &m->program[h][i];
        bool follows = i && m->program[h][i - 1].kind != STORE_CONDITIONAL;
        s->kind = one_in(random, 3) ? LOAD_RESERVED : follows && one_in(random, 2) ? STORE_CONDITIONAL : (Kind)below(random, KINDS);
        s->place = (int)below(random, PLACES);
        s->wide = places[s->place] % 8 == 0 && one_in(random, 2);
        if (s->kind == STORE_CONDITIONAL && !one_in(random, 8))
            s->place = place, s->wide = places[place] % 8 == 0 && one_in(random, 6) ? !wide : wide;     // of either size
        if (s->kind == LOAD_RESERVED)
            place = s->place, wide = s->wide;
        code[i] = code_of(*s);
    }
    int32_t back = -LENGTH * 4;
    code[LENGTH] = 0x6f | ((uint32_t)back >> 20 & 1) << 31 | ((uint32_t)back >> 1 & 0x3ff) << 21 | ((uint32_t)back >> 11 & 1) << 20 | ((uint32_t)back >> 12 & 0xff) << 12;
}

void reservations(int variant, ProofReport *report)
{
    enum { TURNS = 4000 };
    Random random = { (uint64_t)variant + 77 };
    Machine *m = calloc(1, sizeof *m);
    for (int h = 0; h < HARTS; h++) {
        write_program(m, &random, h);
        m->hart[h] = (Model){ .reserved = ~0ull, .a1 = (uint64_t)h };
    }
    CoreMemory *memory = core_memory_new(RAM_BYTES);
    uint8_t *ram = core_memory_bytes(memory);
    memcpy(ram, m->ram, RAM_BYTES);
    Core *core[HARTS];
    int behind[HARTS] = { 0 };  // 1: the jump back is next
    for (unsigned h = 0; h < HARTS; h++) {
        CoreRegion region = { memory, BASE, true };
        core[h] = core_open(CORE_RV64, h, &region, 1);
        core_reset(core[h], (CoreHost){ NULL, skip, NULL }, core[h]);
        core_rv64_watch(core[h], ~0ull, false);
        uint64_t *x = core_rv64_words(core[h]);
        for (int p = 0; p < PLACES; p++)
            x[18 + p] = BASE + places[p];
        x[CORE_RV64_PC] = BASE + h * CODE_STEP;
        x[A1] = h;
    }
    for (int turn = 0; turn < TURNS && !report->failed; turn++) {
        unsigned h = below(&random, HARTS);
        uint64_t steps = 1 + below(&random, one_in(&random, 8) ? 60 : 5);
        for (uint64_t i = 0; i < steps; i++) {
            if (behind[h])
                behind[h] = 0;                  // the jump changes nothing
            else {
                model_step(m, (int)h);
                behind[h] = m->hart[h].at == 0;
            }
        }
        uint64_t first = one_in(&random, 2) ? below(&random, (uint32_t)steps + 1) : steps;
        if (first)
            core_run(core[h], first);           // cut somewhere, or not
        if (steps - first)
            core_run(core[h], steps - first);
        if (one_in(&random, 6)) {               // somebody else writes: mostly the very bytes that are there
            uint64_t at = places[below(&random, PLACES)] + below(&random, 8), value = m->ram[at] + (one_in(&random, 3) ? 1 : 0);
            write_at(m, -1, at, value, 1);
            ram[at] = (uint8_t)value;
            core_memory_written(memory, at, 1);
        }
        if (one_in(&random, 40)) {              // all of them, gone and back
            void *state[HARTS];
            for (int k = 0; k < HARTS; k++)
                core_save(core[k], state[k] = malloc(core_state_size(core[k])));
            for (int k = 0; k < HARTS; k++)
                core_reset(core[k], (CoreHost){ NULL, skip, NULL }, core[k]);
            for (int k = 0; k < HARTS; k++)
                core_load(core[k], state[k]), free(state[k]), core_rv64_watch(core[k], ~0ull, false);
        }
        if (one_in(&random, 30))
            core_drop_code(core[below(&random, HARTS)]);
        uint64_t *x = core_rv64_words(core[h]);
        report->instructions += steps;
        report->compared_states++;
        EXPECT(report, x[A0] == m->hart[h].a0 && x[A1] == m->hart[h].a1, "turn %d of hart %u, %d steps: a0 %llx, %llx expected", turn, h, (int)steps, (unsigned long long)x[A0],
            (unsigned long long)m->hart[h].a0);
        EXPECT(report, !memcmp(ram, m->ram, RAM_BYTES), "turn %d of hart %u: memory", turn, h);
    }
    report->runs++;
    for (int h = 0; h < HARTS; h++)
        core_close(core[h]);
    core_memory_free(memory);
    free(m);
}
