// led-heartbeat in C.
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

static uint32_t ticks;

static void toggle(void) { REGISTER(0x400FE608) ^= 1 << 1; }

void sysTick(void) {
  if (++ticks == 50) {
    ticks = 0;
    toggle();
  }
}

int main(void) {
  REGISTER(0x4000C024) = 8;
  REGISTER(0x4000C028) = 44;
  REGISTER(0x4000C02C) = 0x70;
  REGISTER(0x4000C030) = 0x301;
  for (const char *text = "led-heartbeat: PF1 beats at 1 Hz\n"; *text; text++) {
    while (REGISTER(0x4000C018) & 1 << 5) {}
    REGISTER(0x4000C000) = (uint8_t)*text;
  }
  REGISTER(0x400FE604) |= 1 << 1;
  toggle();
  REGISTER(0xE000E014) = 16000000 / 100 - 1;
  REGISTER(0xE000E018) = 0;
  REGISTER(0xE000E010) = 7;
  for (;;) __asm__ volatile("wfi");
}
