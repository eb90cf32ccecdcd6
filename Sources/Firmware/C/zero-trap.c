// zero-trap in C.
#include <stdint.h>

enum { LIMIT = 2048 };
static uint32_t composites[LIMIT / 32];
uint32_t result;

_Noreturn void halted(void);

static uint32_t hash_of_primes(void) {
  uint32_t hash = 0x811c9dc5;
  for (uint32_t number = 2; number < LIMIT; number++) {
    if (composites[number >> 5] >> (number & 31) & 1) continue;
    hash = (hash ^ number) * 0x01000193;
    for (uint32_t multiple = number * number; multiple < LIMIT; multiple += number)
      composites[multiple >> 5] |= 1u << (multiple & 31);
  }
  return hash;
}

int main(void) {
  result = hash_of_primes();
#ifndef __arm__
  *(volatile uint32_t *)0x100000 = 0x5555;
#endif
  halted();
}
