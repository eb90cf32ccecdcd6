// hello-m4 and hello-rv64, as a C programmer would write them.
#include <stdint.h>

#ifdef __arm__
#define REGISTER(address) (*(volatile uint32_t *)(address))
static void configure(void) {
  REGISTER(0x4000C024) = 8;
  REGISTER(0x4000C028) = 44;
  REGISTER(0x4000C02C) = 0x70;
  REGISTER(0x4000C030) = 0x301;
}
static void put(uint8_t byte) {
  while (REGISTER(0x4000C018) & 1 << 5) {}
  REGISTER(0x4000C000) = byte;
}
static void end(void) {
  register uint32_t r0 __asm__("r0") = 0x18;
  register uint32_t r1 __asm__("r1") = 0x20026;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
#define CORE "a Cortex-M4"
#else
static void configure(void) {}
static void put(uint8_t byte) {
  while (!(*(volatile uint8_t *)0x10000005 & 1 << 5)) {}
  *(volatile uint8_t *)0x10000000 = byte;
}
static void end(void) { *(volatile uint32_t *)0x100000 = 0x5555; }
#define CORE "RV64"
#endif

_Noreturn void halted(void);

int main(void) {
  configure();
  for (const char *text = "hello from C on " CORE "\n"; *text; text++) put((uint8_t)*text);
  end();
  halted();
}
