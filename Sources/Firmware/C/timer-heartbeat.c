// timer-heartbeat-rv64 in C.
#include <stdint.h>

static uint64_t deadline;
_Noreturn void unexpectedTrap(uint64_t cause, uint64_t pc);

static void beat(void) {
  *(volatile uint32_t *)0x1006000C ^= 1;
  deadline += 10000000 / 2;
  *(volatile uint64_t *)0x02004000 = deadline;
}

void handleTrap(uint64_t cause, uint64_t pc) {
  if (cause != (1ull << 63 | 7)) unexpectedTrap(cause, pc);
  beat();
}

int main(void) {
  *(volatile uint32_t *)0x10060008 |= 1;
  beat();
  __asm__ volatile("csrs mie, %0" : : "r"(1 << 7));
  __asm__ volatile("csrsi mstatus, 8");
  for (;;) __asm__ volatile("wfi");
}
