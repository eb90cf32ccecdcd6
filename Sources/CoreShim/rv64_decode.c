// What the library's RV64 translator gets wrong: reserved compressed encodings that it executes, HINTs that it refuses, moves of single
// precision values that it does not box, AMOMIN and AMOMAX on words. Each instruction is looked at before the library sees it; it may get
// another one in its place, whose operations are then corrected.
#include "internal.h"

uint64_t rv64_fsgnj_s(char *, uint64_t, uint64_t), rv64_fsgnjn_s(char *, uint64_t, uint64_t), rv64_fsgnjx_s(char *, uint64_t, uint64_t);
uint64_t helper_fmin_s_riscv64(char *, uint64_t, uint64_t);
void helper_wfi_riscv64(char *);
void helper_tlb_flush_riscv64(char *);

enum { C_ILLEGAL = 0x0000, C_NOP = 0x0001 };
enum { DB_FS = 0x40, FS_CLEAN = 2 << 13, FS_DIRTY = 3 << 13 };        // DisasContext
enum { TCG_ENV = 0x88f0, TCG_UC = 0x8970, TCG_GPR = 0x8bd0, TCG_FPR = 0x8cd8, TYPE_I64 = 1, MO_SIGN = 4, MO_SIZE = 3, MO_32 = 2 };

static struct {
    char *(*temp_new)(char *, int, bool);
    void (*temp_free)(char *, char *);
    void (*load)(char *, void *, void *, uint64_t, int), (*store)(char *, void *, void *, uint64_t, int);
    void (*extend_signed)(char *, void *, void *), (*extend_unsigned)(char *, void *, void *);
    void (*or_immediate)(char *, void *, void *, int64_t), (*and_immediate)(char *, void *, void *, int64_t), (*xor_immediate)(char *, void *, void *, int64_t);
    void (*shift_arithmetic)(char *, void *, void *, int64_t);
    void *(*constant)(char *, int64_t);
    void (*call)(char *, void *, char *, int, char **);
    void (*choose)(char *, int, void *, void *, void *, void *, void *);
    void (*smin)(char *, void *, void *, void *), (*smax)(char *, void *, void *, void *);
    void (*umin)(char *, void *, void *, void *), (*umax)(char *, void *, void *, void *);
} tcg;

void rv64_decode_set_up(void)
{
    struct { void *slot; const char *name; } wanted[] = {
        { &tcg.temp_new, "tcg_temp_new_internal" }, { &tcg.temp_free, "tcg_temp_free_internal" }, { &tcg.load, "tcg_gen_qemu_ld_i64" },
        { &tcg.store, "tcg_gen_qemu_st_i64" }, { &tcg.extend_signed, "tcg_gen_ext32s_i64" }, { &tcg.extend_unsigned, "tcg_gen_ext32u_i64" },
        { &tcg.or_immediate, "tcg_gen_ori_i64" },
        { &tcg.and_immediate, "tcg_gen_andi_i64" }, { &tcg.xor_immediate, "tcg_gen_xori_i64" }, { &tcg.shift_arithmetic, "tcg_gen_sari_i64" },
        { &tcg.constant, "tcg_const_i64" }, { &tcg.call, "tcg_gen_callN" }, { &tcg.choose, "tcg_gen_movcond_i64" }, { &tcg.smin, "tcg_gen_smin_i64" }, { &tcg.smax, "tcg_gen_smax_i64" },
        { &tcg.umin, "tcg_gen_umin_i64" }, { &tcg.umax, "tcg_gen_umax_i64" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        *(void **)wanted[i].slot = real_symbol(wanted[i].name, "_riscv64");
}

// ---- 16-bit encodings (Unprivileged ISA, tables 16.5 to 16.7)
static uint32_t compressed(uint32_t w)          // what the library gets instead
{
    uint32_t rd = w >> 7 & 31, rs2 = w >> 2 & 31, bit12 = w >> 12 & 1, immediate = bit12 << 5 | rs2;
    switch ((w & 3) << 3 | w >> 13) {
    case 000:                                   // c.addi4spn
        return w >> 5 & 0xff ? w : C_ILLEGAL;
    case 004:
        return C_ILLEGAL;
    case 011:                                   // c.addiw
        return rd ? w : C_ILLEGAL;
    case 013:                                   // c.lui, c.addi16sp
        return immediate ? w : C_ILLEGAL;
    case 014:
        if ((w >> 10 & 3) == 3)                 // register forms
            return bit12 && w >> 6 & 1 ? C_ILLEGAL : w;
        return (w >> 10 & 3) < 2 && !immediate ? C_NOP : w;     // c.srli, c.srai by 0
    case 020:                                   // c.slli by 0
        return immediate ? w : C_NOP;
    case 022: case 023:                         // c.lwsp, c.ldsp
        return rd ? w : C_ILLEGAL;
    case 024:                                   // c.jr, c.mv, c.ebreak, c.jalr, c.add
        return !bit12 && !rd && !rs2 ? C_ILLEGAL : w;
    }
    return w;
}

static bool is_sign_injection(uint32_t w)       // fsgnj.s, fsgnjn.s, fsgnjx.s
{
    return (w & 0xfe00007f) == 0x20000053 && (w >> 12 & 7) < 3;
}

static bool is_move(uint32_t w)                 // and so fmv.s, fneg.s, fabs.s
{
    return is_sign_injection(w) && (w >> 15 & 31) == (w >> 20 & 31);
}

static bool is_float(uint32_t w)                // some of these the library executes with FS = 0
{
    if ((w & 3) != 3)
        return !(w & 1) && (w >> 13 & 3) == 1;
    return (w & 0x5f) == 0x07 || (w & 0x73) == 0x43 || (w & 0x7f) == 0x53;      // loads and stores; fused; the rest
}

uint32_t rv64_substitute(uint32_t word, bool floats_off)
{
    enum { FMIN_S = 0x28000053, FSGNJ_D = 0x22000053, ILLEGAL = 0xffffffff };
    if (floats_off && is_float(word))
        return (word & 3) == 3 ? ILLEGAL : C_ILLEGAL;
    if ((word & 3) != 3)
        return compressed(word & 0xffff);
    if (is_move(word))
        return FSGNJ_D | (word & 0x01ff8f80);   // what it moves is unboxed behind it
    if (is_sign_injection(word))
        return FMIN_S | (word & 0x01ff8f80);    // of the same registers: a call that rv64_correct redirects
    return word;
}

// ---- behind the library's translation
static char *last_op(const char *context)
{
    return AT(char *, context, TCG_OPS + 8) - OP_NEXT;
}

static bool calls(const char *op, int argument, const void *function)
{
    return AT(uint8_t, op, 0) == OP_CALL && AT(const void *, op, OP_ARGS + 8 * argument) == function;
}

void rv64_begin_block(char *db)
{
    if (AT(uint32_t, db, DB_FS) == FS_DIRTY)    // whoever jumps here may not have been translated for that: mstatus is marked again
        AT(uint32_t, db, DB_FS) = FS_CLEAN;
}

static void *new_temp(char *context)
{
    return (void *)(tcg.temp_new(context, TYPE_I64, false) - context);
}

static void free_temp(char *context, void *temp)
{
    tcg.temp_free(context, context + (uintptr_t)temp);
}

static void unbox_move(char *context, uint32_t word)
{
    enum { EQUAL = 8 };
    void *fpr = AT(void *, context, TCG_FPR + 8 * (word >> 7 & 31));
    void *high = new_temp(context), *boxed = tcg.constant(context, -1), *nan = tcg.constant(context, (int64_t)0xffffffff7fc00000);
    tcg.shift_arithmetic(context, high, fpr, 32);
    tcg.choose(context, EQUAL, fpr, high, boxed, fpr, nan);
    if ((word >> 12 & 7) == 1)
        tcg.xor_immediate(context, fpr, fpr, 1ll << 31);
    if ((word >> 12 & 7) == 2)
        tcg.and_immediate(context, fpr, fpr, ~(1ll << 31));
    free_temp(context, nan);
    free_temp(context, boxed);
    free_temp(context, high);
}

// True: the block must end here.
bool rv64_correct(char *context, uint32_t word)
{
    static uint64_t (*const injections[])(char *, uint64_t, uint64_t) = { rv64_fsgnj_s, rv64_fsgnjn_s, rv64_fsgnjx_s };
    if (is_move(word)) {
        unbox_move(context, word);
    } else if (is_sign_injection(word)) {
        char *op = last_op(context);
        while (!calls(op, 4, helper_fmin_s_riscv64))
            op = AT(char *, op, OP_NEXT + 8) - OP_NEXT;
        AT(const void *, op, OP_ARGS + 8 * 4) = injections[word >> 12 & 7];
    }
    if ((word & 0xfff0707f) == 0xf0000053) {    // fmv.w.x
        void *fpr = AT(void *, context, TCG_FPR + 8 * (word >> 7 & 31));
        tcg.or_immediate(context, fpr, fpr, (int64_t)0xffffffff00000000);
    }
    return calls(last_op(context), 1, helper_wfi_riscv64) || calls(last_op(context), 1, helper_tlb_flush_riscv64);
}

// ---- SC: the library compares addresses first, and so lets one fail in silence that may not store there at all; and it compares what LR found
// with what is there now, each as long as its own instruction has it
uint64_t helper_csrrw_riscv64(char *, uint64_t, uint64_t);

static uint64_t before_sc(char *env, uint64_t address, uint64_t size)
{
    Core *c = core_of_cpu(env - rv64.env);
    if (c)
        rv64_before_sc(c, address, (unsigned)size, (uintptr_t)__builtin_return_address(0));
    return 0;
}

void rv64_precede(char *context, uint32_t word)
{
    if ((word & 0xf800607f) != 0x1800202f)
        return;
    int rs1 = word >> 15 & 31;
    void *zero = tcg.constant(context, 0), *size = tcg.constant(context, word >> 12 & 1 ? 8 : 4), *nothing = new_temp(context);
    void *operands[] = { AT(void *, context, TCG_ENV), rs1 ? AT(void *, context, TCG_GPR + 8 * rs1) : zero, size };
    char *temps[3];
    for (int i = 0; i < 3; i++)
        temps[i] = context + (uintptr_t)operands[i];
    tcg.call(context, (void *)helper_csrrw_riscv64, context + (uintptr_t)nothing, 3, temps);      // a helper that the library knows, of the same shape
    AT(void *, last_op(context), OP_ARGS + 8 * 4) = (void *)before_sc;
    free_temp(context, nothing);
    free_temp(context, size);
    free_temp(context, zero);
}

// ---- an option: misaligned loads and stores trap. The alignment is part of the test that every access makes against the soft TLB
static int aligned(char *context, int operation)
{
    enum { ALIGN = 7 << 4 };
    Core *c = core_of_uc(AT(char *, context, TCG_UC));
    return c && c->rv64_options & CORE_RV64_TRAP_MISALIGNED ? operation | ALIGN : operation;
}

void tcg_gen_qemu_ld_i64_riscv64(char *context, void *value, void *address, uint64_t mmu, int operation)
{
    tcg.load(context, value, address, mmu, aligned(context, operation));
}

void tcg_gen_qemu_st_i64_riscv64(char *context, void *value, void *address, uint64_t mmu, int operation)
{
    tcg.store(context, value, address, mmu, aligned(context, operation));
}

// ---- AMOMIN[U].W, AMOMAX[U].W: the library compares an unsigned word of memory with a signed register
static void word_amo(char *context, void *result, void *address, void *value, uint64_t mmu, int operation, bool is_signed, void (*choose)(char *, void *, void *, void *))
{
    void *old = new_temp(context), *new = new_temp(context);
    tcg.load(context, old, address, mmu, is_signed ? operation | MO_SIGN : operation & ~MO_SIGN);
    (is_signed ? tcg.extend_signed : tcg.extend_unsigned)(context, new, value);
    choose(context, new, old, new);
    tcg.store(context, new, address, mmu, operation & ~MO_SIGN);
    tcg.extend_signed(context, result, old);
    free_temp(context, new);
    free_temp(context, old);
}

#define WORD_AMO(name, is_signed, choose) \
    void tcg_gen_atomic_fetch_##name##_i64_riscv64(char *context, void *result, void *address, void *value, uint64_t mmu, int operation) \
    { \
        static void (*library)(char *, void *, void *, void *, uint64_t, int); \
        if (!library) *(void **)&library = real_symbol("tcg_gen_atomic_fetch_" #name "_i64", "_riscv64"); \
        if (usable && (operation & MO_SIZE) == MO_32) \
            word_amo(context, result, address, value, mmu, operation, is_signed, choose); \
        else \
            library(context, result, address, value, mmu, operation); \
    }
WORD_AMO(smin, true, tcg.smin)
WORD_AMO(smax, true, tcg.smax)
WORD_AMO(umin, false, tcg.umin)
WORD_AMO(umax, false, tcg.umax)
