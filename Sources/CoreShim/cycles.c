// How long instructions take on a Cortex-M4: its Technical Reference Manual r0p1, table 3-1 and, for floating point, table 7-1. No wait
// states. What the manual leaves open is fixed here, so that a cost depends on the instruction, on whether its condition passed, and on the
// operands of a divide, and on nothing around it: a pipeline refill is REFILL cycles, and a load never overlaps with its neighbour.
#include "internal.h"

enum { REFILL = 2, SINGLE_LOAD = 2, OFFSET_STORE = 2, FP_ACCUMULATE = 3, FP_LONG = 14 };

static unsigned registers(uint32_t list)
{
    return (unsigned)__builtin_popcount(list);
}

static unsigned narrow(uint32_t i, bool *conditional)
{
    bool load = i >> 11 & 1;
    switch (i >> 12) {
    case 4:
        if (load || (i & 0xff00) == 0x4700)                     // LDR (literal); BX, BLX
            return load ? SINGLE_LOAD : 1 + REFILL;
        return ((i & 0xff00) == 0x4400 || (i & 0xff00) == 0x4600) && ((i >> 4 & 8) | (i & 7)) == 15 ? 1 + REFILL : 1;    // ADD PC, MOV PC
    case 5:
        return i >> 9 & 4 || (i >> 9 & 7) == 3 ? SINGLE_LOAD : OFFSET_STORE;
    case 6: case 7: case 8: case 9:
        return load ? SINGLE_LOAD : 1;
    case 11:
        if ((i & 0x500) == 0x100) {                             // CBZ, CBNZ
            *conditional = true;
            return 1 + REFILL;
        }
        if ((i & 0x600) == 0x400)                               // PUSH, POP
            return 1 + registers(i & 0x1ff) + (load && i & 0x100 ? REFILL : 0);
        return 1;
    case 12:
        return 1 + registers(i & 0xff);
    case 13:
        *conditional = (i >> 8 & 15) < 14;
        return *conditional ? 1 + REFILL : 1;
    case 14:
        return 1 + REFILL;
    default:
        return 1;
    }
}

static unsigned floating_point(uint32_t first, uint32_t second)
{
    if ((first & 0xffe0) == 0xec40)                             // VMOV of two registers
        return 2;
    if ((first & 0xfe00) == 0xec00) {
        bool one = (first & 0x120) == 0x100;                    // VLDR, VSTR
        bool wide = second & 0x100;
        return one ? (wide ? 3 : 2) : 1 + (second & 0xff);
    }
    if ((first & 0xff00) != 0xee00 || second & 0x10)
        return 1;
    switch (first >> 4 & 11) {
    case 0: case 1: case 9: case 10:
        return FP_ACCUMULATE;
    case 8:
        return FP_LONG;
    case 11:
        return (first & 15) == 1 && (second & 0xc0) == 0xc0 ? FP_LONG : 1;      // VSQRT
    default:
        return 1;
    }
}

static unsigned wide(uint32_t first, uint32_t second, bool *conditional)
{
    bool load = first & 0x10;
    if ((first & 0xfe40) == 0xe800)                             // LDM, STM
        return 1 + registers(second) + (load && second >> 15 ? REFILL : 0);
    if ((first & 0xfff0) == 0xe8d0 && (second & 0xe0) == 0)     // TBB, TBH
        return 2 + REFILL;
    if ((first & 0xfe40) == 0xe840)                             // LDRD, STRD; LDREX, STREX and their kin
        return first & 0x120 ? 3 : 2;
    if ((first & 0xec00) == 0xec00)
        return (second & 0xe00) == 0xa00 ? floating_point(first, second) : 1;
    if ((first & 0xf800) == 0xf000 && second & 0x8000) {
        if (second & 0x1000)                                    // B, BL
            return 1 + REFILL;
        if ((first & 0x380) != 0x380) {
            *conditional = true;
            return 1 + REFILL;
        }
        return first == 0xf3bf && (second & 0xf0) == 0x60 ? 1 + REFILL : 1;     // ISB refills the pipeline
    }
    if ((first & 0xfe00) == 0xf800) {
        bool register_offset = !(first & 0x80) && !(second & 0x800) && (first & 15) != 15;
        if (!load)
            return register_offset ? OFFSET_STORE : 1;
        if (second >> 12 != 15)
            return SINGLE_LOAD;
        return (first & 0x60) == 0x40 ? SINGLE_LOAD + REFILL : 1;               // LDR PC; PLD
    }
    return 1;
}

M4Cost m4_cost(uint32_t first, uint32_t second, bool in_it, bool traps_fp)
{
    enum { MOST_BY_OPERAND = 11 };
    bool conditional = in_it, two = first >= 0xe800;
    if (traps_fp && (first & 0xec00) == 0xec00)                 // it does not run now
        return (M4Cost){ 1, 0 };
    if (two && (first & 0xffd0) == 0xfb90)                      // SDIV, UDIV: m4_divide_cycles has the rest
        return (M4Cost){ 1, MOST_BY_OPERAND };
    unsigned cycles = two ? wide(first, second, &conditional) : narrow(first, &conditional);
    return conditional ? (M4Cost){ 1, (uint8_t)(cycles - 1) } : (M4Cost){ (uint8_t)cycles, 0 };
}

// "Division operations use early termination to minimize the number of cycles required based on the number of leading ones and zeroes in the
// input operands": 2 to 12. Here: 2, and one for every three bits that the quotient may have.
unsigned m4_divide_cycles(uint32_t dividend, uint32_t divisor)
{
    if (!divisor || dividend < divisor)
        return 2;
    return 2 + (unsigned)(__builtin_clz(divisor) - __builtin_clz(dividend) + 1) / 3;
}

// ---- a block's costs lie behind its code: two bytes an instruction
const M4Cost *block_costs(const char *tb)
{
    return (const M4Cost *)(AT(char *, tb, arm.tb_code) + AT(size_t, tb, arm.tb_code_size)) - block_count(&arm, tb);
}

// From an instruction on, nothing of which has happened: what the block has taken for it and for those behind it.
int64_t cycles_from(const char *tb, int index)
{
    const M4Cost *costs = block_costs(tb);
    int n = block_count(&arm, tb);
    int64_t cycles = index < n ? costs[index].more : 0;
    for (int i = index; i < n; i++)
        cycles += costs[i].always;
    return cycles;
}

int64_t cycles_behind(const char *tb, int index)
{
    return index + 1 < block_count(&arm, tb) ? cycles_from(tb, index + 1) - block_costs(tb)[index + 1].more : 0;
}

// How many instructions surely begin while there are cycles left; at least one, since there are.
uint32_t cycles_fit(const Core *c, const char *tb)
{
    const M4Cost *costs = block_costs(tb);
    int n = block_count(&arm, tb), i = 0;
    for (int64_t sum = 0; i < n && sum < *cycles_of(c); i++)
        sum += costs[i].always + costs[i].more;
    return (uint32_t)(i ? i : 1);
}

// The least number of cycles with which a block begins its last instruction before they are used up.
int32_t cycles_needed(const M4Cost *costs, int n, int32_t *all)
{
    int32_t sum = 0, most = 0;
    for (int i = 0; i < n; i++) {
        sum += costs[i].always;
        most += i + 1 < n ? costs[i].always + costs[i].more : 0;
    }
    *all = sum;
    return most;
}

// ---- the host's side
void core_m4_set_cycles(Core *c, bool counts)
{
    uint64_t now = core_cycle(c);
    c->counts_cycles = counts;
    c->granted_cycles = (int64_t)now;
    *cycles_of(c) = 0;
    arm_rebuild_hflags_arm(c->env);
}

uint64_t core_cycle(const Core *c)
{
    return c->counts_cycles ? (uint64_t)(c->granted_cycles - *cycles_of(c)) : core_index(c);
}

void core_m4_take_cycles(Core *c, unsigned cycles)
{
    if (c->counts_cycles)
        *cycles_of(c) -= cycles;
}

void core_cut_cycles(Core *c, uint64_t cycle)
{
    if (!c->counts_cycles) {
        core_cut(c, cycle);
        return;
    }
    uint64_t now = c->in_access ? c->done_cycle + 1 : core_cycle(c);
    int64_t end = (int64_t)(cycle > now ? cycle : now);
    if (end >= c->granted_cycles)
        return;
    *cycles_of(c) -= c->granted_cycles - end;
    c->granted_cycles = end;
    c->attention = true;                        // it may be within the block that is running
}
