// RV64 guests that live in all three modes: random delegation, vectored or direct handlers, interrupt enables that change, counters read
// in every mode, lines raised by device stores and by the schedule. M code sends the guest to S or U and gets it back by ecall.
#include "guest.h"
#include <stdlib.h>

enum { CHUNKS = 60, DEVICE_BASE = S1, STATE = S2 };
enum { MSTATUS = 0x300, MEDELEG = 0x302, MIDELEG = 0x303, MIE = 0x304, MTVEC = 0x305, MCOUNTEREN = 0x306, MEPC = 0x341, MCAUSE = 0x342,
       SSTATUS = 0x100, SIE_CSR = 0x104, STVEC = 0x105, SCOUNTEREN = 0x106, SEPC = 0x141, SCAUSE = 0x142, PMPCFG0 = 0x3a0, PMPADDR0 = 0x3b0 };
static const int pool[] = { T0, T1, T2, A0, A1, A2, A3, A4, A5, A6, A7 };

static int any(Random *random)
{
    return pool[below(random, sizeof pool / sizeof *pool)];
}

static void raise(Code *c, Random *random)
{
    rv_li(c, T6, 0xaaa & random_next(random));
    put32(c, rv_store(2, T6, DEVICE_BASE, DEVICE_RAISE));
}

static void body(Code *c, Random *random, int mode)
{
    static const int counters[] = { 0xc00, 0xc01, 0xc02 };
    for (uint32_t k = 2 + below(random, 12); k > 0; k--) {
        switch (below(random, 12)) {
        case 0: raise(c, random); break;
        case 1: put32(c, rv_csrrs(any(random), counters[below(random, 3)], ZERO)); break;
        case 2:
            if (mode > 0)
                put32(c, one_in(random, 2) ? rv_csrsi(SSTATUS, 2) : rv_csrci(SSTATUS, 2));
            break;
        case 3:
            if (mode > 0) {
                rv_li(c, T6, random_next(random) & 0x222);
                put32(c, rv_csrrw(ZERO, SIE_CSR, T6));
            }
            break;
        case 4:
            if (mode == 3)
                put32(c, one_in(random, 2) ? rv_csrsi(MSTATUS, 8) : rv_csrci(MSTATUS, 8));
            break;
        case 5:
            if (mode == 3) {
                rv_li(c, T6, random_next(random) & 0xaaa);
                put32(c, rv_csrrw(ZERO, MIE, T6));
            }
            break;
        case 6: put32(c, one_in(random, 2) ? 0xffffffffu : RV_EBREAK); break;          // by delegation S's or M's
        case 7: put32(c, rv_load(2, any(random), DEVICE_BASE, (int)below(random, 16) * 4)); break;
        case 8: put32(c, rv_csrrs(any(random), MCAUSE, ZERO)); break;                   // illegal outside M
        default: put32(c, rv_addi(any(random), any(random), (int)below(random, 100)));
        }
    }
}

// vector: 16 jumps; synchronous traps resume behind the instruction, but M gets control at m_next after an ecall
static int handlers(Code *c, bool machine, int m_next)
{
    int x = machine ? S4 : S9, y = machine ? S5 : S10;         // an M interrupt may strike in S's handler
    int common = code_label(c), interrupt = code_label(c);
    code_align(c, 256, false);
    int vector = code_here(c);
    rv_jal(c, ZERO, common);
    for (int i = 1; i < 16; i++)                // a vectored entry runs through those behind it: S7 tells which it was
        put32(c, rv_addi(S7, S7, i));
    code_bind(c, common);
    put32(c, rv_csrrs(x, machine ? MCAUSE : SCAUSE, ZERO));
    rv_branch(c, BLT, x, ZERO, interrupt);
    if (machine) {
        int other = code_label(c);
        put32(c, rv_addi(y, x, -8));
        put32(c, rv_i(RV_OP_IMM, 3, y, y, 4));               // sltiu: one of the ecalls
        rv_branch(c, BEQ, y, ZERO, other);
        rv_jal(c, ZERO, m_next);
        code_bind(c, other);
    }
    put32(c, rv_csrrs(y, machine ? MEPC : SEPC, ZERO));
    put32(c, rv_addi(y, y, 4));
    put32(c, rv_csrrw(ZERO, machine ? MEPC : SEPC, y));
    put32(c, machine ? RV_MRET : RV_SRET);
    code_bind(c, interrupt);
    put32(c, rv_andi(x, x, 63));
    put32(c, rv_addi(y, ZERO, 1));
    put32(c, rv_r(RV_OP, 1, 0, y, y, x));
    put32(c, rv_store(2, y, DEVICE_BASE, DEVICE_CLEAR));
    put32(c, rv_add(S8, S8, x));
    put32(c, machine ? RV_MRET : RV_SRET);
    return vector;
}

Guest *random_privileged(uint64_t seed, uint64_t attempts)
{
    Random random = { seed * 2 + 77 };
    Guest *g = calloc(1, sizeof *g);
    Code *c = g->code = code_new(ram_base(CORE_RV64));
    int chunk[CHUNKS], m_next = code_label(c), table = code_label(c);
    g->kind = CORE_RV64;
    g->attempts = attempts;
    for (int i = 0; i < CHUNKS; i++)
        chunk[i] = code_label(c);
    int m_vector = handlers(c, true, m_next), s_vector = handlers(c, false, m_next);
    g->start = code_address(c, code_here(c));
    rv_la(c, T0, m_vector, (int)below(&random, 2));
    put32(c, rv_csrrw(ZERO, MTVEC, T0));
    rv_la(c, T0, s_vector, (int)below(&random, 2));
    put32(c, rv_csrrw(ZERO, STVEC, T0));
    struct { int csr; uint64_t value; } set[] = { { PMPADDR0, ~0ull }, { PMPCFG0, 31 }, { MCOUNTEREN, 7 }, { SCOUNTEREN, 7 }, { MIDELEG, random_next(&random) & 0x222 },
        { MEDELEG, random_next(&random) & 0x004 }, { MIE, random_next(&random) & 0xaaa } };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        rv_li(c, T0, set[i].value);
        put32(c, rv_csrrw(ZERO, set[i].csr, T0));
    }
    rv_li(c, DEVICE_BASE, device_base(CORE_RV64));
    rv_li(c, STATE, seed * 88172645463325252ull + 1);
    code_bind(c, m_next);                       // M: random mode and chunk next
    put32(c, rv_slli(T6, STATE, 13)), put32(c, rv_xor(STATE, STATE, T6));
    put32(c, rv_srli(T6, STATE, 7)), put32(c, rv_xor(STATE, STATE, T6));
    put32(c, rv_slli(T6, STATE, 17)), put32(c, rv_xor(STATE, STATE, T6));
    body(c, &random, 3);
    put32(c, rv_andi(T5, STATE, 31));
    put32(c, rv_slli(T5, T5, 3));
    rv_la(c, T6, table, 0);
    put32(c, rv_add(T6, T6, T5));
    put32(c, rv_load(6, T5, T6, 0));            // where
    put32(c, rv_load(6, T6, T6, 4));            // in which mode
    put32(c, rv_csrrw(ZERO, MEPC, T5));
    rv_li(c, T5, 0x1800);
    put32(c, rv_csrrc(ZERO, MSTATUS, T5));
    put32(c, rv_csrrs(ZERO, MSTATUS, T6));
    put32(c, RV_MRET);
    int mode[CHUNKS];
    for (int i = 0; i < CHUNKS; i++) {
        mode[i] = (int)below(&random, 2);
        code_bind(c, chunk[i]);
        body(c, &random, mode[i]);
        if (mode[i] == 1 && one_in(&random, 3)) {               // S goes to U by sret first
            int user = code_label(c);
            rv_li(c, T6, 0x100);
            put32(c, rv_csrrc(ZERO, SSTATUS, T6));
            rv_la(c, T6, user, 0);
            put32(c, rv_csrrw(ZERO, SEPC, T6));
            put32(c, RV_SRET);
            code_bind(c, user);
            body(c, &random, 0);
        }
        put32(c, RV_ECALL);
    }
    code_align(c, 8, false);
    code_bind(c, table);
    for (int i = 0; i < 32; i++) {
        uint32_t to = below(&random, CHUNKS);
        put32(c, (uint32_t)code_address(c, chunk[to]));
        put32(c, (uint32_t)mode[to] << 11 | (one_in(&random, 2) ? 0x80 : 0));          // MPP and MPIE
    }
    code_finish(c);
    g->schedule = calloc(attempts / 50 + 2, sizeof *g->schedule);
    for (uint64_t at = 100; at < attempts; at += 51 + below(&random, 200))
        g->schedule[g->scheduled++] = (Scheduled){ at, 0xaaa & random_next(&random), HAPPENS_RAISE };
    return g;
}
