// One instruction at a time where libunicorn 2.0.1 differs from the Unprivileged ISA 20191213; expected values are the specification's
// (and Spike's: the same instructions were run through it with random operands).
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { NV = 16, DZ = 8, OF = 4, UF = 2, NX = 1, FCSR = 3, ILLEGAL = 2, LOAD_MISALIGNED = 4, STORE_MISALIGNED = 6 };
#define BOX(f) (0xffffffff00000000ull | (f))
static const uint64_t FS = 3ull << 13, FS_CLEAN = 2ull << 13, SD = 1ull << 63;
static const uint64_t NAN32 = BOX(0x7fc00000), ONE32 = BOX(0x3f800000), INF32 = BOX(0x7f800000), SNAN32 = BOX(0x7f800001), MINUS_ONE32 = BOX(0xbf800000);
static const uint64_t NAN64 = 0x7ff8000000000000, ONE64 = 0x3ff0000000000000, INF64 = 0x7ff0000000000000, SNAN64 = 0x7ff0000000000001;

static uint64_t fcsr(Rig *rig)
{
    uint64_t value = 0;
    core_rv64_csr(rig->core, FCSR, &value);
    return value;
}

// ---- floating point
enum { TO_X = 1, FROM_X = 2 };
typedef struct { const char *name; uint32_t word; uint64_t a, b, c, result; unsigned flags, kind; } FloatCase;     // f1, f2, f3 (x10) to f4 (x11)
#define F_OP(f7, rs2, rm) (0x53u | (uint32_t)(f7) << 25 | (rs2) << 20 | 1 << 15 | (rm) << 12 | 4 << 7)
#define F_FUSED(op, fmt) ((op) | (fmt) << 25 | 3u << 27 | 2 << 20 | 1 << 15 | 4 << 7)
#define TO(word) (((word) & ~(31u << 7)) | A1 << 7)
#define FROM(word) (((word) & ~(31u << 15)) | A0 << 15)

static const FloatCase float_cases[] = {
    { "fadd.s boxes", F_OP(0, 2, 0), ONE32, ONE32, 0, BOX(0x40000000), 0, 0 },
    { "fadd.s unboxes", F_OP(0, 2, 0), 0x3f800000, ONE32, 0, NAN32, 0, 0 },
    { "fsub.s", F_OP(4, 2, 0), ONE32, 0x3f800000, 0, NAN32, 0, 0 },
    { "fmul.s", F_OP(8, 2, 0), ONE32, MINUS_ONE32, 0, MINUS_ONE32, 0, 0 },
    { "fdiv.s by zero", F_OP(0xc, 2, 0), ONE32, BOX(0), 0, INF32, DZ, 0 },
    { "fsqrt.s of -1", F_OP(0x2c, 0, 0), MINUS_ONE32, 0, 0, NAN32, NV, 0 },
    { "fsqrt.s unboxes", F_OP(0x2c, 0, 0), 0x3f800000, 0, 0, NAN32, 0, 0 },
    { "fmadd.s", F_FUSED(0x43, 0u), ONE32, ONE32, ONE32, BOX(0x40000000), 0, 0 },
    { "fmsub.s unboxes its addend", F_FUSED(0x47, 0u), ONE32, ONE32, 0x3f800000, NAN32, 0, 0 },
    { "fnmsub.s", F_FUSED(0x4b, 0u), ONE32, ONE32, ONE32, BOX(0), 0, 0 },
    { "fnmadd.s", F_FUSED(0x4f, 0u), ONE32, ONE32, ONE32, BOX(0xc0000000), 0, 0 },
    { "fmadd.s, inf 0 + qNaN", F_FUSED(0x43, 0u), INF32, BOX(0), NAN32, NAN32, NV, 0 },
    { "fmadd.d, 0 inf + qNaN", F_FUSED(0x43, 1u), 0, INF64, NAN64, NAN64, NV, 0 },
    { "fmadd.d, 1 1 + qNaN", F_FUSED(0x43, 1u), ONE64, ONE64, NAN64, NAN64, 0, 0 },
    { "fsgnj.s", F_OP(0x10, 2, 0), ONE32, MINUS_ONE32, 0, MINUS_ONE32, 0, 0 },
    { "fsgnj.s unboxes", F_OP(0x10, 2, 0), 0x12345678, MINUS_ONE32, 0, BOX(0xffc00000), 0, 0 },
    { "fmv.s unboxes", F_OP(0x10, 1, 0), 0x3f800000, 0, 0, NAN32, 0, 0 },
    { "fsgnjn.s", F_OP(0x10, 2, 1), ONE32, MINUS_ONE32, 0, ONE32, 0, 0 },
    { "fneg.s unboxes", F_OP(0x10, 1, 1), 0x3f800000, 0, 0, BOX(0xffc00000), 0, 0 },
    { "fsgnjx.s", F_OP(0x10, 2, 2), MINUS_ONE32, MINUS_ONE32, 0, ONE32, 0, 0 },
    { "fabs.s unboxes", F_OP(0x10, 1, 2), 0xbf800000, 0, 0, NAN32, 0, 0 },
    { "fmv.w.x boxes", FROM(F_OP(0x78, 0, 0)), 0x7777777712345678, 0, 0, BOX(0x12345678), 0, FROM_X },
    { "fmv.x.w takes what is there", TO(F_OP(0x70, 0, 0)), 0x1234567880000000, 0, 0, 0xffffffff80000000, 0, TO_X },
    { "fclass.s unboxes", TO(F_OP(0x70, 0, 1)), 0x3f800000, 0, 0, 1 << 9, 0, TO_X },
    { "fclass.s of -inf", TO(F_OP(0x70, 0, 1)), BOX(0xff800000), 0, 0, 1 << 0, 0, TO_X },
    { "fclass.s of -subnormal", TO(F_OP(0x70, 0, 1)), BOX(0x80000001), 0, 0, 1 << 2, 0, TO_X },
    { "fclass.s of -0", TO(F_OP(0x70, 0, 1)), BOX(0x80000000), 0, 0, 1 << 3, 0, TO_X },
    { "fclass.s of 1", TO(F_OP(0x70, 0, 1)), ONE32, 0, 0, 1 << 6, 0, TO_X },
    { "fclass.s of sNaN", TO(F_OP(0x70, 0, 1)), SNAN32, 0, 0, 1 << 8, 0, TO_X },
    { "feq.s unboxes", TO(F_OP(0x50, 2, 2)), 0x3f800000, ONE32, 0, 0, 0, TO_X },
    { "flt.s with qNaN", TO(F_OP(0x50, 2, 1)), NAN32, ONE32, 0, 0, NV, TO_X },
    { "fle.s", TO(F_OP(0x50, 2, 0)), ONE32, ONE32, 0, 1, 0, TO_X },
    { "fcvt.w.s unboxes", TO(F_OP(0x60, 0, 0)), 0x3f800000, 0, 0, 0x7fffffff, NV, TO_X },
    { "fcvt.wu.s of -1", TO(F_OP(0x60, 1, 0)), MINUS_ONE32, 0, 0, 0, NV, TO_X },
    { "fcvt.wu.d of 4e9", TO(F_OP(0x61, 1, 0)), 0x41edcd6500000000, 0, 0, 0xffffffffee6b2800, 0, TO_X },
    { "fcvt.lu.s of inf", TO(F_OP(0x60, 3, 0)), INF32, 0, 0, ~0ull, NV, TO_X },
    { "fcvt.l.d of 0.5, rounded up", TO(F_OP(0x61, 2, 3)), 0x3fe0000000000000, 0, 0, 1, NX, TO_X },
    { "fcvt.s.w boxes", FROM(F_OP(0x68, 0, 0)), 1, 0, 0, ONE32, 0, FROM_X },
    { "fcvt.s.lu", FROM(F_OP(0x68, 3, 0)), ~0ull, 0, 0, BOX(0x5f800000), NX, FROM_X },
    { "fcvt.s.d boxes", F_OP(0x20, 1, 0), ONE64, 0, 0, ONE32, 0, 0 },
    { "fcvt.d.s unboxes", F_OP(0x21, 0, 0), 0x3f800000, 0, 0, NAN64, 0, 0 },
    { "fcvt.d.s of sNaN", F_OP(0x21, 0, 0), SNAN32, 0, 0, NAN64, NV, 0 },
    { "fmin.s of qNaN and 1", F_OP(0x14, 2, 0), NAN32, ONE32, 0, ONE32, 0, 0 },
    { "fmin.s of sNaN and 1", F_OP(0x14, 2, 0), SNAN32, ONE32, 0, ONE32, NV, 0 },
    { "fmax.s of 1 and sNaN", F_OP(0x14, 2, 1), ONE32, SNAN32, 0, ONE32, NV, 0 },
    { "fmax.s of two NaNs", F_OP(0x14, 2, 1), BOX(0xffc12345), BOX(0x7fc12345), 0, NAN32, 0, 0 },
    { "fmin.s of +0 and -0", F_OP(0x14, 2, 0), BOX(0), BOX(0x80000000), 0, BOX(0x80000000), 0, 0 },
    { "fmin.s unboxes", F_OP(0x14, 2, 0), 0, ONE32, 0, ONE32, 0, 0 },
    { "fmax.d of sNaN and 1", F_OP(0x15, 2, 1), SNAN64, ONE64, 0, ONE64, NV, 0 },
    { "fmax.d of -0 and +0", F_OP(0x15, 2, 1), 1ull << 63, 0, 0, 0, 0, 0 },
    { "fmin.d of 1 and inf", F_OP(0x15, 2, 0), INF64, ONE64, 0, ONE64, 0, 0 },
};

void floating_point(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = rig_bench();
    uint64_t *x = rig_x(rig), *f = x + CORE_RV64_F0;
    for (size_t i = 0; i < sizeof float_cases / sizeof *float_cases; i++) {
        const FloatCase *t = &float_cases[i];
        f[1] = x[A0] = t->a;
        f[2] = t->b;
        f[3] = t->c;
        f[4] = x[A1] = 0x5555;
        core_rv64_set_csr(rig->core, FCSR, 0);
        CoreExit exit = rig_one(rig, 3, t->word, FS_CLEAN);
        uint64_t result = t->kind == TO_X ? x[A1] : f[4];
        bool dirty = (x[CORE_RV64_MSTATUS] & (FS | SD)) == (FS | SD);
        EXPECT(report, exit == CORE_SLEEP && !rig->traps, "%s: %d traps", t->name, rig->traps);
        EXPECT(report, result == t->result && fcsr(rig) == t->flags, "%s: %llx flags %llx", t->name, (unsigned long long)result, (unsigned long long)fcsr(rig));
        EXPECT(report, dirty == (t->kind != TO_X || t->flags), "%s: FS %s", t->name, dirty ? "dirty" : "clean");
        report->runs++;
    }
    for (uint32_t rm = 0; rm < 8; rm++) {       // static rounding modes, and dynamic ones
        core_rv64_set_csr(rig->core, FCSR, rm << 5);
        rig_one(rig, 3, F_OP(0, 2, rm), FS);
        EXPECT(report, rig->traps == (rm > 4), "rounding mode %d", (int)rm);
        rig_one(rig, 3, F_OP(1, 2, 7), FS);
        EXPECT(report, rig->traps == (rm > 4) && (!rig->traps || (rig->trap[0].cause == ILLEGAL && rig->trap[0].value == F_OP(1, 2, 7))), "dynamic rounding mode %d", (int)rm);
    }
    static const uint32_t off[] = { F_OP(0x10, 2, 0), F_OP(0x11, 2, 0), F_OP(0, 2, 0), F_FUSED(0x43, 1u), 0x00052087 /* flw */, 0x00053087 /* fld */, 0x00152027 /* fsw */, 0x00153027 /* fsd */, 0x2108 /* c.fld */, 0xa108 /* c.fsd */,
        0x2082 /* c.fldsp */, 0xa006 /* c.fsdsp */ };
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        rig_x(rig)[A0] = rig_x(rig)[SP] = rig->base + 0x1000;
        rig_one(rig, 3, off[i], 0);
        EXPECT(report, rig->traps == 1 && rig->trap[0].cause == ILLEGAL && rig->trap[0].value == off[i], "%x with FS off", (int)off[i]);
        rig_one(rig, 3, off[i], FS);
        EXPECT(report, !rig->traps, "%x with FS on", (int)off[i]);
    }
    rig_free(rig);
}

// ---- FS: a block that was linked to while FS was dirty marks it again when it is reached with FS clean
void floating_point_state(int variant, ProofReport *report)
{
    uint64_t step = variant ? (uint64_t)variant : 1000;
    Code *code = code_new(ram_base(CORE_RV64));
    int behind = code_label(code);
    put32(code, TO(F_OP(0x50, 2, 1)));          // flt.s a1, f1, f2: raises NV with a NaN
    rv_branch(code, BEQ, ZERO, ZERO, behind);
    put32(code, RV_NOP);
    code_bind(code, behind);
    put32(code, F_OP(0, 2, 0));                 // fadd.s
    put32(code, RV_WFI);
    code_finish(code);
    Rig *rig = rig_new(CORE_RV64, code);
    uint64_t *x = rig_x(rig), *f = x + CORE_RV64_F0;
    for (int round = 0; round < 4; round++) {
        f[1] = round == 0 ? NAN32 : ONE32;
        f[2] = ONE32;
        core_rv64_set_csr(rig->core, FCSR, 0);
        x[CORE_RV64_PC] = rig->base;
        x[CORE_RV64_MSTATUS] = (x[CORE_RV64_MSTATUS] & ~(FS | SD)) | FS_CLEAN;
        while (core_run(rig->core, step) == CORE_BUDGET)
            ;
        EXPECT(report, (x[CORE_RV64_MSTATUS] & (FS | SD)) == (FS | SD), "round %d: mstatus %llx", round, (unsigned long long)x[CORE_RV64_MSTATUS]);
        report->runs++;
    }
    rig_free(rig);
    code_free(code);
}

// ---- AMOMIN and AMOMAX on words
void word_amos(int variant, ProofReport *report)
{
    static const uint32_t values[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };
    (void)variant;
    Rig *rig = rig_bench();
    uint64_t *x = rig_x(rig);
    for (int op = 16; op <= 28; op += 4) {
        for (int i = 0; i < 25; i++) {
            uint32_t memory = values[i / 5], source = values[i % 5];
            bool less = op < 24 ? (int32_t)source < (int32_t)memory : source < memory;
            uint32_t expected = less == (op == 16 || op == 24) ? source : memory;
            x[A0] = rig->base + 0x1000;
            x[A2] = source | 0xdeadbeef00000000;
            AT(uint64_t, rig->ram, 0x1000) = memory | 0x1234567800000000;
            core_memory_written(rig->memory, 0x1000, 8);
            rig_one(rig, 3, rv_amo(op, 2, A1, A0, A2), 0);
            EXPECT(report, AT(uint64_t, rig->ram, 0x1000) == (expected | 0x1234567800000000) && x[A1] == (uint64_t)(int32_t)memory && !rig->traps, "amo %d of %x and %x: %x, rd %llx", op, memory,
                source, AT(uint32_t, rig->ram, 0x1000), (unsigned long long)x[A1]);
            x[A0] = rig->base + 0x1002;
            rig_one(rig, 3, rv_amo(op, 2, A1, A0, A2), 0);
            EXPECT(report, rig->traps == 1 && rig->trap[0].cause == STORE_MISALIGNED && rig->trap[0].value == rig->base + 0x1002, "misaligned amo %d", op);
            report->runs++;
        }
    }
    for (int bits = 2; bits <= 3; bits++) {     // SC traps where it is misaligned, reservation or not
        for (uint64_t at = 0x1000; at < 0x1010; at++) {
            bool aligned = !(at & ((1u << bits) - 1));
            x[A0] = rig->base + at;
            rig_one(rig, 3, rv_amo(AMO_SC, bits, A1, A0, A2), 0);
            EXPECT(report, aligned ? !rig->traps && x[A1] == 1 : rig->traps == 1 && rig->trap[0].cause == STORE_MISALIGNED && rig->trap[0].value == x[A0], "sc at %x: %d traps", (int)at, rig->traps);
        }
    }
    rig_free(rig);
}

// ---- 16-bit encodings: every one, against the tables of chapter 16
static bool is_reserved(uint32_t w)
{
    uint32_t quadrant = w & 3, f3 = w >> 13, rd = w >> 7 & 31, rs2 = w >> 2 & 31, bit12 = w >> 12 & 1;
    if (quadrant == 0)
        return f3 == 4 || (f3 == 0 && !(w >> 5 & 0xff));
    if (quadrant == 1)
        return (f3 == 1 && !rd) || (f3 == 3 && !bit12 && !rs2) || (f3 == 4 && (w & 0x1c00) == 0x1c00 && w & 0x40);
    return ((f3 == 2 || f3 == 3) && !rd) || (f3 == 4 && !bit12 && !rd && !rs2);
}

void compressed_encodings(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = rig_bench();
    uint64_t *x = rig_x(rig);
    for (uint32_t w = 0; w < 0x10000; w++) {
        bool jumps = (w & 0xe003) == 0xa001 || ((w & 0xc003) == 0xc001) || ((w & 0xe07f) == 0x8002 && w >> 7 & 31) || w == 0x9002;
        if ((w & 3) == 3 || jumps)
            continue;
        for (int i = 1; i < 32; i++)
            x[i] = rig->base + 0x1000;
        rig_one(rig, 3, w, FS);
        bool illegal = rig->traps == 1 && rig->trap[0].cause == ILLEGAL && rig->trap[0].value == w;
        EXPECT(report, is_reserved(w) ? illegal : !rig->traps && x[CORE_RV64_PC] == rig->base + 10, "%04x: %d traps", w, rig->traps);
        report->runs++;
    }
    rig_free(rig);
}

// ---- misaligned loads and stores: done, unless the machine has them trap
void misaligned(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = rig_bench();
    uint64_t *x = rig_x(rig);
    const uint32_t words[] = { rv_load(3, A1, A0, 0), rv_load(1, A1, A0, 0), 0x00053007 /* fld f0, (a0) */, 0x610c /* c.ld */,
        rv_store(3, A2, A0, 0), rv_store(1, A2, A0, 0), 0x00053027 /* fsd f0, (a0) */, 0xe110 /* c.sd a2, (a0) */ };
    for (int i = 0; i < 8; i++) {
        for (int traps = 0; traps < 3; traps++) {
            core_rv64_set_options(rig->core, traps == 1 ? CORE_RV64_TRAP_MISALIGNED : 0);
            uint64_t cause = i < 4 ? LOAD_MISALIGNED : STORE_MISALIGNED;
            x[A0] = rig->base + (i % 2 ? 0x1fff : 0x1001);      // across a page, too
            rig_one(rig, 3, words[i], FS);
            EXPECT(report, traps == 1 ? rig->traps == 1 && rig->trap[0].cause == cause && rig->trap[0].value == x[A0] : !rig->traps, "%08x: %d traps", words[i], rig->traps);
            x[A0] = rig->base + 0x1008;
            rig_one(rig, 3, words[i], FS);
            EXPECT(report, !rig->traps, "%08x, aligned", words[i]);
            report->runs += 2;
        }
    }
    rig_free(rig);
}
