// Single-precision floating point: an IIR filter, a dot product, a Newton square root.
#include "workload.h"

enum { SAMPLES = 256 };
static float samples[SAMPLES], filtered[SAMPLES];

uint32_t work(uint32_t rounds)
{
    uint32_t seed = 521288629, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < SAMPLES; i++)
            samples[i] = (float)(int32_t)(next_random(&seed) >> 12) * 0.001f;
        float x1 = 0, x2 = 0, y1 = 0, y2 = 0, dot = 0;
        for (int i = 0; i < SAMPLES; i++) {
            float y = 0.0675f * samples[i] + 0.1349f * x1 + 0.0675f * x2 + 1.1430f * y1 - 0.4128f * y2;
            x2 = x1, x1 = samples[i], y2 = y1, y1 = y;
            filtered[i] = y;
        }
        for (int i = 0; i < SAMPLES; i++)
            dot += filtered[i] * samples[i];
        float root = dot * 0.5f + 1.0f;
        for (int i = 0; i < 12; i++)
            root = 0.5f * (root + dot / root);
        sum = sum * 31 + (uint32_t)(int32_t)root;
    }
    return sum;
}
