// Store-heavy: fill, copy and scatter over 32 KiB.
#include "workload.h"

enum { WORDS = 4096 };
static uint32_t from[WORDS], to[WORDS];

uint32_t work(uint32_t rounds)
{
    uint32_t seed = 88172645, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < WORDS; i++)
            *(volatile uint32_t *)&from[i] = round + (uint32_t)i;
        for (int i = 0; i < WORDS; i++)
            *(volatile uint32_t *)&to[i] = from[i] ^ 0x5a5a5a5a;
        for (int i = 0; i < WORDS / 4; i++) {
            uint32_t place = next_random(&seed) % WORDS;
            ((volatile uint8_t *)to)[place * 4] = (uint8_t)place;
            *(volatile uint16_t *)&from[place] = (uint16_t)i;
        }
        sum = sum * 31 + to[seed % WORDS] + from[round % WORDS];
    }
    return sum;
}
