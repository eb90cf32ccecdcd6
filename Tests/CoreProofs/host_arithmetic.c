// The shim's floating-point instructions use the host's arithmetic where that gives the same: held against the library's softfloat, with every
// rounding mode and with flags up and down, on operands that lie where results change.
#define _GNU_SOURCE
#include "proofs.h"
#include "guest.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { STATUS = 0x601, MODE = 0x601, FLAGS = 0x602 + 1, ENV = 4096 };
typedef uint64_t Shim(char *, uint64_t, uint64_t, uint64_t);
typedef uint64_t Soft(uint64_t, uint64_t, uint64_t, void *, void *);
typedef struct { const char *helper, *soft; int operands, negate; bool single, to_integer; } Operation;

static const Operation operations[] = {
    { "fadd_s", "float32_add", 2, 0, true, false }, { "fsub_s", "float32_sub", 2, 0, true, false }, { "fmul_s", "float32_mul", 2, 0, true, false },
    { "fdiv_s", "float32_div", 2, 0, true, false }, { "fmadd_s", "float32_muladd", 3, 0, true, false }, { "fnmsub_s", "float32_muladd", 3, 2, true, false },
    { "fadd_d", "float64_add", 2, 0, false, false }, { "fsub_d", "float64_sub", 2, 0, false, false }, { "fmul_d", "float64_mul", 2, 0, false, false },
    { "fdiv_d", "float64_div", 2, 0, false, false }, { "fmsub_d", "float64_muladd", 3, 1, false, false }, { "fnmadd_d", "float64_muladd", 3, 3, false, false },
    { "fcvt_w_s", "float32_to_int32", 1, 0, true, true }, { "fcvt_wu_s", "float32_to_uint32", 1, 0, true, true }, { "fcvt_l_s", "float32_to_int64", 1, 0, true, true },
    { "fcvt_lu_s", "float32_to_uint64", 1, 0, true, true }, { "fcvt_w_d", "float64_to_int32", 1, 0, false, true }, { "fcvt_wu_d", "float64_to_uint32", 1, 0, false, true },
    { "fcvt_l_d", "float64_to_int64", 1, 0, false, true }, { "fcvt_lu_d", "float64_to_uint64", 1, 0, false, true },
    { "fle_s", "float32_le", 2, 0, true, false }, { "flt_d", "float64_lt", 2, 0, false, false }, { "feq_s", "float32_eq_quiet", 2, 0, true, false },
    { "feq_d", "float64_eq_quiet", 2, 0, false, false },
};

static uint64_t operand(Random *random, bool single)
{
    uint64_t bits = (uint64_t)random_next(random) << 32 | random_next(random);
    uint64_t fraction = one_in(random, 2) ? bits & (bits >> 9) & (bits << 7) : bits;
    int width = single ? 23 : 52, bias = single ? 127 : 1023, exponent;
    switch (below(random, 8)) {
    case 0: exponent = (int)below(random, 3); break;
    case 1: exponent = 2 * bias + 1 - (int)below(random, 3); break;
    case 2: exponent = bias + 28 + (int)below(random, 40); break;          // about the limits of integers
    default: exponent = bias - 30 + (int)below(random, 60);
    }
    if (one_in(random, 20))
        fraction = 0;
    uint64_t value = (fraction & ((1ull << width) - 1)) | (uint64_t)exponent << width | (one_in(random, 2) ? 1ull << (single ? 31 : 63) : 0);
    return single ? value | 0xffffffff00000000 : value;
}

static uint64_t softly(const Operation *o, void *function, uint64_t a, uint64_t b, uint64_t c, void *status)
{
    uint64_t result;
    if (o->operands == 3)
        result = ((uint64_t (*)(uint64_t, uint64_t, uint64_t, int, void *))function)(a, b, c, o->negate, status);
    else if (o->operands == 2)
        result = ((uint64_t (*)(uint64_t, uint64_t, void *))function)(a, b, status);
    else
        result = ((uint64_t (*)(uint64_t, void *))function)(a, status);
    if (o->to_integer)
        return strstr(o->helper, "w") ? (uint64_t)(int64_t)(int32_t)result : result;
    return o->helper[1] == 'l' || o->helper[1] == 'e' ? (uint32_t)result : o->single ? (uint32_t)result | 0xffffffff00000000 : result;
}

void host_arithmetic(int variant, ProofReport *report)
{
    Random random = { (uint64_t)variant * 1001 + 5 };
    char shim_env[ENV] = { 0 }, soft_env[ENV] = { 0 };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const Operation *o = &operations[i];
        char name[64];
        snprintf(name, sizeof name, "helper_%s_riscv64", o->helper);
        Shim *shim = (Shim *)dlsym(RTLD_DEFAULT, name);
        snprintf(name, sizeof name, "%s_riscv64", o->soft);
        void *soft = dlsym(RTLD_DEFAULT, name);
        if (!shim || !soft) {
            wrong(report, "no %s", o->helper);
            return;
        }
        for (int k = 0; k < 4000 && !report->failed; k++) {
            uint64_t a = operand(&random, o->single), b = operand(&random, o->single), c = operand(&random, o->single);
            shim_env[STATUS + 6] = soft_env[STATUS + 6] = 1;    // default NaNs
            shim_env[MODE] = soft_env[MODE] = (char)(one_in(&random, 2) ? 0 : below(&random, 5));
            shim_env[FLAGS] = soft_env[FLAGS] = one_in(&random, 4) ? 0 : 32;
            uint64_t got = shim(shim_env, a, b, c), expected = softly(o, soft, a, b, c, soft_env + STATUS);
            bool forgotten = o->operands == 3 && shim_env[FLAGS] == (soft_env[FLAGS] | 1);     // inf 0 + NaN: the library forgets the flag
            if (got != expected || (shim_env[FLAGS] != soft_env[FLAGS] && !forgotten))
                wrong(report, "%s of %llx %llx %llx, mode %d: %llx flags %x, not %llx flags %x", o->helper, (unsigned long long)a, (unsigned long long)b, (unsigned long long)c, shim_env[MODE],
                    (unsigned long long)got, shim_env[FLAGS], (unsigned long long)expected, soft_env[FLAGS]);
            report->runs++;
        }
    }
}
