// panic-heartbeat in C.
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

int main(void) {
  REGISTER(0x4000C024) = 8;
  REGISTER(0x4000C028) = 44;
  REGISTER(0x4000C02C) = 0x70;
  REGISTER(0x4000C030) = 0x301;
  for (const char *text = "panic-heartbeat: about to trap\n"; *text; text++) {
    while (REGISTER(0x4000C018) & 1 << 5) {}
    REGISTER(0x4000C000) = (uint8_t)*text;
  }
  __builtin_trap();
}
