// Random branchy Cortex-M4 guests: as the RV64 ones, with IT blocks, multiple loads and stores, FP, exceptions and their masks.
#include "guest.h"
#include <stdlib.h>

enum { BLOCKS = 120, DATA = 0x20000, STACK = 0x30000, STATE = 5, DATA_BASE = 6, DEVICE_BASE = 7 };

static int low(Random *random)
{
    return (int)below(random, 5);
}

static void alu(Code *c, Random *random)
{
    switch (below(random, 8)) {
    case 0: put16(c, t_adds(low(random), (int)below(random, 256))); break;
    case 1: put16(c, (uint16_t)(0x1800 | (unsigned)(low(random) << 6 | low(random) << 3 | low(random)))); break;
    case 2: put16(c, t_alu(1, low(random), low(random))); break;
    case 3: put16(c, t_alu(13, low(random), low(random))); break;
    case 4: t_shifted(c, ADD_REG, low(random), low(random), low(random), 0, 3); break;
    case 5: put16(c, (uint16_t)(0x0800 | (unsigned)(3 << 6 | low(random) << 3 | low(random)))); break;
    case 6: put16(c, t_alu(10, low(random), low(random))); break;
    default: t_immediate(c, EOR_IMM, low(random), low(random), (int)below(random, 256));
    }
}

static void memory(Code *c, Random *random)
{
    int rt = low(random), word = (int)below(random, 30) * 4;
    switch (below(random, 22)) {
    case 14: t_dual(c, 0xe9f0, 0, 1, 8, 4); put_wide(c, 0x46b8, T_NOP); break;         // ldrd r0, r1, [r8, #4]!; mov r8, r7
    case 15: t_multiple(c, LDMIA_WB, 8, 0xf); put16(c, 0x46b8); break;
    case 16: t_multiple(c, STMIA_WB, 8, 0x1f); put16(c, 0x46b8); break;
    case 17: put_wide(c, 0xf858, (uint16_t)(rt << 12 | 0xb04)); put16(c, 0x46b8); break;       // ldr rt, [r8], #4
    case 18: put_wide(c, 0xf848, (uint16_t)(rt << 12 | 0xf04)); put16(c, 0x46b8); break;       // str rt, [r8, #4]!
    case 19: put_wide(c, 0xec97, 0x4b06); break;                // vldmia r7, {d4-d6}
    case 20: put_wide(c, 0xed87, (uint16_t)(0x3b00 | word / 8 * 2)); break;             // vstr d3
    case 21: t_ldrex(c, rt, DEVICE_BASE, 8); t_strex(c, (rt + 1) % 5, (rt + 2) % 5, DEVICE_BASE, 8); break;
    case 0: t_memory(c, LDR_W, rt, DATA_BASE, (int)below(random, 400)); break;
    case 1: t_memory(c, STR_W, rt, DATA_BASE, (int)below(random, 400)); break;
    case 2: t_memory(c, LDRH_W, rt, DATA_BASE, (int)below(random, 400)); break;
    case 3: t_memory(c, LDR_W, rt, DEVICE_BASE, word); break;
    case 4: t_memory(c, STR_W, rt, DEVICE_BASE, word); break;
    case 5: t_dual(c, LDRD, 0, 1, DEVICE_BASE, word); break;
    case 6: t_dual(c, STRD, 2, 1, DEVICE_BASE, word); break;
    case 7: t_multiple(c, STMIA, DATA_BASE, 7); break;
    case 8: t_multiple(c, LDMIA, DEVICE_BASE, 0xf); break;
    case 9: t_multiple(c, STMIA, DEVICE_BASE, 0x1f); break;
    case 10: t_memory(c, LDRB_W, rt, DEVICE_BASE, word + (int)below(random, 4)); break;
    case 11: t_memory(c, STRH_W, rt, DEVICE_BASE, word + (int)below(random, 2) * 2); break;
    case 12: t_fp(c, 0xec90 | DEVICE_BASE, 0x0a00, 4, 3); break;               // vldmia r7, {s4-s6}
    default: t_fp(c, 0xed80 | DEVICE_BASE, 0x0a00, (int)below(random, 8), word / 4);    // vstr
    }
}

static void it_block(Code *c, Random *random)
{
    int n = 1 + (int)below(random, 4), condition = (int)below(random, 14), mask = 0;
    for (int i = 1; i < n; i++)
        mask = mask << 1 | (int)(one_in(random, 2) ? condition & 1 : !(condition & 1));
    put16(c, t_it(condition, (mask << 1 | 1) << (4 - n)));
    for (int i = 0; i < n; i++) {
        int rt = low(random);
        switch (below(random, 9)) {
        case 0: t_immediate(c, ADD_IMM, rt, low(random), (int)below(random, 200)); break;
        case 1: t_memory(c, LDR_W, rt, DATA_BASE, (int)below(random, 50) * 4); break;
        case 2: t_memory(c, STR_W, rt, DEVICE_BASE, (int)below(random, 30) * 4); break;
        case 3: t_memory(c, LDR_W, rt, DEVICE_BASE, (int)below(random, 30) * 4); break;
        case 4: t_shifted(c, EOR_REG, rt, low(random), low(random), 0, 0); break;
        case 5: t_dual(c, STRD, 0, 1, DEVICE_BASE, (int)below(random, 30) * 4); break;
        case 6: t_multiple(c, LDMIA, DEVICE_BASE, 7); break;
        case 7: t_fp(c, 0xee30 | 2, 0x0a00, 1, 3); break;       // vadd.f32 s1, s4, s6
        default: put16(c, one_in(random, 3) ? (uint16_t)(T_SVC | below(random, 256)) : t_adds(rt, 1));
        }
    }
}

static void system_instruction(Code *c, Random *random, unsigned with)
{
    static const uint16_t hints[] = { T_NOP, T_WFI, T_WFE, T_SEV, T_YIELD };
    switch (below(random, 9)) {
    case 0: put16(c, (uint16_t)(T_SVC | below(random, 256))); break;
    case 1: put16(c, hints[below(random, 5)]); break;
    case 2: put16(c, (uint16_t)(T_UDF | below(random, 256))); break;
    case 3: put16(c, (uint16_t)(T_BKPT | below(random, 256))); break;
    case 4: t_mrs(c, low(random), one_in(random, 2) ? SYS_PRIMASK : SYS_BASEPRI); break;
    case 5: t_fp(c, 0xee00 | 3, (int)(0x0a10 | low(random) << 12), 0, 0); break;        // vmov s6, rt
    case 6: t_isb(c); break;
    case 7:
        if (with & WITH_INTERRUPTS) {
            static const uint8_t priorities[] = { 0, 0, 0x20, 0x60, 0x40 };
            t_mov32(c, 12, priorities[below(random, 5)]);
            t_msr(c, SYS_BASEPRI, 12);
        }
        break;
    default:
        if (with & WITH_INTERRUPTS)
            put16(c, one_in(random, 3) ? T_CPSID : T_CPSIE);
    }
}

static void patch(Code *c, Random *random, const int *patched, uint32_t own)    // toggles bit 1 of the immediate of an adds
{
    uint32_t kind = below(random, 10), target = one_in(random, 2) ? own : below(random, BLOCKS);
    t_la(c, 12, patched[kind >= 3 && kind <= 6 ? target & ~1u : target], 0);   // those want words, and every other target is one
    switch (kind) {
    case 0: t_memory(c, LDRB_W, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); t_memory(c, STRB_W, 11, 12, 0); return;
    case 1: t_memory(c, LDRH_W, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); t_memory(c, STRH_W, 11, 12, 0); return;
    case 2: t_memory(c, LDR_W, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); t_memory(c, STR_W, 11, 12, 0); return;
    case 3: t_dual(c, LDRD, 10, 11, 12, 0); t_immediate(c, EOR_IMM, 10, 10, 2); t_dual(c, STRD, 10, 11, 12, 0); return;
    case 4: t_multiple(c, LDMIA, 12, 0xe00); t_immediate(c, EOR_IMM, 9, 9, 2); t_multiple(c, STMIA, 12, 0xe00); return;
    case 5: t_ldrex(c, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); t_strex(c, 10, 11, 12, 0); return;
    case 6: t_memory(c, LDR_W, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); put_wide(c, 0xee01, 0xba10); t_fp(c, 0xed80 | 12, 0x0a00, 2, 0); return;      // vmov s2, r11; vstr s2, [r12]
    case 7: t_memory(c, LDRH_W, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); put16(c, (uint16_t)(0x4200 | STATE << 3 | STATE)); put16(c, t_it(MI, 8)); t_memory(c, STRH_W, 11, 12, 0); return;
    case 8: t_memory(c, LDRH_W, 11, 12, 0); t_immediate(c, EOR_IMM, 11, 11, 2); t_memory(c, LDR_W, 10, DEVICE_BASE, 8); t_memory(c, STRH_W, 11, 12, 0); t_memory(c, STR_W, 11, DEVICE_BASE, 12); return;
    default:                                    // the target inside the IT block of the store
        t_memory(c, LDRH_W, 11, 12, 0);
        t_immediate(c, EOR_IMM, 11, 11, 2);
        put16(c, (uint16_t)(0x4200 | STATE << 3 | STATE));
        put16(c, t_it(NE, 4));
        t_memory(c, STRH_W, 11, 12, 0);
    }
}

static void schedule(Guest *g, Random *random, unsigned with, const int *patched)
{
    g->schedule = calloc(g->attempts / 100 + 2, sizeof *g->schedule);
    for (uint64_t at = 200 + below(random, 300); at < g->attempts; at += 101 + below(random, 600)) {
        bool raise = with & WITH_INTERRUPTS && (one_in(random, 2) || !(with & WITH_HOST_PATCHES));
        if (!raise && !(with & WITH_HOST_PATCHES))
            break;
        g->schedule[g->scheduled++] = raise ? (Scheduled){ at, 1, HAPPENS_RAISE }
            : (Scheduled){ at, code_address(g->code, patched[below(random, BLOCKS) & ~1u]) - ram_base(g->kind), HAPPENS_PATCH };
    }
}

Guest *random_m4(uint64_t seed, unsigned with, uint64_t attempts)
{
    Random random = { seed * 2 };
    Guest *g = calloc(1, sizeof *g);
    Code *c = g->code = code_new(ram_base(CORE_CORTEX_M4));
    int block[BLOCKS], patched[BLOCKS];
    g->kind = CORE_CORTEX_M4;
    g->attempts = attempts;
    g->stack = c->base + STACK;
    g->faults = with & WITH_FAULTS;
    g->drop = with & (WITH_PATCHES | WITH_HOST_PATCHES | WITH_DMA);
    for (int i = 0; i < BLOCKS; i++)
        block[i] = code_label(c), patched[i] = code_label(c);
    g->irq_handler = code_address(c, code_here(c));             // counts, patches, tells the device
    t_memory(c, LDR_W, 0, DATA_BASE, 400);
    put16(c, t_adds(0, 1));
    t_memory(c, STR_W, 0, DATA_BASE, 400);
    t_memory(c, STR_W, 0, DEVICE_BASE, 60);
    if (with & WITH_PATCHES) {
        t_la(c, 12, patched[40], 0);
        t_memory(c, LDRH_W, 2, 12, 0);
        t_immediate(c, EOR_IMM, 2, 2, 4);
        t_memory(c, STRH_W, 2, 12, 0);
    }
    t_fp(c, 0xee30 | 2, 0x0a00, 1, 3);
    put16(c, t_bx(14));
    g->svc_handler = code_address(c, code_here(c));
    t_memory(c, LDR_W, 1, DATA_BASE, 404);
    put16(c, t_adds(1, 1));
    t_memory(c, STR_W, 1, DATA_BASE, 404);
    put16(c, 0xb500);                           // push {lr}; pop {pc}
    put16(c, 0xbd00);
    code_align(c, 4, true);
    g->start = code_address(c, code_here(c));
    t_mov32(c, DATA_BASE, (uint32_t)c->base + DATA);
    t_mov32(c, DEVICE_BASE, (uint32_t)device_base(CORE_CORTEX_M4));
    put16(c, 0x46b8);                           // mov r8, r7
    t_mov32(c, STATE, (uint32_t)seed * 2463534242u + 1);
    for (int i = 0; i < BLOCKS; i++) {
        int other = code_label(c);
        code_bind(c, block[i]);
        t_shifted(c, EOR_REG, STATE, STATE, STATE, 0, 13);
        t_shifted(c, EOR_REG, STATE, STATE, STATE, 1, 17);
        t_shifted(c, EOR_REG, STATE, STATE, STATE, 0, 5);
        for (int k = 0; i == 7 && k < 600; k++)
            put16(c, t_adds(0, 1));
        for (uint32_t k = below(&random, 12); k > 0; k--) {
            uint32_t dice = below(&random, 20);
            if (dice < 9)
                alu(c, &random);
            else if (dice < 14)
                memory(c, &random);
            else if (dice < 17)
                it_block(c, &random);
            else if (dice < 19)
                system_instruction(c, &random, with);
            else if (with & WITH_INTERRUPTS)
                t_memory(c, STR_W, 0, DEVICE_BASE, one_in(&random, 4) ? DEVICE_CLEAR : DEVICE_RAISE);
        }
        if (with & WITH_PATCHES && i % 3 == 1)
            patch(c, &random, patched, (uint32_t)i);
        if (with & WITH_DMA && i % 3 == 2) {
            t_la(c, 12, patched[one_in(&random, 2) && i % 2 == 0 ? (uint32_t)i : below(&random, BLOCKS) & ~1u], 0);
            t_memory(c, STR_W, 12, DEVICE_BASE, DEVICE_DMA);
        }
        if (i % 2 == 0)
            code_align(c, 4, true);
        code_bind(c, patched[i]);
        put16(c, t_adds(0, (int)below(&random, 3) * 8));
        t_mov32(c, 12, 1u << below(&random, 5));
        put16(c, (uint16_t)(0x46e1));           // mov r9, r12
        put_wide(c, (uint16_t)(0xea15), 0x0f09);        // tst.w r5, r9
        t_branch(c, one_in(&random, 2) ? EQ : NE, other);
        if (one_in(&random, 3)) {
            t_la(c, 12, block[below(&random, BLOCKS)], 1);
            put16(c, t_bx(12));
        } else {
            t_branch_w(c, block[below(&random, BLOCKS)]);
        }
        code_bind(c, other);
        t_branch_w(c, block[below(&random, BLOCKS)]);
    }
    code_finish(c);
    schedule(g, &random, with, patched);
    return g;
}
