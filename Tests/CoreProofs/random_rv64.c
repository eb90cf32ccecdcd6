// Random branchy RV64 guests: blocks of random instructions that jump among each other for ever, with device accesses, traps, counters
// and, on request, stores over the very next instruction, refusing devices, interrupts, and a host that rewrites code.
#include "guest.h"
#include <stdlib.h>

enum { BLOCKS = 120, DATA = 0x20000, STATE = S2, DATA_BASE = S0, DEVICE_BASE = S1 };
static const int pool[] = { T0, T1, T2, A0, A1, A2, A3, A4, A5, A6, A7, T3, S7 };

static int any(Random *random)
{
    return pool[below(random, sizeof pool / sizeof *pool)];
}

static void device_access(Code *c, Random *random)
{
    int word = (int)below(random, 32) * 4, twin = (int)below(random, 16) * 8, rd = any(random), rs = any(random);
    switch (below(random, 8)) {
    case 7:                                     // a reservation on a device: its value has changed when SC looks
        put32(c, rv_addi(T6, DEVICE_BASE, twin));
        put32(c, rv_amo(AMO_LR, 3, rd, T6, 0));
        put32(c, rv_amo(AMO_SC, 3, rs, T6, rd));
        break;
    case 0: put32(c, rv_load((int)below(random, 7), rd, DEVICE_BASE, twin)); break;
    case 1: put32(c, rv_load(2, rd, DEVICE_BASE, word)); break;
    case 2: put32(c, rv_load(3, rd, DEVICE_BASE, twin)); break;
    case 3: put32(c, rv_store((int)below(random, 4), rs, DEVICE_BASE, twin)); break;
    case 4: put32(c, rv_store(2, rs, DEVICE_BASE, word)); break;
    case 5:
        put32(c, rv_addi(T6, DEVICE_BASE, twin));
        put32(c, rv_amo(one_in(random, 2) ? AMO_ADD : AMO_SWAP, 2 + (int)below(random, 2), rd, T6, rs));
        break;
    case 6:                                     // a float load would do as well: 4 bytes
        put32(c, rv_i(RV_LOAD_FP, 2 + (int)below(random, 2), 1, DEVICE_BASE, twin));
    }
}

static void system_instruction(Code *c, Random *random)
{
    static const int counters[] = { 0xc00, 0xc01, 0xc02, 0xb00, 0xb02 };
    int rd = any(random);
    switch (below(random, 10)) {
    case 0: put32(c, RV_ECALL); break;
    case 1: put32(c, 0xffffffff); break;
    case 2: put16(c, 0); break;
    case 3: put32(c, rv_csrrs(rd, 0x123, ZERO)); break;         // no such CSR
    case 4: put32(c, rv_csrrw(rd, 0x340, any(random))); break;
    case 5: put32(c, RV_WFI); break;
    case 6: put32(c, RV_FENCE_I); break;
    case 7: put32(c, RV_EBREAK); break;
    case 8: put16(c, RV_C_EBREAK); break;
    default: put32(c, rv_csrrs(rd, counters[below(random, 5)], ZERO));
    }
}

static void instruction(Code *c, Random *random, unsigned with)
{
    static const uint16_t op3[] = { 0, 4, 6, 7, 3, 1, 5 };
    int rd = any(random), rs1 = any(random), rs2 = any(random);
    uint32_t dice = below(random, 42);
    if (dice < 8)
        put32(c, rv_addi(rd, rs1, (int)below(random, 4096) - 2048));
    else if (dice < 15)
        put32(c, rv_r(RV_OP, op3[below(random, 7)], 0, rd, rs1, rs2));
    else if (dice < 18)
        put16(c, rv_c_addi(rd, 1 + (int)below(random, 30)));
    else if (dice < 22)
        put32(c, rv_load((int)below(random, 7), rd, DATA_BASE, (int)below(random, 1600)));
    else if (dice < 26)
        put32(c, rv_store((int)below(random, 4), rs1, DATA_BASE, (int)below(random, 1600)));
    else if (dice < 30)
        device_access(c, random);
    else if (dice < 33)
        system_instruction(c, random);
    else if (dice < 35)
        put32(c, rv_r(RV_OP, (int)below(random, 8), 1, rd, rs1, rs2));         // mul, div, rem ...
    else if (dice < 37)
        put32(c, rv_amo(one_in(random, 2) ? AMO_ADD : AMO_XOR, 2 + (int)below(random, 2), rd, DATA_BASE, rs2));
    else if (dice < 39)
        put32(c, 0x37 | (uint32_t)rd << 7 | (uint32_t)below(random, 1 << 20) << 12);
    else if (dice < 40 && with & WITH_INTERRUPTS) {
        rv_li(c, T6, 0xaaa & random_next(random));
        put32(c, one_in(random, 2) ? rv_store(2, T6, DEVICE_BASE, DEVICE_RAISE) : rv_csrrw(ZERO, 0x304, T6));
    } else if (with & WITH_INTERRUPTS)
        put32(c, one_in(random, 3) ? rv_csrci(0x300, 8) : rv_csrsi(0x300, 8));
}

static void patch(Code *c, Random *random, int target)          // toggles bit 20 of an addi, the low bit of its immediate
{
    rv_la(c, T6, target, 0);
    switch (below(random, 8)) {
    case 0: put32(c, rv_load(4, T5, T6, 2)); put32(c, rv_xori(T5, T5, 16)); put32(c, rv_store(0, T5, T6, 2)); break;
    case 1: put32(c, rv_load(5, T5, T6, 2)); put32(c, rv_xori(T5, T5, 16)); put32(c, rv_store(1, T5, T6, 2)); break;
    case 2: rv_li(c, T4, 1 << 20); put32(c, rv_amo(AMO_XOR, 2, T5, T6, T4)); break;
    case 3: rv_li(c, T4, 1 << 20); put32(c, rv_amo(AMO_LR, 2, T5, T6, 0)); put32(c, rv_xor(T5, T5, T4)); put32(c, rv_amo(AMO_SC, 2, T4, T6, T5)); break;
    case 4: rv_li(c, T4, 1 << 20); put32(c, rv_load(3, T5, T6, -2)); put32(c, rv_slli(T4, T4, 16)); put32(c, rv_xor(T5, T5, T4)); put32(c, rv_store(3, T5, T6, -2)); break;
    case 5: rv_li(c, T4, 1 << 20); put32(c, rv_load(2, T5, T6, 0)); put32(c, rv_xor(T5, T5, T4)); put32(c, 0xf0000053 | 2 << 7 | T5 << 15); put32(c, rv_s(RV_STORE_FP, 2, T6, 2, 0)); break;
    case 6: rv_li(c, T4, 1 << 20); put32(c, rv_load(2, T5, T6, 0)); put32(c, rv_load(2, T3, DEVICE_BASE, 8)); put32(c, rv_xor(T5, T5, T4)); put32(c, rv_store(2, T5, T6, 0)); put32(c, rv_store(2, T5, DEVICE_BASE, 12)); break;
    default: rv_li(c, T4, 1 << 20); put32(c, rv_load(2, T5, T6, 0)); put32(c, rv_xor(T5, T5, T4)); put32(c, rv_store(2, T5, T6, 0));
    }
}

static void dma(Code *c, int target)            // a device store that makes the host rewrite code, often the next instruction
{
    rv_la(c, T6, target, 0);
    put32(c, rv_store(2, T6, DEVICE_BASE, DEVICE_DMA));
}

static int trap_handler(Code *c, Random *random, unsigned with, int patched)
{
    int handler = code_here(c), interrupt = code_label(c), narrow = code_label(c);
    put32(c, rv_csrrs(S4, 0x342, ZERO));
    rv_branch(c, BLT, S4, ZERO, interrupt);
    put32(c, rv_csrrs(S5, 0x341, ZERO));        // past the instruction that trapped
    put32(c, rv_load(5, S6, S5, 0));
    put32(c, rv_andi(S6, S6, 3));
    put32(c, rv_addi(S6, S6, -3));
    put32(c, rv_addi(S5, S5, 2));
    rv_branch(c, BNE, S6, ZERO, narrow);
    put32(c, rv_addi(S5, S5, 2));
    code_bind(c, narrow);
    put32(c, rv_csrrw(ZERO, 0x341, S5));
    put32(c, RV_MRET);
    code_bind(c, interrupt);
    put32(c, rv_addi(S3, S3, 1));
    put32(c, rv_addi(S5, ZERO, -1));
    put32(c, rv_store(2, S5, DEVICE_BASE, DEVICE_CLEAR));
    if (with & WITH_PATCHES) {
        rv_la(c, S4, patched, 0);
        put32(c, rv_load(2, S5, S4, 0));
        rv_li(c, S6, 3 << 20);
        put32(c, rv_xor(S5, S5, S6));
        put32(c, rv_store(2, S5, S4, 0));
    }
    if (one_in(random, 2))
        put32(c, rv_store(2, S3, DEVICE_BASE, 0x40));
    put32(c, RV_MRET);
    return handler;
}

static void schedule(Guest *g, Random *random, unsigned with, const int *patched)
{
    g->schedule = calloc(g->attempts / 100 + 2, sizeof *g->schedule);
    for (uint64_t at = 200 + below(random, 300); at < g->attempts; at += 101 + below(random, 600)) {
        bool raise = with & WITH_INTERRUPTS && (one_in(random, 2) || !(with & WITH_HOST_PATCHES));
        static const uint16_t lines[] = { 0x80, 0x8, 0x800, 0x2, 0x20, 0x200 };
        if (!raise && !(with & WITH_HOST_PATCHES))
            break;
        g->schedule[g->scheduled++] = raise ? (Scheduled){ at, lines[below(random, 6)], HAPPENS_RAISE }
            : (Scheduled){ at, code_address(g->code, patched[below(random, BLOCKS)]) - ram_base(g->kind), HAPPENS_PATCH };
    }
}

Guest *random_rv64(uint64_t seed, unsigned with, uint64_t attempts)
{
    Random random = { seed * 2 + 1 };
    Guest *g = calloc(1, sizeof *g);
    Code *c = g->code = code_new(ram_base(CORE_RV64));
    int block[BLOCKS], patched[BLOCKS];
    g->kind = CORE_RV64;
    g->attempts = attempts;
    g->faults = with & WITH_FAULTS;
    g->drop = with & (WITH_PATCHES | WITH_HOST_PATCHES | WITH_DMA);
    for (int i = 0; i < BLOCKS; i++)
        block[i] = code_label(c), patched[i] = code_label(c);
    int handler = trap_handler(c, &random, with, patched[40]);
    g->start = code_address(c, code_here(c));
    rv_la(c, T0, handler, 0);
    put32(c, rv_csrrw(ZERO, 0x305, T0));
    rv_li(c, T0, 0x6000 | (with & WITH_INTERRUPTS ? 8 : 0));
    put32(c, rv_csrrs(ZERO, 0x300, T0));
    rv_li(c, T0, with & WITH_INTERRUPTS ? 0xaaa : 0);
    put32(c, rv_csrrw(ZERO, 0x304, T0));
    rv_li(c, DATA_BASE, ram_base(CORE_RV64) + DATA);
    rv_li(c, DEVICE_BASE, device_base(CORE_RV64));
    rv_li(c, STATE, seed * 88172645463325252ull + 1);
    for (int i = 0; i < BLOCKS; i++) {
        int other = code_label(c);
        code_bind(c, block[i]);
        put32(c, rv_slli(T6, STATE, 13)), put32(c, rv_xor(STATE, STATE, T6));
        put32(c, rv_srli(T6, STATE, 7)), put32(c, rv_xor(STATE, STATE, T6));
        put32(c, rv_slli(T6, STATE, 17)), put32(c, rv_xor(STATE, STATE, T6));
        for (int k = 0; i == 7 && k < 600; k++)
            put32(c, rv_addi(A0, A0, 1));       // more than a block of the library holds
        for (int k = 0; i == 9 && k < 100; k++)
            put32(c, rv_xor(A1, A1, STATE)), put16(c, rv_c_addi(A1, 3));
        for (uint32_t k = below(&random, 14); k > 0; k--)
            instruction(c, &random, with);
        if (with & WITH_PATCHES && i % 3 == 1)
            patch(c, &random, patched[one_in(&random, 2) ? (uint32_t)i : below(&random, BLOCKS)]);
        if (with & WITH_DMA && i % 3 == 2)
            dma(c, patched[one_in(&random, 2) ? (uint32_t)i : below(&random, BLOCKS)]);
        if (c->size % 4)
            put16(c, rv_c_addi(A2, 1));
        code_bind(c, patched[i]);
        put32(c, rv_addi(A0, A0, (int)below(&random, 3) * 8));
        static const int masks[] = { 1, 3, 7, 8, 16 };
        put32(c, rv_andi(T6, STATE, masks[below(&random, 5)]));
        rv_branch(c, one_in(&random, 2) ? BEQ : BNE, T6, ZERO, other);
        if (one_in(&random, 3)) {
            rv_la(c, T6, block[below(&random, BLOCKS)], 0);
            put32(c, rv_jalr(ZERO, T6));
        } else {
            rv_jal(c, ZERO, block[below(&random, BLOCKS)]);
        }
        code_bind(c, other);
        rv_jal(c, ZERO, block[below(&random, BLOCKS)]);
    }
    code_finish(c);
    schedule(g, &random, with, patched);
    return g;
}
