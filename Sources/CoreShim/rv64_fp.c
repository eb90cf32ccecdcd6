// RV64 floating point after the Unprivileged ISA 20191213, chapters 11 and 12, on the library's softfloat: its helpers neither box single
// precision results nor unbox single precision sources (12.2), and have IEEE 754-2008's minNum instead of minimumNumber (11.6).
#include "internal.h"
#include <emmintrin.h>

enum { ENV_STATUS = 0x601, STATUS_FLAGS = 2, FLAG_INVALID = 1, FLAG_INEXACT = 32 };        // float_status in env, its exception flags
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
typedef uint32_t One32(uint32_t, void *), Two32(uint32_t, uint32_t, void *), Fused32(uint32_t, uint32_t, uint32_t, int, void *), Narrow(uint64_t, void *);
typedef uint64_t Two64(uint64_t, uint64_t, void *), Fused64(uint64_t, uint64_t, uint64_t, int, void *), Widen(uint32_t, void *);

static struct {
    Two32 *add32, *sub32, *mul32, *div32;
    Two64 *add64, *sub64, *mul64, *div64;
    One32 *sqrt;
    Fused32 *muladd32;
    Fused64 *muladd64;
    Widen *to_float64;
    Narrow *from_float64;
} soft;
static bool host_fuses;                         // the processor has an instruction for a fused multiply-add

void rv64_fp_set_up(void)
{
    struct { void *slot; const char *name; } wanted[] = {
        { &soft.add32, "float32_add" }, { &soft.sub32, "float32_sub" }, { &soft.mul32, "float32_mul" }, { &soft.div32, "float32_div" },
        { &soft.add64, "float64_add" }, { &soft.sub64, "float64_sub" }, { &soft.mul64, "float64_mul" }, { &soft.div64, "float64_div" },
        { &soft.sqrt, "float32_sqrt" }, { &soft.muladd32, "float32_muladd" }, { &soft.muladd64, "float64_muladd" },
        { &soft.to_float64, "float32_to_float64" }, { &soft.from_float64, "float64_to_float32" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        *(void **)wanted[i].slot = real_symbol(wanted[i].name, "_riscv64");
    __builtin_cpu_init();
    host_fuses = __builtin_cpu_supports("fma");
}

static inline void *status(char *env)
{
    return env + ENV_STATUS;
}

static inline uint8_t *flags(char *env)
{
    return (uint8_t *)env + ENV_STATUS + STATUS_FLAGS;
}

// Where the host's own arithmetic gives the same: to nearest, with the inexact flag up already, of zeros and normal numbers, to a normal
// number. (With no look at the host's flags this is as fast as the library, which does the same behind one more call.)
static inline bool ready(const char *env)
{
    enum { NEAREST = 0, INEXACT = 32 };
    return (AT(uint16_t, env, ENV_STATUS + STATUS_FLAGS - 1) & (0xff | INEXACT << 8)) == (NEAREST | INEXACT << 8);
}

#define HOST(bits, type, real, least_exponent) \
    static inline real host##bits(type f) { union { type from; real to; } u = { f }; return u.to; } \
    static inline type guest##bits(real f) { union { real from; type to; } u = { f }; return u.to; } \
    static inline bool plain##bits(type f) { type x = f & ~SIGN##bits; return x - least_exponent < INFINITE##bits - least_exponent || !x; } \
    static inline bool normal##bits(type f) { return (f & ~SIGN##bits) - least_exponent - 1 < INFINITE##bits - least_exponent - 1; }
HOST(32, uint32_t, float, 0x00800000)
HOST(64, uint64_t, double, 0x0010000000000000)

#define TWO(name, function, operator) \
    uint64_t helper_##name##_s_riscv64(char *env, uint64_t a, uint64_t b) \
    { \
        uint32_t x = unbox(a), y = unbox(b); \
        if (ready(env) && plain32(x) && plain32(y)) { \
            uint32_t result = guest32(host32(x) operator host32(y)); \
            if (normal32(result)) \
                return box(result); \
        } \
        return box(soft.function##32(x, y, status(env))); \
    } \
    uint64_t helper_##name##_d_riscv64(char *env, uint64_t a, uint64_t b) \
    { \
        if (ready(env) && plain64(a) && plain64(b)) { \
            uint64_t result = guest64(host64(a) operator host64(b)); \
            if (normal64(result)) \
                return result; \
        } \
        return soft.function##64(a, b, status(env)); \
    }
TWO(fadd, add, +)
TWO(fsub, sub, -)
TWO(fmul, mul, *)
TWO(fdiv, div, /)

uint64_t helper_fsqrt_s_riscv64(char *env, uint64_t a)
{
    return box(soft.sqrt(unbox(a), status(env)));
}

// ---- fused multiply-add: infinity times zero is invalid even where a quiet NaN is added (11.6), which the library forgets
__attribute__((target("fma"))) static uint32_t fuse32(uint32_t a, uint32_t b, uint32_t c)
{
    return guest32(__builtin_fmaf(host32(a), host32(b), host32(c)));
}

__attribute__((target("fma"))) static uint64_t fuse64(uint64_t a, uint64_t b, uint64_t c)
{
    return guest64(__builtin_fma(host64(a), host64(b), host64(c)));
}

#define FUSED(bits, type) \
    static inline type fused##bits(char *env, type a, type b, type c, int negate) \
    { \
        type result; \
        if (ready(env) && host_fuses && plain##bits(a) && plain##bits(b) && plain##bits(c)) { \
            result = fuse##bits(negate & NEGATE_PRODUCT ? a ^ SIGN##bits : a, b, negate & NEGATE_ADDEND ? c ^ SIGN##bits : c); \
            if (normal##bits(result)) \
                return result; \
        } \
        result = soft.muladd##bits(a, b, c, negate, status(env)); \
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

uint64_t helper_fcvt_s_d_riscv64(char *env, uint64_t a)
{
    if (ready(env) && plain64(a)) {
        uint32_t result = guest32((float)host64(a));
        if (normal32(result))
            return box(result);
    }
    return box(soft.from_float64(a, status(env)));
}

uint64_t helper_fcvt_d_s_riscv64(char *env, uint64_t a)
{
    if (plain32(unbox(a)))                      // exact
        return guest64((double)host32(unbox(a)));
    return soft.to_float64(unbox(a), status(env));
}

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
static uint64_t raise_flags(char *env, uint8_t raised)
{
    *flags(env) |= raised;
    AT(uint64_t, env, RV_MSTATUS) |= FS_DIRTY;
    return 0;
}

#define COMPARE(bits, type) \
    static inline bool unordered##bits(char *env, type a, type b, bool quiet) \
    { \
        if (!is_nan##bits(a) && !is_nan##bits(b)) \
            return false; \
        bool signals = (is_nan##bits(a) && !(a & QUIET##bits)) || (is_nan##bits(b) && !(b & QUIET##bits)); \
        if (signals || !quiet) \
            raise_flags(env, FLAG_INVALID); \
        return true; \
    }
COMPARE(32, uint32_t)
COMPARE(64, uint64_t)

#define COMPARISON(name, operator, quiet) \
    uint64_t helper_##name##_s_riscv64(char *env, uint64_t a, uint64_t b) \
    { \
        uint32_t x = unbox(a), y = unbox(b); \
        return !unordered32(env, x, y, quiet) && host32(x) operator host32(y); \
    } \
    uint64_t helper_##name##_d_riscv64(char *env, uint64_t a, uint64_t b) { return !unordered64(env, a, b, quiet) && host64(a) operator host64(b); }
COMPARISON(fle, <=, false)
COMPARISON(flt, <, false)
COMPARISON(feq, ==, true)

typedef uint64_t Convert(char *, uint64_t);
static inline uint64_t to_integer(char *env, Convert *library, uint64_t a)
{
    uint8_t before = *flags(env);
    *flags(env) = 0;
    uint64_t result = library(env, a);
    uint8_t raised = *flags(env);
    *flags(env) = before;
    if (raised)
        raise_flags(env, raised);
    return result;
}

static inline uint8_t rounding(const char *env)
{
    return AT(uint8_t, env, ENV_STATUS + STATUS_FLAGS - 1);
}

// low and high: what a double has room for to both sides of every integer of that type
#define TO_INTEGER(name, precision, source, low, high, type) \
    uint64_t helper_##name##_##precision##_riscv64(char *env, uint64_t a) \
    { \
        enum { TO_NEAREST = 0, TO_ZERO = 3 };   /* softfloat's */ \
        static Convert *library; \
        if (!library) *(void **)&library = real_symbol("helper_" #name "_" #precision, "_riscv64"); \
        double f = source; \
        bool truncated = rounding(env) == TO_ZERO && f > low && f < high; \
        if (truncated || (rounding(env) == TO_NEAREST && f > low + 1 && f < high - 1)) { \
            int64_t result = truncated ? (int64_t)f : _mm_cvtsd_si64(_mm_set_sd(f)); \
            if ((double)result != f) \
                raise_flags(env, FLAG_INEXACT); \
            return (uint64_t)(int64_t)(type)result; \
        } \
        return to_integer(env, library, a); \
    }
#define FROM_INTEGER(name) \
    uint64_t helper_fcvt_s_##name##_riscv64(char *env, uint64_t a) \
    { \
        static Convert *library; \
        if (!library) *(void **)&library = real_symbol("helper_fcvt_s_" #name, "_riscv64"); \
        return box((uint32_t)library(env, a)); \
    }
#define BOTH(name, low, high, type) \
    TO_INTEGER(fcvt_##name, s, host32((uint32_t)(a = unbox(a))), low, high, type) TO_INTEGER(fcvt_##name, d, host64(a), low, high, type) FROM_INTEGER(name)
BOTH(w, -2147483649.0, 2147483648.0, int32_t)
BOTH(wu, -1.0, 4294967296.0, int32_t)
BOTH(l, -9223372036854774784.0, 9223372036854774784.0, int64_t)
BOTH(lu, -1.0, 9223372036854774784.0, int64_t)
