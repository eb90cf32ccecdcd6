// Single-precision floating point of the Cortex-M4 on the host's SSE, where result and flags are certain to be those of the library's
// helper; everywhere else the helper computes.
//
// The host is asked only while the guest rounds to nearest, does not flush denormals and has FPSCR.IXC set already: then inexact says
// nothing new. A result between twice the smallest normal and the largest finite number neither overflowed nor was tiny before or after
// rounding, and no operand was a NaN or a divisor zero. So no flag can change, and the host's result is the one that IEEE 754 requires.
#define _GNU_SOURCE
#include "internal.h"
#include <immintrin.h>
#include <string.h>

typedef uint32_t f32;
enum { FLAG_INEXACT = 0x20 };

// float_status: [1] rounding mode, [2] flags, [4] flush to zero, [5] flush inputs to zero
static inline bool certain(const uint8_t *status, f32 result)
{
    const uint64_t modes = 0x0000ffff0020ff00, inexact_only = FLAG_INEXACT << 16;
    const f32 low = 0x01000000u << 1, high = 0x7f800000u << 1;
    return (*(const uint64_t *)status & modes) == inexact_only && (result << 1) - low < high - low;
}

static inline __m128 host(f32 x)
{
    return _mm_castsi128_ps(_mm_cvtsi32_si128((int)x));
}

static inline f32 guest(__m128 x)
{
    return (f32)_mm_cvtsi128_si32(_mm_castps_si128(x));
}

#define TWO_OPERANDS(name, operation) \
    f32 helper_vfp_##name##s_arm(f32 a, f32 b, uint8_t *status) { \
        f32 result = guest(operation(host(a), host(b))); \
        if (__builtin_expect(usable && certain(status, result), 1)) \
            return result; \
        return real.f32_##name(a, b, status); }
TWO_OPERANDS(add, _mm_add_ss)
TWO_OPERANDS(sub, _mm_sub_ss)
TWO_OPERANDS(mul, _mm_mul_ss)
TWO_OPERANDS(div, _mm_div_ss)

f32 helper_vfp_sqrts_arm(f32 a, char *env)
{
    f32 result = guest(_mm_sqrt_ss(host(a)));
    if (usable && certain(&AT(uint8_t, env, ARM_FP_STATUS), result))
        return result;
    return real.f32_sqrt(a, env);
}

static bool has_fma;

__attribute__((constructor)) static void look_for_fma(void)
{
    has_fma = __builtin_cpu_supports("fma");
}

__attribute__((target("fma"))) static f32 fma_of_host(f32 a, f32 b, f32 c)
{
    return guest(_mm_fmadd_ss(host(a), host(b), host(c)));
}

f32 helper_vfp_muladds_arm(f32 a, f32 b, f32 c, uint8_t *status)
{
    f32 result = has_fma ? fma_of_host(a, b, c) : 0;
    if (usable && certain(status, result))
        return result;
    return real.f32_muladd(a, b, c, status);
}

// ---- to and from integers, which can only be inexact or out of range. Those of up to 24 bits are exact whatever the mode
#define FROM_INTEGER(name, type) \
    f32 helper_vfp_##name##s_arm(uint32_t x, uint8_t *status) { \
        int64_t integer = (type)x; \
        f32 result = guest(_mm_cvtsi64_ss(_mm_setzero_ps(), integer)); \
        bool exact = integer >= -(1 << 24) && integer <= 1 << 24; \
        if (usable && (exact || certain(status, result))) \
            return result; \
        return real.f32_##name(x, status); }
FROM_INTEGER(sito, int32_t)
FROM_INTEGER(uito, uint32_t)

// VCVT from fixed point rounds to nearest whatever FPSCR says (A7.7.229); the library rounds as FPSCR says.
#define FROM_FIXED(name) \
    f32 helper_vfp_##name##s_arm(uint32_t x, uint32_t shift, uint8_t *status) { \
        uint8_t rounding = status[1]; \
        status[1] = usable ? 0 : rounding; \
        f32 result = real.f32_##name(x, shift, status); \
        status[1] = rounding; \
        return result; }
FROM_FIXED(slto)
FROM_FIXED(ulto)

static inline bool inexact_is_old(const uint8_t *status)
{
    return status[2] & FLAG_INEXACT;
}

#define TO_INTEGER(name, type, low, high) \
    uint32_t helper_vfp_##name##s_arm(f32 a, uint8_t *status) { \
        float x = _mm_cvtss_f32(host(a)); \
        if (usable && x > (low) && x < (high) && !status[5]) { \
            type result = (type)x; \
            if ((float)result == x || inexact_is_old(status)) \
                return (uint32_t)result; \
        } \
        return real.f32_##name(a, status); }
TO_INTEGER(tosiz, int32_t, -0x1p31f, 0x1p31f)
TO_INTEGER(touiz, uint32_t, 0.0f, 0x1p32f)

// ---- VCMP and VCMPE of numbers: no flag but NZCV, which lives apart
static inline bool compare(f32 a, f32 b, char *env)
{
    const f32 infinity = 0x7f800000u << 1;
    if (!usable || AT(uint8_t, env, ARM_FP_STATUS + 5) || a << 1 > infinity || b << 1 > infinity)
        return false;
    float x = _mm_cvtss_f32(host(a)), y = _mm_cvtss_f32(host(b));
    uint32_t flags = x < y ? 8 : x == y ? 6 : 2;
    AT(uint32_t, env, ARM_FPSCR_FLAGS) = (AT(uint32_t, env, ARM_FPSCR_FLAGS) & 0x0fffffff) | flags << 28;
    return true;
}

void helper_vfp_cmps_arm(f32 a, f32 b, char *env)
{
    if (!compare(a, b, env))
        real.f32_cmp(a, b, env);
}

void helper_vfp_cmpes_arm(f32 a, f32 b, char *env)
{
    if (!compare(a, b, env))
        real.f32_cmpe(a, b, env);
}

// ---- the same without a call. Translated code loads both operands from env, calls the helper and stores the result, always in the same 31
// bytes; they get a jump to a stub behind the block, which computes in a register of the host and falls back on the call. On a filter, where
// each result is the next operand, half of the time went into passing it on.
enum { SITE = 31, CALL_PART = 7, STUB = 96 };

static uint8_t operation_at(const uint8_t *site)                // the byte that tells ADDSS, SUBSS, MULSS and DIVSS apart; 0: it is none of them
{
    static const struct { void *helper; uint8_t byte; } operations[] = {
        { (void *)helper_vfp_adds_arm, 0x58 }, { (void *)helper_vfp_subs_arm, 0x5c }, { (void *)helper_vfp_muls_arm, 0x59 }, { (void *)helper_vfp_divs_arm, 0x5e } };
    bool fits = AT(uint16_t, site, 7) == 0xbd8b && AT(uint16_t, site, 13) == 0xb58b && AT(uint16_t, site, 19) == 0x15ff && AT(uint16_t, site, 25) == 0x8589;
    for (size_t i = 0; fits && i < sizeof operations / sizeof *operations; i++) {
        if (AT(void *, site, 25 + AT(int32_t, site, 21)) == operations[i].helper)
            return operations[i].byte;
    }
    return 0;
}

static uint8_t *put(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static uint8_t *put_jump(uint8_t *p, const uint8_t *target)
{
    int32_t distance = (int32_t)(target - (p + 5));
    return put(put(p, "\xe9", 1), &distance, 4);
}

static uint8_t *put_stub(uint8_t *p, uint8_t *site, uint8_t operation)
{
    const uint8_t operate[] = { 0xf3, 0x0f, operation, 0x85 };
    uint8_t *refused[3];
    p = put(put(p, "\xf3\x0f\x10\x85", 4), site + 9, 4);                        // movss first(%rbp),%xmm0
    p = put(put(p, operate, 4), site + 15, 4);                                  // addss second(%rbp),%xmm0
    p = put(p, "\x8b\x8d\x88\x0e\0\0\x81\xe1\x00\xff\x20\x00\x81\xf9\x00\x00\x20\x00\x75", 19);  // rounding mode and flags, as certain() has it
    refused[0] = p++;
    p = put(p, "\x66\x83\xbd\x8c\x0e\0\0\0\x75", 9);                           // cmpw $0,status+4(%rbp): flushing
    refused[1] = p++;
    p = put(p, "\x66\x0f\x7e\xc0\x8d\x14\x00\x81\xea\0\0\0\x02\x81\xfa\0\0\0\xfd\x73", 20);      // movd %xmm0,%eax; the range of certain()
    refused[2] = p++;
    p = put(put(p, "\xf3\x0f\x11\x85", 4), site + 27, 4);                       // movss %xmm0,result(%rbp)
    p = put_jump(p, site + SITE);
    for (int i = 0; i < 3; i++)
        *refused[i] = (uint8_t)(p - (refused[i] + 1));
    p = put(p, site, CALL_PART);                                // lea status(%rbp),%rdx: what the jump will overwrite
    return put_jump(p, site + CALL_PART);
}

uint8_t *inline_floats(uint8_t *code, uint8_t *end, const uint8_t *limit)
{
    static const uint8_t status_argument[CALL_PART] = { 0x48, 0x8d, 0x95, ARM_FP_STATUS & 0xff, ARM_FP_STATUS >> 8, 0, 0 };
    const uint8_t *code_end = end;
    for (uint8_t *site = code; (site = memmem(site, (size_t)(code_end - site), status_argument, CALL_PART)) && site + SITE <= code_end; site += CALL_PART) {
        uint8_t operation = operation_at(site);
        if (!operation || end + STUB > limit)
            continue;
        uint8_t *stub = end;
        end = put_stub(stub, site, operation);
        put_jump(site, stub);
    }
    return end;
}
