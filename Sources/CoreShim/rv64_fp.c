// RV64 floating point after the Unprivileged ISA 20191213, chapters 11 and 12, on the library's softfloat: its helpers neither box single
// precision results nor unbox single precision sources (12.2), and have IEEE 754-2008's minNum instead of minimumNumber (11.6).
#include "internal.h"

enum { ENV_STATUS = 0x601, STATUS_FLAGS = 2, FLAG_INVALID = 1 };        // float_status in env, its exception flags
enum { NEGATE_ADDEND = 1, NEGATE_PRODUCT = 2 };
static const uint64_t BOX = 0xffffffff00000000, FS_DIRTY = 1ull << 63 | 3 << 13;
static const uint32_t NAN32 = 0x7fc00000, SIGN32 = 1u << 31, INFINITE32 = 0x7f800000, QUIET32 = 1 << 22;
static const uint64_t NAN64 = 0x7ff8000000000000, SIGN64 = 1ull << 63, INFINITE64 = 0x7ff0000000000000, QUIET64 = 1ull << 51;

static inline uint32_t unbox(uint64_t f)
{
    return f >> 32 == 0xffffffff ? (uint32_t)f : NAN32;
}

static inline uint64_t box(uint32_t f)
{
    return BOX | f;
}

// ---- arithmetic: the library's softfloat, resolved once
typedef uint32_t One32(uint32_t, void *), Two32(uint32_t, uint32_t, void *), Fused32(uint32_t, uint32_t, uint32_t, int, void *);
typedef uint64_t Fused64(uint64_t, uint64_t, uint64_t, int, void *);
typedef uint64_t Widen(uint32_t, void *);
typedef uint32_t Narrow(uint64_t, void *);
typedef int Compare32(uint32_t, uint32_t, void *), Compare64(uint64_t, uint64_t, void *);

static struct {
    Two32 *add, *sub, *mul, *div;
    One32 *sqrt;
    Fused32 *muladd32;
    Fused64 *muladd64;
    Widen *to_float64;
    Narrow *from_float64;
    Compare32 *le, *lt, *eq;
    Compare64 *le64, *lt64, *eq64;
} soft;

void rv64_fp_set_up(void)
{
    struct { void *slot; const char *name; } wanted[] = {
        { &soft.add, "float32_add" }, { &soft.sub, "float32_sub" }, { &soft.mul, "float32_mul" }, { &soft.div, "float32_div" },
        { &soft.sqrt, "float32_sqrt" }, { &soft.muladd32, "float32_muladd" },
        { &soft.muladd64, "float64_muladd" }, { &soft.to_float64, "float32_to_float64" },
        { &soft.from_float64, "float64_to_float32" }, { &soft.le, "float32_le" }, { &soft.lt, "float32_lt" }, { &soft.eq, "float32_eq_quiet" },
        { &soft.le64, "float64_le" }, { &soft.lt64, "float64_lt" }, { &soft.eq64, "float64_eq_quiet" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        *(void **)wanted[i].slot = real_symbol(wanted[i].name, "_riscv64");
}

static inline void *status(char *env)
{
    return env + ENV_STATUS;
}

static inline uint8_t *flags(char *env)
{
    return (uint8_t *)env + ENV_STATUS + STATUS_FLAGS;
}

#define TWO32(name, function) \
    uint64_t helper_##name##_riscv64(char *env, uint64_t a, uint64_t b) { return box(soft.function(unbox(a), unbox(b), status(env))); }
TWO32(fadd_s, add)
TWO32(fsub_s, sub)
TWO32(fmul_s, mul)
TWO32(fdiv_s, div)

uint64_t helper_fsqrt_s_riscv64(char *env, uint64_t a)
{
    return box(soft.sqrt(unbox(a), status(env)));
}

uint64_t helper_fcvt_s_d_riscv64(char *env, uint64_t a)
{
    return box(soft.from_float64(a, status(env)));
}

uint64_t helper_fcvt_d_s_riscv64(char *env, uint64_t a)
{
    return soft.to_float64(unbox(a), status(env));
}

// ---- fused multiply-add: infinity times zero is invalid even where a quiet NaN is added (11.6), which the library forgets
#define FUSED(bits, type) \
    static inline type fused##bits(char *env, type a, type b, type c, int negate) \
    { \
        type result = soft.muladd##bits(a, b, c, negate, status(env)); \
        type x = a & ~SIGN##bits, y = b & ~SIGN##bits; \
        if (result == NAN##bits && ((x == INFINITE##bits && !y) || (!x && y == INFINITE##bits))) \
            *flags(env) |= FLAG_INVALID; \
        return result; \
    }
FUSED(32, uint32_t)
FUSED(64, uint64_t)

#define FUSED_BOTH(name, negate) \
    uint64_t helper_##name##_s_riscv64(char *env, uint64_t a, uint64_t b, uint64_t c) { return box(fused32(env, unbox(a), unbox(b), unbox(c), negate)); } \
    uint64_t helper_##name##_d_riscv64(char *env, uint64_t a, uint64_t b, uint64_t c) { return fused64(env, a, b, c, negate); }
FUSED_BOTH(fmadd, 0)
FUSED_BOTH(fmsub, NEGATE_ADDEND)
FUSED_BOTH(fnmsub, NEGATE_PRODUCT)
FUSED_BOTH(fnmadd, NEGATE_ADDEND | NEGATE_PRODUCT)

// ---- what has no arithmetic in it: called through rv64_decode.c, since the library translates these without unboxing
uint64_t rv64_fsgnj_s(char *env, uint64_t a, uint64_t b)
{
    (void)env;
    return box((unbox(a) & ~SIGN32) | (unbox(b) & SIGN32));
}

uint64_t rv64_fsgnjn_s(char *env, uint64_t a, uint64_t b)
{
    (void)env;
    return box((unbox(a) & ~SIGN32) | (~unbox(b) & SIGN32));
}

uint64_t rv64_fsgnjx_s(char *env, uint64_t a, uint64_t b)
{
    (void)env;
    return box(unbox(a) ^ (unbox(b) & SIGN32));
}

// ---- minimumNumber and maximumNumber: a NaN loses against a number, -0 is below +0, and only a signalling NaN is invalid
#define MINIMUM(bits, type) \
    static inline bool is_nan##bits(type f) { return (f & ~SIGN##bits) > INFINITE##bits; } \
    static inline type order##bits(type f) { return f & SIGN##bits ? ~f : f | SIGN##bits; } \
    static type least##bits(char *env, type a, type b, bool greatest) \
    { \
        if ((is_nan##bits(a) && !(a & QUIET##bits)) || (is_nan##bits(b) && !(b & QUIET##bits))) \
            *flags(env) |= FLAG_INVALID; \
        if (is_nan##bits(a)) \
            return is_nan##bits(b) ? NAN##bits : b; \
        if (is_nan##bits(b)) \
            return a; \
        return (order##bits(a) < order##bits(b)) != greatest ? a : b; \
    }
MINIMUM(32, uint32_t)
MINIMUM(64, uint64_t)

uint64_t helper_fmin_s_riscv64(char *env, uint64_t a, uint64_t b) { return box(least32(env, unbox(a), unbox(b), false)); }
uint64_t helper_fmax_s_riscv64(char *env, uint64_t a, uint64_t b) { return box(least32(env, unbox(a), unbox(b), true)); }
uint64_t helper_fmin_d_riscv64(char *env, uint64_t a, uint64_t b) { return least64(env, a, b, false); }
uint64_t helper_fmax_d_riscv64(char *env, uint64_t a, uint64_t b) { return least64(env, a, b, true); }

uint64_t helper_fclass_s_riscv64(uint64_t boxed)
{
    uint32_t f = unbox(boxed), magnitude = f & ~SIGN32;
    bool negative = f & SIGN32;
    if (is_nan32(f))
        return f & QUIET32 ? 1 << 9 : 1 << 8;
    int from_zero = magnitude == 0 ? 0 : magnitude < 1 << 23 ? 1 : magnitude < INFINITE32 ? 2 : 3;
    return 1 << (negative ? 3 - from_zero : 4 + from_zero);
}

// ---- to an integer register: the floating-point state that these change is fflags alone, so it is dirty only if they raise one
#define RAISES(env, expression) ({ \
    uint8_t before_ = *flags(env); \
    *flags(env) = 0; \
    uint64_t result_ = (uint64_t)(expression); \
    if (*flags(env)) \
        AT(uint64_t, env, RV_MSTATUS) |= FS_DIRTY; \
    *flags(env) |= before_; \
    result_; })

#define COMPARE(name, function) \
    uint64_t helper_##name##_s_riscv64(char *env, uint64_t a, uint64_t b) { return RAISES(env, soft.function(unbox(a), unbox(b), status(env))); } \
    uint64_t helper_##name##_d_riscv64(char *env, uint64_t a, uint64_t b) { return RAISES(env, soft.function##64(a, b, status(env))); }
COMPARE(fle, le)
COMPARE(flt, lt)
COMPARE(feq, eq)

typedef uint64_t Convert(char *, uint64_t);
#define TO_INTEGER(name, precision, source) \
    uint64_t helper_##name##_##precision##_riscv64(char *env, uint64_t a) \
    { \
        static Convert *library; \
        if (!library) *(void **)&library = real_symbol("helper_" #name "_" #precision, "_riscv64"); \
        return RAISES(env, library(env, source)); \
    }
#define FROM_INTEGER(name) \
    uint64_t helper_fcvt_s_##name##_riscv64(char *env, uint64_t a) \
    { \
        static Convert *library; \
        if (!library) *(void **)&library = real_symbol("helper_fcvt_s_" #name, "_riscv64"); \
        return box((uint32_t)library(env, a)); \
    }
#define BOTH(name) TO_INTEGER(fcvt_##name, s, unbox(a)) TO_INTEGER(fcvt_##name, d, a) FROM_INTEGER(name)
BOTH(w)
BOTH(wu)
BOTH(l)
BOTH(lu)
