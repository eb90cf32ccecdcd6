// One workload a file, the same source for both guests. `work` returns a checksum; the run ends with 0 only if it is EXPECTED.
#pragma once
#include <stdint.h>

#ifdef HARTS
#define PRIVATE static _Thread_local            // each hart has its own
#else
#define PRIVATE static
#endif

uint32_t work(uint32_t rounds);

static inline uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}
