// Call-heavy: recursion and calls through pointers, the worst case for translated code.
#include "workload.h"

__attribute__((noinline)) static uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
__attribute__((noinline)) static uint32_t add(uint32_t x, uint32_t y) { return x + y; }
__attribute__((noinline)) static uint32_t subtract(uint32_t x, uint32_t y) { return x - y; }
__attribute__((noinline)) static uint32_t mix(uint32_t x, uint32_t y) { return x ^ y << 3; }
__attribute__((noinline)) static uint32_t turn(uint32_t x, uint32_t y) { return x << (y & 7) | x >> (32 - (y & 7)) % 32; }
static uint32_t (*const volatile table[4])(uint32_t, uint32_t) = { add, subtract, mix, turn };

uint32_t work(uint32_t rounds)
{
    uint32_t seed = 362436069, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        sum += fibonacci(16);
        for (int i = 0; i < 2000; i++)
            sum = table[next_random(&seed) >> 7 & 3](sum, seed);
    }
    return sum;
}
