// A function whose address a table holds.

#include "Instructions.h"

static inline uint32_t callAddress(uint32_t address, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return ((uint32_t (*)(uint32_t, uint32_t, uint32_t, uint32_t))(uintptr_t)address)(a, b, c, d);
}
